"""Pictures of products. A picture is kept as files of several widths; their content is kept elsewhere: see `Media`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from shop_core.errors import Fault, ImageNotFound, Invalid, TooManyImages
from shop_core.text import text_faults

IMAGES_MAX = 20
ALT_LENGTH_MAX = 500
UPLOAD_BYTES_MAX = 10 * 2**20

MediaKey = str
"""The SHA-256 of the content of a file, as 64 hexadecimal digits: equal content is one file, and no file changes."""


def key_of(body: bytes) -> MediaKey:
    """The key of content."""
    return sha256(body).hexdigest()


class Rendition(NamedTuple):
    """A picture as a file of one width, with its content. It is WebP.

    Args:
        width, height: in pixels.
    """

    width: int
    height: int
    body: bytes


class ImageSize(NamedTuple):
    """A file of a picture, without its content.

    Args:
        width, height: in pixels.
    """

    key: MediaKey
    width: int
    height: int

    @staticmethod
    def of(rendition: Rendition) -> ImageSize:
        """What is known of it without its content."""
        return ImageSize(key_of(rendition.body), rendition.width, rendition.height)


@dataclass(frozen=True, slots=True)
class ProductImage:
    """A picture of a product.

    Args:
        sizes: its files, from narrow to wide; at least one.
        alt: what it shows, for those who do not see it; empty if it only decorates.

    Raises:
        Invalid: the text breaks its rule.
    """

    id: UUID
    sizes: tuple[ImageSize, ...]
    alt: str = ""

    def __post_init__(self) -> None:
        if faults := text_faults("alt", self.alt, min_length=0, max_length=ALT_LENGTH_MAX):
            raise Invalid(*faults)

    @property
    def largest(self) -> ImageSize:
        """The widest file."""
        return self.sizes[-1]

    @property
    def keys(self) -> tuple[MediaKey, ...]:
        """Of its files."""
        return tuple(size.key for size in self.sizes)


Images = tuple[ProductImage, ...]
"""The pictures of a product in their order; the first one stands for it in lists."""


def image_with(images: Images, keys: Sequence[MediaKey]) -> ProductImage | None:
    """The picture that has exactly these files, if there is one: the same upload has the same files."""
    return next((image for image in images if image.keys == tuple(keys)), None)


def with_image(images: Images, image: ProductImage, product_id: UUID, position: int | None = None) -> Images:
    """The pictures with one more. One that is there already, by its files, stays as it is.

    Args:
        position: its place, from 1; None, or beyond the end: the last one.

    Raises:
        TooManyImages: there are 20 already.
        Invalid: the position is below 1.
    """
    if image_with(images, image.keys):
        return images
    if len(images) >= IMAGES_MAX:
        raise TooManyImages(product_id, IMAGES_MAX)
    return _placed(images, image, len(images) + 1 if position is None else position)


def with_changed_image(images: Images, image_id: UUID, alt: str | None = None, position: int | None = None) -> Images:
    """The pictures with another text, or another place, of one of them; None leaves it as it is.

    Raises:
        ImageNotFound: none of them has that id.
        Invalid: the text breaks its rule, or the position is below 1.
    """
    place = _place_of(images, image_id)
    changed = images[place] if alt is None else replace(images[place], alt=alt)
    others = images[:place] + images[place + 1 :]
    return _placed(others, changed, place + 1 if position is None else position)


def without_image(images: Images, image_id: UUID) -> Images:
    """The pictures without one of them. Raises ImageNotFound."""
    place = _place_of(images, image_id)
    return images[:place] + images[place + 1 :]


def keys_of(images: Images) -> list[MediaKey]:
    """The keys of all their files, each once, in order."""
    return sorted({key for image in images for key in image.keys})


def _place_of(images: Images, image_id: UUID) -> int:
    for place, image in enumerate(images):
        if image.id == image_id:
            return place
    raise ImageNotFound(image_id)


def _placed(images: Images, image: ProductImage, position: int) -> Images:
    if position < 1:
        raise Invalid(Fault("position", f"must be 1 or more, this is {position}", "out_of_range"))
    return (*images[: position - 1], image, *images[position - 1 :])
