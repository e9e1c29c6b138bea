"""A few broken requests of every kind, on both stores: none makes the server fail. `make verify` sends many more."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from verification.fuzz import Fuzzer

from http_client import Server


def test_no_broken_request_makes_the_server_fail(server: Server) -> None:
    """Which statuses the requests get is left to chance; that all are answered, and none by a failure, is not."""
    port = urlsplit(server.url).port
    assert port is not None
    report = asyncio.run(Fuzzer(port, server.staff_username, server.staff_password, seed=6).run(600))
    assert report.findings == []
    assert report.requests == 600
    assert report.forged > 40
    assert report.statuses.keys() - {503}, "it only said that it has too much to do"
