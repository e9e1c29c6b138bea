"""The contract of the files of pictures: when they are deleted, and that none is lost."""

from __future__ import annotations

from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from shop_core.accounts.model import SYSTEM, Actor
from shop_core.catalog.image_service import SWEPT_MAX, UNUSED_KEPT, ImageService
from shop_core.catalog.images import key_of
from shop_core.catalog.model import Product
from shop_core.errors import Busy, Stale, Unavailable
from shop_core.inventory.model import LineRequest
from shop_core.orders.model import PlacementRequest
from shop_core.ports import Adapters, Discrepancy, Media
from shop_core.shop import Shop
from shop_testing.concurrency import TIMEOUT_S, in_background, still_waits
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Fixtures
from shop_testing.images import OfImages, service_on

MOMENT = timedelta(seconds=1)


class ImageFilesContract(OfImages):
    """Files of pictures, and what is deleted when."""

    def test_files_are_deleted_a_day_after_nothing_names_them(
        self, images: ImageService, media: Media, lamp: Product, clock: MovableClock
    ) -> None:
        (image,) = images.add(SYSTEM, lamp.id, b"small\nlarge").product.images
        clock.move(10 * UNUSED_KEPT)
        assert images.sweep() == 0
        images.remove(SYSTEM, lamp.id, image.id)
        clock.move(UNUSED_KEPT - MOMENT)
        assert (images.sweep(), media.get(key_of(b"large"))) == (0, b"large")
        clock.move(2 * MOMENT)
        assert images.sweep() == 2
        assert list(media.keys()) == []
        assert images.sweep() == 0

    def test_files_stay_while_any_product_names_them_an_archived_one_too(
        self, shop: Shop, images: ImageService, media: Media, lamp: Product, chair: Product, clock: MovableClock
    ) -> None:
        (image,) = images.add(SYSTEM, lamp.id, b"1").product.images
        images.add(SYSTEM, chair.id, b"1")
        images.remove(SYSTEM, lamp.id, image.id)
        shop.catalog.remove_product(SYSTEM, chair.id)
        for _ in range(2):
            clock.move(2 * UNUSED_KEPT)
            assert images.sweep() == 0
        entry = shop.catalog.restore_product(SYSTEM, chair.id)
        assert media.get(entry.product.images[0].largest.key) == b"1"

    def test_the_files_of_a_product_that_is_deleted_for_good_go_too(
        self, shop: Shop, images: ImageService, media: Media, fixtures: Fixtures, clock: MovableClock
    ) -> None:
        product = fixtures.product("Never stocked")
        images.add(SYSTEM, product.id, b"1")
        shop.catalog.remove_product(SYSTEM, product.id)
        clock.move(UNUSED_KEPT + MOMENT)
        assert images.sweep() == 1
        assert list(media.keys()) == []

    def test_an_upload_that_was_refused_at_the_end_leaves_nothing_for_long(
        self, images: ImageService, media: Media, lamp: Product, clock: MovableClock
    ) -> None:
        with pytest.raises(Stale):
            images.add(SYSTEM, lamp.id, b"1", versions={7})
        assert list(media.keys()) == [key_of(b"1")]
        clock.move(UNUSED_KEPT + MOMENT)
        assert images.sweep() == 1
        assert list(media.keys()) == []

    def test_a_sweep_takes_some_at_a_time(
        self, adapters: Adapters, images: ImageService, media: Media, clock: MovableClock
    ) -> None:
        keys = [key_of(b"%d" % number) for number in range(SWEPT_MAX + 3)]
        with adapters.begin() as uow:
            uow.media_files.note(keys)
        clock.move(UNUSED_KEPT + MOMENT)
        assert [images.sweep() for _ in range(3)] == [SWEPT_MAX, 3, 0]

    def test_a_sweep_that_fails_is_done_again(
        self, adapters: Adapters, images: ImageService, media: Media, lamp: Product, clock: MovableClock
    ) -> None:
        (image,) = images.add(SYSTEM, lamp.id, b"1").product.images
        images.remove(SYSTEM, lamp.id, image.id)
        clock.move(UNUSED_KEPT + MOMENT)

        def fail(_: object) -> None:
            raise Unavailable("the store is away")

        with pytest.raises(Unavailable):
            service_on(adapters, media, delete=fail).sweep()
        assert images.sweep() == 1
        assert list(media.keys()) == []

    # ---- a file that is deleted and uploaded at the same time

    def test_an_upload_of_what_is_being_deleted_waits_and_puts_it_again(
        self, adapters: Adapters, images: ImageService, media: Media, lamp: Product, clock: MovableClock
    ) -> None:
        (image,) = images.add(SYSTEM, lamp.id, b"1").product.images
        images.remove(SYSTEM, lamp.id, image.id)
        clock.move(UNUSED_KEPT + MOMENT)
        uploads = []

        def delete(keys: list[str]) -> None:
            upload = in_background(lambda: images.add(SYSTEM, lamp.id, b"1"))
            uploads.append(upload)
            assert still_waits(upload), "it would put the file before it is deleted"
            media.delete(keys)

        assert service_on(adapters, media, delete=delete).sweep() == 1
        assert uploads[0].result(TIMEOUT_S).product.images != ()
        assert media.get(key_of(b"1")) == b"1"
        assert images.missing() == []

    def test_a_sweep_leaves_what_is_being_uploaded(
        self, adapters: Adapters, images: ImageService, media: Media, lamp: Product, clock: MovableClock
    ) -> None:
        (image,) = images.add(SYSTEM, lamp.id, b"1").product.images
        images.remove(SYSTEM, lamp.id, image.id)
        clock.move(UNUSED_KEPT + MOMENT)

        def put(*file: Any) -> None:
            media.put(*file)
            assert images.sweep() == 0

        service_on(adapters, media, put=put).add(SYSTEM, lamp.id, b"1")
        assert images.sweep() == 0
        assert images.missing() == []

    def test_an_upload_that_took_longer_than_a_day_puts_its_files_again(
        self, adapters: Adapters, images: ImageService, media: Media, lamp: Product, clock: MovableClock
    ) -> None:
        delays = [UNUSED_KEPT + MOMENT]

        def put(*file: Any) -> None:
            media.put(*file)
            if delays:
                clock.move(delays.pop())
                assert images.sweep() == 1

        service_on(adapters, media, put=put).add(SYSTEM, lamp.id, b"1")
        assert media.get(key_of(b"1")) == b"1"
        assert images.missing() == []

    def test_an_upload_whose_files_go_each_time_is_given_up_and_names_nothing(
        self, adapters: Adapters, shop: Shop, images: ImageService, media: Media, lamp: Product, clock: MovableClock
    ) -> None:
        def put(*file: Any) -> None:
            media.put(*file)
            clock.move(UNUSED_KEPT + MOMENT)
            assert images.sweep() == 1

        with pytest.raises(Busy):
            service_on(adapters, media, put=put).add(SYSTEM, lamp.id, b"1")
        assert shop.catalog.product(lamp.id).product == lamp

    def test_two_who_exchange_pictures_of_their_products_do_not_wait_for_each_other(
        self, adapters: Adapters, images: ImageService, media: Media, lamp: Product
    ) -> None:
        low, high = sorted((b"1", b"2"), key=key_of)
        images.add(SYSTEM, lamp.id, high)
        stored, held = Event(), Event()

        def put(*file: Any) -> None:
            media.put(*file)
            stored.set()
            assert held.wait(TIMEOUT_S)

        replacing = in_background(lambda: service_on(adapters, media, put=put).replace_all(SYSTEM, lamp.id, [low]))
        assert stored.wait(TIMEOUT_S)
        with adapters.begin() as other:
            other.media_files.note([key_of(low)])
            held.set()
            assert still_waits(replacing)
            other.media_files.note([key_of(high)])  # nobody who waits for the lower key has it
        (image,) = replacing.result(TIMEOUT_S).product.images
        assert image.keys == (key_of(low),)
        assert images.missing() == []

    # ---- what is missing

    def test_a_file_that_is_gone_is_found(
        self, shop: Shop, images: ImageService, media: Media, lamp: Product, chair: Product
    ) -> None:
        images.add(SYSTEM, lamp.id, b"small\nlarge")
        images.add(SYSTEM, chair.id, b"another")
        assert shop.audit() == []
        media.delete([key_of(b"large")])
        assert shop.audit() == [Discrepancy("picture", lamp.id, key_of(b"large"), "a file")]

    def test_orders_know_nothing_of_pictures(self, shop: Shop, images: ImageService, lamp: Product, ada: Actor) -> None:
        shop.inventory.receive(SYSTEM, lamp.id, 1)
        order = shop.orders.place(PlacementRequest(ada.account_id, (LineRequest(lamp.id, 1),)))
        images.add(SYSTEM, lamp.id, b"1")
        assert shop.orders.get(SYSTEM, order.id) == order
