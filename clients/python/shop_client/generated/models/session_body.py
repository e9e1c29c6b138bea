from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
from uuid import UUID
import datetime






T = TypeVar("T", bound="SessionBody")



@_attrs_define
class SessionBody:
    """ A session. It ends at `expires_at` unless it is refreshed before.

    `remember` and `device_name` are as the login gave them. `current` is true for the session of this request.

        Attributes:
            id (UUID):
            created_at (datetime.datetime):
            used_at (datetime.datetime):
            expires_at (datetime.datetime):
            remember (bool):
            device_name (str):
            current (bool):
     """

    id: UUID
    created_at: datetime.datetime
    used_at: datetime.datetime
    expires_at: datetime.datetime
    remember: bool
    device_name: str
    current: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        created_at = self.created_at.isoformat()

        used_at = self.used_at.isoformat()

        expires_at = self.expires_at.isoformat()

        remember = self.remember

        device_name = self.device_name

        current = self.current


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "id": id,
            "created_at": created_at,
            "used_at": used_at,
            "expires_at": expires_at,
            "remember": remember,
            "device_name": device_name,
            "current": current,
        })

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = UUID(d.pop("id"))




        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))




        used_at = datetime.datetime.fromisoformat(d.pop("used_at"))




        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))




        remember = d.pop("remember")

        device_name = d.pop("device_name")

        current = d.pop("current")

        session_body = cls(
            id=id,
            created_at=created_at,
            used_at=used_at,
            expires_at=expires_at,
            remember=remember,
            device_name=device_name,
            current=current,
        )


        session_body.additional_properties = d
        return session_body

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
