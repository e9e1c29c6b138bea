"""A server that may forget what it acknowledged is refused, unless that was allowed by name. Real servers."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from verification.databases import never_wait_for_the_disk

from shop_adapters.embedded import EmbeddedPostgres, cluster
from shop_adapters.postgres import make_engine
from shop_adapters.postgres.durability import NEEDED, UnsafeServer, check_durability
from shop_http.server.database import engine_of
from shop_http.server.setting_rules import CAN_BE_UNSAFE
from shop_http.server.settings import Settings, SettingsError


@pytest.fixture(scope="module")
def careless() -> Iterator[str]:
    """A server started with fsync and full_page_writes off."""
    with tempfile.TemporaryDirectory(prefix="shop-tests-") as folder, ExitStack() as running:
        with pytest.MonkeyPatch.context() as patch:  # for this server alone: others may be started while it runs
            for name in ("fsync", "full_page_writes"):
                patch.setitem(cluster.SETTINGS, name, "off")
            server = running.enter_context(EmbeddedPostgres(Path(folder, "data")))
        yield server.url()


def _settings(url: str, **variables: str) -> Settings:
    return Settings.read({"SHOP_DATABASE_URL": url, "SHOP_SECRET_KEY": "x" * 36, **variables}, {})


def test_a_server_that_writes_before_it_says_so_is_fine(postgres_url: str) -> None:
    with engine_of(_settings(postgres_url)) as engine:
        check_durability(engine)


def test_a_server_with_fsync_off_is_refused_in_one_line_that_names_what_is_off(careless: str) -> None:
    with pytest.raises(UnsafeServer) as refused, engine_of(_settings(careless)):
        pass
    line = str(refused.value)
    assert "has fsync, full_page_writes off" in line
    assert "SHOP_ALLOW_UNSAFE=fsync,full_page_writes" in line
    assert "\n" not in line


def test_each_setting_is_allowed_by_its_own_name_and_no_other(careless: str) -> None:
    with (
        pytest.raises(UnsafeServer, match="has full_page_writes off"),
        engine_of(_settings(careless, SHOP_ALLOW_UNSAFE="fsync")),
    ):
        pass
    with engine_of(_settings(careless, SHOP_ALLOW_UNSAFE="fsync, full_page_writes")) as engine:
        check_durability(engine, ("fsync", "full_page_writes"))


def test_a_database_whose_commits_do_not_wait_for_the_disk_is_refused(new_database: Callable[[str], str]) -> None:
    never_wait_for_the_disk(url := new_database("shop_hasty"))
    engine = make_engine(url, connections=1)
    with pytest.raises(UnsafeServer, match="has synchronous_commit off"):
        check_durability(engine)
    check_durability(engine, ["synchronous_commit"])
    engine.dispose()


def test_a_name_that_is_no_such_setting_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"SHOP_ALLOW_UNSAFE is 'fsink': it must be some of fsync, full_page_wri"):
        Settings.read({"SHOP_ALLOW_UNSAFE": "fsink"}, {})


def test_what_is_allowed_reaches_the_worker_processes() -> None:
    settings = Settings.read({"SHOP_ALLOW_UNSAFE": "fsync,synchronous_commit"}, {})
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_every_setting_that_is_needed_can_be_allowed_to_be_off() -> None:
    assert CAN_BE_UNSAFE == NEEDED
