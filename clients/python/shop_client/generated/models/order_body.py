from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.order_status import OrderStatus
from ..types import UNSET, Unset
from typing import cast
from uuid import UUID
import datetime

if TYPE_CHECKING:
  from ..models.coupon_of_order import CouponOfOrder
  from ..models.discount_body import DiscountBody
  from ..models.order_line_body import OrderLineBody
  from ..models.tax_body import TaxBody





T = TypeVar("T", bound="OrderBody")



@_attrs_define
class OrderBody:
    """ An order. `tag` is there to compare a copy with it, see `POST /orders/changes`.

    `deleted_at` is there for staff only, on an order that its customer deleted from their history.

        Attributes:
            lines (list[OrderLineBody]):
            subtotal (str):
            discounts (list[DiscountBody]):
            total (str):
            taxes (list[TaxBody]):
            currency (str):
            id (UUID):
            number (str):
            status (OrderStatus): Where an order stands.
            customer_id (UUID):
            version (int):
            tag (str): 64 bits in hexadecimal digits: others after every change
            created_at (datetime.datetime):
            updated_at (datetime.datetime):
            coupons (list[CouponOfOrder] | Unset):
            deleted_at (datetime.datetime | Unset):
     """

    lines: list[OrderLineBody]
    subtotal: str
    discounts: list[DiscountBody]
    total: str
    taxes: list[TaxBody]
    currency: str
    id: UUID
    number: str
    status: OrderStatus
    customer_id: UUID
    version: int
    tag: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    coupons: list[CouponOfOrder] | Unset = UNSET
    deleted_at: datetime.datetime | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.coupon_of_order import CouponOfOrder # noqa: PLC0415
        from ..models.discount_body import DiscountBody # noqa: PLC0415
        from ..models.order_line_body import OrderLineBody # noqa: PLC0415
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

        id = str(self.id)

        number = self.number

        status = self.status.value

        customer_id = str(self.customer_id)

        version = self.version

        tag = self.tag

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        coupons: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.coupons, Unset):
            coupons = []
            for coupons_item_data in self.coupons:
                coupons_item = coupons_item_data.to_dict()
                coupons.append(coupons_item)



        deleted_at: str | Unset = UNSET
        if not isinstance(self.deleted_at, Unset):
            deleted_at = self.deleted_at.isoformat()


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "lines": lines,
            "subtotal": subtotal,
            "discounts": discounts,
            "total": total,
            "taxes": taxes,
            "currency": currency,
            "id": id,
            "number": number,
            "status": status,
            "customer_id": customer_id,
            "version": version,
            "tag": tag,
            "created_at": created_at,
            "updated_at": updated_at,
        })
        if coupons is not UNSET:
            field_dict["coupons"] = coupons
        if deleted_at is not UNSET:
            field_dict["deleted_at"] = deleted_at

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.coupon_of_order import CouponOfOrder # noqa: PLC0415
        from ..models.discount_body import DiscountBody # noqa: PLC0415
        from ..models.order_line_body import OrderLineBody # noqa: PLC0415
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

        id = UUID(d.pop("id"))




        number = d.pop("number")

        status = OrderStatus(d.pop("status"))




        customer_id = UUID(d.pop("customer_id"))




        version = d.pop("version")

        tag = d.pop("tag")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))




        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))




        _coupons = d.pop("coupons", UNSET)
        coupons: list[CouponOfOrder] | Unset = UNSET
        if _coupons is not UNSET:
            coupons = []
            for coupons_item_data in _coupons:
                coupons_item = CouponOfOrder.from_dict(coupons_item_data)



                coupons.append(coupons_item)


        _deleted_at = d.pop("deleted_at", UNSET)
        deleted_at: datetime.datetime | Unset
        if isinstance(_deleted_at,  Unset):
            deleted_at = UNSET
        else:
            deleted_at = datetime.datetime.fromisoformat(_deleted_at)




        order_body = cls(
            lines=lines,
            subtotal=subtotal,
            discounts=discounts,
            total=total,
            taxes=taxes,
            currency=currency,
            id=id,
            number=number,
            status=status,
            customer_id=customer_id,
            version=version,
            tag=tag,
            created_at=created_at,
            updated_at=updated_at,
            coupons=coupons,
            deleted_at=deleted_at,
        )


        order_body.additional_properties = d
        return order_body

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
