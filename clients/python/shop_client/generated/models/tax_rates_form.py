from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
  from ..models.tax_rate_form import TaxRateForm





T = TypeVar("T", bound="TaxRatesForm")



@_attrs_define
class TaxRatesForm:
    """ Tax rates; one of the same class and time replaces the one before. No order that was placed changes.

        Attributes:
            rates (list[TaxRateForm]):
     """

    rates: list[TaxRateForm]





    def to_dict(self) -> dict[str, Any]:
        from ..models.tax_rate_form import TaxRateForm # noqa: PLC0415
        rates = []
        for rates_item_data in self.rates:
            rates_item = rates_item_data.to_dict()
            rates.append(rates_item)




        field_dict: dict[str, Any] = {}

        field_dict.update({
            "rates": rates,
        })

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.tax_rate_form import TaxRateForm # noqa: PLC0415
        d = dict(src_dict)
        rates = []
        _rates = d.pop("rates")
        for rates_item_data in (_rates):
            rates_item = TaxRateForm.from_dict(rates_item_data)



            rates.append(rates_item)


        tax_rates_form = cls(
            rates=rates,
        )

        return tax_rates_form

