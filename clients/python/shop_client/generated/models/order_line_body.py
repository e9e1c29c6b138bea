from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast
from uuid import UUID

if TYPE_CHECKING:
  from ..models.order_line_body_options import OrderLineBodyOptions





T = TypeVar("T", bound="OrderLineBody")



@_attrs_define
class OrderLineBody:
    """ A line of an order, with SKU, name, options, unit price and tax rate as they were when it was placed. If an edit
    adds units of it, all but the tax rate are those of that moment.

    `discount` was taken off the whole line, `total` is what is left. `tax` is inside of `total`, or comes on top in a
    shop with net prices. `tax_rate` is in percent.

        Attributes:
            product_id (UUID):
            sku (str):
            product_name (str):
            unit_price (str):
            quantity (int):
            discount (str):
            total (str):
            tax_rate (str):
            tax (str):
            options (OrderLineBodyOptions | Unset):
     """

    product_id: UUID
    sku: str
    product_name: str
    unit_price: str
    quantity: int
    discount: str
    total: str
    tax_rate: str
    tax: str
    options: OrderLineBodyOptions | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.order_line_body_options import OrderLineBodyOptions # noqa: PLC0415
        product_id = str(self.product_id)

        sku = self.sku

        product_name = self.product_name

        unit_price = self.unit_price

        quantity = self.quantity

        discount = self.discount

        total = self.total

        tax_rate = self.tax_rate

        tax = self.tax

        options: dict[str, Any] | Unset = UNSET
        if not isinstance(self.options, Unset):
            options = self.options.to_dict()


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "product_id": product_id,
            "sku": sku,
            "product_name": product_name,
            "unit_price": unit_price,
            "quantity": quantity,
            "discount": discount,
            "total": total,
            "tax_rate": tax_rate,
            "tax": tax,
        })
        if options is not UNSET:
            field_dict["options"] = options

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.order_line_body_options import OrderLineBodyOptions # noqa: PLC0415
        d = dict(src_dict)
        product_id = UUID(d.pop("product_id"))




        sku = d.pop("sku")

        product_name = d.pop("product_name")

        unit_price = d.pop("unit_price")

        quantity = d.pop("quantity")

        discount = d.pop("discount")

        total = d.pop("total")

        tax_rate = d.pop("tax_rate")

        tax = d.pop("tax")

        _options = d.pop("options", UNSET)
        options: OrderLineBodyOptions | Unset
        if isinstance(_options,  Unset):
            options = UNSET
        else:
            options = OrderLineBodyOptions.from_dict(_options)




        order_line_body = cls(
            product_id=product_id,
            sku=sku,
            product_name=product_name,
            unit_price=unit_price,
            quantity=quantity,
            discount=discount,
            total=total,
            tax_rate=tax_rate,
            tax=tax,
            options=options,
        )


        order_line_body.additional_properties = d
        return order_line_body

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
