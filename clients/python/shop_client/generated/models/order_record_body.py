from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
  from ..models.order_body import OrderBody
  from ..models.order_event_body import OrderEventBody
  from ..models.order_redemption_body import OrderRedemptionBody





T = TypeVar("T", bound="OrderRecordBody")



@_attrs_define
class OrderRecordBody:
    """ An order, what happened to it, and the uses of promotions that it has.

        Attributes:
            order (OrderBody): An order. `tag` is there to compare a copy with it, see `POST /orders/changes`.

                `deleted_at` is there for staff only, on an order that its customer deleted from their history.
            events (list[OrderEventBody]):
            redemptions (list[OrderRedemptionBody]):
     """

    order: OrderBody
    events: list[OrderEventBody]
    redemptions: list[OrderRedemptionBody]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.order_body import OrderBody # noqa: PLC0415
        from ..models.order_event_body import OrderEventBody # noqa: PLC0415
        from ..models.order_redemption_body import OrderRedemptionBody # noqa: PLC0415
        order = self.order.to_dict()

        events = []
        for events_item_data in self.events:
            events_item = events_item_data.to_dict()
            events.append(events_item)



        redemptions = []
        for redemptions_item_data in self.redemptions:
            redemptions_item = redemptions_item_data.to_dict()
            redemptions.append(redemptions_item)




        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "order": order,
            "events": events,
            "redemptions": redemptions,
        })

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.order_body import OrderBody # noqa: PLC0415
        from ..models.order_event_body import OrderEventBody # noqa: PLC0415
        from ..models.order_redemption_body import OrderRedemptionBody # noqa: PLC0415
        d = dict(src_dict)
        order = OrderBody.from_dict(d.pop("order"))




        events = []
        _events = d.pop("events")
        for events_item_data in (_events):
            events_item = OrderEventBody.from_dict(events_item_data)



            events.append(events_item)


        redemptions = []
        _redemptions = d.pop("redemptions")
        for redemptions_item_data in (_redemptions):
            redemptions_item = OrderRedemptionBody.from_dict(redemptions_item_data)



            redemptions.append(redemptions_item)


        order_record_body = cls(
            order=order,
            events=events,
            redemptions=redemptions,
        )


        order_record_body.additional_properties = d
        return order_record_body

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
