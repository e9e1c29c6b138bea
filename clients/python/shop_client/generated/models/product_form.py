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
  from ..models.product_form_options import ProductFormOptions





T = TypeVar("T", bound="ProductForm")



@_attrs_define
class ProductForm:
    """ A new product. `category` is the id of its category, `family` that of its family.

    `options` has a value for each option name of the family, and is left out without one.

        Attributes:
            sku (str):
            name (str):
            price (str):
            description (str | Unset):
            category (UUID | Unset):
            image_urls (list[str] | Unset):
            family (UUID | Unset):
            options (ProductFormOptions | Unset):
            tax_class (str | Unset):
     """

    sku: str
    name: str
    price: str
    description: str | Unset = UNSET
    category: UUID | Unset = UNSET
    image_urls: list[str] | Unset = UNSET
    family: UUID | Unset = UNSET
    options: ProductFormOptions | Unset = UNSET
    tax_class: str | Unset = UNSET





    def to_dict(self) -> dict[str, Any]:
        from ..models.product_form_options import ProductFormOptions # noqa: PLC0415
        sku = self.sku

        name = self.name

        price = self.price

        description = self.description

        category: str | Unset = UNSET
        if not isinstance(self.category, Unset):
            category = str(self.category)

        image_urls: list[str] | Unset = UNSET
        if not isinstance(self.image_urls, Unset):
            image_urls = self.image_urls



        family: str | Unset = UNSET
        if not isinstance(self.family, Unset):
            family = str(self.family)

        options: dict[str, Any] | Unset = UNSET
        if not isinstance(self.options, Unset):
            options = self.options.to_dict()

        tax_class = self.tax_class


        field_dict: dict[str, Any] = {}

        field_dict.update({
            "sku": sku,
            "name": name,
            "price": price,
        })
        if description is not UNSET:
            field_dict["description"] = description
        if category is not UNSET:
            field_dict["category"] = category
        if image_urls is not UNSET:
            field_dict["image_urls"] = image_urls
        if family is not UNSET:
            field_dict["family"] = family
        if options is not UNSET:
            field_dict["options"] = options
        if tax_class is not UNSET:
            field_dict["tax_class"] = tax_class

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.product_form_options import ProductFormOptions # noqa: PLC0415
        d = dict(src_dict)
        sku = d.pop("sku")

        name = d.pop("name")

        price = d.pop("price")

        description = d.pop("description", UNSET)

        _category = d.pop("category", UNSET)
        category: UUID | Unset
        if isinstance(_category,  Unset):
            category = UNSET
        else:
            category = UUID(_category)




        image_urls = cast(list[str], d.pop("image_urls", UNSET))


        _family = d.pop("family", UNSET)
        family: UUID | Unset
        if isinstance(_family,  Unset):
            family = UNSET
        else:
            family = UUID(_family)




        _options = d.pop("options", UNSET)
        options: ProductFormOptions | Unset
        if isinstance(_options,  Unset):
            options = UNSET
        else:
            options = ProductFormOptions.from_dict(_options)




        tax_class = d.pop("tax_class", UNSET)

        product_form = cls(
            sku=sku,
            name=name,
            price=price,
            description=description,
            category=category,
            image_urls=image_urls,
            family=family,
            options=options,
            tax_class=tax_class,
        )

        return product_form

