"""A handler that answers the same few bytes of JSON to everybody: the yardstick for what a server can do.

It runs in granian with uvloop, whatever server the shop itself runs in, so that a slower server makes no ratio better.
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


def command(port: int) -> list[str]:
    """The command that serves it on a port, with a worker for each core."""
    options = {"--interface": "asgi", "--loop": "uvloop", "--workers": str(os.cpu_count()), "--port": str(port)}
    return [
        *(sys.executable, "-m", "granian", f"{__name__}:app", "--no-ws", "--log-level", "error"),
        *(word for option in options.items() for word in option),
    ]
