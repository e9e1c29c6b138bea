from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime

if TYPE_CHECKING:
  from ..models.different_range_body import DifferentRangeBody





T = TypeVar("T", bound="OrderChangesBody")



@_attrs_define
class OrderChangesBody:
    """ Where a copy differs from the orders as they are, newest first.

    Without any range, and `has_more` false, the copy is right.

    When `has_more` is true, older ranges differ, too: bring these up to date, and ask again.

        Attributes:
            changed (list[DifferentRangeBody]):
            has_more (bool):
            server_now (datetime.datetime):
     """

    changed: list[DifferentRangeBody]
    has_more: bool
    server_now: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.different_range_body import DifferentRangeBody # noqa: PLC0415
        changed = []
        for changed_item_data in self.changed:
            changed_item = changed_item_data.to_dict()
            changed.append(changed_item)



        has_more = self.has_more

        server_now = self.server_now.isoformat()


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "changed": changed,
            "has_more": has_more,
            "server_now": server_now,
        })

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.different_range_body import DifferentRangeBody # noqa: PLC0415
        d = dict(src_dict)
        changed = []
        _changed = d.pop("changed")
        for changed_item_data in (_changed):
            changed_item = DifferentRangeBody.from_dict(changed_item_data)



            changed.append(changed_item)


        has_more = d.pop("has_more")

        server_now = datetime.datetime.fromisoformat(d.pop("server_now"))




        order_changes_body = cls(
            changed=changed,
            has_more=has_more,
            server_now=server_now,
        )


        order_changes_body.additional_properties = d
        return order_changes_body

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
