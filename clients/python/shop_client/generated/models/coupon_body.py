from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast
from uuid import UUID
import datetime






T = TypeVar("T", bound="CouponBody")



@_attrs_define
class CouponBody:
    """ A coupon. `uses` is how many orders use it.

        Attributes:
            id (UUID):
            code (str):
            uses (int):
            created_at (datetime.datetime):
            max_uses (int | Unset):
            max_per_customer (int | Unset):
     """

    id: UUID
    code: str
    uses: int
    created_at: datetime.datetime
    max_uses: int | Unset = UNSET
    max_per_customer: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        code = self.code

        uses = self.uses

        created_at = self.created_at.isoformat()

        max_uses = self.max_uses

        max_per_customer = self.max_per_customer


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "id": id,
            "code": code,
            "uses": uses,
            "created_at": created_at,
        })
        if max_uses is not UNSET:
            field_dict["max_uses"] = max_uses
        if max_per_customer is not UNSET:
            field_dict["max_per_customer"] = max_per_customer

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = UUID(d.pop("id"))




        code = d.pop("code")

        uses = d.pop("uses")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))




        max_uses = d.pop("max_uses", UNSET)

        max_per_customer = d.pop("max_per_customer", UNSET)

        coupon_body = cls(
            id=id,
            code=code,
            uses=uses,
            created_at=created_at,
            max_uses=max_uses,
            max_per_customer=max_per_customer,
        )


        coupon_body.additional_properties = d
        return coupon_body

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
