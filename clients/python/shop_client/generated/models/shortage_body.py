from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from uuid import UUID






T = TypeVar("T", bound="ShortageBody")



@_attrs_define
class ShortageBody:
    """ A product of which fewer units are available than were requested.

        Attributes:
            product_id (UUID):
            requested (int):
            available (int):
            sku (str):
            product_name (str):
     """

    product_id: UUID
    requested: int
    available: int
    sku: str
    product_name: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        product_id = str(self.product_id)

        requested = self.requested

        available = self.available

        sku = self.sku

        product_name = self.product_name


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "product_id": product_id,
            "requested": requested,
            "available": available,
            "sku": sku,
            "product_name": product_name,
        })

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        product_id = UUID(d.pop("product_id"))




        requested = d.pop("requested")

        available = d.pop("available")

        sku = d.pop("sku")

        product_name = d.pop("product_name")

        shortage_body = cls(
            product_id=product_id,
            requested=requested,
            available=available,
            sku=sku,
            product_name=product_name,
        )


        shortage_body.additional_properties = d
        return shortage_body

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
