"""Hosts whose clocks differ: what is compared between processes goes by the clock of the database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop_adapters.clock import system_clock
from shop_adapters.postgres import PostgresAdapters
from shop_adapters.postgres.database import check_clock
from shop_core import Registration, Shop
from shop_core.errors import Unavailable

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


def test_a_host_whose_clock_is_wrong_is_not_ready(postgres_adapters: PostgresAdapters) -> None:
    check_clock(postgres_adapters.engine)
    for seconds in (-7, 7):
        with pytest.raises(Unavailable, match=r"clock of this host is [67] seconds off"):
            check_clock(postgres_adapters.engine, lambda s=seconds: system_clock() + timedelta(seconds=s))  # type: ignore[misc]
