from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.benefit_kind import BenefitKind
from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
  from ..models.selection_form import SelectionForm





T = TypeVar("T", bound="BenefitForm")



@_attrs_define
class BenefitForm:
    """ What a promotion gives. The fields depend on `kind`:

    `percent` has percent and selection; `amount_each` amount and selection; `fixed_price` price and selection;
    `buy_x_get_y` buy, get, percent (100.00 if left out), max_times, selection and get_selection; `order_percent`
    percent; `order_amount` amount.

        Attributes:
            kind (BenefitKind): What a promotion does to prices.
            percent (str | Unset):
            amount (str | Unset):
            price (str | Unset):
            buy (int | Unset):
            get (int | Unset):
            max_times (int | Unset):
            selection (SelectionForm | Unset): Some products: `all`, those in some `categories` and below them, or some
                `products`. Give exactly one.

                `all` is true where it is given.
            get_selection (SelectionForm | Unset): Some products: `all`, those in some `categories` and below them, or some
                `products`. Give exactly one.

                `all` is true where it is given.
     """

    kind: BenefitKind
    percent: str | Unset = UNSET
    amount: str | Unset = UNSET
    price: str | Unset = UNSET
    buy: int | Unset = UNSET
    get: int | Unset = UNSET
    max_times: int | Unset = UNSET
    selection: SelectionForm | Unset = UNSET
    get_selection: SelectionForm | Unset = UNSET





    def to_dict(self) -> dict[str, Any]:
        from ..models.selection_form import SelectionForm # noqa: PLC0415
        kind = self.kind.value

        percent = self.percent

        amount = self.amount

        price = self.price

        buy = self.buy

        get = self.get

        max_times = self.max_times

        selection: dict[str, Any] | Unset = UNSET
        if not isinstance(self.selection, Unset):
            selection = self.selection.to_dict()

        get_selection: dict[str, Any] | Unset = UNSET
        if not isinstance(self.get_selection, Unset):
            get_selection = self.get_selection.to_dict()


        field_dict: dict[str, Any] = {}

        field_dict.update({
            "kind": kind,
        })
        if percent is not UNSET:
            field_dict["percent"] = percent
        if amount is not UNSET:
            field_dict["amount"] = amount
        if price is not UNSET:
            field_dict["price"] = price
        if buy is not UNSET:
            field_dict["buy"] = buy
        if get is not UNSET:
            field_dict["get"] = get
        if max_times is not UNSET:
            field_dict["max_times"] = max_times
        if selection is not UNSET:
            field_dict["selection"] = selection
        if get_selection is not UNSET:
            field_dict["get_selection"] = get_selection

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.selection_form import SelectionForm # noqa: PLC0415
        d = dict(src_dict)
        kind = BenefitKind(d.pop("kind"))




        percent = d.pop("percent", UNSET)

        amount = d.pop("amount", UNSET)

        price = d.pop("price", UNSET)

        buy = d.pop("buy", UNSET)

        get = d.pop("get", UNSET)

        max_times = d.pop("max_times", UNSET)

        _selection = d.pop("selection", UNSET)
        selection: SelectionForm | Unset
        if isinstance(_selection,  Unset):
            selection = UNSET
        else:
            selection = SelectionForm.from_dict(_selection)




        _get_selection = d.pop("get_selection", UNSET)
        get_selection: SelectionForm | Unset
        if isinstance(_get_selection,  Unset):
            get_selection = UNSET
        else:
            get_selection = SelectionForm.from_dict(_get_selection)




        benefit_form = cls(
            kind=kind,
            percent=percent,
            amount=amount,
            price=price,
            buy=buy,
            get=get,
            max_times=max_times,
            selection=selection,
            get_selection=get_selection,
        )

        return benefit_form

