"""What is known about long lists is known for one version of the catalog."""

from __future__ import annotations

import tracemalloc
from uuid import UUID

import pytest

from shop_adapters.postgres import product_lists
from shop_adapters.postgres.product_lists import CACHED_BYTES_MAX, CatalogCaches
from shop_core.catalog.search import ProductQuery

ALL = ProductQuery()


def test_a_count_is_known_for_the_version_that_it_was_found_at() -> None:
    cache = CatalogCaches()
    cache.counts.put(7, ALL, 100)
    assert cache.counts.get(7, ALL) == 100
    assert cache.counts.get(8, ALL) is None
    assert cache.counts.get(None, ALL) is None


def test_after_a_restore_a_version_that_comes_again_is_another_catalog() -> None:
    """Version 7 had 100 products; the backup has version 5, and two changes later there is a version 7 with 90."""
    cache = CatalogCaches()
    cache.counts.put(7, ALL, 100)
    assert cache.counts.get(5, ALL) is None
    assert cache.counts.get(7, ALL) is None


def test_a_lower_version_is_remembered_too() -> None:
    cache = CatalogCaches()
    cache.counts.put(7, ALL, 100)
    cache.counts.put(5, ALL, 90)
    assert cache.counts.get(5, ALL) == 90


def test_what_is_remembered_is_bounded_by_its_weight_not_by_its_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Anybody may ask for another 100 words each time: 2,000 such lists would take 17 MB."""
    monkeypatch.setattr(product_lists, "CACHED_BYTES_MAX", 200_000)
    cache = CatalogCaches()
    tracemalloc.start()
    for number in range(60):
        query = ProductQuery(tuple(f"\N{OLD ITALIC LETTER A}{number + place}" for place in range(100)))
        cache.counts.put(7, query, number)
        cache.starts.put(7, query, ("\N{OLD ITALIC LETTER A}" * 200, str(number)), 50)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert cache.counts.get(7, query) == number
    assert taken < 2 * 200_000


def test_short_queries_weigh_no_more_than_is_counted() -> None:
    cache = CatalogCaches()
    tracemalloc.start()
    for number in range(3_000):
        cache.counts.put(7, ProductQuery(category_id=UUID(int=number), price_min=10**9 + number), 10**6 + number)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert CACHED_BYTES_MAX / 4 < taken < CACHED_BYTES_MAX
