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
  from ..models.known_range_form import KnownRangeForm





T = TypeVar("T", bound="OrderChangesForm")



@_attrs_define
class OrderChangesForm:
    """ A copy of one's orders, in ranges sorted by id, of about 100 orders each. The last one has no end.

    Orders older than the id `oldest` are not compared.

        Attributes:
            ranges (list[KnownRangeForm] | Unset):
            oldest (UUID | Unset):
            limit (int | Unset): how many orders to name at most: no fewer than a range has
     """

    ranges: list[KnownRangeForm] | Unset = UNSET
    oldest: UUID | Unset = UNSET
    limit: int | Unset = UNSET





    def to_dict(self) -> dict[str, Any]:
        from ..models.known_range_form import KnownRangeForm # noqa: PLC0415
        ranges: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.ranges, Unset):
            ranges = []
            for ranges_item_data in self.ranges:
                ranges_item = ranges_item_data.to_dict()
                ranges.append(ranges_item)



        oldest: str | Unset = UNSET
        if not isinstance(self.oldest, Unset):
            oldest = str(self.oldest)

        limit = self.limit


        field_dict: dict[str, Any] = {}

        field_dict.update({
        })
        if ranges is not UNSET:
            field_dict["ranges"] = ranges
        if oldest is not UNSET:
            field_dict["oldest"] = oldest
        if limit is not UNSET:
            field_dict["limit"] = limit

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.known_range_form import KnownRangeForm # noqa: PLC0415
        d = dict(src_dict)
        _ranges = d.pop("ranges", UNSET)
        ranges: list[KnownRangeForm] | Unset = UNSET
        if _ranges is not UNSET:
            ranges = []
            for ranges_item_data in _ranges:
                ranges_item = KnownRangeForm.from_dict(ranges_item_data)



                ranges.append(ranges_item)


        _oldest = d.pop("oldest", UNSET)
        oldest: UUID | Unset
        if isinstance(_oldest,  Unset):
            oldest = UNSET
        else:
            oldest = UUID(_oldest)




        limit = d.pop("limit", UNSET)

        order_changes_form = cls(
            ranges=ranges,
            oldest=oldest,
            limit=limit,
        )

        return order_changes_form

