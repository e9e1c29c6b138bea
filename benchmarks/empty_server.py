"""`shop serve` with nothing behind it: the yardstick for what the server itself can do.

It is the shop's own server, with all of its settings, told to run another application: one handler, which answers the
same few bytes of JSON to everybody.

    SHOP_DATABASE_URL=... SHOP_SECRET_KEY=... python -m benchmarks.empty_server PORT
"""

from __future__ import annotations

import sys
from typing import Any
from unittest import mock

from litestar import Litestar, get

from shop_http.server.workers import Workers

ANSWER = {"status": "ok"}


def empty_server(target: str, **settings: Any) -> Any:
    """A server that runs `make`, whatever it is told to run."""
    return Workers("benchmarks.empty_server:make", **settings)


@get(["/empty", "/health/ready"])
async def empty() -> dict[str, str]:
    """The same for everybody."""
    return ANSWER


def make() -> Litestar:
    """The application."""
    return Litestar([empty], openapi_config=None, logging_config=None, debug=False)


def main() -> None:
    """Serve."""
    from shop_http.cli.main import main as shop
    from shop_http.server import serve

    with mock.patch.object(serve, "Workers", empty_server):
        shop(["serve", "--port", sys.argv[1]])


if __name__ == "__main__":
    main()
