from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset






T = TypeVar("T", bound="ImagePatch")



@_attrs_define
class ImagePatch:
    """ What to change in a picture. `position` is its place among the others, from 1.

        Attributes:
            alt (str | Unset):
            position (int | Unset):
     """

    alt: str | Unset = UNSET
    position: int | Unset = UNSET





    def to_dict(self) -> dict[str, Any]:
        alt = self.alt

        position = self.position


        field_dict: dict[str, Any] = {}

        field_dict.update({
        })
        if alt is not UNSET:
            field_dict["alt"] = alt
        if position is not UNSET:
            field_dict["position"] = position

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        alt = d.pop("alt", UNSET)

        position = d.pop("position", UNSET)

        image_patch = cls(
            alt=alt,
            position=position,
        )

        return image_patch

