from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.role import Role
from typing import cast
from uuid import UUID
import datetime






T = TypeVar("T", bound="UserBody")



@_attrs_define
class UserBody:
    """ A registered user. `email_confirmed`: a mail to this address has reached them.

        Attributes:
            id (UUID):
            username (str):
            email (str):
            email_confirmed (bool):
            first_name (str):
            last_name (str):
            role (Role): What an account may do. Each role includes the ones before it.
            created_at (datetime.datetime):
            updated_at (datetime.datetime):
     """

    id: UUID
    username: str
    email: str
    email_confirmed: bool
    first_name: str
    last_name: str
    role: Role
    created_at: datetime.datetime
    updated_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        username = self.username

        email = self.email

        email_confirmed = self.email_confirmed

        first_name = self.first_name

        last_name = self.last_name

        role = self.role.value

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "id": id,
            "username": username,
            "email": email,
            "email_confirmed": email_confirmed,
            "first_name": first_name,
            "last_name": last_name,
            "role": role,
            "created_at": created_at,
            "updated_at": updated_at,
        })

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = UUID(d.pop("id"))




        username = d.pop("username")

        email = d.pop("email")

        email_confirmed = d.pop("email_confirmed")

        first_name = d.pop("first_name")

        last_name = d.pop("last_name")

        role = Role(d.pop("role"))




        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))




        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))




        user_body = cls(
            id=id,
            username=username,
            email=email,
            email_confirmed=email_confirmed,
            first_name=first_name,
            last_name=last_name,
            role=role,
            created_at=created_at,
            updated_at=updated_at,
        )


        user_body.additional_properties = d
        return user_body

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
