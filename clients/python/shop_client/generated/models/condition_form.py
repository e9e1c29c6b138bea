from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
  from ..models.selection_form import SelectionForm





T = TypeVar("T", bound="ConditionForm")



@_attrs_define
class ConditionForm:
    """ What a cart must hold, at list prices: an amount, a number of units, or both; without `selection` of anything.

        Attributes:
            min_total (str | Unset):
            min_units (int | Unset):
            selection (SelectionForm | Unset): Some products: `all`, those in some `categories` and below them, or some
                `products`. Give exactly one.

                `all` is true where it is given.
     """

    min_total: str | Unset = UNSET
    min_units: int | Unset = UNSET
    selection: SelectionForm | Unset = UNSET





    def to_dict(self) -> dict[str, Any]:
        from ..models.selection_form import SelectionForm # noqa: PLC0415
        min_total = self.min_total

        min_units = self.min_units

        selection: dict[str, Any] | Unset = UNSET
        if not isinstance(self.selection, Unset):
            selection = self.selection.to_dict()


        field_dict: dict[str, Any] = {}

        field_dict.update({
        })
        if min_total is not UNSET:
            field_dict["min_total"] = min_total
        if min_units is not UNSET:
            field_dict["min_units"] = min_units
        if selection is not UNSET:
            field_dict["selection"] = selection

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.selection_form import SelectionForm # noqa: PLC0415
        d = dict(src_dict)
        min_total = d.pop("min_total", UNSET)

        min_units = d.pop("min_units", UNSET)

        _selection = d.pop("selection", UNSET)
        selection: SelectionForm | Unset
        if isinstance(_selection,  Unset):
            selection = UNSET
        else:
            selection = SelectionForm.from_dict(_selection)




        condition_form = cls(
            min_total=min_total,
            min_units=min_units,
            selection=selection,
        )

        return condition_form

