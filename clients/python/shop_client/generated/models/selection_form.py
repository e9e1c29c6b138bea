from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast
from uuid import UUID






T = TypeVar("T", bound="SelectionForm")



@_attrs_define
class SelectionForm:
    """ Some products: `all`, those in some `categories` and below them, or some `products`. Give exactly one.

    `all` is true where it is given.

        Attributes:
            all_ (bool | Unset):
            categories (list[UUID] | Unset):
            products (list[UUID] | Unset):
     """

    all_: bool | Unset = UNSET
    categories: list[UUID] | Unset = UNSET
    products: list[UUID] | Unset = UNSET





    def to_dict(self) -> dict[str, Any]:
        all_ = self.all_

        categories: list[str] | Unset = UNSET
        if not isinstance(self.categories, Unset):
            categories = []
            for categories_item_data in self.categories:
                categories_item = str(categories_item_data)
                categories.append(categories_item)



        products: list[str] | Unset = UNSET
        if not isinstance(self.products, Unset):
            products = []
            for products_item_data in self.products:
                products_item = str(products_item_data)
                products.append(products_item)




        field_dict: dict[str, Any] = {}

        field_dict.update({
        })
        if all_ is not UNSET:
            field_dict["all"] = all_
        if categories is not UNSET:
            field_dict["categories"] = categories
        if products is not UNSET:
            field_dict["products"] = products

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        all_ = d.pop("all", UNSET)

        _categories = d.pop("categories", UNSET)
        categories: list[UUID] | Unset = UNSET
        if _categories is not UNSET:
            categories = []
            for categories_item_data in _categories:
                categories_item = UUID(categories_item_data)



                categories.append(categories_item)


        _products = d.pop("products", UNSET)
        products: list[UUID] | Unset = UNSET
        if _products is not UNSET:
            products = []
            for products_item_data in _products:
                products_item = UUID(products_item_data)



                products.append(products_item)


        selection_form = cls(
            all_=all_,
            categories=categories,
            products=products,
        )

        return selection_form

