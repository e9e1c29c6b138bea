"""What comes back from a store is what went in, and is not judged again."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from uuid import UUID

import pytest

from shop_adapters.postgres.product_lists import as_stored
from shop_core import Money, Product
from shop_core.errors import Invalid

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LAMP = Product(
    UUID(int=1), "L-1", "Lamp", Money(220, "EUR"), NOW, NOW, "of brass", None, ("https://example.org/l.jpg",)
)


def values(product: Product) -> list[object]:
    return [getattr(product, field.name) for field in fields(product)]


def test_it_is_the_same_as_before() -> None:
    stored = as_stored(Product, *values(LAMP))
    assert stored == LAMP
    assert (hash(stored), repr(stored)) == (hash(LAMP), repr(LAMP))


def test_a_stored_value_that_breaks_the_rules_of_today_can_be_read() -> None:
    name = "x" * 5_000
    changed = [name if value == "Lamp" else value for value in values(LAMP)]
    with pytest.raises(Invalid):
        Product(*changed)  # type: ignore[arg-type]
    assert as_stored(Product, *changed).name == name


@pytest.mark.parametrize("change", [-1, 1])
def test_every_field_has_one_value(change: int) -> None:
    wrong = values(LAMP)[:-1] if change < 0 else [*values(LAMP), None]
    with pytest.raises(ValueError, match="argument"):
        as_stored(Product, *wrong)
