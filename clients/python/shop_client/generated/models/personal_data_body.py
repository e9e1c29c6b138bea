from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
  from ..models.account_body import AccountBody
  from ..models.order_record_body import OrderRecordBody
  from ..models.reservation_body import ReservationBody
  from ..models.session_body import SessionBody





T = TypeVar("T", bound="PersonalDataBody")



@_attrs_define
class PersonalDataBody:
    """ A page of what is stored about a person. `next` is the link to the next one, null at the end.

        Attributes:
            account (AccountBody): A registered user, as staff see them.
            sessions (list[SessionBody]):
            orders (list[OrderRecordBody]):
            reservations (list[ReservationBody]):
            next_ (None | str):
            next_cursor (str | Unset):
     """

    account: AccountBody
    sessions: list[SessionBody]
    orders: list[OrderRecordBody]
    reservations: list[ReservationBody]
    next_: None | str
    next_cursor: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.account_body import AccountBody # noqa: PLC0415
        from ..models.order_record_body import OrderRecordBody # noqa: PLC0415
        from ..models.reservation_body import ReservationBody # noqa: PLC0415
        from ..models.session_body import SessionBody # noqa: PLC0415
        account = self.account.to_dict()

        sessions = []
        for sessions_item_data in self.sessions:
            sessions_item = sessions_item_data.to_dict()
            sessions.append(sessions_item)



        orders = []
        for orders_item_data in self.orders:
            orders_item = orders_item_data.to_dict()
            orders.append(orders_item)



        reservations = []
        for reservations_item_data in self.reservations:
            reservations_item = reservations_item_data.to_dict()
            reservations.append(reservations_item)



        next_: None | str
        next_ = self.next_

        next_cursor = self.next_cursor


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "account": account,
            "sessions": sessions,
            "orders": orders,
            "reservations": reservations,
            "next": next_,
        })
        if next_cursor is not UNSET:
            field_dict["next_cursor"] = next_cursor

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.account_body import AccountBody # noqa: PLC0415
        from ..models.order_record_body import OrderRecordBody # noqa: PLC0415
        from ..models.reservation_body import ReservationBody # noqa: PLC0415
        from ..models.session_body import SessionBody # noqa: PLC0415
        d = dict(src_dict)
        account = AccountBody.from_dict(d.pop("account"))




        sessions = []
        _sessions = d.pop("sessions")
        for sessions_item_data in (_sessions):
            sessions_item = SessionBody.from_dict(sessions_item_data)



            sessions.append(sessions_item)


        orders = []
        _orders = d.pop("orders")
        for orders_item_data in (_orders):
            orders_item = OrderRecordBody.from_dict(orders_item_data)



            orders.append(orders_item)


        reservations = []
        _reservations = d.pop("reservations")
        for reservations_item_data in (_reservations):
            reservations_item = ReservationBody.from_dict(reservations_item_data)



            reservations.append(reservations_item)


        def _parse_next_(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        next_ = _parse_next_(d.pop("next"))


        next_cursor = d.pop("next_cursor", UNSET)

        personal_data_body = cls(
            account=account,
            sessions=sessions,
            orders=orders,
            reservations=reservations,
            next_=next_,
            next_cursor=next_cursor,
        )


        personal_data_body.additional_properties = d
        return personal_data_body

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
