from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast
from uuid import UUID
import datetime

if TYPE_CHECKING:
  from ..models.benefit_form import BenefitForm
  from ..models.condition_form import ConditionForm





T = TypeVar("T", bound="PromotionBody")



@_attrs_define
class PromotionBody:
    """ A promotion in its newest version. `active` says whether it runs now, `uses` how many orders use it.

        Attributes:
            id (UUID):
            version (int):
            label (str):
            active (bool):
            uses (int):
            needs_coupon (bool):
            combines (bool):
            benefit (BenefitForm): What a promotion gives. The fields depend on `kind`:

                `percent` has percent and selection; `amount_each` amount and selection; `fixed_price` price and selection;
                `buy_x_get_y` buy, get, percent (100.00 if left out), max_times, selection and get_selection; `order_percent`
                percent; `order_amount` amount.
            condition (ConditionForm | Unset): What a cart must hold, at list prices: an amount, a number of units, or both;
                without `selection` of anything.
            starts_at (datetime.datetime | Unset):
            ends_at (datetime.datetime | Unset):
            max_uses (int | Unset):
            max_per_customer (int | Unset):
     """

    id: UUID
    version: int
    label: str
    active: bool
    uses: int
    needs_coupon: bool
    combines: bool
    benefit: BenefitForm
    condition: ConditionForm | Unset = UNSET
    starts_at: datetime.datetime | Unset = UNSET
    ends_at: datetime.datetime | Unset = UNSET
    max_uses: int | Unset = UNSET
    max_per_customer: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.benefit_form import BenefitForm # noqa: PLC0415
        from ..models.condition_form import ConditionForm # noqa: PLC0415
        id = str(self.id)

        version = self.version

        label = self.label

        active = self.active

        uses = self.uses

        needs_coupon = self.needs_coupon

        combines = self.combines

        benefit = self.benefit.to_dict()

        condition: dict[str, Any] | Unset = UNSET
        if not isinstance(self.condition, Unset):
            condition = self.condition.to_dict()

        starts_at: str | Unset = UNSET
        if not isinstance(self.starts_at, Unset):
            starts_at = self.starts_at.isoformat()

        ends_at: str | Unset = UNSET
        if not isinstance(self.ends_at, Unset):
            ends_at = self.ends_at.isoformat()

        max_uses = self.max_uses

        max_per_customer = self.max_per_customer


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "id": id,
            "version": version,
            "label": label,
            "active": active,
            "uses": uses,
            "needs_coupon": needs_coupon,
            "combines": combines,
            "benefit": benefit,
        })
        if condition is not UNSET:
            field_dict["condition"] = condition
        if starts_at is not UNSET:
            field_dict["starts_at"] = starts_at
        if ends_at is not UNSET:
            field_dict["ends_at"] = ends_at
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
        id = UUID(d.pop("id"))




        version = d.pop("version")

        label = d.pop("label")

        active = d.pop("active")

        uses = d.pop("uses")

        needs_coupon = d.pop("needs_coupon")

        combines = d.pop("combines")

        benefit = BenefitForm.from_dict(d.pop("benefit"))




        _condition = d.pop("condition", UNSET)
        condition: ConditionForm | Unset
        if isinstance(_condition,  Unset):
            condition = UNSET
        else:
            condition = ConditionForm.from_dict(_condition)




        _starts_at = d.pop("starts_at", UNSET)
        starts_at: datetime.datetime | Unset
        if isinstance(_starts_at,  Unset):
            starts_at = UNSET
        else:
            starts_at = datetime.datetime.fromisoformat(_starts_at)




        _ends_at = d.pop("ends_at", UNSET)
        ends_at: datetime.datetime | Unset
        if isinstance(_ends_at,  Unset):
            ends_at = UNSET
        else:
            ends_at = datetime.datetime.fromisoformat(_ends_at)




        max_uses = d.pop("max_uses", UNSET)

        max_per_customer = d.pop("max_per_customer", UNSET)

        promotion_body = cls(
            id=id,
            version=version,
            label=label,
            active=active,
            uses=uses,
            needs_coupon=needs_coupon,
            combines=combines,
            benefit=benefit,
            condition=condition,
            starts_at=starts_at,
            ends_at=ends_at,
            max_uses=max_uses,
            max_per_customer=max_per_customer,
        )


        promotion_body.additional_properties = d
        return promotion_body

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
