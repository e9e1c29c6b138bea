"""Whether the server runs, and whether it can serve."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import cast

import litestar

from shop_core.errors import Unavailable
from shop_http.routing import Access, Operation, Reply, ShopRequest, get, reply
from shop_http.schemas.common import StatusBody

TAG = "Health"
_OK = StatusBody()

_logger = logging.getLogger("shop_http")


@litestar.get(
    "/health/live",
    opt={
        "operation": Operation(
            id="is_live", summary="Whether the server runs", tag=TAG, access=Access.PUBLIC, gives=_OK
        )
    },
    include_in_schema=False,
)
async def is_live(request: ShopRequest) -> Reply:
    """Answered on the loop: a server whose threads are all busy is alive all the same."""
    return reply(_OK)


@get(
    "/health/ready",
    Operation(
        id="is_ready",
        summary="Whether the server can serve: it reaches what it stands on",
        tag=TAG,
        access=Access.PUBLIC,
        gives=_OK,
        refuses=(Unavailable,),
    ),
)
def is_ready(request: ShopRequest) -> Reply:
    """Asks the check that the composition root gave; whatever that raises means no, and `Unavailable` says why."""
    try:
        cast("Callable[[], None]", request.app.state.ready)()
    except Unavailable:
        raise
    except Exception as error:
        _logger.warning("not ready: %r", error)
        raise Unavailable("The server cannot serve at the moment; its log says why.", retry_after_s=5) from error
    return reply(_OK)


ROUTES = (is_live, is_ready)
