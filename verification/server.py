"""The shop as it runs in earnest: `shop serve` with its workers and its PostgreSQL, to be killed piece by piece."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from threading import Lock
from typing import Any

import psycopg

from shop_adapters.embedded import EmbeddedPostgres
from shop_adapters.embedded.postmaster import read_pid_file
from verification.processes import Process, children, kill
from verification.shop_process import READY_S_MAX, SHOP, CannotStart, environment, free_port, is_ready, shop

STAFF, PASSWORD = "boss", "correct horse battery"
_STOP_S_MAX = 60


class ShopServer:
    """A shop in a folder of its own.

    Args:
        folder: empty, or one to be made.
        workers: processes that answer requests.
        beside: a server whose database this one uses.
        variables: settings of the server besides.

    Attributes:
        port: where the server listens.
        starts: how often the server was started.
        exits: what the server said last, each time that it ended though nobody had killed it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 2,
        variables: Mapping[str, str] | None = None,
        beside: ShopServer | None = None,
    ) -> None:
        self.port = free_port()
        self.data_dir: Path = beside.data_dir if beside else folder / "data"
        self.log = folder / f"server-{self.port}.log"
        self.workers = workers
        own = {"SHOP_EVENTS": "log", "SHOP_DATA_DIR": str(self.data_dir)}
        self._environment = environment(**{**own, **(variables or {})})
        self._is_first = beside is None
        self.starts = 0
        self.exits: list[str] = []
        self._server: subprocess.Popen[bytes] | None = None
        self._is_killed = False
        self._operator = Lock()  # one at a time, else two see that the server has ended, and both start it

    def __enter__(self) -> ShopServer:
        """Make the data directory with an admin in it, unless another server did, and start the server."""
        if self._is_first:
            made = self.command("create-admin", STAFF, stdin=f"{PASSWORD}\n")
            if made.returncode:
                raise RuntimeError(f"shop create-admin: {made.stderr}")
        else:
            with EmbeddedPostgres(self.data_dir) as postgres:
                secret = str(self.data_dir / "secret_key")
                self._environment |= {"SHOP_DATABASE_URL": postgres.url(), "SHOP_SECRET_KEY_FILE": secret}
        self.start()
        if not wait_until(self.is_ready, READY_S_MAX):
            raise CannotStart(f"the server did not become ready: {self.log.read_text()[-2_000:]}")
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server as an operator would; by force if it does not."""
        assert self._server is not None
        self._server.terminate()
        try:
            self._server.wait(_STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        if self.postmaster_pid():  # it was killed, and left the database behind
            with EmbeddedPostgres(self.data_dir):
                pass  # the last one out stops it

    # What an operator does

    def command(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run one `shop` command beside the server."""
        return shop(*arguments, env=self._environment, stdin=stdin)

    def start(self) -> None:
        """Start the server; it is ready a moment later."""
        where = ["--host", "127.0.0.1", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._server = subprocess.Popen(
                [SHOP, "serve", "--workers", str(self.workers), *where],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.starts += 1
        self._is_killed = False

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        """Whether it answers, and says that it can serve."""
        return is_ready(self.url)

    def is_serving(self) -> bool:
        """Whether the process that the operator started is there."""
        return self._server is not None and self._server.poll() is None

    def exit_code(self) -> int | None:
        """How that process ended; None if it has not."""
        return self._server.poll() if self._server else None

    def tend(self) -> None:
        """Start the server again if it has ended, as the init system of a machine would."""
        with self._operator:
            if self.is_serving():
                return
            assert self._server is not None
            if not self._is_killed:
                said = self.log.read_text(errors="replace").strip().splitlines()
                self.exits.append(f"exit code {self._server.returncode}: {said[-1] if said else 'nothing said'}")
            self.start()

    @contextlib.contextmanager
    def database(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """The database itself, as its superuser."""
        with EmbeddedPostgres(self.data_dir) as postgres:
            url = postgres.url().replace("+psycopg", "")
            with psycopg.connect(url, autocommit=True, application_name="verification") as connection:
                yield connection

    def database_log(self) -> str:
        """All that PostgreSQL said."""
        files = (self.data_dir / name for name in ("postgres.log.1", "postgres.log"))
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

    def facts(self) -> Iterator[dict[str, Any]]:
        """What was told of all that happened, in the order in which it was told."""
        with self.log.open(errors="replace") as lines:
            for line in lines:
                if line.startswith('{"type":'):
                    with contextlib.suppress(json.JSONDecodeError):  # half a line: whoever wrote it was killed
                        yield json.loads(line)["data"]

    # What a bad day does: each says whom it killed, or None if there was nobody

    def kill_worker(self, rng: Random) -> Process | None:
        """One of the processes that answer requests."""
        return self._kill_one(self._workers(), rng)

    def kill_server(self, _: Random) -> Process | None:
        """The process that the operator started."""
        with self._operator:
            assert self._server is not None
            if self._server.poll() is not None:
                return None
            self._is_killed = True
            self._server.kill()
            self._server.wait()
            return Process(self._server.pid, os.getpid(), "shop serve")

    def kill_everything(self, rng: Random) -> Process | None:
        """The first process of both, at once: as when the machine goes down, except for what it had in its caches."""
        self.kill_postmaster(rng)
        return self.kill_server(rng)

    def kill_backend(self, rng: Random) -> Process | None:
        """A session of the database; now and then one of PostgreSQL's own processes, e.g. the one that writes WAL."""
        all_of_them = children(self.postmaster_pid() or -1)
        sessions = [one for one in all_of_them if "[local]" in one.command]
        return self._kill_one(sessions if sessions and rng.random() < 0.8 else all_of_them, rng)

    def kill_postmaster(self, _: Random) -> Process | None:
        """The first process of the database, on which all others depend."""
        pid = self.postmaster_pid()
        return Process(pid, 0, "postmaster") if pid and kill(pid) else None

    def postmaster_pid(self) -> int | None:
        """As the database says it, whether or not that process lives."""
        with contextlib.suppress(OSError, ValueError):
            return int((self.data_dir / "postgres" / "postmaster.pid").read_text().split("\n")[0])
        return None

    def is_database_there(self, old: int) -> bool:
        """Whether a postmaster after `old` says that it takes connections; without asking for one."""
        server = read_pid_file((self.data_dir / "postgres").resolve())
        return server is not None and server.pid != old and server.status == "ready"

    @property
    def server_pid(self) -> int:
        """The process that the operator started."""
        assert self._server is not None
        return self._server.pid

    def worker_pids(self) -> set[int]:
        """The processes that answer requests now."""
        return {one.pid for one in self._workers()}

    def _workers(self) -> list[Process]:
        """The children of multiprocessing's fork server, which is a child of the server."""
        assert self._server is not None
        fork_servers = [one for one in children(self._server.pid) if "multiprocessing.forkserver" in one.command]
        return [worker for fork_server in fork_servers for worker in children(fork_server.pid)]

    @staticmethod
    def _kill_one(candidates: list[Process], rng: Random) -> Process | None:
        if not candidates:
            return None
        victim = rng.choice(candidates)
        return victim if kill(victim.pid) else None


def wait_until(condition: Any, seconds_max: float, pause_s: float = 0.02) -> bool:
    """Poll `condition` until it holds or the time is over; return whether it held."""
    deadline = time.monotonic() + seconds_max
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_s)
    return True
