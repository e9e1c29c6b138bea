from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from uuid import UUID






T = TypeVar("T", bound="KnownRangeForm")



@_attrs_define
class KnownRangeForm:
    """ Orders of the copy: from the id `first` on, up to the next range. `xor` is that of all their tags.

        Attributes:
            first (UUID):
            xor (str): 64 bits in hexadecimal digits: others after every change
     """

    first: UUID
    xor: str





    def to_dict(self) -> dict[str, Any]:
        first = str(self.first)

        xor = self.xor


        field_dict: dict[str, Any] = {}

        field_dict.update({
            "first": first,
            "xor": xor,
        })

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        first = UUID(d.pop("first"))




        xor = d.pop("xor")

        known_range_form = cls(
            first=first,
            xor=xor,
        )

        return known_range_form

