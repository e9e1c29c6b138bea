"""Counts the files and lines of this project that one request runs through: `python -m tools.request_path [-v]`.

It starts `shop serve --demo` with one worker on a free port, notes which functions run while one `POST /orders` and one
`GET /products` are answered (`tools/function_trace`), and leaves out those that also run while nothing is asked. Each
request is sent several times: a function counts if it runs most times. `-v` lists the functions of each file.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
TRACE = Path(__file__).with_name("function_trace")

FILES_MAX = {"POST /orders": 28, "GET /products": 20}
LINES_MAX = {"POST /orders": 1_000, "GET /products": 650}

READY_S_MAX = 120
IDLE_S = 5.0  # longer than the pauses of what runs every second; what is rarer falls into no round, or not into each
AFTER_S = 1.0  # for what runs once the response is sent, such as the log
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Function:
    """A function that ran: its file, its first and last line, its name."""

    file: str
    first: int
    last: int
    name: str


@dataclass(frozen=True, slots=True)
class RequestPath:
    """The functions that one request runs through."""

    functions: frozenset[Function]

    @property
    def files(self) -> list[str]:
        """The files with those functions, below `src`."""
        return sorted({function.file for function in self.functions})

    @property
    def lines(self) -> int:
        """The lines of those functions, comments and docstrings included; a function within another counts once."""
        named = [function for function in self.functions if not function.name.startswith("<")]
        return len({(each.file, line) for each in named for line in range(each.first, each.last + 1)})


@dataclass
class Trace:
    """What `function_trace` noted in the processes of a server."""

    folder: Path
    _phase: int = 0
    _phases: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.joinpath("phase").write_bytes(b"\0")
        self.folder.joinpath("functions").touch()

    def environment(self) -> dict[str, str]:
        """The variables with which a process is traced."""
        return {"SHOP_TRACE": str(self.folder), "SHOP_TRACE_SOURCE": f"{SOURCE}{os.sep}", "PYTHONPATH": str(TRACE)}

    def record(self, name: str, act: Callable[[], object], *, then_s: float) -> None:
        """Note what runs during `act` and `then_s` seconds after it, as one round of `name`."""
        self._phase += 1
        self._phases[self._phase] = name
        self._set(self._phase)
        act()
        time.sleep(then_s)
        self._set(0)
        time.sleep(0.05)

    def _set(self, phase: int) -> None:
        with self.folder.joinpath("phase").open("r+b") as file:
            file.write(bytes([phase]))

    def rounds(self, name: str) -> list[set[Function]]:
        """The functions that ran in each round of `name`."""
        found: dict[int, set[Function]] = {phase: set() for phase, named in self._phases.items() if named == name}
        for line in self.folder.joinpath("functions").read_text().splitlines():
            phase, file, first, last, function = line.split("\t")
            if int(phase) in found:
                relative = str(Path(file).relative_to(SOURCE))
                found[int(phase)].add(Function(relative, int(first), int(last), function))
        return list(found.values())


@dataclass(frozen=True, slots=True)
class Client:
    """A client of the API with one request for each connection."""

    port: int
    token: str = ""

    def send(self, method: str, path: str, body: object = None, *, key: str = "") -> Any:
        """The decoded body of a response, which must be a success."""
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= {"Idempotency-Key": key} if key else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path} answered {response.status}: {content.decode()}")
        return json.loads(content) if content else None


def measure() -> dict[str, RequestPath]:
    """The path of each of the two requests."""
    with tempfile.TemporaryDirectory(prefix="shop-path-") as folder:
        Path(folder).chmod(0o755)  # the embedded PostgreSQL does not run as root, and must get to its data
        trace = Trace(Path(folder))
        with _server(Path(folder), trace) as port:
            _record(trace, port)
        background = set().union(*trace.rounds("idle"))
        return {name: RequestPath(_in_most(trace.rounds(name)) - background) for name in FILES_MAX}


def _in_most(rounds: list[set[Function]]) -> frozenset[Function]:
    """What is rare counts for nothing, and neither does what came so late once that it is missing from its round."""
    times = Counter(chain.from_iterable(rounds))
    return frozenset(function for function, count in times.items() if count > len(rounds) / 2)


def _record(trace: Trace, port: int) -> None:
    """Send the requests, as a customer who is logged in."""
    api, visitor = "/api/v1", Client(port)
    login = {"username": f"user{secrets.token_hex(5)}", "password": secrets.token_hex()}
    visitor.send("POST", f"{api}/auth/register", login)
    customer = Client(port, visitor.send("POST", f"{api}/auth/token", login)["access"])
    found = customer.send("GET", f"{api}/products?in_stock=true&limit=50")["results"]
    product = max(found, key=lambda each: int(each["quantity_in_stock"]))
    order = {"lines": [{"product_id": product["id"], "quantity": 1}]}

    def place_order() -> None:
        customer.send("POST", f"{api}/orders", order, key=secrets.token_hex())

    def list_products(limit: int) -> None:
        customer.send("GET", f"{api}/products?limit={limit}")

    for limit in (40, 41, 42):  # what is done once in a process is no part of a request
        trace.record("first", place_order, then_s=0)
        trace.record("first", lambda: list_products(limit), then_s=AFTER_S)  # noqa: B023 - called at once
    trace.record("idle", lambda: None, then_s=IDLE_S)
    for limit in range(50, 50 - ROUNDS, -1):
        trace.record("POST /orders", place_order, then_s=AFTER_S)
        trace.record("GET /products", lambda: list_products(limit), then_s=AFTER_S)  # noqa: B023 - called at once


@contextmanager
def _server(folder: Path, trace: Trace) -> Iterator[int]:
    """`shop serve --demo` with its data in `folder`: the port on which it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    shop = [str(Path(sys.executable).with_name("shop")), "serve", "--demo", "--workers", "1"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SHOP_")}
    log = folder / "log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [*shop, "--port", str(port), "--data-dir", str(folder / "data")],
            env=environment | trace.environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            deadline = time.monotonic() + READY_S_MAX
            while not _is_ready(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the server does not answer: {log.read_text()}")
                time.sleep(0.05)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _is_ready(port: int) -> bool:
    with suppress(OSError, RuntimeError, http.client.HTTPException):
        Client(port).send("GET", "/health/ready")
        return True
    return False


def past_limits(paths: dict[str, RequestPath]) -> list[str]:
    """What is longer than it may be; `tools.check_claims` fails then."""
    found = []
    for name, path in paths.items():
        if len(path.files) > FILES_MAX[name] or path.lines > LINES_MAX[name]:
            found.append(
                f"{name}: {len(path.files)} files, {path.lines:,} lines;"
                f" at most {FILES_MAX[name]} and {LINES_MAX[name]:,} are allowed"
            )
    return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Count the files and lines that one request runs through.")
    parser.add_argument("-v", "--verbose", action="store_true", help="list the functions of each file")
    arguments = parser.parse_args()
    paths = measure()
    for name, path in paths.items():
        print(f"{name}: {len(path.files)} files, {path.lines:,} lines")
        for file in path.files if arguments.verbose else ():
            print(f"    {file}:", *sorted({each.name for each in path.functions if each.file == file}))


if __name__ == "__main__":
    main()
