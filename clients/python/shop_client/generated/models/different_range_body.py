from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast
from uuid import UUID

if TYPE_CHECKING:
  from ..models.tagged_order_body import TaggedOrderBody





T = TypeVar("T", bound="DifferentRangeBody")



@_attrs_define
class DifferentRangeBody:
    """ All orders from the id `first` on and before the id `end`, newest first. Others that the copy has there are gone.

    Without `first` it begins with the oldest, without `end` it ends with the newest.

        Attributes:
            orders (list[TaggedOrderBody]):
            first (UUID | Unset):
            end (UUID | Unset):
     """

    orders: list[TaggedOrderBody]
    first: UUID | Unset = UNSET
    end: UUID | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.tagged_order_body import TaggedOrderBody # noqa: PLC0415
        orders = []
        for orders_item_data in self.orders:
            orders_item = orders_item_data.to_dict()
            orders.append(orders_item)



        first: str | Unset = UNSET
        if not isinstance(self.first, Unset):
            first = str(self.first)

        end: str | Unset = UNSET
        if not isinstance(self.end, Unset):
            end = str(self.end)


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "orders": orders,
        })
        if first is not UNSET:
            field_dict["first"] = first
        if end is not UNSET:
            field_dict["end"] = end

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.tagged_order_body import TaggedOrderBody # noqa: PLC0415
        d = dict(src_dict)
        orders = []
        _orders = d.pop("orders")
        for orders_item_data in (_orders):
            orders_item = TaggedOrderBody.from_dict(orders_item_data)



            orders.append(orders_item)


        _first = d.pop("first", UNSET)
        first: UUID | Unset
        if isinstance(_first,  Unset):
            first = UNSET
        else:
            first = UUID(_first)




        _end = d.pop("end", UNSET)
        end: UUID | Unset
        if isinstance(_end,  Unset):
            end = UNSET
        else:
            end = UUID(_end)




        different_range_body = cls(
            orders=orders,
            first=first,
            end=end,
        )


        different_range_body.additional_properties = d
        return different_range_body

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
