from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
  from ..models.coupon_of_order import CouponOfOrder
  from ..models.discount_body import DiscountBody
  from ..models.explanation_body import ExplanationBody
  from ..models.order_line_body import OrderLineBody
  from ..models.shortage_body import ShortageBody
  from ..models.tax_body import TaxBody





T = TypeVar("T", bound="QuoteBody")



@_attrs_define
class QuoteBody:
    """ What an order would cost now. Nothing is promised: another request may take the units first.

        Attributes:
            lines (list[OrderLineBody]):
            subtotal (str):
            discounts (list[DiscountBody]):
            total (str):
            taxes (list[TaxBody]):
            currency (str):
            shortages (list[ShortageBody]):
            promotions (list[ExplanationBody]):
            is_best_price (bool): true: no other combination of the promotions costs less before taxes. false: several
                promotions want the same units, and not all combinations were compared; the shop took a good one, and perhaps
                another one costs less. An order is priced in the same way.
            coupons (list[CouponOfOrder] | Unset):
     """

    lines: list[OrderLineBody]
    subtotal: str
    discounts: list[DiscountBody]
    total: str
    taxes: list[TaxBody]
    currency: str
    shortages: list[ShortageBody]
    promotions: list[ExplanationBody]
    is_best_price: bool
    coupons: list[CouponOfOrder] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.coupon_of_order import CouponOfOrder # noqa: PLC0415
        from ..models.discount_body import DiscountBody # noqa: PLC0415
        from ..models.explanation_body import ExplanationBody # noqa: PLC0415
        from ..models.order_line_body import OrderLineBody # noqa: PLC0415
        from ..models.shortage_body import ShortageBody # noqa: PLC0415
        from ..models.tax_body import TaxBody # noqa: PLC0415
        lines = []
        for lines_item_data in self.lines:
            lines_item = lines_item_data.to_dict()
            lines.append(lines_item)



        subtotal = self.subtotal

        discounts = []
        for discounts_item_data in self.discounts:
            discounts_item = discounts_item_data.to_dict()
            discounts.append(discounts_item)



        total = self.total

        taxes = []
        for taxes_item_data in self.taxes:
            taxes_item = taxes_item_data.to_dict()
            taxes.append(taxes_item)



        currency = self.currency

        shortages = []
        for shortages_item_data in self.shortages:
            shortages_item = shortages_item_data.to_dict()
            shortages.append(shortages_item)



        promotions = []
        for promotions_item_data in self.promotions:
            promotions_item = promotions_item_data.to_dict()
            promotions.append(promotions_item)



        is_best_price = self.is_best_price

        coupons: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.coupons, Unset):
            coupons = []
            for coupons_item_data in self.coupons:
                coupons_item = coupons_item_data.to_dict()
                coupons.append(coupons_item)




        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "lines": lines,
            "subtotal": subtotal,
            "discounts": discounts,
            "total": total,
            "taxes": taxes,
            "currency": currency,
            "shortages": shortages,
            "promotions": promotions,
            "is_best_price": is_best_price,
        })
        if coupons is not UNSET:
            field_dict["coupons"] = coupons

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.coupon_of_order import CouponOfOrder # noqa: PLC0415
        from ..models.discount_body import DiscountBody # noqa: PLC0415
        from ..models.explanation_body import ExplanationBody # noqa: PLC0415
        from ..models.order_line_body import OrderLineBody # noqa: PLC0415
        from ..models.shortage_body import ShortageBody # noqa: PLC0415
        from ..models.tax_body import TaxBody # noqa: PLC0415
        d = dict(src_dict)
        lines = []
        _lines = d.pop("lines")
        for lines_item_data in (_lines):
            lines_item = OrderLineBody.from_dict(lines_item_data)



            lines.append(lines_item)


        subtotal = d.pop("subtotal")

        discounts = []
        _discounts = d.pop("discounts")
        for discounts_item_data in (_discounts):
            discounts_item = DiscountBody.from_dict(discounts_item_data)



            discounts.append(discounts_item)


        total = d.pop("total")

        taxes = []
        _taxes = d.pop("taxes")
        for taxes_item_data in (_taxes):
            taxes_item = TaxBody.from_dict(taxes_item_data)



            taxes.append(taxes_item)


        currency = d.pop("currency")

        shortages = []
        _shortages = d.pop("shortages")
        for shortages_item_data in (_shortages):
            shortages_item = ShortageBody.from_dict(shortages_item_data)



            shortages.append(shortages_item)


        promotions = []
        _promotions = d.pop("promotions")
        for promotions_item_data in (_promotions):
            promotions_item = ExplanationBody.from_dict(promotions_item_data)



            promotions.append(promotions_item)


        is_best_price = d.pop("is_best_price")

        _coupons = d.pop("coupons", UNSET)
        coupons: list[CouponOfOrder] | Unset = UNSET
        if _coupons is not UNSET:
            coupons = []
            for coupons_item_data in _coupons:
                coupons_item = CouponOfOrder.from_dict(coupons_item_data)



                coupons.append(coupons_item)


        quote_body = cls(
            lines=lines,
            subtotal=subtotal,
            discounts=discounts,
            total=total,
            taxes=taxes,
            currency=currency,
            shortages=shortages,
            promotions=promotions,
            is_best_price=is_best_price,
            coupons=coupons,
        )


        quote_body.additional_properties = d
        return quote_body

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
