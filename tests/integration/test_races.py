"""Short races on PostgreSQL; `make verify` runs the long ones. Each is seen to fail without what guards it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine
from verification.databases import empty
from verification.mutants import MUTANTS
from verification.mutants.search import search
from verification.races import large_baskets, run


@pytest.fixture(scope="module")
def database(new_engine: Callable[..., Engine]) -> Engine:
    """A database of their own, so that what mutants leave behind is in nobody's way."""
    return new_engine("shop_races", connections=16)


@pytest.fixture(autouse=True)
def emptied(database: Engine) -> None:
    empty(database)


def test_orders_of_large_baskets_never_wait_for_each_other_in_a_ring(database: Engine) -> None:
    assert large_baskets(database, 60, seed=1) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("race", "mutant"),
    [
        ("confirm and release", "reservation-read-before-the-lock"),
        ("twenty buyers of the last unit", "check-before-lock"),
        ("units of an expired reservation", "false-sold-out"),
    ],
)
def test_a_race_fails_without_its_guard(database: Engine, race: str, mutant: str) -> None:
    with MUTANTS[mutant].applied():
        assert run(database, race, rounds=20) != []


@pytest.mark.slow
def test_large_baskets_wait_for_each_other_where_locks_are_not_sorted(database: Engine) -> None:
    with MUTANTS["unsorted-locks"].applied():
        assert any(large_baskets(database, 60, seed) for seed in range(8))


def test_the_search_finds_a_mutant_and_nothing_where_there_is_none(database: Engine) -> None:
    assert search(database, None, seed=1, seconds_max=1).found == []
    assert search(database, MUTANTS["cancel-returns-nothing"], seed=1, seconds_max=300).found != []


@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_a_mutant_leaves_nothing_behind(mutant: str) -> None:
    places = [(owner, name) for owner, name, _ in MUTANTS[mutant].patches()]
    right = [vars(owner)[name] for owner, name in places]
    with MUTANTS[mutant].applied():
        assert not any(vars(owner)[name] is value for (owner, name), value in zip(places, right, strict=True))
    assert all(vars(owner)[name] is value for (owner, name), value in zip(places, right, strict=True))
