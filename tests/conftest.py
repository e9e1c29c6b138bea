"""The PostgreSQL that tests use: one temporary server a run, one database a kind of test."""

from __future__ import annotations

import contextlib
import gc
import os
import re
from collections.abc import Callable, Generator, Iterator
from itertools import chain, zip_longest
from pathlib import Path

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine
from verification import databases

from shop_adapters.ids import uuid7
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_core.ports import Clock, NewId

# The same examples in every run, however slow the machine is: what `make test` says depends on the code alone.
# `make test-random` draws others, and more of them.
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("random", deadline=None, max_examples=500, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fixed")

# What the tests import and collect stays: to look through it again and again took a quarter of their processor time.
gc.set_threshold(20_000, 20, 20)


SAME_LINES_AGAIN = re.compile(
    r"_races|TestRaces|_machine|_interleavings|_mutants|test_the_suites_find|_thief_and_owner|_panel_safety|_read_model|"
    r"_public_routes|_order_copies|_feed_schedules|_guess_limits|_security_headers|test_migrations|"
    r"test_names\.py|test_architecture\.py|test_orders\.py|test_reservations\.py|memory_contract\.py::TestCatalog::"
)
"""Tests that run the lines that others run too, many times over. The last 13 modules would add 100 of 29,000."""
IN_THIS_PROCESS = re.compile(
    r"tests/unit/|_postgres|_cli|_backup|_export|_embedded|_migration|_media_stores|_order_batcher|_late_indexes|_time_zone"
)
"""All unit tests, and those integration tests that do not only ask a server, which is a process of its own."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure the coverage only where it adds lines, as noting them takes half of the time once more.

    So the tracer is also kept out of the tests whose threads are stopped between two lines.
    """
    adds_lines = IN_THIS_PROCESS.search(item.nodeid) and not SAME_LINES_AGAIN.search(item.nodeid)
    measured = None if adds_lines and not item.get_closest_marker("hypothesis") else Coverage.current()
    if measured:
        measured.stop()
    try:
        return (yield)
    finally:
        if measured:
            measured.start()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take modules of each folder by turns: unit tests keep a core busy, and integration tests often wait for a server
    to start or to come back. All of one kind after all of the other would leave cores idle, and then be short of them.
    """
    modules: dict[Path, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(item.path, []).append(item)
    folders: dict[Path, list[Path]] = {}
    for module in modules:
        folders.setdefault(module.parent, []).append(module)
    turns = chain.from_iterable(zip_longest(*folders.values()))
    items[:] = [item for module in turns if module for item in modules[module]]


def pytest_collection_finish() -> None:
    """The garbage collector need not look again at what stays."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)  # a run without xdist has no such hook
def pytest_xdist_auto_num_workers() -> int:
    """One process of tests more than there are cores: a test that waits, for a server to start or for the disk, leaves
    its core to another.
    """
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1


MEMORY_DISK = "/dev/shm"
MEMORY_DISK_BYTES_MIN = 4 * 2**30


def _use_memory_disk() -> None:
    """Keep temporary files in memory if there is room: a run makes and removes some hundred folders of PostgreSQL data,
    of a thousand files each, and a disk that really writes them costs half of the time and a third of the processor's.

    A TMPDIR that is set stays.
    """
    with contextlib.suppress(OSError):  # there is no such disk
        disk = os.statvfs(MEMORY_DISK)
        has_room = disk.f_bavail * disk.f_frsize >= MEMORY_DISK_BYTES_MIN
        if has_room and not disk.f_flag & os.ST_NOEXEC:  # some tests install programs
            os.environ.setdefault("TMPDIR", MEMORY_DISK)


_use_memory_disk()

NewEngine = Callable[..., Engine]
FreshAdapters = Callable[[Clock | None, NewId], PostgresAdapters]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server of our own, gone after the run; or the one that SHOP_TEST_DATABASE_URL names (a superuser's URL)."""
    with databases.temporary_server() as url:
        yield url


@pytest.fixture(scope="session")
def new_database(postgres_url: str) -> Callable[[str], str]:
    """Make an empty database on the server of the tests: its URL."""

    def new(name: str) -> str:
        return databases.new_database(postgres_url, name + os.environ.get("PYTEST_XDIST_WORKER", ""))

    return new


@pytest.fixture(scope="session")
def migrated_database(postgres_url: str) -> Callable[[str], str]:
    """Make a database with the newest schema and nothing in it, on the server of the tests: its URL."""

    def new(name: str) -> str:
        return databases.migrated_database(postgres_url, name + os.environ.get("PYTEST_XDIST_WORKER", ""))

    return new


@contextlib.contextmanager
def _migrated(migrated_database: Callable[[str], str]) -> Iterator[NewEngine]:
    with contextlib.ExitStack() as opened:

        def new(name: str, connections: int = 2) -> Engine:
            url = migrated_database(name)
            databases.never_wait_for_the_disk(url)
            engine = make_engine(url, connections=connections, wait_s=30)
            opened.callback(engine.dispose)
            return engine

        yield new


@pytest.fixture(scope="module")
def new_engine(migrated_database: Callable[[str], str]) -> Iterator[NewEngine]:
    """Make a migrated database for the tests of a module: a pool of so many connections to it."""
    with _migrated(migrated_database) as new:
        yield new


@pytest.fixture(scope="session")
def engine(migrated_database: Callable[[str], str]) -> Iterator[Engine]:
    """A migrated database, with room for twenty threads."""
    with _migrated(migrated_database) as new:
        yield new("shop_contract", 24)


@pytest.fixture
def fresh_postgres_adapters(engine: Engine) -> FreshAdapters:
    """Adapters on an emptied database, with the given clock (None: the database's) and ids."""

    def fresh(clock: Clock | None, new_id: NewId) -> PostgresAdapters:
        databases.empty(engine)
        return databases.adapters_on(engine, clock, new_id)

    return fresh


@pytest.fixture
def postgres_adapters(fresh_postgres_adapters: FreshAdapters) -> PostgresAdapters:
    """Adapters on an emptied database, with its clock and real ids."""
    return fresh_postgres_adapters(None, uuid7)
