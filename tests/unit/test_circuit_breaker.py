"""A database that is away is asked rarely, and found as soon as it is back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import psycopg
import pytest

from shop_adapters.postgres.pool import CircuitBreaker
from shop_testing.concurrency import TIMEOUT_S

CONNECTION: Any = "a connection"


class Door:
    """A database that can be away, and counts who knocks."""

    def __init__(self) -> None:
        self.is_open = True
        self.knocks = 0
        self.now = 0.0

    def __call__(self) -> Any:
        self.knocks += 1
        if not self.is_open:
            raise psycopg.OperationalError("the database system is starting up")
        return CONNECTION

    def clock(self) -> float:
        return self.now


def test_a_database_that_is_there_is_asked_by_everybody() -> None:
    door = Door()
    breaker = CircuitBreaker(0.1, door, door.clock)
    assert [breaker() for _ in range(3)] == [CONNECTION] * 3
    assert door.knocks == 3


def test_one_that_is_away_is_asked_once_in_a_while_and_the_others_hear_why() -> None:
    door = Door()
    breaker, door.is_open = CircuitBreaker(0.1, door, door.clock), False
    for _ in range(50):
        with pytest.raises(psycopg.OperationalError, match="starting up"):
            breaker()
    assert door.knocks == 1
    door.now = 0.1
    with pytest.raises(psycopg.OperationalError):
        breaker()
    assert door.knocks == 2


def test_one_that_is_back_is_asked_by_everybody_again() -> None:
    door = Door()
    breaker, door.is_open = CircuitBreaker(0.1, door, door.clock), False
    with pytest.raises(psycopg.OperationalError):
        breaker()
    door.now, door.is_open = 0.1, True
    assert [breaker() for _ in range(3)] == [CONNECTION] * 3


def test_many_at_once_send_one_of_them_to_knock() -> None:
    door, all_there = Door(), Barrier(8)
    slow = Barrier(2)

    def connect() -> Any:
        if door.knocks:
            slow.wait(TIMEOUT_S)  # as long as this one knocks, nobody else does
        return door()

    breaker, door.is_open = CircuitBreaker(0.1, connect, door.clock), False
    with pytest.raises(psycopg.OperationalError):
        breaker()
    door.now = 0.1

    def visit() -> None:
        all_there.wait(TIMEOUT_S)
        with pytest.raises(psycopg.OperationalError):
            breaker()

    with ThreadPoolExecutor(8) as visitors:
        jobs = [visitors.submit(visit) for _ in range(8)]
        slow.wait(TIMEOUT_S)
        for job in jobs:
            job.result(TIMEOUT_S)
    assert door.knocks == 2
