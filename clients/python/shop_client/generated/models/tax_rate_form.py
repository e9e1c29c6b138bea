from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast
import datetime






T = TypeVar("T", bound="TaxRateForm")



@_attrs_define
class TaxRateForm:
    """ The rate of a tax class, in percent; from `valid_from` on, or from the beginning if that is left out.

        Attributes:
            tax_class (str):
            rate (str):
            valid_from (datetime.datetime | Unset):
     """

    tax_class: str
    rate: str
    valid_from: datetime.datetime | Unset = UNSET





    def to_dict(self) -> dict[str, Any]:
        tax_class = self.tax_class

        rate = self.rate

        valid_from: str | Unset = UNSET
        if not isinstance(self.valid_from, Unset):
            valid_from = self.valid_from.isoformat()


        field_dict: dict[str, Any] = {}

        field_dict.update({
            "tax_class": tax_class,
            "rate": rate,
        })
        if valid_from is not UNSET:
            field_dict["valid_from"] = valid_from

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        tax_class = d.pop("tax_class")

        rate = d.pop("rate")

        _valid_from = d.pop("valid_from", UNSET)
        valid_from: datetime.datetime | Unset
        if isinstance(_valid_from,  Unset):
            valid_from = UNSET
        else:
            valid_from = datetime.datetime.fromisoformat(_valid_from)




        tax_rate_form = cls(
            tax_class=tax_class,
            rate=rate,
            valid_from=valid_from,
        )

        return tax_rate_form

