"""Lists of 100,000 products on PostgreSQL: so many statements, by index, and any page costs what the first one does.

Costs are counted, never timed: rows that the plan's nodes gave out and threw away, and pages that they touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from operator import add
from uuid import UUID

import pytest
from sqlalchemy import Engine
from verification.databases import adapters_on

from plans import Cost, analyze, cost_of, costs, statements
from shop_adapters import listing
from shop_adapters.postgres.schema import products
from shop_core import (
    SYSTEM,
    CursorRequest,
    OffsetRequest,
    Product,
    ProductChanges,
    ProductQuery,
    ProductSort,
    Shop,
)
from shop_core.pagination import PageRequest, make_cursor

PRODUCTS = 100_000
CATEGORIES = 500
COMMON, RARE = "common", "rare7"

# Ids rise with the number of the product, as UUIDv7s do with time; prices, names and categories do not follow it.
_FILL = f"""
INSERT INTO categories (id, name, slug, parent_id)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Category ' || n, 'category-' || n,
       CASE WHEN n > 20 THEN ('01900000-0000-7000-8000-' || lpad(to_hex(n % 20 + 1), 12, '0'))::uuid END
FROM generate_series(1, {CATEGORIES}) n;
INSERT INTO products (id, sku, name, name_key, sort_key, description, price_minor, category_id, image_urls, search,
                      version, created_at, updated_at)
SELECT ('01910000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'SKU-' || n, 'Product ' || md5(n::text),
       'product ' || md5(n::text), 'product ' || md5(n::text), 'About ' || n, (n::bigint * 7919) % 50000,
       ('01900000-0000-7000-8000-' || lpad(to_hex((n::bigint * 31) % {CATEGORIES} + 1), 12, '0'))::uuid, '{{}}',
       ('''=2'':1 ''{COMMON}'':1A ''rare' || n % 1000 || ''':1' ||
        CASE WHEN n % 2000 < 1000 THEN 'A' ELSE 'D' END)::tsvector,
       1, now(), now()
FROM generate_series(1, {PRODUCTS}) n;
INSERT INTO families (id, name, description, option_names, version)
SELECT ('01920000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Family', '', '{{}}', 1
FROM generate_series(1, 2000) n;
INSERT INTO stock_levels SELECT id, CASE WHEN price_minor % 5 = 0 THEN 0 ELSE 9 END, 0, 0, 0 FROM products;
"""


def category_id(number: int) -> UUID:
    """The id of a category of the data set; those up to 20 are at the top, with 24 below each."""
    return UUID(f"01900000-0000-7000-8000-{number:012x}")


@pytest.fixture(scope="module")
def engine(new_engine: Callable[..., Engine]) -> Engine:
    engine = new_engine("shop_scale")
    with engine.begin() as connection:
        for index in products.indexes:  # made anew afterwards, which is faster than row by row
            index.drop(connection)
        connection.connection.cursor().execute(_FILL)  # several statements, which only the driver itself sends at once
        for index in products.indexes:
            index.create(connection)
    analyze(engine)
    return engine


@pytest.fixture
def shop(engine: Engine) -> Shop:
    """A shop that remembers nothing of the tests before."""
    return Shop(adapters_on(engine))


def page_cost(engine: Engine, shop: Shop, query: ProductQuery, page_request: PageRequest) -> Cost:
    """What the statement costs that finds the products of a page."""
    with statements(engine) as seen:
        shop.catalog.products(query, page_request)
    lists = [one for one in seen if re.search(r"FROM products\b.* ORDER BY ", one[0], re.DOTALL)]
    return reduce(add, (cost_of(engine, *one) for one in lists))  # more than one only by relevance


def cursor_after(shop: Shop, query: ProductQuery, offset: int) -> str:
    """The cursor that a walk has after `offset` products."""
    (entry,) = shop.catalog.products(query, OffsetRequest(limit=1, offset=offset - 1)).items
    sort = listing.products(query)
    return make_cursor(sort.name, sort.key(entry))


INDEX_OF = {
    ProductSort.NEWEST: {"products_by_age_idx", "products_pkey"},
    ProductSort.NAME: {"products_by_sort_key_idx"},
    ProductSort.PRICE: {"products_by_price_idx"},
    ProductSort.PRICE_DESCENDING: {"products_by_price_idx"},
    ProductSort.RELEVANCE: {"products_by_sort_key_idx"},  # without words that is by name
}


# ---- the number of statements


@pytest.mark.parametrize(
    ("query", "extra"),
    [
        (ProductQuery(), 0),
        (ProductQuery(words=(RARE, COMMON), sort=ProductSort.PRICE), 0),
        (ProductQuery(category_id=category_id(3)), 1),
        (ProductQuery((RARE,), category_id(3), 1, 40_000, 1, None, ProductSort.NAME), 1),
    ],
)
def test_a_list_of_products_takes_one_statement_and_counting_and_looking_up_a_category_one_more_each(
    engine: Engine, shop: Shop, query: ProductQuery, extra: int
) -> None:
    for limit in (1, 200):
        with statements(engine) as seen:
            shop.catalog.products(query, CursorRequest(limit))
        assert len(seen) == 1 + extra, seen
        with statements(engine) as seen:
            shop.catalog.products(query, OffsetRequest(limit))
        # A list that does not depend on stock is counted once for each version of the catalog, which is asked for.
        counts_anew = limit == 1 or query.available_min is not None
        asks_for_version = query.available_min is None
        assert len(seen) == 1 + counts_anew + asks_for_version + extra, seen


def test_a_page_far_behind_costs_what_the_first_costs_once_somebody_was_there(engine: Engine, shop: Shop) -> None:
    query = ProductQuery(sort=ProductSort.PRICE)
    first, far = OffsetRequest(limit=50), OffsetRequest(limit=50, offset=50_000)
    shown = shop.catalog.products(query, far)
    (cost_of_first,), (cost_of_far,) = (
        [
            cost
            for cost in costs(engine, lambda it=page_request: shop.catalog.products(query, it))  # type: ignore[misc]
            if cost.rows > 1
        ]
        for page_request in (first, far)
    )
    assert cost_of_far.rows <= 1.1 * cost_of_first.rows
    assert shop.catalog.products(query, far).items == shown.items
    following = OffsetRequest(limit=50, offset=50_050)
    assert shop.catalog.products(query, following).items[0] != shown.items[-1]


def test_a_change_of_the_catalog_shows_in_counts_and_in_pages_far_behind(engine: Engine, shop: Shop) -> None:
    query = ProductQuery(sort=ProductSort.NAME)
    far = OffsetRequest(limit=3, offset=1_000)
    before = shop.catalog.products(query, far)
    gone = shop.catalog.products(query, OffsetRequest(limit=1)).items[0].product
    with adapters_on(engine).begin() as uow:
        uow.stock.lock([gone.id])
        uow.products.update_all([replace(gone, archived_at=gone.updated_at, category_id=None)])
    try:
        after = shop.catalog.products(query, far)
        assert (after.count, after.items[:2]) == ((before.count or 0) - 1, before.items[1:])
    finally:
        with adapters_on(engine).begin() as uow:
            uow.products.update_all([gone])
    assert shop.catalog.products(query, far) == before


def test_a_walk_by_relevance_takes_a_statement_for_each_way_to_fit_that_its_first_page_needs(
    engine: Engine, shop: Shop
) -> None:
    for limit, expected in ((10, 3), (200, 4)):  # an exact SKU, an exact name, a title, a description
        with statements(engine) as seen:
            shop.catalog.products(ProductQuery(words=(RARE, COMMON)), CursorRequest(limit))
        assert len(seen) == expected, seen


@pytest.mark.parametrize(
    ("count", "use"),
    [
        (1, lambda shop, product: shop.catalog.product(product.id)),
        (1, lambda shop, _: shop.catalog.category_tree(OffsetRequest(200))),
        (2, lambda shop, _: shop.catalog.categories(OffsetRequest(200))),
        (1, lambda shop, _: shop.catalog.category(category_id(1))),
        (2, lambda shop, product: shop.inventory.movements(SYSTEM, product.id, CursorRequest(200))),
        (1, lambda shop, product: shop.inventory.level(SYSTEM, product.id)),
        # Lock, look for the SKU, update, read what can be sold, raise the version.
        (
            5,
            lambda shop, product: shop.catalog.edit_product(SYSTEM, product.id, ProductChanges(description="New")),
        ),
    ],
    ids=["product", "tree", "categories", "category", "ledger", "level", "edit"],
)
def test_so_many_statements_are_sent(
    engine: Engine, shop: Shop, count: int, use: Callable[[Shop, Product], object]
) -> None:
    product = shop.catalog.products(ProductQuery(), CursorRequest(1)).items[0].product
    with statements(engine) as seen:
        use(shop, product)
    assert len(seen) == count, seen


# ---- indexes


@pytest.mark.parametrize("sort", ProductSort)
def test_the_first_page_of_every_sort_is_read_off_its_index(engine: Engine, shop: Shop, sort: ProductSort) -> None:
    cost = page_cost(engine, shop, ProductQuery(sort=sort), CursorRequest(50))
    assert cost.read_whole == set()
    assert cost.used & INDEX_OF[sort], cost.used
    assert cost.rows <= 4 * 51


@pytest.mark.parametrize("sort", ProductSort)
def test_page_1000_by_cursor_costs_what_page_1_costs(engine: Engine, shop: Shop, sort: ProductSort) -> None:
    query = ProductQuery(sort=sort)
    first = page_cost(engine, shop, query, CursorRequest(50))
    deep = page_cost(engine, shop, query, CursorRequest(50, cursor_after(shop, query, 50 * 999)))
    assert deep.used & INDEX_OF[sort], deep.used
    assert deep.read_whole == set()
    assert deep.rows <= first.rows * 1.1 + 5, (first.rows, deep.rows)
    assert deep.buffers <= first.buffers * 1.5 + 20, (first.buffers, deep.buffers)


FILTERS = [
    ("a category", ProductQuery(category_id=category_id(77)), {"products_by_category_idx"}, 200),
    ("a category with those below it", ProductQuery(category_id=category_id(7)), {"products_by_category_idx"}, 6_000),
    ("a narrow range of prices", ProductQuery(price_min=100, price_max=120), {"products_by_price_idx"}, 42),
    ("a rare word", ProductQuery(words=(RARE, COMMON)), {"products_search_idx"}, 100),
    ("a rare beginning", ProductQuery(words=("rare99",)), {"products_search_idx"}, 1_100),
]


@pytest.mark.parametrize("sort", [None, *ProductSort])
@pytest.mark.parametrize(("query", "indexes", "matches"), [case[1:] for case in FILTERS], ids=[c[0] for c in FILTERS])
def test_a_selective_filter_uses_an_index_in_every_sort(
    engine: Engine, shop: Shop, query: ProductQuery, indexes: set[str], matches: int, sort: ProductSort | None
) -> None:
    query = ProductQuery(query.words, query.category_id, query.price_min, query.price_max, sort=sort)
    page = shop.catalog.products(query, OffsetRequest(50))
    assert page.count is not None
    assert 0 < page.count <= matches
    middle = cursor_after(shop, query, page.count // 2)
    for page_request in (CursorRequest(50), CursorRequest(50, middle), OffsetRequest(50)):
        cost = page_cost(engine, shop, query, page_request)
        assert "products" not in cost.read_whole, cost
        assert cost.used & (indexes | INDEX_OF[query.sorted_by]), cost.used
        # Either the index of the filter, or a walk along the sort that stops at a full page.
        assert cost.rows <= max(6 * matches, 5_000), (cost.rows, cost.used)


def test_combined_filters_use_the_most_selective_one(engine: Engine, shop: Shop) -> None:
    query = ProductQuery((RARE, COMMON), None, 0, 25_000, 1, None, ProductSort.PRICE)
    cost = page_cost(engine, shop, query, CursorRequest(50))
    assert "products_search_idx" in cost.used
    assert "products" not in cost.read_whole


@pytest.mark.parametrize("sort", [sort for sort in ProductSort if sort is not ProductSort.RELEVANCE])
@pytest.mark.parametrize(
    "query", [ProductQuery(words=(COMMON,)), ProductQuery(available_min=1)], ids=["a common word", "in stock"]
)
def test_a_filter_that_most_products_pass_walks_along_the_sort(
    engine: Engine, shop: Shop, query: ProductQuery, sort: ProductSort
) -> None:
    """No index on the counters: it would cost every sale, to save readers a look at the few that are sold out."""
    query = ProductQuery(words=query.words, available_min=query.available_min, sort=sort)
    first = page_cost(engine, shop, query, CursorRequest(50))
    deep = page_cost(engine, shop, query, CursorRequest(50, cursor_after(shop, query, 50 * 999)))
    for cost in (first, deep):
        assert cost.read_whole == set()
        assert cost.rows <= 500, cost.rows


def test_counting_does_not_look_at_stock_unless_asked_for(engine: Engine, shop: Shop) -> None:
    with statements(engine) as seen:
        assert shop.catalog.products(ProductQuery(), OffsetRequest(1)).count == PRODUCTS
    assert "stock_levels" not in seen[-1][0]


def test_removing_a_category_looks_for_its_products_by_index(engine: Engine) -> None:
    cost = cost_of(engine, "SELECT count(*) FROM products WHERE category_id = %(id)s", {"id": category_id(77)})
    assert "products_by_category_idx" in cost.used
    assert cost.read_whole == set()
