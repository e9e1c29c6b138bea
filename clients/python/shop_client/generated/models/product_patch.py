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
  from ..models.product_patch_options import ProductPatchOptions





T = TypeVar("T", bound="ProductPatch")



@_attrs_define
class ProductPatch:
    """ What to change in a product. `category` and `family` are ids; null means none.

        Attributes:
            sku (str | Unset):
            name (str | Unset):
            price (str | Unset):
            description (str | Unset):
            category (None | Unset | UUID):
            image_urls (list[str] | Unset):
            family (None | Unset | UUID):
            options (ProductPatchOptions | Unset):
            tax_class (str | Unset):
     """

    sku: str | Unset = UNSET
    name: str | Unset = UNSET
    price: str | Unset = UNSET
    description: str | Unset = UNSET
    category: None | Unset | UUID = UNSET
    image_urls: list[str] | Unset = UNSET
    family: None | Unset | UUID = UNSET
    options: ProductPatchOptions | Unset = UNSET
    tax_class: str | Unset = UNSET





    def to_dict(self) -> dict[str, Any]:
        from ..models.product_patch_options import ProductPatchOptions # noqa: PLC0415
        sku = self.sku

        name = self.name

        price = self.price

        description = self.description

        category: None | str | Unset
        if isinstance(self.category, Unset):
            category = UNSET
        elif isinstance(self.category, UUID):
            category = str(self.category)
        else:
            category = self.category

        image_urls: list[str] | Unset = UNSET
        if not isinstance(self.image_urls, Unset):
            image_urls = self.image_urls



        family: None | str | Unset
        if isinstance(self.family, Unset):
            family = UNSET
        elif isinstance(self.family, UUID):
            family = str(self.family)
        else:
            family = self.family

        options: dict[str, Any] | Unset = UNSET
        if not isinstance(self.options, Unset):
            options = self.options.to_dict()

        tax_class = self.tax_class


        field_dict: dict[str, Any] = {}

        field_dict.update({
        })
        if sku is not UNSET:
            field_dict["sku"] = sku
        if name is not UNSET:
            field_dict["name"] = name
        if price is not UNSET:
            field_dict["price"] = price
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
        from ..models.product_patch_options import ProductPatchOptions # noqa: PLC0415
        d = dict(src_dict)
        sku = d.pop("sku", UNSET)

        name = d.pop("name", UNSET)

        price = d.pop("price", UNSET)

        description = d.pop("description", UNSET)

        def _parse_category(data: object) -> None | Unset | UUID:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                category_type_0 = UUID(data)



                return category_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | UUID, data)

        category = _parse_category(d.pop("category", UNSET))


        image_urls = cast(list[str], d.pop("image_urls", UNSET))


        def _parse_family(data: object) -> None | Unset | UUID:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                family_type_0 = UUID(data)



                return family_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | UUID, data)

        family = _parse_family(d.pop("family", UNSET))


        _options = d.pop("options", UNSET)
        options: ProductPatchOptions | Unset
        if isinstance(_options,  Unset):
            options = UNSET
        else:
            options = ProductPatchOptions.from_dict(_options)




        tax_class = d.pop("tax_class", UNSET)

        product_patch = cls(
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

        return product_patch

