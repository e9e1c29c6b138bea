"""A few broken requests of every kind, on both stores: none makes the server fail. `make verify` sends many more."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from verification.fuzz import Fuzzer

from http_client import Server


def test_no_broken_request_makes_the_server_fail(server: Server) -> None:
    port = urlsplit(server.url).port
    assert port is not None
    report = asyncio.run(Fuzzer(port, server.staff_username, server.staff_password, seed=6).run(600))
    assert report.findings == []
    assert report.requests == 600
    assert report.forged > 40
    assert len(report.kinds) == 11
    assert {200, 201, 400, 401, 404, 405, 415} <= report.statuses.keys()
