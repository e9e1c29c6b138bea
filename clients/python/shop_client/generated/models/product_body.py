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
  from ..models.family_of_product import FamilyOfProduct
  from ..models.image_body import ImageBody
  from ..models.product_body_options import ProductBodyOptions





T = TypeVar("T", bound="ProductBody")



@_attrs_define
class ProductBody:
    """ A product of the catalog. `category` is the id of its category.

    `images` are its pictures, the first one for lists; `image_urls` are addresses of pictures that are kept elsewhere.
    `quantity_in_stock` is the number of units that can be sold now. `version` counts the edits; sales do not change it.

        Attributes:
            id (UUID):
            sku (str):
            name (str):
            description (str):
            price (str):
            currency (str):
            quantity_in_stock (int):
            images (list[ImageBody]):
            image_urls (list[str]):
            tax_class (str):
            version (int):
            created_at (datetime.datetime):
            updated_at (datetime.datetime):
            category (UUID | Unset):
            family (FamilyOfProduct | Unset): The family of a product.
            options (ProductBodyOptions | Unset):
     """

    id: UUID
    sku: str
    name: str
    description: str
    price: str
    currency: str
    quantity_in_stock: int
    images: list[ImageBody]
    image_urls: list[str]
    tax_class: str
    version: int
    created_at: datetime.datetime
    updated_at: datetime.datetime
    category: UUID | Unset = UNSET
    family: FamilyOfProduct | Unset = UNSET
    options: ProductBodyOptions | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.family_of_product import FamilyOfProduct # noqa: PLC0415
        from ..models.image_body import ImageBody # noqa: PLC0415
        from ..models.product_body_options import ProductBodyOptions # noqa: PLC0415
        id = str(self.id)

        sku = self.sku

        name = self.name

        description = self.description

        price = self.price

        currency = self.currency

        quantity_in_stock = self.quantity_in_stock

        images = []
        for images_item_data in self.images:
            images_item = images_item_data.to_dict()
            images.append(images_item)



        image_urls = self.image_urls



        tax_class = self.tax_class

        version = self.version

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        category: str | Unset = UNSET
        if not isinstance(self.category, Unset):
            category = str(self.category)

        family: dict[str, Any] | Unset = UNSET
        if not isinstance(self.family, Unset):
            family = self.family.to_dict()

        options: dict[str, Any] | Unset = UNSET
        if not isinstance(self.options, Unset):
            options = self.options.to_dict()


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "id": id,
            "sku": sku,
            "name": name,
            "description": description,
            "price": price,
            "currency": currency,
            "quantity_in_stock": quantity_in_stock,
            "images": images,
            "image_urls": image_urls,
            "tax_class": tax_class,
            "version": version,
            "created_at": created_at,
            "updated_at": updated_at,
        })
        if category is not UNSET:
            field_dict["category"] = category
        if family is not UNSET:
            field_dict["family"] = family
        if options is not UNSET:
            field_dict["options"] = options

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.family_of_product import FamilyOfProduct # noqa: PLC0415
        from ..models.image_body import ImageBody # noqa: PLC0415
        from ..models.product_body_options import ProductBodyOptions # noqa: PLC0415
        d = dict(src_dict)
        id = UUID(d.pop("id"))




        sku = d.pop("sku")

        name = d.pop("name")

        description = d.pop("description")

        price = d.pop("price")

        currency = d.pop("currency")

        quantity_in_stock = d.pop("quantity_in_stock")

        images = []
        _images = d.pop("images")
        for images_item_data in (_images):
            images_item = ImageBody.from_dict(images_item_data)



            images.append(images_item)


        image_urls = cast(list[str], d.pop("image_urls"))


        tax_class = d.pop("tax_class")

        version = d.pop("version")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))




        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))




        _category = d.pop("category", UNSET)
        category: UUID | Unset
        if isinstance(_category,  Unset):
            category = UNSET
        else:
            category = UUID(_category)




        _family = d.pop("family", UNSET)
        family: FamilyOfProduct | Unset
        if isinstance(_family,  Unset):
            family = UNSET
        else:
            family = FamilyOfProduct.from_dict(_family)




        _options = d.pop("options", UNSET)
        options: ProductBodyOptions | Unset
        if isinstance(_options,  Unset):
            options = UNSET
        else:
            options = ProductBodyOptions.from_dict(_options)




        product_body = cls(
            id=id,
            sku=sku,
            name=name,
            description=description,
            price=price,
            currency=currency,
            quantity_in_stock=quantity_in_stock,
            images=images,
            image_urls=image_urls,
            tax_class=tax_class,
            version=version,
            created_at=created_at,
            updated_at=updated_at,
            category=category,
            family=family,
            options=options,
        )


        product_body.additional_properties = d
        return product_body

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
