from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import Literal, cast






T = TypeVar("T", bound="TokensBody")



@_attrs_define
class TokensBody:
    """ A pair of tokens. `expires_in` is the life of the access token, in seconds.

    Keep `device`, which a login gives, after log-out too, and send it with the next login from the same device.

        Attributes:
            access (str):
            refresh (str):
            expires_in (int):
            token_type (Literal['Bearer'] | Unset):
            device (str | Unset):
     """

    access: str
    refresh: str
    expires_in: int
    token_type: Literal['Bearer'] | Unset = UNSET
    device: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        access = self.access

        refresh = self.refresh

        expires_in = self.expires_in

        token_type = self.token_type

        device = self.device


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "access": access,
            "refresh": refresh,
            "expires_in": expires_in,
        })
        if token_type is not UNSET:
            field_dict["token_type"] = token_type
        if device is not UNSET:
            field_dict["device"] = device

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        access = d.pop("access")

        refresh = d.pop("refresh")

        expires_in = d.pop("expires_in")

        token_type = cast(Literal['Bearer'] | Unset , d.pop("token_type", UNSET))
        if token_type != 'Bearer'and not isinstance(token_type, Unset):
            raise ValueError(f"token_type must match const 'Bearer', got '{token_type}'")

        device = d.pop("device", UNSET)

        tokens_body = cls(
            access=access,
            refresh=refresh,
            expires_in=expires_in,
            token_type=token_type,
            device=device,
        )


        tokens_body.additional_properties = d
        return tokens_body

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
