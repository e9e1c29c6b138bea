"""The shop behind PgBouncer in transaction mode, where each transaction may get another session of the database."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, make_url, text
from verification.shop_process import environment, free_port, shop

from http_client import PASSWORD, Server, log_in, new_product, order_of, register, wait_until
from http_servers import serving
from shop_adapters.embedded import EmbeddedPostgres
from shop_adapters.embedded.account import Account
from shop_adapters.postgres import make_engine
from shop_adapters.postgres.database import TransactionTimeouts, transaction
from shop_core.errors import Unavailable

SESSIONS = 3  # fewer than the shop has connections: they are really shared
DATABASE = "shop_bounced"


@pytest.fixture(scope="module")
def bounced(new_database: Callable[[str], str]) -> Iterator[str]:
    with _bouncing(new_database(DATABASE)) as url:
        yield url


@contextlib.contextmanager
def _bouncing(database: str) -> Iterator[str]:
    """The URL of a database through a PgBouncer of our own."""
    program = shutil.which("pgbouncer")
    if program is None:
        pytest.skip("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    direct = make_url(database)
    host = str(direct.query.get("host") or direct.host)
    # It refuses to be root, and the socket of the embedded server is open to its owner only.
    owner = os.stat(host if host.startswith("/") else Path(__file__))
    account = Account(owner.st_uid, owner.st_gid)
    port = free_port()
    password = f" password={direct.password}" if direct.password else ""
    settings = f"""
        [databases]
        * = host={host} port={direct.query.get("port") or direct.port} user={direct.username}{password}
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = {port}
        unix_socket_dir =
        auth_type = any
        pool_mode = transaction
        default_pool_size = {SESSIONS}
    """
    with tempfile.TemporaryDirectory(prefix="shop-tests-") as folder:
        file = Path(folder, "pgbouncer.ini")
        file.write_text("\n".join(line.strip() for line in settings.splitlines()))
        for path in (Path(folder), file):
            path.chmod(0o755)
        command = account.command([program, "-q", str(file)], [Path(host)])
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                url = f"postgresql://{direct.username}@127.0.0.1:{port}/{direct.database}"
                wait_until(lambda: _accepts(url, process))
                yield url
            finally:
                process.terminate()


def _accepts(url: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "pgbouncer ended"
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=10).close()
        return True
    return False


def test_the_shop_works_where_sessions_are_shared(bounced: str) -> None:
    """Many times each statement, so that it would be prepared on one session and missed on another."""
    env = environment(SHOP_DATABASE_URL=bounced, SHOP_SECRET_KEY="x" * 36, SHOP_PREPARE_THRESHOLD="off")
    done = shop("migrate", env=env)
    assert done.returncode == 0, done.stderr
    assert shop("create-admin", "boss", env=env, stdin=f"{PASSWORD}\n").returncode == 0
    with serving("--workers", "2", env=env) as (url, _):
        server = Server(url, "boss", PASSWORD)
        with server.client(server.staff_token) as staff, server.client() as visitor:
            product = new_product(staff, stock=1000)
            token = log_in(visitor, register(visitor)["username"])["access"]

            def buy(_: int) -> list[int]:
                with server.client(token) as customer:
                    statuses = []
                    for _ in range(8):
                        statuses.append(customer.post("/orders", json=order_of((product, 1))).status_code)
                        statuses.append(customer.get("/orders").status_code)
                        statuses.append(customer.get(f"/products/{product['id']}").status_code)
                    return statuses

            with ThreadPoolExecutor(6) as buyers:
                statuses = [status for seen in buyers.map(buy, range(6)) for status in seen]
            assert statuses.count(201) == 48, statuses
            assert set(statuses) == {200, 201}
            left = visitor.get(f"/products/{product['id']}").json()["quantity_in_stock"]
            assert left == 1000 - 48
    assert shop("audit", env=env).stdout == "Everything adds up.\n"


def test_a_database_that_crashes_is_a_refusal_to_be_tried_again() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="shop-tests-") as folder,
        EmbeddedPostgres(Path(folder, "data")) as postgres,
        _bouncing(postgres.url()) as url,
    ):
        engine = make_engine(url, connections=1, prepare_threshold=None)
        with pytest.raises(Unavailable, match="cannot reach its database"):
            _crash(engine)
        engine.dispose()


def _crash(engine: Engine) -> None:
    with transaction(engine, TransactionTimeouts()) as opened:
        os.kill(opened.value(text("SELECT pg_backend_pid()")), signal.SIGKILL)
        opened.now()
