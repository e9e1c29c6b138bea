"""A few broken requests of every kind, on both stores: none makes the server fail. `make verify` sends many more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from verification.fuzz import Fuzzer

from http_servers import memory_serving, postgres_serving


@pytest.mark.parametrize("backend", ["memory", "postgres"])
def test_no_broken_request_makes_the_server_fail(backend: str, migrated_database: Callable[[str], str]) -> None:
    """On a server of its own: some requests are good, and change what the shop has.

    Which statuses the requests get is left to chance; that all are answered, and none by a failure, is not."""
    serving = memory_serving() if backend == "memory" else postgres_serving(migrated_database("shop_fuzz"))
    with serving as server:
        port = urlsplit(server.url).port
        assert port is not None
        report = asyncio.run(Fuzzer(port, server.staff_username, server.staff_password, seed=6).run(400))
    assert report.findings == []
    assert report.requests == 400
    assert report.forged > 25
    assert report.statuses.keys() - {503}, "it only said that it has too much to do"
