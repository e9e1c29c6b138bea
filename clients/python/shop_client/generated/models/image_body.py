from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
from uuid import UUID

if TYPE_CHECKING:
  from ..models.image_size_body import ImageSizeBody





T = TypeVar("T", bound="ImageBody")



@_attrs_define
class ImageBody:
    """ A picture of a product. `url`, `width` and `height` are those of the largest of its `sizes`, narrow to wide.

    `alt` says what it shows, for those who do not see it.

        Attributes:
            id (UUID):
            url (str):
            width (int):
            height (int):
            alt (str):
            sizes (list[ImageSizeBody]):
     """

    id: UUID
    url: str
    width: int
    height: int
    alt: str
    sizes: list[ImageSizeBody]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.image_size_body import ImageSizeBody # noqa: PLC0415
        id = str(self.id)

        url = self.url

        width = self.width

        height = self.height

        alt = self.alt

        sizes = []
        for sizes_item_data in self.sizes:
            sizes_item = sizes_item_data.to_dict()
            sizes.append(sizes_item)




        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "id": id,
            "url": url,
            "width": width,
            "height": height,
            "alt": alt,
            "sizes": sizes,
        })

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.image_size_body import ImageSizeBody # noqa: PLC0415
        d = dict(src_dict)
        id = UUID(d.pop("id"))




        url = d.pop("url")

        width = d.pop("width")

        height = d.pop("height")

        alt = d.pop("alt")

        sizes = []
        _sizes = d.pop("sizes")
        for sizes_item_data in (_sizes):
            sizes_item = ImageSizeBody.from_dict(sizes_item_data)



            sizes.append(sizes_item)


        image_body = cls(
            id=id,
            url=url,
            width=width,
            height=height,
            alt=alt,
            sizes=sizes,
        )


        image_body.additional_properties = d
        return image_body

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
