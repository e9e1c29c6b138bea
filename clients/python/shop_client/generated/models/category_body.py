from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast
from uuid import UUID






T = TypeVar("T", bound="CategoryBody")



@_attrs_define
class CategoryBody:
    """ A category. `product_count` counts the products directly in it; `children`, by slug, are in nested lists.

        Attributes:
            id (UUID):
            name (str):
            slug (str):
            product_count (int):
            parent (UUID | Unset):
            children (list[CategoryBody] | Unset):
     """

    id: UUID
    name: str
    slug: str
    product_count: int
    parent: UUID | Unset = UNSET
    children: list[CategoryBody] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        name = self.name

        slug = self.slug

        product_count = self.product_count

        parent: str | Unset = UNSET
        if not isinstance(self.parent, Unset):
            parent = str(self.parent)

        children: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.children, Unset):
            children = []
            for children_item_data in self.children:
                children_item = children_item_data.to_dict()
                children.append(children_item)




        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "id": id,
            "name": name,
            "slug": slug,
            "product_count": product_count,
        })
        if parent is not UNSET:
            field_dict["parent"] = parent
        if children is not UNSET:
            field_dict["children"] = children

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = UUID(d.pop("id"))




        name = d.pop("name")

        slug = d.pop("slug")

        product_count = d.pop("product_count")

        _parent = d.pop("parent", UNSET)
        parent: UUID | Unset
        if isinstance(_parent,  Unset):
            parent = UNSET
        else:
            parent = UUID(_parent)




        _children = d.pop("children", UNSET)
        children: list[CategoryBody] | Unset = UNSET
        if _children is not UNSET:
            children = []
            for children_item_data in _children:
                children_item = CategoryBody.from_dict(children_item_data)



                children.append(children_item)


        category_body = cls(
            id=id,
            name=name,
            slug=slug,
            product_count=product_count,
            parent=parent,
            children=children,
        )


        category_body.additional_properties = d
        return category_body

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
