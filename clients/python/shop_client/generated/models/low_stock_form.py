from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast






T = TypeVar("T", bound="LowStockForm")



@_attrs_define
class LowStockForm:
    """ Below how many units that can be sold a product counts as low; null: never.

        Attributes:
            low_stock_level (int | None):
     """

    low_stock_level: int | None





    def to_dict(self) -> dict[str, Any]:
        low_stock_level: int | None
        low_stock_level = self.low_stock_level


        field_dict: dict[str, Any] = {}

        field_dict.update({
            "low_stock_level": low_stock_level,
        })

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        def _parse_low_stock_level(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        low_stock_level = _parse_low_stock_level(d.pop("low_stock_level"))


        low_stock_form = cls(
            low_stock_level=low_stock_level,
        )

        return low_stock_form

