"""Pictures of products, as staff manage them, and the files that they are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.catalog.images import (
    UPLOAD_BYTES_MAX,
    Images,
    ImageSize,
    MediaKey,
    ProductImage,
    Rendition,
    image_with,
    key_of,
    keys_of,
    with_changed_image,
    with_image,
    without_image,
)
from shop_core.catalog.model import CatalogEntry, Product
from shop_core.errors import Busy, Fault, NoPictures, ProductNotFound, UnusableImage, Versions, check_version
from shop_core.idempotency import Key, made_before
from shop_core.ports import Begin, Clock, Discrepancy, ImageEncoder, Media, NewId
from shop_core.text import normalized

MEDIA_TYPE = "image/webp"
UNUSED_KEPT = timedelta(days=1)
"""How long a file stays that nothing names: clients may still show what they read before."""
SWEPT_MAX = 50
"""How many files one sweep deletes: it holds their notes locked meanwhile."""
_TRIES = 3


class ImageService:
    """Pictures of products.

    Args:
        media: where their files are kept; None: the shop has no pictures of its own.
        encoder: makes the files of an upload; None: the same.

    Attributes:
        url_of: where clients find the file with a key; empty in a shop without pictures of its own.
    """

    def __init__(
        self, begin: Begin, clock: Clock, new_id: NewId, media: Media | None, encoder: ImageEncoder | None
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._new_id = new_id
        self._media = media
        self.url_of: Callable[[MediaKey], str] = (media.url_form if media else "").format
        self._encoder = encoder

    def content(self, key: MediaKey) -> bytes | None:
        """The content of a file, if it is there. It is WebP.

        Raises:
            Unavailable: the store cannot be reached.
        """
        return self._media.get(key) if self._media else None

    def add(
        self,
        actor: Actor,
        product_id: UUID,
        body: bytes,
        alt: str = "",
        position: int | None = None,
        versions: Versions = None,
        *,
        key: Key = None,
    ) -> CatalogEntry:
        """Add a picture to a product. One that the product has already stays as it is. Staff only.

        Its files are stored before the product names them: so nobody ever sees a picture that is not there.

        Args:
            body: a JPEG, PNG or WebP, at most 10 MiB.
            alt: what it shows, for those who do not see it.
            position: its place among the others, from 1; None: the last one.
            versions: the change is refused unless one of these is the newest of the product; None: any.
            key: makes a retry safe; see `IdempotencyKey`. The same for the methods below.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            ProductNotFound, Stale, KeyReused
            UnusableImage: it is no picture, or none that is allowed.
            TooManyImages: the product has 20 already.
            Invalid: text or position breaks its rule.
            NoPictures: the shop keeps none.
            Unavailable: the store cannot be reached, or too many pictures are being made.
        """
        actor.require(Role.STAFF)
        image_id, alt = self._new_id(), normalized(alt)
        with_image((), ProductImage(image_id, (), alt), product_id, position)  # the rules, before the work
        self._check_there(product_id)
        for _ in range(_TRIES):
            image = ProductImage(image_id, self._stored(body), alt)
            try:
                return self._changed(
                    actor,
                    product_id,
                    partial(with_image, image=image, product_id=product_id, position=position),
                    versions,
                    key,
                    ("add image", key_of(body), alt, position),
                    added=[image],
                )
            except _Swept:  # since the note, which takes a day, or a clock that jumps
                continue
        raise Busy

    def replace_all(self, actor: Actor, product_id: UUID, bodies: Iterable[bytes]) -> CatalogEntry:
        """Make these the pictures of a product, in this order. Those that it has already keep their text. Staff only.

        Args:
            bodies: each as `add` takes it; one is held in memory at a time.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            ProductNotFound, UnusableImage, TooManyImages, NoPictures, Unavailable: see `add`.
        """
        actor.require(Role.STAFF)
        self._check_there(product_id)
        images: Images = ()
        for body in bodies:
            images = with_image(images, ProductImage(self._new_id(), self._stored(body)), product_id)

        def change(before: Images) -> Images:
            return tuple(image_with(before, image.keys) or image for image in images)

        try:
            return self._changed(actor, product_id, change, None, None, ("replace images",), added=images)
        except _Swept:
            raise Busy from None

    def check(self, body: bytes) -> None:
        """Check that a file can be a picture of a product; nothing is stored.

        Raises:
            UnusableImage, NoPictures, Busy: see `add`.
        """
        self._renditions(body)

    def edit(
        self,
        actor: Actor,
        product_id: UUID,
        image_id: UUID,
        alt: str | None = None,
        position: int | None = None,
        versions: Versions = None,
        *,
        key: Key = None,
    ) -> CatalogEntry:
        """Change text or place of a picture; None leaves it as it is. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            ProductNotFound, ImageNotFound, Stale, Invalid, KeyReused
        """
        actor.require(Role.STAFF)
        alt = None if alt is None else normalized(alt)
        return self._changed(
            actor,
            product_id,
            lambda images: with_changed_image(images, image_id, alt, position),
            versions,
            key,
            ("edit image", image_id, alt, position),
        )

    def remove(
        self, actor: Actor, product_id: UUID, image_id: UUID, versions: Versions = None, *, key: Key = None
    ) -> CatalogEntry:
        """Take a picture from a product. Its files are deleted a day later. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            ProductNotFound, ImageNotFound, Stale, KeyReused
        """
        actor.require(Role.STAFF)
        return self._changed(
            actor,
            product_id,
            lambda images: without_image(images, image_id),
            versions,
            key,
            ("remove image", image_id),
        )

    def sweep(self) -> int:
        """Delete files that nothing has named for a day: how many.

        To be called again and again, by any number of processes. An upload of the same content waits for it, and puts
        the file afterwards.
        """
        if self._media is None:
            return 0
        with self._begin() as uow:
            unused = uow.media_files.take_unused(uow.now() - UNUSED_KEPT, SWEPT_MAX)
            if unused:
                self._media.delete(unused)
                uow.media_files.forget(unused)
        return len(unused)

    def missing(self) -> list[Discrepancy]:
        """The products that name a file which is not there.

        Raises:
            Unavailable: the store cannot be reached.
        """
        if self._media is None:
            return []
        with self._begin() as uow:  # before the files are listed: those are put before they are named
            used = list(uow.media_files.used())
        stored = set(self._media.keys()) if used else set[MediaKey]()
        return [Discrepancy("picture", of, key, "a file") for of, key in used if key not in stored]

    def _renditions(self, body: bytes) -> Sequence[Rendition]:
        if self._encoder is None:
            raise NoPictures
        if len(body) > UPLOAD_BYTES_MAX:
            raise UnusableImage(Fault("image", f"has {len(body)} bytes, and may have 10 MiB", "too_large"))
        return self._encoder.renditions(body)

    def _stored(self, body: bytes) -> tuple[ImageSize, ...]:
        """The files of a picture, which are stored now, and named by nothing yet."""
        if self._media is None:
            raise NoPictures
        renditions = self._renditions(body)
        sizes = tuple(map(ImageSize.of, renditions))
        with self._begin() as uow:
            uow.media_files.note([size.key for size in sizes])
        for size, rendition in zip(sizes, renditions, strict=True):
            self._media.put(size.key, rendition.body, MEDIA_TYPE)
        return sizes

    def _check_there(self, product_id: UUID) -> None:
        with self._begin() as uow:
            if uow.products.get(product_id) is None:
                raise ProductNotFound(product_id)

    def _changed(
        self,
        actor: Actor,
        product_id: UUID,
        change: Callable[[Images], Images],
        versions: Versions,
        key: Key,
        asked: tuple[str | UUID | int | None, ...],
        added: Sequence[ProductImage] = (),
    ) -> CatalogEntry:
        """The product with other pictures. Raises _Swept: a file of those that are added is gone."""
        with self._begin() as uow:
            is_replay = key is not None and key.claim(uow.keys.claim, actor.account_id, product_id, *asked)
            product = uow.products.lock(product_id)
            if product is None or product.archived_at is not None:
                raise ProductNotFound(product_id)
            if is_replay and key:
                for image in added:
                    made_before(image_with(product.images, image.keys), key)
            edited = product if is_replay else _with_images(product, change(product.images), self._clock)
            if edited is not product:
                check_version(product.version, versions)
                uow.products.update_all([edited])
                gone = set(keys_of(product.images)) - set(keys_of(edited.images))
                if (gone or added) and not uow.media_files.use(keys_of(tuple(added)), gone):
                    raise _Swept
            entry = uow.products.get(product_id)
        if entry is None:
            raise ProductNotFound(product_id)
        return entry


class _Swept(Exception):
    """A file was deleted between its upload and the product that was to name it."""


def _with_images(product: Product, images: Images, clock: Clock) -> Product:
    return product if images == product.images else product.with_images(images, clock())
