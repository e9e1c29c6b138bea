from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset






T = TypeVar("T", bound="CredentialsForm")



@_attrs_define
class CredentialsForm:
    """ A login.

        Attributes:
            username (str):
            password (str):
            device (str | Unset): as an earlier login from this device gave it
            remember (bool | Unset): true: the session may be idle for longer, on a device of one's own
            device_name (str | Unset): shown in the list of sessions, e.g. Ada's phone
     """

    username: str
    password: str
    device: str | Unset = UNSET
    remember: bool | Unset = UNSET
    device_name: str | Unset = UNSET





    def to_dict(self) -> dict[str, Any]:
        username = self.username

        password = self.password

        device = self.device

        remember = self.remember

        device_name = self.device_name


        field_dict: dict[str, Any] = {}

        field_dict.update({
            "username": username,
            "password": password,
        })
        if device is not UNSET:
            field_dict["device"] = device
        if remember is not UNSET:
            field_dict["remember"] = remember
        if device_name is not UNSET:
            field_dict["device_name"] = device_name

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        username = d.pop("username")

        password = d.pop("password")

        device = d.pop("device", UNSET)

        remember = d.pop("remember", UNSET)

        device_name = d.pop("device_name", UNSET)

        credentials_form = cls(
            username=username,
            password=password,
            device=device,
            remember=remember,
            device_name=device_name,
        )

        return credentials_form

