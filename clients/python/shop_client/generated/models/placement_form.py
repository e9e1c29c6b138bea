from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast
from uuid import UUID

if TYPE_CHECKING:
  from ..models.line_form import LineForm





T = TypeVar("T", bound="PlacementForm")



@_attrs_define
class PlacementForm:
    """ An order to place: give `lines` or `reservation_id`, not both.

    With `expected_total` it is placed only if the total is the same: prices may have changed since they were shown.

        Attributes:
            lines (list[LineForm] | Unset):
            reservation_id (UUID | Unset):
            expected_total (str | Unset):
            coupons (list[str] | Unset): codes; case does not matter
     """

    lines: list[LineForm] | Unset = UNSET
    reservation_id: UUID | Unset = UNSET
    expected_total: str | Unset = UNSET
    coupons: list[str] | Unset = UNSET





    def to_dict(self) -> dict[str, Any]:
        from ..models.line_form import LineForm # noqa: PLC0415
        lines: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.lines, Unset):
            lines = []
            for lines_item_data in self.lines:
                lines_item = lines_item_data.to_dict()
                lines.append(lines_item)



        reservation_id: str | Unset = UNSET
        if not isinstance(self.reservation_id, Unset):
            reservation_id = str(self.reservation_id)

        expected_total = self.expected_total

        coupons: list[str] | Unset = UNSET
        if not isinstance(self.coupons, Unset):
            coupons = self.coupons




        field_dict: dict[str, Any] = {}

        field_dict.update({
        })
        if lines is not UNSET:
            field_dict["lines"] = lines
        if reservation_id is not UNSET:
            field_dict["reservation_id"] = reservation_id
        if expected_total is not UNSET:
            field_dict["expected_total"] = expected_total
        if coupons is not UNSET:
            field_dict["coupons"] = coupons

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.line_form import LineForm # noqa: PLC0415
        d = dict(src_dict)
        _lines = d.pop("lines", UNSET)
        lines: list[LineForm] | Unset = UNSET
        if _lines is not UNSET:
            lines = []
            for lines_item_data in _lines:
                lines_item = LineForm.from_dict(lines_item_data)



                lines.append(lines_item)


        _reservation_id = d.pop("reservation_id", UNSET)
        reservation_id: UUID | Unset
        if isinstance(_reservation_id,  Unset):
            reservation_id = UNSET
        else:
            reservation_id = UUID(_reservation_id)




        expected_total = d.pop("expected_total", UNSET)

        coupons = cast(list[str], d.pop("coupons", UNSET))


        placement_form = cls(
            lines=lines,
            reservation_id=reservation_id,
            expected_total=expected_total,
            coupons=coupons,
        )

        return placement_form

