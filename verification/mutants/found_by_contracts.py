"""Mistakes that a contract suite of `shop_testing` has to find by itself, without a load or luck.

Each was there once, or was put in by somebody who reviewed the suites, and passed them then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select

from shop_adapters.memory import catalog
from shop_adapters.memory.transaction import Transaction
from shop_adapters.postgres import product_statements
from shop_adapters.postgres.schema import products, stock_levels
from shop_core.inventory.model import StockLevel
from shop_core.ports import Adapters
from shop_core.shop import Shop
from shop_testing import CatalogContract, MovableClock, ReservationExpiryContract
from shop_testing.fixtures import Fixtures
from verification.mutants.registry import Mutant, Patch

Check = Callable[[Adapters, MovableClock], None]
"""A test of a suite, on adapters that go by the clock."""


@dataclass(frozen=True)
class ContractMutant:
    """A mutant of one adapter, and the test of a suite that finds it."""

    mutant: Mutant
    is_in_memory: bool
    check: Check


def _lines_released(adapters: Adapters, clock: MovableClock) -> None:
    fixtures, suite = Fixtures(adapters), ReservationExpiryContract()
    suite.test_two_who_release_lines_of_one_reservation_at_the_same_time_release_both(
        Shop(adapters), fixtures, clock, fixtures.product("Lamp", units=5), fixtures.customer()
    )


def _available_in_lists(adapters: Adapters, clock: MovableClock) -> None:
    CatalogContract().test_units_that_are_promised_count_as_available_in_no_list(Fixtures(adapters))


def _row_of_lines_not_locked() -> list[Patch]:
    right = Transaction.claim

    def claim(self: Transaction, table: str, keys: Any) -> None:
        if table != self.reservations.name:
            right(self, table, keys)

    return [(Transaction, "claim", claim)]


def _memory_lists_show_on_hand() -> list[Patch]:
    right = catalog._matching

    def matching(query: Any, category_ids: Any, found: Any, levels: Mapping[UUID, StockLevel], families: Any) -> Any:
        entries = right(query, category_ids, found, levels, families)
        return [replace(entry, available=levels[entry.product.id].on_hand) for entry in entries]

    return [(catalog, "_matching", matching)]


_ON_HAND = select(stock_levels.c.on_hand).where(stock_levels.c.product_id == products.c.id).scalar_subquery()


def _postgres_lists_show_on_hand() -> list[Patch]:
    columns = (_ON_HAND.label("available"), product_statements._FAMILY_NAME.label("family_name"))
    entry = product_statements.PRODUCT.add_columns(*columns).where(products.c.archived_at.is_(None))
    return [(product_statements, "ENTRY", entry), (product_statements, "page", product_statements.page.__wrapped__)]


def _postgres_lists_filter_by_on_hand() -> list[Patch]:
    return [
        (product_statements, "_AVAILABLE", _ON_HAND),
        (product_statements, "page", product_statements.page.__wrapped__),
    ]


def _mutant(says: str, patches: Callable[[], list[Patch]]) -> Mutant:
    return Mutant(patches.__name__.strip("_").replace("_", "-"), says, patches)


CONTRACT_MUTANTS: Sequence[ContractMutant] = (
    ContractMutant(
        _mutant("two who release lines of one reservation write over each other", _row_of_lines_not_locked),
        is_in_memory=True,
        check=_lines_released,
    ),
    ContractMutant(_mutant("lists show units on hand", _memory_lists_show_on_hand), True, _available_in_lists),
    ContractMutant(_mutant("lists show units on hand", _postgres_lists_show_on_hand), False, _available_in_lists),
    ContractMutant(_mutant("lists go by units on hand", _postgres_lists_filter_by_on_hand), False, _available_in_lists),
)
