from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from uuid import UUID






T = TypeVar("T", bound="DiscountBody")



@_attrs_define
class DiscountBody:
    """ What a promotion takes off the whole order.

        Attributes:
            promotion_id (UUID):
            label (str):
            amount (str):
     """

    promotion_id: UUID
    label: str
    amount: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        promotion_id = str(self.promotion_id)

        label = self.label

        amount = self.amount


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "promotion_id": promotion_id,
            "label": label,
            "amount": amount,
        })

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        promotion_id = UUID(d.pop("promotion_id"))




        label = d.pop("label")

        amount = d.pop("amount")

        discount_body = cls(
            promotion_id=promotion_id,
            label=label,
            amount=amount,
        )


        discount_body.additional_properties = d
        return discount_body

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
