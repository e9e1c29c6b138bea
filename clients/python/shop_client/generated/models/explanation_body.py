from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.why_not import WhyNot
from ..types import UNSET, Unset
from typing import cast
from uuid import UUID

if TYPE_CHECKING:
  from ..models.missing_body import MissingBody





T = TypeVar("T", bound="ExplanationBody")



@_attrs_define
class ExplanationBody:
    """ What becomes of a promotion. `amount` is there if it applies, `why_not` if it does not.

    `missing` says what to add so that it applies, or gives more. `message` says all of it to the customer.

        Attributes:
            promotion_id (UUID):
            label (str):
            applied (bool):
            message (str):
            amount (str | Unset):
            why_not (WhyNot | Unset): Why a promotion takes nothing off.
            missing (MissingBody | Unset): Units, or an amount at list prices.
     """

    promotion_id: UUID
    label: str
    applied: bool
    message: str
    amount: str | Unset = UNSET
    why_not: WhyNot | Unset = UNSET
    missing: MissingBody | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.missing_body import MissingBody # noqa: PLC0415
        promotion_id = str(self.promotion_id)

        label = self.label

        applied = self.applied

        message = self.message

        amount = self.amount

        why_not: str | Unset = UNSET
        if not isinstance(self.why_not, Unset):
            why_not = self.why_not.value


        missing: dict[str, Any] | Unset = UNSET
        if not isinstance(self.missing, Unset):
            missing = self.missing.to_dict()


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "promotion_id": promotion_id,
            "label": label,
            "applied": applied,
            "message": message,
        })
        if amount is not UNSET:
            field_dict["amount"] = amount
        if why_not is not UNSET:
            field_dict["why_not"] = why_not
        if missing is not UNSET:
            field_dict["missing"] = missing

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.missing_body import MissingBody # noqa: PLC0415
        d = dict(src_dict)
        promotion_id = UUID(d.pop("promotion_id"))




        label = d.pop("label")

        applied = d.pop("applied")

        message = d.pop("message")

        amount = d.pop("amount", UNSET)

        _why_not = d.pop("why_not", UNSET)
        why_not: WhyNot | Unset
        if isinstance(_why_not,  Unset):
            why_not = UNSET
        else:
            why_not = WhyNot(_why_not)




        _missing = d.pop("missing", UNSET)
        missing: MissingBody | Unset
        if isinstance(_missing,  Unset):
            missing = UNSET
        else:
            missing = MissingBody.from_dict(_missing)




        explanation_body = cls(
            promotion_id=promotion_id,
            label=label,
            applied=applied,
            message=message,
            amount=amount,
            why_not=why_not,
            missing=missing,
        )


        explanation_body.additional_properties = d
        return explanation_body

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
