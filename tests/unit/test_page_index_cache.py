"""What is known about long lists is known for one version of the catalog."""

from __future__ import annotations

from shop_adapters.postgres.cache_validators import PageIndexCache
from shop_core.catalog.model import ProductQuery

ALL = ProductQuery()


def test_a_count_is_known_for_the_version_that_it_was_found_at() -> None:
    cache = PageIndexCache()
    cache.counts.put(7, ALL, 100)
    assert cache.counts.get(7, ALL) == 100
    assert cache.counts.get(8, ALL) is None
    assert cache.counts.get(None, ALL) is None


def test_after_a_restore_a_version_that_comes_again_is_another_catalog() -> None:
    """Version 7 had 100 products; the backup has version 5, and two changes later there is a version 7 with 90."""
    cache = PageIndexCache()
    cache.counts.put(7, ALL, 100)
    assert cache.counts.get(5, ALL) is None
    assert cache.counts.get(7, ALL) is None


def test_a_lower_version_is_remembered_too() -> None:
    cache = PageIndexCache()
    cache.counts.put(7, ALL, 100)
    cache.counts.put(5, ALL, 90)
    assert cache.counts.get(5, ALL) == 90
