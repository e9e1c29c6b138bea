from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.order_event_kind import OrderEventKind
from ..models.order_status import OrderStatus
from ..models.role import Role
from ..types import UNSET, Unset
from typing import cast
from uuid import UUID
import datetime






T = TypeVar("T", bound="OrderEventBody")



@_attrs_define
class OrderEventBody:
    """ One change of an order. `seq` is the order's version after it, `status` and `total` are what they became.

    `actor_id` and `actor_role` say who did it; they are missing if the shop did it. `total_before` is there on edits,
    `reason` on cancellations that have one. `format` is the version of this schema. `id` is the id under which the
    event is also published.

        Attributes:
            id (UUID):
            seq (int):
            kind (OrderEventKind): What happened.
            at (datetime.datetime):
            status (OrderStatus): Where an order stands.
            total (str):
            format_ (int):
            total_before (str | Unset):
            actor_id (UUID | Unset):
            actor_role (Role | Unset): What an account may do. Each role includes the ones before it.
            reason (str | Unset):
     """

    id: UUID
    seq: int
    kind: OrderEventKind
    at: datetime.datetime
    status: OrderStatus
    total: str
    format_: int
    total_before: str | Unset = UNSET
    actor_id: UUID | Unset = UNSET
    actor_role: Role | Unset = UNSET
    reason: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        seq = self.seq

        kind = self.kind.value

        at = self.at.isoformat()

        status = self.status.value

        total = self.total

        format_ = self.format_

        total_before = self.total_before

        actor_id: str | Unset = UNSET
        if not isinstance(self.actor_id, Unset):
            actor_id = str(self.actor_id)

        actor_role: str | Unset = UNSET
        if not isinstance(self.actor_role, Unset):
            actor_role = self.actor_role.value


        reason = self.reason


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "id": id,
            "seq": seq,
            "kind": kind,
            "at": at,
            "status": status,
            "total": total,
            "format": format_,
        })
        if total_before is not UNSET:
            field_dict["total_before"] = total_before
        if actor_id is not UNSET:
            field_dict["actor_id"] = actor_id
        if actor_role is not UNSET:
            field_dict["actor_role"] = actor_role
        if reason is not UNSET:
            field_dict["reason"] = reason

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = UUID(d.pop("id"))




        seq = d.pop("seq")

        kind = OrderEventKind(d.pop("kind"))




        at = datetime.datetime.fromisoformat(d.pop("at"))




        status = OrderStatus(d.pop("status"))




        total = d.pop("total")

        format_ = d.pop("format")

        total_before = d.pop("total_before", UNSET)

        _actor_id = d.pop("actor_id", UNSET)
        actor_id: UUID | Unset
        if isinstance(_actor_id,  Unset):
            actor_id = UNSET
        else:
            actor_id = UUID(_actor_id)




        _actor_role = d.pop("actor_role", UNSET)
        actor_role: Role | Unset
        if isinstance(_actor_role,  Unset):
            actor_role = UNSET
        else:
            actor_role = Role(_actor_role)




        reason = d.pop("reason", UNSET)

        order_event_body = cls(
            id=id,
            seq=seq,
            kind=kind,
            at=at,
            status=status,
            total=total,
            format_=format_,
            total_before=total_before,
            actor_id=actor_id,
            actor_role=actor_role,
            reason=reason,
        )


        order_event_body.additional_properties = d
        return order_event_body

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
