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






T = TypeVar("T", bound="RedemptionBody")



@_attrs_define
class RedemptionBody:
    """ An order that used a promotion. `given_back_at` is there if it was cancelled, or edited so that it uses it
    no more.

        Attributes:
            order_id (UUID):
            customer_id (UUID):
            version (int):
            at (datetime.datetime):
            coupon_id (UUID | Unset):
            given_back_at (datetime.datetime | Unset):
     """

    order_id: UUID
    customer_id: UUID
    version: int
    at: datetime.datetime
    coupon_id: UUID | Unset = UNSET
    given_back_at: datetime.datetime | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        order_id = str(self.order_id)

        customer_id = str(self.customer_id)

        version = self.version

        at = self.at.isoformat()

        coupon_id: str | Unset = UNSET
        if not isinstance(self.coupon_id, Unset):
            coupon_id = str(self.coupon_id)

        given_back_at: str | Unset = UNSET
        if not isinstance(self.given_back_at, Unset):
            given_back_at = self.given_back_at.isoformat()


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "order_id": order_id,
            "customer_id": customer_id,
            "version": version,
            "at": at,
        })
        if coupon_id is not UNSET:
            field_dict["coupon_id"] = coupon_id
        if given_back_at is not UNSET:
            field_dict["given_back_at"] = given_back_at

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        order_id = UUID(d.pop("order_id"))




        customer_id = UUID(d.pop("customer_id"))




        version = d.pop("version")

        at = datetime.datetime.fromisoformat(d.pop("at"))




        _coupon_id = d.pop("coupon_id", UNSET)
        coupon_id: UUID | Unset
        if isinstance(_coupon_id,  Unset):
            coupon_id = UNSET
        else:
            coupon_id = UUID(_coupon_id)




        _given_back_at = d.pop("given_back_at", UNSET)
        given_back_at: datetime.datetime | Unset
        if isinstance(_given_back_at,  Unset):
            given_back_at = UNSET
        else:
            given_back_at = datetime.datetime.fromisoformat(_given_back_at)




        redemption_body = cls(
            order_id=order_id,
            customer_id=customer_id,
            version=version,
            at=at,
            coupon_id=coupon_id,
            given_back_at=given_back_at,
        )


        redemption_body.additional_properties = d
        return redemption_body

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
