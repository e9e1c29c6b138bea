"""A very short bad day, with real processes: each kind of kill once, while customers buy through bad connections.

`make verify` makes it longer, and says more.
"""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from verification import chaos, coupons
from verification.client import Connection, Lost
from verification.process_kills import KINDS
from verification.processes import kill
from verification.proxy import Cut, Proxy
from verification.server import ShopServer, wait_until

from http_client import WAIT_S_MAX


def test_nothing_is_lost_doubled_or_half_there_after_one_kill_of_each_kind(tmp_path: Path) -> None:
    plan = chaos.Plan(
        seed=4, rounds=1, seconds=0, kills_min=len(KINDS), buyers=12, products=4, units=12, stride=97, drains=False
    )
    report = asyncio.run(chaos.run(plan, tmp_path))
    assert report.findings == []
    assert report.exits == []
    assert dict(report.kills) == dict.fromkeys(KINDS, 1)
    assert report.every_byte.keys() == {"request", "answer"}
    assert report.counts["operations"] > 0
    assert report.counts["units sold"] == 4 * 12


def test_a_server_whose_only_worker_is_killed_again_and_again_goes_on(tmp_path: Path) -> None:
    with ShopServer(tmp_path, workers=1) as shop:
        assert wait_until(shop.is_ready, WAIT_S_MAX)
        for _ in range(4):
            assert wait_until(lambda: len(shop.worker_pids()) == 1, WAIT_S_MAX)  # the one before is gone
            (killed,) = shop.worker_pids()
            kill(killed)
            assert wait_until(lambda killed=killed: shop.worker_pids() - {killed}, WAIT_S_MAX)
        assert wait_until(shop.is_ready, WAIT_S_MAX)
        assert shop.is_serving()
    assert shop.exit_code() == 0


def test_a_worker_that_dies_while_another_one_hands_over_is_replaced_at_once(tmp_path: Path) -> None:
    with ShopServer(tmp_path) as shop:
        before = shop.worker_pids()
        leaving, killed = sorted(before)  # in the order in which they are renewed
        os.kill(shop.server_pid, signal.SIGHUP)
        assert wait_until(lambda: shop.worker_pids() - before, WAIT_S_MAX)  # only once all have answered
        os.kill(leaving, signal.SIGSTOP)  # it cannot end what it has under way
        try:
            kill(killed)
            assert wait_until(lambda: len(shop.worker_pids() - before) == 2, WAIT_S_MAX)
            assert leaving in shop.worker_pids()
        finally:
            kill(leaving)


@pytest.mark.parametrize("how", ["end", "reset"])
@pytest.mark.parametrize(("cut_side", "arrived"), [("request", b""), ("answer", b"HTTP/1.1 200")])
def test_the_proxy_cuts_at_the_chosen_byte(how: str, cut_side: str, arrived: bytes) -> None:
    asked: list[bytes] = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while page_request := await reader.read(100):
            asked.append(page_request)
            if b"\r\n\r\n" in b"".join(asked):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def scenario() -> None:
        listener = await asyncio.start_server(server, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        async with Proxy(port, lambda number: None if number else Cut(cut_side, 12, how)) as proxy:  # type: ignore[arg-type]
            line = Connection(proxy.port)
            with pytest.raises(Lost):
                await line.ask("GET", "/")
            assert proxy.cuts == {f"{cut_side} {how}": 1}
            asked.clear()
            assert (await line.ask("GET", "/")).status == 200  # the next connection passes
            line.close()
        listener.close()

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_coupon_is_used_as_often_as_it_may_be_while_workers_are_killed(tmp_path: Path) -> None:
    report = asyncio.run(coupons.run(tmp_path, seed=4, buyers=5, uses=3, kinds=["worker"]))
    assert report.findings == []
    assert report.answers["201"] == 2 * 3
    assert report.answers["409coupon_not_usable"] == 2 * (2 * 5 - 3)
    assert report.kills["worker"] >= 4
