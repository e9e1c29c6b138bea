from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
  from ..models.line_form import LineForm





T = TypeVar("T", bound="OrderForm")



@_attrs_define
class OrderForm:
    """ The lines of an order, and coupons that come with them. A product may stand in several lines: they are summed.

    With `expected_total` it is edited only if the total is then the same: prices may have changed.

        Attributes:
            lines (list[LineForm]):
            expected_total (str | Unset):
            coupons (list[str] | Unset): codes; case does not matter
     """

    lines: list[LineForm]
    expected_total: str | Unset = UNSET
    coupons: list[str] | Unset = UNSET





    def to_dict(self) -> dict[str, Any]:
        from ..models.line_form import LineForm # noqa: PLC0415
        lines = []
        for lines_item_data in self.lines:
            lines_item = lines_item_data.to_dict()
            lines.append(lines_item)



        expected_total = self.expected_total

        coupons: list[str] | Unset = UNSET
        if not isinstance(self.coupons, Unset):
            coupons = self.coupons




        field_dict: dict[str, Any] = {}

        field_dict.update({
            "lines": lines,
        })
        if expected_total is not UNSET:
            field_dict["expected_total"] = expected_total
        if coupons is not UNSET:
            field_dict["coupons"] = coupons

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.line_form import LineForm # noqa: PLC0415
        d = dict(src_dict)
        lines = []
        _lines = d.pop("lines")
        for lines_item_data in (_lines):
            lines_item = LineForm.from_dict(lines_item_data)



            lines.append(lines_item)


        expected_total = d.pop("expected_total", UNSET)

        coupons = cast(list[str], d.pop("coupons", UNSET))


        order_form = cls(
            lines=lines,
            expected_total=expected_total,
            coupons=coupons,
        )

        return order_form

