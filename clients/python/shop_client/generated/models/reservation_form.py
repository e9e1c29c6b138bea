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





T = TypeVar("T", bound="ReservationForm")



@_attrs_define
class ReservationForm:
    """ Units to reserve. A product may stand in several lines: its quantities are summed.

        Attributes:
            lines (list[LineForm]):
            ttl_seconds (int | Unset): for how many seconds from now
     """

    lines: list[LineForm]
    ttl_seconds: int | Unset = UNSET





    def to_dict(self) -> dict[str, Any]:
        from ..models.line_form import LineForm # noqa: PLC0415
        lines = []
        for lines_item_data in self.lines:
            lines_item = lines_item_data.to_dict()
            lines.append(lines_item)



        ttl_seconds = self.ttl_seconds


        field_dict: dict[str, Any] = {}

        field_dict.update({
            "lines": lines,
        })
        if ttl_seconds is not UNSET:
            field_dict["ttl_seconds"] = ttl_seconds

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


        ttl_seconds = d.pop("ttl_seconds", UNSET)

        reservation_form = cls(
            lines=lines,
            ttl_seconds=ttl_seconds,
        )

        return reservation_form

