"""Ids sort by the time they were made in, and no two are alike."""

import os
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from shop_adapters.ids import _Uuid7, uuid7
from shop_core.ports import NewId
from shop_testing import SeededIds


@pytest.mark.parametrize("new_id", [uuid7, SeededIds(seed=1)], ids=["uuid7", "sequential"])
def test_an_id_is_a_valid_uuid_of_version_7(new_id: NewId) -> None:
    for made in (new_id() for _ in range(1_000)):
        assert (made.version, made.variant) == (7, uuid.RFC_4122)
        assert made == uuid.UUID(str(made))
        assert repr(made) == repr(uuid.UUID(str(made)))
        assert made.is_safe is uuid.SafeUUID.unknown


def test_an_id_carries_the_millisecond_it_was_made_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_795_253_400_123_456_789)
    assert _Uuid7().new().int >> 80 == 1_795_253_400_123


@pytest.mark.parametrize("new_id", [uuid7, SeededIds(seed=1)], ids=["uuid7", "sequential"])
def test_ids_strictly_increase(new_id: NewId) -> None:
    made = [new_id() for _ in range(20_000)]
    assert all(earlier < later for earlier, later in pairwise(made))


def test_ids_increase_while_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first = uuid7()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert first < uuid7() < uuid7()


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """Threads may take turns after every line, and do so as often as they can: a race that can happen does."""
    interval, tracer = sys.getswitchinterval(), threading.gettrace()
    sys.setswitchinterval(1e-6)

    def pause(*_: object) -> Any:
        return pause

    threading.settrace(pause)
    yield
    threading.settrace(tracer)  # that of the coverage, if it is measured
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("restless_threads")
def test_threads_never_share_a_stamp_and_each_gets_its_ids_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    standing_still = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: standing_still)
    with ThreadPoolExecutor(8) as threads:
        series = list(threads.map(lambda _: [uuid7() for _ in range(3_000)], range(8)))
    assert len({made.int >> 64 for one in series for made in one}) == 24_000
    assert all(earlier < later for one in series for earlier, later in pairwise(one))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # forking with threads: that is the point
def test_a_forked_child_shares_no_randomness_with_its_parent() -> None:
    uuid7()  # so that there is randomness left over
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"".join(uuid7().bytes[8:] for _ in range(100)))
        os._exit(0)
    os.waitpid(child, 0)
    childs = os.read(reading, 800)
    os.close(reading)
    os.close(writing)
    childs_random = {childs[start : start + 8] for start in range(0, 800, 8)}
    assert len(childs_random) == 100
    assert childs_random.isdisjoint(uuid7().bytes[8:] for _ in range(300))


def test_the_same_seed_gives_the_same_ids_and_another_seed_others() -> None:
    one, same, other = SeededIds(seed=1), SeededIds(seed=1), SeededIds(seed=2)
    ids = [one() for _ in range(100)]
    assert ids == [same() for _ in range(100)]
    assert set(ids).isdisjoint(other() for _ in range(100))


def test_sequential_ids_start_at_the_time_they_are_told() -> None:
    start = datetime(2026, 11, 21, tzinfo=UTC)
    assert SeededIds(start=start)().int >> 80 == int(start.timestamp() * 1_000)
