from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.movement_kind import MovementKind
from ..types import UNSET, Unset
from typing import cast
from uuid import UUID
import datetime






T = TypeVar("T", bound="StockMovementBody")



@_attrs_define
class StockMovementBody:
    """ A line of the stock ledger.

    `actor_id` is the account that caused it, `order_id` and `reservation_id` say what it was for; each only if there
    is one.

        Attributes:
            id (UUID):
            kind (MovementKind): Why a counter changed.
            quantity (int):
            at (datetime.datetime):
            reason (str):
            actor_id (UUID | Unset):
            order_id (UUID | Unset):
            reservation_id (UUID | Unset):
     """

    id: UUID
    kind: MovementKind
    quantity: int
    at: datetime.datetime
    reason: str
    actor_id: UUID | Unset = UNSET
    order_id: UUID | Unset = UNSET
    reservation_id: UUID | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        kind = self.kind.value

        quantity = self.quantity

        at = self.at.isoformat()

        reason = self.reason

        actor_id: str | Unset = UNSET
        if not isinstance(self.actor_id, Unset):
            actor_id = str(self.actor_id)

        order_id: str | Unset = UNSET
        if not isinstance(self.order_id, Unset):
            order_id = str(self.order_id)

        reservation_id: str | Unset = UNSET
        if not isinstance(self.reservation_id, Unset):
            reservation_id = str(self.reservation_id)


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "id": id,
            "kind": kind,
            "quantity": quantity,
            "at": at,
            "reason": reason,
        })
        if actor_id is not UNSET:
            field_dict["actor_id"] = actor_id
        if order_id is not UNSET:
            field_dict["order_id"] = order_id
        if reservation_id is not UNSET:
            field_dict["reservation_id"] = reservation_id

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = UUID(d.pop("id"))




        kind = MovementKind(d.pop("kind"))




        quantity = d.pop("quantity")

        at = datetime.datetime.fromisoformat(d.pop("at"))




        reason = d.pop("reason")

        _actor_id = d.pop("actor_id", UNSET)
        actor_id: UUID | Unset
        if isinstance(_actor_id,  Unset):
            actor_id = UNSET
        else:
            actor_id = UUID(_actor_id)




        _order_id = d.pop("order_id", UNSET)
        order_id: UUID | Unset
        if isinstance(_order_id,  Unset):
            order_id = UNSET
        else:
            order_id = UUID(_order_id)




        _reservation_id = d.pop("reservation_id", UNSET)
        reservation_id: UUID | Unset
        if isinstance(_reservation_id,  Unset):
            reservation_id = UNSET
        else:
            reservation_id = UUID(_reservation_id)




        stock_movement_body = cls(
            id=id,
            kind=kind,
            quantity=quantity,
            at=at,
            reason=reason,
            actor_id=actor_id,
            order_id=order_id,
            reservation_id=reservation_id,
        )


        stock_movement_body.additional_properties = d
        return stock_movement_body

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
