"""Hosts whose clocks differ: what is compared between processes goes by the clock of the database."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import partial

import pytest

from shop_adapters.clock import system_clock
from shop_adapters.postgres import PostgresAdapters
from shop_adapters.postgres.database import CLOCK_OFF_MAX, check_clock, clock_off
from shop_core import Registration, Shop
from shop_core.errors import Unavailable
from shop_http.server.metrics import Metrics

PASSWORD = "numbers are music"


@pytest.mark.parametrize("days", [-400, 400])
def test_a_host_whose_clock_is_wrong_ends_and_deletes_no_session(
    postgres_adapters: PostgresAdapters, days: int
) -> None:
    shop = Shop(postgres_adapters)
    shop.accounts.register(Registration("ada", PASSWORD))
    login, other = (shop.sessions.log_in("ada", PASSWORD) for _ in range(2))
    postgres_adapters.clock = lambda: system_clock() + timedelta(days=days)
    wrong = Shop(postgres_adapters)
    wrong.sessions.delete_expired()
    wrong.sessions.refresh_revocations()
    refreshed = wrong.sessions.refresh(login.refresh)
    shop.sessions.log_out(other.refresh)
    actor = shop.sessions.authenticate(refreshed.access)
    assert len(wrong.sessions.sessions(actor)) == 1
    assert shop.sessions.refresh(refreshed.refresh)


def test_a_host_whose_clock_is_wrong_is_not_ready_and_shows_it(postgres_adapters: PostgresAdapters) -> None:
    shop = Shop(postgres_adapters)
    check_clock(postgres_adapters.engine)
    assert clock_off(postgres_adapters.engine) < CLOCK_OFF_MAX
    for seconds in (-7, 7):

        def clock(seconds: int = seconds) -> datetime:
            return system_clock() + timedelta(seconds=seconds)

        with pytest.raises(Unavailable, match=r"clock of this host is [67] seconds off"):
            check_clock(postgres_adapters.engine, clock)
        page = Metrics(shop, partial(clock_off, postgres_adapters.engine, clock)).page().decode()
        assert 6 < float(re.findall(r"^shop_clock_off_seconds ([\d.]+)$", page, re.MULTILINE)[0]) <= 7
