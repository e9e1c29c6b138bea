"""Faults of the server are reported: to a real server that speaks Sentry's protocol, with nothing that is secret."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NoReturn

import brotli  # type: ignore[import-untyped]
import pytest
from litestar.testing import TestClient

from shop_adapters.memory import MemoryAdapters
from shop_core import Shop, __version__
from shop_http.app import create_app
from shop_http.server import optional
from shop_http.server.error_reports import ErrorReports
from shop_http.server.settings import Settings, SettingsError

CANARIES = ("canary-text-of-the-fault", "canary-query", "canary-header", "canary-token", "canary-variable")


class Receiver:
    """Takes reports as Sentry does, once it is told to answer.

    Attributes:
        envelopes: what came, as text.
        answers: set once it may answer.
    """

    def __init__(self) -> None:
        self.envelopes: list[str] = []
        self.answers, self.came = threading.Event(), threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "br":  # sentry-sdk takes it where it is installed
                    body = brotli.decompress(body)
                receiver.envelopes.append(f"{self.path}\n{body.decode()}")
                receiver.came.set()
                receiver.answers.wait(30)
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.dsn = f"http://key@127.0.0.1:{self._server.server_port}/7"

    @contextmanager
    def running(self) -> Iterator[Receiver]:
        """Take reports until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self.answers.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def events(self) -> list[Any]:
        """The reports, read."""
        found = []
        for envelope in self.envelopes:
            lines = envelope.splitlines()[2:]  # after the address and the head of the envelope
            found += [json.loads(body) for head, body in zip(lines[::2], lines[1::2], strict=True) if '"event"' in head]
        return found


class Broken(MemoryAdapters):
    """A store with a fault that quotes what it was given."""

    def begin(self) -> NoReturn:
        """Fail."""
        secret = "canary-variable"
        raise RuntimeError(f"canary-text-of-the-fault{secret[:0]}")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().running() as someone:
        yield someone


def ask(dsn: str, *, whatever: str = "/api/v1/products?keyword=canary-query") -> int:
    """The status of a request to a shop that fails and reports."""
    app = create_app(Shop(Broken()), threads=2, background=[ErrorReports(dsn)])
    with TestClient(app, raise_server_exceptions=False) as client:
        headers = {"X-Request-ID": "request-17", "User-Agent": "canary-header", "Cookie": "session=canary-token"}
        return client.get(whatever, headers=headers).status_code


def test_a_fault_is_reported_with_route_request_and_version_and_nothing_that_is_secret(receiver: Receiver) -> None:
    receiver.answers.set()
    assert ask(receiver.dsn) == 500
    (event,) = receiver.events()
    assert receiver.envelopes[0].startswith("/api/7/envelope/\n")
    assert event["tags"] == {"request_id": "request-17", "route": "/api/v1/products"}
    assert event["release"] == f"shop@{__version__}"
    (fault,) = event["exception"]["values"]
    assert (fault["type"], fault["value"]) == ("RuntimeError", "see the log")
    assert fault["stacktrace"]["frames"][-1]["function"] == "begin"
    for canary in CANARIES[:-1]:
        assert canary not in json.dumps({**event, "exception": {**fault, "stacktrace": None}})
    assert all("vars" not in frame for frame in fault["stacktrace"]["frames"])


def test_what_the_shop_refuses_is_no_fault(receiver: Receiver) -> None:
    receiver.answers.set()
    assert ask(receiver.dsn, whatever="/api/v1/nowhere") == 404
    assert receiver.envelopes == []


def test_a_receiver_that_does_not_answer_holds_up_no_request(receiver: Receiver) -> None:
    app = create_app(Shop(Broken()), threads=2, background=[ErrorReports(receiver.dsn)])
    with TestClient(app, raise_server_exceptions=False) as client:
        for _ in range(120):  # more than the hundred that wait in the queue: the others are dropped
            assert client.get("/api/v1/products").status_code == 500
        assert receiver.came.wait(10)
        assert not receiver.answers.is_set(), "all were answered while the receiver was silent"
        receiver.answers.set()


def test_a_receiver_that_is_not_there_costs_nothing() -> None:
    assert ask("http://key@127.0.0.1:9/7") == 500


def test_after_the_end_nothing_is_reported(receiver: Receiver) -> None:
    receiver.answers.set()
    ask(receiver.dsn)
    before = len(receiver.envelopes)
    try:
        raise ValueError
    except ValueError:
        logging.getLogger("shop_http").exception("after the end")
    assert len(receiver.envelopes) == before


@pytest.mark.parametrize(
    ("dsn", "named"),
    [("sentry.example/7", "KEY@HOST/PROJECT"), ("https://key@sentry.example/seven", "not with /seven")],
)
def test_a_dsn_that_is_none_is_refused_at_the_start(dsn: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        optional.check(Settings.read({"SHOP_SENTRY_DSN": dsn}, {}))


def test_without_the_package_the_start_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "shop_http.server.error_reports")
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    optional.check(Settings.read({}, {}))
    with pytest.raises(SettingsError, match=r"shop-no-oversell\[sentry\]"):
        optional.check(Settings.read({"SHOP_SENTRY_DSN": "https://key@sentry.example/7"}, {}))
