"""A handler that answers the same few bytes of JSON to everybody: the yardstick for what a server can do.

It runs in granian with uvloop, whatever server the shop itself runs in, so that a slower server makes no ratio better;
and in uvicorn, as the shop does, so that it can be told what is the server's and what is ours.
"""

from __future__ import annotations

import os
import sys

from litestar import Litestar, get


@get(["/empty", "/health/ready"])
async def empty() -> dict[str, str]:
    """The same for everybody."""
    return {"status": "ok"}


app = Litestar([empty], openapi_config=None, logging_config=None, debug=False)


def granian(port: int) -> list[str]:
    """The command that serves it on a port, with a worker for each core."""
    return [
        *(sys.executable, "-m", "granian", f"{__name__}:app", "--no-ws", "--log-level", "error", "--loop", "uvloop"),
        *("--interface", "asgi", "--workers", str(os.cpu_count()), "--port", str(port)),
    ]


def uvicorn(port: int) -> list[str]:
    """The same in the server of the shop."""
    return [
        *(sys.executable, "-m", "uvicorn", f"{__name__}:app", "--ws", "none", "--log-level", "error"),
        *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--no-server-header", "--no-proxy-headers"),
        *("--workers", str(os.cpu_count()), "--port", str(port)),
    ]
