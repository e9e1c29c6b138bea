from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.stock_change_kind import StockChangeKind






T = TypeVar("T", bound="StockChangeForm")



@_attrs_define
class StockChangeForm:
    """ Units that came in, or that a count found (positive) or missed (negative).

        Attributes:
            kind (StockChangeKind): Why the units on hand change: a delivery, or what a count found or missed.
            quantity (int):
            reason (str):
     """

    kind: StockChangeKind
    quantity: int
    reason: str





    def to_dict(self) -> dict[str, Any]:
        kind = self.kind.value

        quantity = self.quantity

        reason = self.reason


        field_dict: dict[str, Any] = {}

        field_dict.update({
            "kind": kind,
            "quantity": quantity,
            "reason": reason,
        })

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        kind = StockChangeKind(d.pop("kind"))




        quantity = d.pop("quantity")

        reason = d.pop("reason")

        stock_change_form = cls(
            kind=kind,
            quantity=quantity,
            reason=reason,
        )

        return stock_change_form

