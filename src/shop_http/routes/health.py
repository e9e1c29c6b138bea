"""Health: whether the server runs, and whether it can serve."""

from __future__ import annotations

import logging

from shop_core.errors import Unavailable
from shop_http.requests import ShopRequest
from shop_http.responses import Response, json_response
from shop_http.routing import Access, Operation, get
from shop_http.schemas.common import StatusBody

TAG = "Health"
_OK = StatusBody()
_ALIVE = json_response(_OK)

_logger = logging.getLogger("shop_http")


@get("/health/live", Operation(access=Access.PUBLIC, gives=_OK))
async def is_live(request: ShopRequest) -> Response:
    """Whether the server runs."""
    return _ALIVE


@get("/health/ready", Operation(access=Access.PUBLIC, gives=_OK, refuses=(Unavailable,)))
def is_ready(request: ShopRequest) -> Response:
    """Whether the server can serve: it reaches its database."""
    try:
        request.state.ready()
    except Unavailable:
        raise
    except Exception as error:
        _logger.warning("not ready: %r", error)
        raise Unavailable("The server cannot serve at the moment; its log says why.", retry_after_s=5) from error
    return json_response(_OK)


ROUTES = (is_live, is_ready)
