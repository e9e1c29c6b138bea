"""The contract of pictures of products: their order, and how staff change them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import cast
from uuid import UUID

import pytest

from shop_core.accounts.model import SYSTEM, Actor, Role
from shop_core.catalog.image_service import ImageService
from shop_core.catalog.images import ALT_LENGTH_MAX, IMAGES_MAX, UPLOAD_BYTES_MAX, key_of
from shop_core.catalog.model import Product, ProductChanges, ProductDetails
from shop_core.catalog.search import ProductQuery
from shop_core.errors import (
    Forbidden,
    ImageNotFound,
    Invalid,
    KeyReused,
    NoPictures,
    ProductNotFound,
    Refusal,
    Stale,
    TooManyImages,
    UnusableImage,
)
from shop_core.idempotency import IdempotencyKey
from shop_core.pagination import OffsetRequest
from shop_core.ports import Adapters, Media
from shop_core.shop import Shop
from shop_testing.catalog_feed import CatalogCopy
from shop_testing.concurrency import together
from shop_testing.contract import Contract
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Altered, Fixtures
from shop_testing.media import PlainEncoder

MOMENT = timedelta(seconds=1)


class OfImages(Contract):
    """What the contracts of pictures stand on. The adapters need some `media`; tests have an encoder of their own."""

    moves_time = True

    @pytest.fixture
    def media(self, adapters: Adapters) -> Media:
        """Where the adapters keep pictures."""
        assert adapters.media is not None, "these adapters keep no pictures: give them some media"
        return adapters.media

    @pytest.fixture
    def images(self, adapters: Adapters, media: Media) -> ImageService:
        """Pictures on those adapters."""
        return service_on(adapters, media)


class ImagesContract(OfImages):
    """Pictures of products."""

    def test_a_picture_is_kept_with_its_files_and_changes_the_product(
        self, shop: Shop, images: ImageService, media: Media, lamp: Product, clock: MovableClock
    ) -> None:
        clock.move(MOMENT)
        entry = images.add(SYSTEM, lamp.id, b"small\nlarge", " A lamp, lit ")
        (image,) = entry.product.images
        assert [(size.key, size.width, size.height) for size in image.sizes] == [
            (key_of(b"small"), 10, 5),
            (key_of(b"large"), 20, 10),
        ]
        assert (image.alt, image.largest.width) == ("A lamp, lit", 20)
        assert (entry.product.version, entry.product.updated_at) == (2, clock())
        assert shop.catalog.product(lamp.id) == entry
        assert [media.get(key) for key in image.keys] == [b"small", b"large"]
        assert shop.catalog.products(ProductQuery(), OffsetRequest()).items == (entry,)
        assert images.missing() == []

    def test_pictures_stay_in_the_order_that_staff_give_them(self, images: ImageService, lamp: Product) -> None:
        for name, position in ((b"b", None), (b"d", 99), (b"a", 1), (b"c", 3)):
            entry = images.add(SYSTEM, lamp.id, name, name.decode(), position)
        assert alts(entry.product) == "abcd"
        by_alt = {image.alt: image.id for image in entry.product.images}
        assert alts(images.edit(SYSTEM, lamp.id, by_alt["d"], position=1).product) == "dabc"
        assert alts(images.edit(SYSTEM, lamp.id, by_alt["a"], position=4).product) == "dbca"
        assert alts(images.edit(SYSTEM, lamp.id, by_alt["b"], "B").product) == "dBca"
        assert alts(images.remove(SYSTEM, lamp.id, by_alt["c"]).product) == "dBa"

    def test_edits_of_the_product_leave_its_pictures_alone(
        self, shop: Shop, images: ImageService, fixtures: Fixtures, lamp: Product
    ) -> None:
        pictures = images.add(SYSTEM, lamp.id, b"1", "one").product.images
        shop.catalog.edit_product(SYSTEM, lamp.id, ProductChanges(name="Lantern"))
        entry = shop.catalog.replace_product(SYSTEM, lamp.id, ProductDetails("L", "Lantern", fixtures.money(1)))
        assert entry.product.images == pictures
        shop.catalog.import_products(SYSTEM, [ProductDetails("L", "Lamp", fixtures.money(2))])
        assert shop.catalog.product(lamp.id).product.images == pictures

    def test_the_same_picture_twice_is_one_and_changes_nothing(
        self, images: ImageService, lamp: Product, chair: Product
    ) -> None:
        first = images.add(SYSTEM, lamp.id, b"1", "one")
        assert images.add(SYSTEM, lamp.id, b"1", "another text") == first
        assert images.add(SYSTEM, chair.id, b"1").product.images[0].keys == first.product.images[0].keys

    def test_a_change_that_changes_nothing_is_no_new_version(self, images: ImageService, lamp: Product) -> None:
        entry = images.add(SYSTEM, lamp.id, b"1", "one")
        (image,) = entry.product.images
        assert images.edit(SYSTEM, lamp.id, image.id, "one", 1) == entry
        assert images.edit(SYSTEM, lamp.id, image.id) == entry

    def test_followers_of_the_catalog_get_every_change(self, shop: Shop, images: ImageService, lamp: Product) -> None:
        copy = CatalogCopy(shop)
        copy.update()
        (image,) = images.add(SYSTEM, lamp.id, b"1", "one").product.images
        change: Callable[[], object]
        for change in (
            lambda: images.edit(SYSTEM, lamp.id, image.id, "two"),
            lambda: images.remove(SYSTEM, lamp.id, image.id),
        ):
            copy.update()
            assert copy.difference == ({}, {})
            change()
            assert copy.difference != ({}, {})
        copy.update()
        assert copy.difference == ({}, {})

    # ---- refusals

    def test_only_staff_change_pictures(self, images: ImageService, lamp: Product, ada: Actor) -> None:
        (image,) = images.add(SYSTEM, lamp.id, b"1").product.images
        change: Callable[[], object]
        for change in (
            lambda: images.add(ada, lamp.id, b"2"),
            lambda: images.edit(ada, lamp.id, image.id, "text"),
            lambda: images.remove(ada, lamp.id, image.id),
        ):
            with pytest.raises(Forbidden):
                change()

    @pytest.mark.parametrize(
        ("body", "alt", "position", "refusal"),
        [
            (b"", "", None, UnusableImage),
            (b"1" * (UPLOAD_BYTES_MAX + 1), "", None, UnusableImage),
            (b"1", "x" * (ALT_LENGTH_MAX + 1), None, Invalid),
            (b"1", "line\nbreak", None, Invalid),
            (b"1", "", 0, Invalid),
        ],
    )
    def test_what_breaks_a_rule_is_refused_and_nothing_is_kept(
        self,
        images: ImageService,
        shop: Shop,
        media: Media,
        lamp: Product,
        body: bytes,
        alt: str,
        position: int | None,
        refusal: type[Refusal],
    ) -> None:
        with pytest.raises(refusal):
            images.add(SYSTEM, lamp.id, body, alt, position)
        assert shop.catalog.product(lamp.id).product == lamp
        assert list(media.keys()) == []

    def test_what_is_not_there_is_refused(self, shop: Shop, images: ImageService, lamp: Product) -> None:
        nothing = UUID(int=1)
        (image,) = images.add(SYSTEM, lamp.id, b"1").product.images
        change: Callable[[], object]
        for change in (
            lambda: images.edit(SYSTEM, lamp.id, nothing, "text"),
            lambda: images.remove(SYSTEM, lamp.id, nothing),
        ):
            with pytest.raises(ImageNotFound):
                change()
        shop.catalog.remove_product(SYSTEM, lamp.id)
        for product_id in (lamp.id, nothing):
            for change in (
                partial(images.add, SYSTEM, product_id, b"1"),
                partial(images.edit, SYSTEM, product_id, image.id, "text"),
                partial(images.remove, SYSTEM, product_id, image.id),
            ):
                with pytest.raises(ProductNotFound):
                    change()

    def test_a_product_has_twenty_pictures_at_most(self, images: ImageService, lamp: Product) -> None:
        for number in range(IMAGES_MAX):
            images.add(SYSTEM, lamp.id, b"%d" % number)
        with pytest.raises(TooManyImages):
            images.add(SYSTEM, lamp.id, b"one more")
        assert len(images.add(SYSTEM, lamp.id, b"0").product.images) == IMAGES_MAX, "it has that one"

    def test_a_stale_change_is_refused(self, images: ImageService, lamp: Product) -> None:
        (image,) = images.add(SYSTEM, lamp.id, b"1", versions={1}).product.images
        change: Callable[[], object]
        for change in (
            lambda: images.add(SYSTEM, lamp.id, b"2", versions={1}),
            lambda: images.edit(SYSTEM, lamp.id, image.id, "text", versions={1}),
            lambda: images.remove(SYSTEM, lamp.id, image.id, versions={1}),
        ):
            with pytest.raises(Stale):
                change()

    def test_a_shop_without_media_or_encoder_takes_no_pictures(self, adapters: Adapters, lamp: Product) -> None:
        for media, encoder in ((None, PlainEncoder()), (adapters.media, None)):
            images = ImageService(adapters.begin, adapters.clock, adapters.new_id, media, encoder)
            with pytest.raises(NoPictures):
                images.add(SYSTEM, lamp.id, b"1")
        images = ImageService(adapters.begin, adapters.clock, adapters.new_id, None, None)
        assert (images.sweep(), images.missing(), images.content(key_of(b"1"))) == (0, [], None)

    # ---- once

    def test_a_retry_with_its_key_changes_nothing_and_another_request_needs_another_key(
        self, images: ImageService, lamp: Product
    ) -> None:
        def key(text: str = "k") -> IdempotencyKey:
            return IdempotencyKey(text)

        boss = Actor(UUID(int=7), Role.STAFF)
        added = images.add(boss, lamp.id, b"1", "one", key=key())
        (image,) = added.product.images
        assert images.add(boss, lamp.id, b"1", "one", key=(again := key())) == added
        assert again.is_replay
        for body, alt, position in ((b"2", "one", None), (b"1", "two", None), (b"1", "one", 1)):
            with pytest.raises(KeyReused):
                images.add(boss, lamp.id, body, alt, position, key=key())
        edited = images.edit(boss, lamp.id, image.id, "two", key=key("e"))
        images.edit(boss, lamp.id, image.id, "three")
        assert images.edit(boss, lamp.id, image.id, "two", key=key("e")).product.images[0].alt == "three"
        assert edited.product.images[0].alt == "two"
        for _ in range(2):
            assert images.remove(boss, lamp.id, image.id, key=key("r")).product.images == ()
        with pytest.raises(KeyReused):  # what it made is gone
            images.add(boss, lamp.id, b"1", "one", key=key())

    def test_pictures_that_are_added_at_the_same_time_are_all_there(self, images: ImageService, lamp: Product) -> None:
        bodies = [b"shared\n%d" % number for number in range(8)]
        together(*(partial(images.add, SYSTEM, lamp.id, body) for body in bodies))
        entry = images.add(SYSTEM, lamp.id, b"last")
        assert len(entry.product.images) == len(bodies) + 1
        assert entry.product.version == len(bodies) + 2
        assert images.missing() == []


def service_on(adapters: Adapters, media: Media, **altered: Callable[..., None]) -> ImageService:
    """Pictures on adapters, with some methods of the store replaced."""
    store = cast("Media", Altered(media, **altered))
    return ImageService(adapters.begin, adapters.clock, adapters.new_id, store, PlainEncoder())


def alts(product: Product) -> str:
    """The texts of its pictures, in their order."""
    return "".join(image.alt for image in product.images)
