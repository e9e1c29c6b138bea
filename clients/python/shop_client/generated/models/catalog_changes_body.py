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
  from ..models.category_in_copy import CategoryInCopy
  from ..models.product_body import ProductBody





T = TypeVar("T", bound="CatalogChangesBody")



@_attrs_define
class CatalogChangesBody:
    """ What to change in a copy of the catalog. When `has_more` is false, the copy is the catalog of one moment.

    `results` are products as they are now. `gone` are ids of products that left the catalog. What is in neither stays
    as it is. `categories` are there if any changed, and then they are all that there are. `next_cursor` is the `after`
    to go on with, at once or tomorrow.

        Attributes:
            results (list[ProductBody]):
            gone (list[UUID]):
            next_cursor (str): opaque
            has_more (bool):
            server_now (datetime.datetime):
            categories (list[CategoryInCopy] | Unset):
     """

    results: list[ProductBody]
    gone: list[UUID]
    next_cursor: str
    has_more: bool
    server_now: datetime.datetime
    categories: list[CategoryInCopy] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.category_in_copy import CategoryInCopy # noqa: PLC0415
        from ..models.product_body import ProductBody # noqa: PLC0415
        results = []
        for results_item_data in self.results:
            results_item = results_item_data.to_dict()
            results.append(results_item)



        gone = []
        for gone_item_data in self.gone:
            gone_item = str(gone_item_data)
            gone.append(gone_item)



        next_cursor = self.next_cursor

        has_more = self.has_more

        server_now = self.server_now.isoformat()

        categories: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.categories, Unset):
            categories = []
            for categories_item_data in self.categories:
                categories_item = categories_item_data.to_dict()
                categories.append(categories_item)




        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "results": results,
            "gone": gone,
            "next_cursor": next_cursor,
            "has_more": has_more,
            "server_now": server_now,
        })
        if categories is not UNSET:
            field_dict["categories"] = categories

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.category_in_copy import CategoryInCopy # noqa: PLC0415
        from ..models.product_body import ProductBody # noqa: PLC0415
        d = dict(src_dict)
        results = []
        _results = d.pop("results")
        for results_item_data in (_results):
            results_item = ProductBody.from_dict(results_item_data)



            results.append(results_item)


        gone = []
        _gone = d.pop("gone")
        for gone_item_data in (_gone):
            gone_item = UUID(gone_item_data)



            gone.append(gone_item)


        next_cursor = d.pop("next_cursor")

        has_more = d.pop("has_more")

        server_now = datetime.datetime.fromisoformat(d.pop("server_now"))




        _categories = d.pop("categories", UNSET)
        categories: list[CategoryInCopy] | Unset = UNSET
        if _categories is not UNSET:
            categories = []
            for categories_item_data in _categories:
                categories_item = CategoryInCopy.from_dict(categories_item_data)



                categories.append(categories_item)


        catalog_changes_body = cls(
            results=results,
            gone=gone,
            next_cursor=next_cursor,
            has_more=has_more,
            server_now=server_now,
            categories=categories,
        )


        catalog_changes_body.additional_properties = d
        return catalog_changes_body

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
