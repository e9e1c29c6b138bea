from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from uuid import UUID






T = TypeVar("T", bound="CategoryForm")



@_attrs_define
class CategoryForm:
    """ A new category. `parent` is the id of the category above it. Without a `slug` it gets one, made of its name.

        Attributes:
            name (str):
            slug (str | Unset):
            parent (UUID | Unset):
     """

    name: str
    slug: str | Unset = UNSET
    parent: UUID | Unset = UNSET





    def to_dict(self) -> dict[str, Any]:
        name = self.name

        slug = self.slug

        parent: str | Unset = UNSET
        if not isinstance(self.parent, Unset):
            parent = str(self.parent)


        field_dict: dict[str, Any] = {}

        field_dict.update({
            "name": name,
        })
        if slug is not UNSET:
            field_dict["slug"] = slug
        if parent is not UNSET:
            field_dict["parent"] = parent

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        slug = d.pop("slug", UNSET)

        _parent = d.pop("parent", UNSET)
        parent: UUID | Unset
        if isinstance(_parent,  Unset):
            parent = UNSET
        else:
            parent = UUID(_parent)




        category_form = cls(
            name=name,
            slug=slug,
            parent=parent,
        )

        return category_form

