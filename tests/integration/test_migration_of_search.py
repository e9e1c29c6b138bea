"""Searches and sorts fold more than the version before: its rows are made anew, also those that it writes meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from alembic import command
from sqlalchemy import Connection, text

from shop_adapters.ids import uuid7
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.migrate import _config, migrate
from shop_adapters.postgres.search import refresh_search
from shop_core import SYSTEM, AccountQuery, Money, OffsetRequest, ProductDetails, ProductQuery, ProductSort, Shop
from shop_core.text import search_words

SECRET = b"the secret of the tests, 32 bytes"
_PRODUCT = text("""
INSERT INTO products (id, sku, name, name_key, description, price_minor, image_urls, search, version, created_at,
                      updated_at)
VALUES (:id, :sku, :name, lower(:name), '', 100, '{}', CAST(:search AS tsvector), 1, now(), now())
""")
_LEVEL = text("INSERT INTO stock_levels VALUES (:id, 0, 0, 0, 0)")
_ACCOUNT = text("""
INSERT INTO accounts (id, username, username_key, email, first_name, last_name, role, active, password_hash, created_at,
                      updated_at, search)
VALUES (:id, :name, :name, '', 'Zoë', 'Müller', 'customer', true, 'x', now(), now(), '''müller'' ''zoë''')
""")


def written_by_the_version_before(connection: Connection, sku: str, name: str) -> None:
    words = " ".join(f"'{word}':1A" for word in (*name.lower().split(), sku.lower()))
    row = {"id": uuid7(), "sku": sku, "name": name, "search": words}
    connection.execute(_PRODUCT, row)
    connection.execute(_LEVEL, row)
    connection.execute(_ACCOUNT, {"id": uuid7(), "name": f"user-{sku}"})


def found(shop: Shop, keyword: str) -> list[str]:
    query = ProductQuery(search_words(keyword), sort=ProductSort.NAME)
    return [entry.product.sku for entry in shop.catalog.products(query, OffsetRequest()).items]


def test_what_the_version_before_wrote_and_writes_is_found_as_the_new_one_folds(
    new_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shop_adapters.postgres.migrate.REFRESHED_MAX", 2)
    monkeypatch.setattr("shop_adapters.postgres.search.REFRESHED_MAX", 2)
    engine = make_engine(new_database("shop_old_search"), connections=2)
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0009")
        for sku, name in (("z", "Zebra lamp"), ("a", "Äpfel lamp"), ("m", "Müller lamp")):
            written_by_the_version_before(connection, sku, name)
    migrate(engine, "EUR")
    shop = Shop(PostgresAdapters(engine, SECRET))
    assert found(shop, "lamps") == ["a", "m", "z"]
    assert found(shop, "muller") == ["m"]
    assert len(shop.accounts.accounts(SYSTEM, AccountQuery(search_words("zoe muller")), OffsetRequest()).items) == 3

    with engine.begin() as connection:  # while servers of both versions run
        written_by_the_version_before(connection, "o", "Öl lamp")
        connection.execute(text("UPDATE products SET search = '''käse''', name = 'Käse' WHERE sku = 'm'"))
    assert found(shop, "ol") == found(shop, "kase") == []
    assert refresh_search(engine) == 2
    assert refresh_search(engine) == 0
    assert (found(shop, "ol"), found(shop, "kase")) == (["o"], ["m"])

    shop.catalog.create_product(SYSTEM, ProductDetails("n", "Nüsse lamps", Money(100, "EUR")))
    with engine.begin() as connection:
        for query in ("'nüsse':A", "'lamps':A"):
            by_the_version_before = text("SELECT sku FROM products WHERE search @@ CAST(:query AS tsquery)")
            assert connection.execute(by_the_version_before, {"query": query}).scalars().all() == ["n"]
        keys = connection.execute(text("SELECT name_key, sort_key FROM products WHERE sku = 'n'")).one()
    assert tuple(keys) == ("nüsse lamps", "nusse lamps")
    engine.dispose()
