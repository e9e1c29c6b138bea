from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.reservation_state import ReservationState
from ..types import UNSET, Unset
from typing import cast
from uuid import UUID
import datetime

if TYPE_CHECKING:
  from ..models.reserved_line_body import ReservedLineBody





T = TypeVar("T", bound="ReservationBody")



@_attrs_define
class ReservationBody:
    """ A reservation. It expires at `expires_at`, by the clock of the shop.

    `server_now` is that clock at the time of the response: a countdown is `expires_at - server_now`, whatever the
    phone's clock says. `order_id` is the order that a confirmed reservation became.

        Attributes:
            id (UUID):
            customer_id (UUID):
            state (ReservationState): Where a reservation stands.
            lines (list[ReservedLineBody]):
            created_at (datetime.datetime):
            expires_at (datetime.datetime):
            server_now (datetime.datetime | Unset):
            order_id (UUID | Unset):
     """

    id: UUID
    customer_id: UUID
    state: ReservationState
    lines: list[ReservedLineBody]
    created_at: datetime.datetime
    expires_at: datetime.datetime
    server_now: datetime.datetime | Unset = UNSET
    order_id: UUID | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.reserved_line_body import ReservedLineBody # noqa: PLC0415
        id = str(self.id)

        customer_id = str(self.customer_id)

        state = self.state.value

        lines = []
        for lines_item_data in self.lines:
            lines_item = lines_item_data.to_dict()
            lines.append(lines_item)



        created_at = self.created_at.isoformat()

        expires_at = self.expires_at.isoformat()

        server_now: str | Unset = UNSET
        if not isinstance(self.server_now, Unset):
            server_now = self.server_now.isoformat()

        order_id: str | Unset = UNSET
        if not isinstance(self.order_id, Unset):
            order_id = str(self.order_id)


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "id": id,
            "customer_id": customer_id,
            "state": state,
            "lines": lines,
            "created_at": created_at,
            "expires_at": expires_at,
        })
        if server_now is not UNSET:
            field_dict["server_now"] = server_now
        if order_id is not UNSET:
            field_dict["order_id"] = order_id

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.reserved_line_body import ReservedLineBody # noqa: PLC0415
        d = dict(src_dict)
        id = UUID(d.pop("id"))




        customer_id = UUID(d.pop("customer_id"))




        state = ReservationState(d.pop("state"))




        lines = []
        _lines = d.pop("lines")
        for lines_item_data in (_lines):
            lines_item = ReservedLineBody.from_dict(lines_item_data)



            lines.append(lines_item)


        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))




        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))




        _server_now = d.pop("server_now", UNSET)
        server_now: datetime.datetime | Unset
        if isinstance(_server_now,  Unset):
            server_now = UNSET
        else:
            server_now = datetime.datetime.fromisoformat(_server_now)




        _order_id = d.pop("order_id", UNSET)
        order_id: UUID | Unset
        if isinstance(_order_id,  Unset):
            order_id = UNSET
        else:
            order_id = UUID(_order_id)




        reservation_body = cls(
            id=id,
            customer_id=customer_id,
            state=state,
            lines=lines,
            created_at=created_at,
            expires_at=expires_at,
            server_now=server_now,
            order_id=order_id,
        )


        reservation_body.additional_properties = d
        return reservation_body

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
