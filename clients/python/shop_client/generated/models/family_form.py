from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast






T = TypeVar("T", bound="FamilyForm")



@_attrs_define
class FamilyForm:
    """ A new family. `option_names` are what its products differ by, three at most; they never change.

        Attributes:
            name (str):
            description (str | Unset):
            option_names (list[str] | Unset):
     """

    name: str
    description: str | Unset = UNSET
    option_names: list[str] | Unset = UNSET





    def to_dict(self) -> dict[str, Any]:
        name = self.name

        description = self.description

        option_names: list[str] | Unset = UNSET
        if not isinstance(self.option_names, Unset):
            option_names = self.option_names




        field_dict: dict[str, Any] = {}

        field_dict.update({
            "name": name,
        })
        if description is not UNSET:
            field_dict["description"] = description
        if option_names is not UNSET:
            field_dict["option_names"] = option_names

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        description = d.pop("description", UNSET)

        option_names = cast(list[str], d.pop("option_names", UNSET))


        family_form = cls(
            name=name,
            description=description,
            option_names=option_names,
        )

        return family_form

