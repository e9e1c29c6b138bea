from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from uuid import UUID






T = TypeVar("T", bound="StockLevelBody")



@_attrs_define
class StockLevelBody:
    """ The counters of a product, in units: available = on hand - allocated - reserved, never below 0.

    If fewer than `low_stock_level` are available, `/products/low-stock` lists the product.

        Attributes:
            product_id (UUID):
            on_hand (int):
            allocated (int):
            reserved (int):
            shortfall (int):
            available (int):
            low_stock_level (int | Unset):
     """

    product_id: UUID
    on_hand: int
    allocated: int
    reserved: int
    shortfall: int
    available: int
    low_stock_level: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        product_id = str(self.product_id)

        on_hand = self.on_hand

        allocated = self.allocated

        reserved = self.reserved

        shortfall = self.shortfall

        available = self.available

        low_stock_level = self.low_stock_level


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "product_id": product_id,
            "on_hand": on_hand,
            "allocated": allocated,
            "reserved": reserved,
            "shortfall": shortfall,
            "available": available,
        })
        if low_stock_level is not UNSET:
            field_dict["low_stock_level"] = low_stock_level

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        product_id = UUID(d.pop("product_id"))




        on_hand = d.pop("on_hand")

        allocated = d.pop("allocated")

        reserved = d.pop("reserved")

        shortfall = d.pop("shortfall")

        available = d.pop("available")

        low_stock_level = d.pop("low_stock_level", UNSET)

        stock_level_body = cls(
            product_id=product_id,
            on_hand=on_hand,
            allocated=allocated,
            reserved=reserved,
            shortfall=shortfall,
            available=available,
            low_stock_level=low_stock_level,
        )


        stock_level_body.additional_properties = d
        return stock_level_body

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
