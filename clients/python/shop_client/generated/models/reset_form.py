from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset







T = TypeVar("T", bound="ResetForm")



@_attrs_define
class ResetForm:
    """ A code from a mail or an admin, and the new password.

        Attributes:
            code (str):
            new_password (str):
     """

    code: str
    new_password: str





    def to_dict(self) -> dict[str, Any]:
        code = self.code

        new_password = self.new_password


        field_dict: dict[str, Any] = {}

        field_dict.update({
            "code": code,
            "new_password": new_password,
        })

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        code = d.pop("code")

        new_password = d.pop("new_password")

        reset_form = cls(
            code=code,
            new_password=new_password,
        )

        return reset_form

