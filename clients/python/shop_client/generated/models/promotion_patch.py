from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast
import datetime

if TYPE_CHECKING:
  from ..models.benefit_form import BenefitForm
  from ..models.condition_form import ConditionForm





T = TypeVar("T", bound="PromotionPatch")



@_attrs_define
class PromotionPatch:
    """ What to change in a promotion; null takes a condition, a time or a limit away.

        Attributes:
            label (str | Unset):
            benefit (BenefitForm | Unset): What a promotion gives. The fields depend on `kind`:

                `percent` has percent and selection; `amount_each` amount and selection; `fixed_price` price and selection;
                `buy_x_get_y` buy, get, percent (100.00 if left out), max_times, selection and get_selection; `order_percent`
                percent; `order_amount` amount.
            condition (ConditionForm | None | Unset):
            starts_at (datetime.datetime | None | Unset):
            ends_at (datetime.datetime | None | Unset):
            needs_coupon (bool | Unset):
            combines (bool | Unset):
            max_uses (int | None | Unset):
            max_per_customer (int | None | Unset):
     """

    label: str | Unset = UNSET
    benefit: BenefitForm | Unset = UNSET
    condition: ConditionForm | None | Unset = UNSET
    starts_at: datetime.datetime | None | Unset = UNSET
    ends_at: datetime.datetime | None | Unset = UNSET
    needs_coupon: bool | Unset = UNSET
    combines: bool | Unset = UNSET
    max_uses: int | None | Unset = UNSET
    max_per_customer: int | None | Unset = UNSET





    def to_dict(self) -> dict[str, Any]:
        from ..models.benefit_form import BenefitForm # noqa: PLC0415
        from ..models.condition_form import ConditionForm # noqa: PLC0415
        label = self.label

        benefit: dict[str, Any] | Unset = UNSET
        if not isinstance(self.benefit, Unset):
            benefit = self.benefit.to_dict()

        condition: dict[str, Any] | None | Unset
        if isinstance(self.condition, Unset):
            condition = UNSET
        elif isinstance(self.condition, ConditionForm):
            condition = self.condition.to_dict()
        else:
            condition = self.condition

        starts_at: None | str | Unset
        if isinstance(self.starts_at, Unset):
            starts_at = UNSET
        elif isinstance(self.starts_at, datetime.datetime):
            starts_at = self.starts_at.isoformat()
        else:
            starts_at = self.starts_at

        ends_at: None | str | Unset
        if isinstance(self.ends_at, Unset):
            ends_at = UNSET
        elif isinstance(self.ends_at, datetime.datetime):
            ends_at = self.ends_at.isoformat()
        else:
            ends_at = self.ends_at

        needs_coupon = self.needs_coupon

        combines = self.combines

        max_uses: int | None | Unset
        if isinstance(self.max_uses, Unset):
            max_uses = UNSET
        else:
            max_uses = self.max_uses

        max_per_customer: int | None | Unset
        if isinstance(self.max_per_customer, Unset):
            max_per_customer = UNSET
        else:
            max_per_customer = self.max_per_customer


        field_dict: dict[str, Any] = {}

        field_dict.update({
        })
        if label is not UNSET:
            field_dict["label"] = label
        if benefit is not UNSET:
            field_dict["benefit"] = benefit
        if condition is not UNSET:
            field_dict["condition"] = condition
        if starts_at is not UNSET:
            field_dict["starts_at"] = starts_at
        if ends_at is not UNSET:
            field_dict["ends_at"] = ends_at
        if needs_coupon is not UNSET:
            field_dict["needs_coupon"] = needs_coupon
        if combines is not UNSET:
            field_dict["combines"] = combines
        if max_uses is not UNSET:
            field_dict["max_uses"] = max_uses
        if max_per_customer is not UNSET:
            field_dict["max_per_customer"] = max_per_customer

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.benefit_form import BenefitForm # noqa: PLC0415
        from ..models.condition_form import ConditionForm # noqa: PLC0415
        d = dict(src_dict)
        label = d.pop("label", UNSET)

        _benefit = d.pop("benefit", UNSET)
        benefit: BenefitForm | Unset
        if isinstance(_benefit,  Unset):
            benefit = UNSET
        else:
            benefit = BenefitForm.from_dict(_benefit)




        def _parse_condition(data: object) -> ConditionForm | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                condition_type_0 = ConditionForm.from_dict(data)



                return condition_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ConditionForm | None | Unset, data)

        condition = _parse_condition(d.pop("condition", UNSET))


        def _parse_starts_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                starts_at_type_0 = datetime.datetime.fromisoformat(data)



                return starts_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        starts_at = _parse_starts_at(d.pop("starts_at", UNSET))


        def _parse_ends_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                ends_at_type_0 = datetime.datetime.fromisoformat(data)



                return ends_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        ends_at = _parse_ends_at(d.pop("ends_at", UNSET))


        needs_coupon = d.pop("needs_coupon", UNSET)

        combines = d.pop("combines", UNSET)

        def _parse_max_uses(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        max_uses = _parse_max_uses(d.pop("max_uses", UNSET))


        def _parse_max_per_customer(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        max_per_customer = _parse_max_per_customer(d.pop("max_per_customer", UNSET))


        promotion_patch = cls(
            label=label,
            benefit=benefit,
            condition=condition,
            starts_at=starts_at,
            ends_at=ends_at,
            needs_coupon=needs_coupon,
            combines=combines,
            max_uses=max_uses,
            max_per_customer=max_per_customer,
        )

        return promotion_patch

