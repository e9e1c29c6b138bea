"""Short races on PostgreSQL; `make verify` runs the long ones. Each is seen to fail without what guards it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine
from verification.all_mutants import MUTANTS
from verification.bugs import hunt
from verification.databases import empty
from verification.races import run

from shop_adapters.postgres import make_engine
from shop_adapters.postgres.migrate import migrate


@pytest.fixture(scope="module")
def ground(new_database: Callable[[str], str]) -> Iterator[Engine]:
    """A database of their own, so that what planted bugs leave behind is in nobody's way."""
    engine = make_engine(new_database("shop_races"), connections=16, wait_s=30)
    migrate(engine, "EUR")
    yield engine
    engine.dispose()


@pytest.fixture(autouse=True)
def emptied(ground: Engine) -> None:
    empty(ground)


@pytest.mark.parametrize(("name", "times"), [("ends", 60), ("last", 10), ("baskets", 30)])
def test_whatever_happens_at_the_same_moment_one_wins_and_nobody_waits_in_a_circle(
    ground: Engine, name: str, times: int
) -> None:
    assert run(name, ground, times, seed=1).wrong == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "times", "bug"),
    [
        ("ends", 60, "reservation-read-before-the-lock"),
        ("last", 10, "check-before-lock"),
        ("last", 20, "false-sold-out"),
        ("baskets", 12, "unsorted-locks"),
    ],
)
def test_a_race_fails_without_its_guard(ground: Engine, name: str, times: int, bug: str) -> None:
    with MUTANTS[bug].planted():
        assert any(run(name, ground, times, seed).wrong for seed in range(8))


def test_the_hunt_finds_a_planted_bug_and_nothing_where_there_is_none(ground: Engine) -> None:
    assert hunt(ground, None, seed=1, seconds_max=1).found == []
    assert hunt(ground, MUTANTS["cancel-returns-nothing"], seed=1, seconds_max=30).found != []


@pytest.mark.parametrize("bug", sorted(MUTANTS))
def test_a_planted_bug_leaves_nothing_behind(bug: str) -> None:
    places = [(owner, name) for owner, name, _ in MUTANTS[bug].patches()]
    right = [vars(owner)[name] for owner, name in places]
    with MUTANTS[bug].planted():
        assert not any(vars(owner)[name] is value for (owner, name), value in zip(places, right, strict=True))
    assert all(vars(owner)[name] is value for (owner, name), value in zip(places, right, strict=True))
