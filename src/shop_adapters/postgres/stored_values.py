"""Values as they were stored."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar, cast

T = TypeVar("T")


def as_stored(kind: type[T], *values: object) -> T:
    """A value as it was stored, without the checks of its constructor.

    It passed them before it was stored. Repeating them takes longer than reading it; and if a rule has become stricter
    since, older values must still be readable.

    Args:
        kind: a frozen dataclass with slots.
        values: of all its fields, in their order.

    Raises:
        ValueError: there are more or fewer of them.

    >>> from shop_core.money import Money
    >>> as_stored(Money, 220, "EUR")
    Money(minor=220, currency='EUR')
    """
    made = object.__new__(kind)
    for put, value in zip(_slots(cast(Any, kind)), values, strict=True):
        put(made, value)
    return made


@lru_cache(64)
def _slots(kind: Any) -> tuple[Callable[[Any, object], None], ...]:
    return tuple(kind.__dict__[name].__set__ for name in kind.__slots__)
