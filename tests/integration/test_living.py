"""The shop lives through what happens to servers: restarts, a database that goes away, a full disk. Real processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, text
from verification.processes import children
from verification.restarts import run
from verification.shop_process import environment, free_port, serving, shop

from http_client import PASSWORD, WAIT_S_MAX, assert_problem, new_product, order_of, staff_and_customer, wait_until


def test_sigterm_is_announced_first_and_requests_under_way_are_answered(
    own_shop: dict[str, str], own_database: Engine
) -> None:
    """An order waits for a row that we hold. Told to end, the server says so, answers others, and lets it arrive.

    A second signal ends the drain, so that no time is waited for, and none runs out.
    """
    with (
        serving(env=own_shop | {"SHOP_DRAIN_S": "120", "SHOP_HEALTH_PORT": str(health := free_port())}) as (
            url,
            process,
        ),
        staff_and_customer(url) as (staff, customer),
    ):
        product, placed = new_product(staff, stock=1), []
        with own_database.begin() as connection:
            connection.execute(text("SELECT 1 FROM stock_levels FOR UPDATE"))
            order = threading.Thread(
                target=lambda: placed.append(customer.post("/orders", json=order_of((product, 1))))
            )
            order.start()
            wait_until(lambda: _somebody_waits(own_database))
            for fork_server in children(process.pid):
                for one in (fork_server, *children(fork_server.pid)):
                    os.kill(one.pid, signal.SIGTERM)  # some platforms send it to every process
            process.send_signal(signal.SIGTERM)
            root, apart = f"{url}/health/ready", f"http://127.0.0.1:{health}/health/"
            wait_until(lambda: httpx.get(root, trust_env=False).status_code == 503)
            for ready in (root, f"{apart}ready"):
                assert httpx.get(ready, trust_env=False).json()["detail"].startswith("The server is closing down")
            assert httpx.get(f"{apart}live", trust_env=False).status_code == 200
            others = staff.get("/products")
            assert (others.status_code, others.headers["connection"]) == (200, "close")
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: _refuses(root))  # the server has really been told to stop
            assert order.is_alive()
        order.join(WAIT_S_MAX)
        assert placed[0].status_code == 201, placed[0].text
        assert process.wait(WAIT_S_MAX) == 0
    assert shop("audit", env=own_shop).stdout == "Everything adds up.\n"


def _refuses(url: str) -> bool:
    """Whether nobody listens there any more: a client is told so at once, and waits for nobody."""
    try:
        httpx.get(url, trust_env=False, timeout=60)
    except httpx.ConnectError:
        return True
    return False


def _somebody_waits(own_database: Engine) -> bool:
    with own_database.begin() as connection:
        waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool(connection.execute(text(waits)).scalar_one())


@pytest.mark.slow
def test_workers_are_renewed_under_load_and_nobody_notices(tmp_path: Path) -> None:
    """The short run of what `python -m verification.restarts` does a hundred times."""
    report = asyncio.run(run(tmp_path, seed=1, rolling=5, database=0, clients=4))
    assert report.findings == []
    assert report.done["rolling"] == 5
    assert report.orders > 0


@pytest.mark.slow
def test_the_database_is_restarted_under_load_and_the_shop_sells_on_within_a_second(tmp_path: Path) -> None:
    report = asyncio.run(run(tmp_path, seed=1, rolling=0, database=3, clients=4))
    assert report.findings == []
    assert report.done["database"] == 3
    assert report.refused_connects <= 3 * 100, "each process knocks ten times a second, not each request"


def test_a_read_only_database_is_503_with_a_line_in_the_log_and_comes_back(
    own_shop: dict[str, str], own_database: Engine
) -> None:
    def make_read_only(value: str) -> None:
        """As an operator does it, or a failover: for sessions from now on."""
        with own_database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET default_transaction_read_only = off"))
            name = connection.execute(text("SELECT current_database()")).scalar_one()
            connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {value}'))
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
            connection.execute(text(others + " AND pid <> pg_backend_pid()"), {"name": name})

    with serving(env=own_shop | {"SHOP_DRAIN_S": "1"}) as (url, process), staff_and_customer(url) as (staff, customer):
        product = new_product(staff, stock=2)
        assert customer.post("/orders", json=order_of((product, 1))).status_code == 201
        make_read_only("on")
        wait_until(lambda: customer.get("/orders").status_code == 200)
        refused = customer.post("/orders", json=order_of((product, 1)))
        assert "read-only" in assert_problem(refused, 503, "unavailable")["detail"]
        assert refused.headers["retry-after"]
        make_read_only("off")
        wait_until(lambda: customer.post("/orders", json=order_of((product, 1))).status_code == 201)
        assert customer.get("/orders").json()["count"] == 2
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=WAIT_S_MAX)
        assert "refused for now: the database is read-only" in said
    assert shop("audit", env=own_shop).stdout == "Everything adds up.\n"


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of its own, which a shop can fill."""
    with tempfile.TemporaryDirectory(prefix="shop-tests-") as folder:
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=400m", "none", folder], capture_output=True, check=False
        )
        if made.returncode:
            pytest.skip("only a user who may mount can fill a disk")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=False)


def test_a_full_disk_is_503_loses_nothing_and_passes(small_disk: Path) -> None:
    env = environment(SHOP_DATA_DIR=str(small_disk / "data"))
    assert shop("create-admin", "boss", env=env, stdin=f"{PASSWORD}\n").returncode == 0
    with serving(env=env) as (url, process), staff_and_customer(url) as (staff, customer):
        products = [new_product(staff, stock=1_000_000) for _ in range(3)]
        answers: list[httpx.Response] = []

        def place() -> int:
            answers.append(customer.post("/orders", json=order_of(*((product, 1) for product in products))))
            return answers[-1].status_code

        assert place() == 201
        ballast = small_disk / "ballast"
        _fill(ballast)
        wait_until(lambda: place() == 503)
        assert_problem(answers[-1], 503, "unavailable")
        ballast.unlink()
        wait_until(lambda: place() == 201)
        made = sum(answer.status_code == 201 for answer in answers)
        assert {answer.status_code for answer in answers} == {201, 503}
        assert customer.get("/orders").json()["count"] == made
        assert process.poll() is None
    assert shop("audit", env=env).stdout == "Everything adds up.\n"


def _fill(file: Path) -> None:
    """Until nothing more fits on its disk."""
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(1 << 16))
