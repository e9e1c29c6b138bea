from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset






T = TypeVar("T", bound="CouponForm")



@_attrs_define
class CouponForm:
    """ A coupon with a `code` of your choice, or `count` coupons with random codes.

    Case and spaces of a code do not matter. `max_uses` and `max_per_customer` are numbers of orders, for each coupon.

        Attributes:
            code (str | Unset):
            count (int | Unset):
            max_uses (int | Unset):
            max_per_customer (int | Unset):
     """

    code: str | Unset = UNSET
    count: int | Unset = UNSET
    max_uses: int | Unset = UNSET
    max_per_customer: int | Unset = UNSET





    def to_dict(self) -> dict[str, Any]:
        code = self.code

        count = self.count

        max_uses = self.max_uses

        max_per_customer = self.max_per_customer


        field_dict: dict[str, Any] = {}

        field_dict.update({
        })
        if code is not UNSET:
            field_dict["code"] = code
        if count is not UNSET:
            field_dict["count"] = count
        if max_uses is not UNSET:
            field_dict["max_uses"] = max_uses
        if max_per_customer is not UNSET:
            field_dict["max_per_customer"] = max_per_customer

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        code = d.pop("code", UNSET)

        count = d.pop("count", UNSET)

        max_uses = d.pop("max_uses", UNSET)

        max_per_customer = d.pop("max_per_customer", UNSET)

        coupon_form = cls(
            code=code,
            count=count,
            max_uses=max_uses,
            max_per_customer=max_per_customer,
        )

        return coupon_form

