from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.reservation_state import ReservationState
from ..types import UNSET, Unset
from uuid import UUID






T = TypeVar("T", bound="ReservationProblem")



@_attrs_define
class ReservationProblem:
    """ The reservation is not active any more. With `order_id` it became that order.

        Attributes:
            type_ (str):
            title (str):
            status (int):
            detail (str):
            instance (str):
            code (str):
            request_id (str):
            state (ReservationState): Where a reservation stands.
            order_id (UUID | Unset):
     """

    type_: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    state: ReservationState
    order_id: UUID | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        title = self.title

        status = self.status

        detail = self.detail

        instance = self.instance

        code = self.code

        request_id = self.request_id

        state = self.state.value

        order_id: str | Unset = UNSET
        if not isinstance(self.order_id, Unset):
            order_id = str(self.order_id)


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "type": type_,
            "title": title,
            "status": status,
            "detail": detail,
            "instance": instance,
            "code": code,
            "request_id": request_id,
            "state": state,
        })
        if order_id is not UNSET:
            field_dict["order_id"] = order_id

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = d.pop("type")

        title = d.pop("title")

        status = d.pop("status")

        detail = d.pop("detail")

        instance = d.pop("instance")

        code = d.pop("code")

        request_id = d.pop("request_id")

        state = ReservationState(d.pop("state"))




        _order_id = d.pop("order_id", UNSET)
        order_id: UUID | Unset
        if isinstance(_order_id,  Unset):
            order_id = UNSET
        else:
            order_id = UUID(_order_id)




        reservation_problem = cls(
            type_=type_,
            title=title,
            status=status,
            detail=detail,
            instance=instance,
            code=code,
            request_id=request_id,
            state=state,
            order_id=order_id,
        )


        reservation_problem.additional_properties = d
        return reservation_problem

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
