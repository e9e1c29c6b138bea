from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
  from ..models.redemption_body import RedemptionBody





T = TypeVar("T", bound="RedemptionPage")



@_attrs_define
class RedemptionPage:
    """ A page of the uses of a promotion.

        Attributes:
            next_ (None | str):
            previous (None | str):
            results (list[RedemptionBody]):
            count (int | Unset):
            count_is_estimate (bool | Unset):
            next_cursor (str | Unset):
     """

    next_: None | str
    previous: None | str
    results: list[RedemptionBody]
    count: int | Unset = UNSET
    count_is_estimate: bool | Unset = UNSET
    next_cursor: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.redemption_body import RedemptionBody # noqa: PLC0415
        next_: None | str
        next_ = self.next_

        previous: None | str
        previous = self.previous

        results = []
        for results_item_data in self.results:
            results_item = results_item_data.to_dict()
            results.append(results_item)



        count = self.count

        count_is_estimate = self.count_is_estimate

        next_cursor = self.next_cursor


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "next": next_,
            "previous": previous,
            "results": results,
        })
        if count is not UNSET:
            field_dict["count"] = count
        if count_is_estimate is not UNSET:
            field_dict["count_is_estimate"] = count_is_estimate
        if next_cursor is not UNSET:
            field_dict["next_cursor"] = next_cursor

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.redemption_body import RedemptionBody # noqa: PLC0415
        d = dict(src_dict)
        def _parse_next_(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        next_ = _parse_next_(d.pop("next"))


        def _parse_previous(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        previous = _parse_previous(d.pop("previous"))


        results = []
        _results = d.pop("results")
        for results_item_data in (_results):
            results_item = RedemptionBody.from_dict(results_item_data)



            results.append(results_item)


        count = d.pop("count", UNSET)

        count_is_estimate = d.pop("count_is_estimate", UNSET)

        next_cursor = d.pop("next_cursor", UNSET)

        redemption_page = cls(
            next_=next_,
            previous=previous,
            results=results,
            count=count,
            count_is_estimate=count_is_estimate,
            next_cursor=next_cursor,
        )


        redemption_page.additional_properties = d
        return redemption_page

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
