"""What placing keeps of the catalog is what the database says, and what it stores in short form is read again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import psycopg
import pytest
from sqlalchemy import Engine, text
from verification import databases

from shop_adapters.ids import uuid7
from shop_adapters.postgres import PostgresAdapters, prices, product_lists
from shop_adapters.postgres.arrays import Array, Blobs, Booleans, Integers, Texts, Times, Uuids
from shop_core import SYSTEM, LineRequest, Money, PlacementRequest, ProductChanges, Shop
from shop_core.catalog.model import Product
from shop_core.pricing.benefits import OrderPercent
from shop_core.pricing.model import PromotionDetails
from shop_testing import Fixtures


@pytest.fixture
def shop(postgres_adapters: PostgresAdapters) -> Shop:
    return Shop(postgres_adapters)


@pytest.fixture
def lamp(postgres_adapters: PostgresAdapters) -> Product:
    return Fixtures(postgres_adapters).product("Lamp", units=100, price=10_00)


@pytest.fixture
def total_of_a(shop: Shop) -> Callable[[Product], int]:
    """What one unit costs who orders it now."""
    return lambda product: shop.orders.place(PlacementRequest(uuid7(), (LineRequest(product.id, 1),))).total.minor


def test_what_another_process_changed_is_sold_as_changed(
    engine: Engine, lamp: Product, total_of_a: Callable[[Product], int]
) -> None:
    assert (total_of_a(lamp), total_of_a(lamp)) == (10_00, 10_00)
    elsewhere = Shop(databases.adapters_on(engine, None, uuid7))
    elsewhere.catalog.edit_product(SYSTEM, lamp.id, ProductChanges(price=Money(12_00, "EUR")))
    assert (total_of_a(lamp), total_of_a(lamp)) == (12_00, 12_00)


def test_the_same_version_after_a_restore_is_another_catalog(
    engine: Engine, shop: Shop, lamp: Product, total_of_a: Callable[[Product], int]
) -> None:
    assert total_of_a(lamp) == 10_00
    with engine.begin() as connection:
        connection.execute(text("UPDATE products SET price_minor = 700"))
        connection.execute(text("UPDATE catalog_stamps SET stamp = stamp + 1"))
    assert total_of_a(lamp) == 7_00


def test_a_change_that_is_taken_back_is_not_kept(
    postgres_adapters: PostgresAdapters, lamp: Product, total_of_a: Callable[[Product], int]
) -> None:
    def change_and_fail() -> None:
        with postgres_adapters.begin() as uow:
            product = uow.products.lock(lamp.id)
            assert product is not None
            uow.products.update_all([replace(product, price=Money(1, "EUR"))])
            assert uow.products.offers([lamp.id])[lamp.id].price.minor == 1
            raise KeyError

    assert total_of_a(lamp) == 10_00
    with pytest.raises(KeyError):
        change_and_fail()
    assert total_of_a(lamp) == 10_00


def test_more_products_than_are_kept_are_sold_all_the_same(
    monkeypatch: pytest.MonkeyPatch, postgres_adapters: PostgresAdapters, total_of_a: Callable[[Product], int]
) -> None:
    monkeypatch.setattr(product_lists, "OFFERS_MAX", 2)
    products = [Fixtures(postgres_adapters).product(units=9, price=number) for number in range(1, 6)]
    assert [total_of_a(product) for product in products * 2] == [1, 2, 3, 4, 5] * 2


def test_more_coupons_than_are_kept_are_known_all_the_same(
    monkeypatch: pytest.MonkeyPatch, shop: Shop, postgres_adapters: PostgresAdapters
) -> None:
    """Each pair has a code that is kept, and one that makes room for itself."""
    monkeypatch.setattr(prices, "COUPONS_KEPT_MAX", 2)
    details = PromotionDetails("Sale", OrderPercent(1000), needs_coupon=True)
    promotion = shop.prices.create_promotion(SYSTEM, details).promotion
    codes = [shop.prices.create_coupons(SYSTEM, promotion.id, code=f"CODE{n}")[0].coupon.code for n in range(5)]
    with postgres_adapters.begin() as uow:
        uow.prices.rules()
        for pair in pairwise(codes):
            assert uow.prices.coupons_by_code(pair).keys() == set(pair)


def test_the_promotions_of_an_order_are_read_in_both_forms(engine: Engine, shop: Shop, lamp: Product) -> None:
    promotion = shop.prices.create_promotion(SYSTEM, PromotionDetails("Sale", OrderPercent(1000))).promotion
    order = shop.orders.place(PlacementRequest(uuid7(), (LineRequest(lamp.id, 1),)))
    assert order.promotions == ((promotion.id, 1),)
    assert shop.orders.get(SYSTEM, order.id) == order
    first_form = json.dumps({"promotions": [[str(promotion.id), 1]], "coupons": []})
    with engine.begin() as connection:
        connection.execute(text("UPDATE orders SET pricing = CAST(:pricing AS jsonb)"), {"pricing": first_form})
    assert shop.orders.get(SYSTEM, order.id) == order


NOW, ID = datetime(2026, 11, 28, 12, 30, 15, 123_456, tzinfo=UTC), uuid7()


@pytest.mark.parametrize(
    "sent",
    [
        *([kind(), kind([None]), kind([None] * 3)] for kind in (Uuids, Texts, Times)),
        [Integers([7, 7, 7]), Integers([7, -1, 7]), Integers([7, None, 7]), Integers([None, 7, None])],
        [Texts(["é", "é"]), Texts(["a", "", "a"]), Texts(["a", None])],
        [Uuids([ID, ID]), Uuids([ID, uuid7(), ID]), Uuids([ID, None, ID])],
        [Times([NOW, NOW]), Booleans([True, False, True]), Booleans([False, False]), Blobs([b"x", b"x"])],
    ],
)
def test_a_column_arrives_as_it_was_sent(postgres_url: str, sent: list[Array]) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        for values in sent:
            assert connection.execute("SELECT %s", [values]).fetchone() == (list(values),)
