"""Health: whether the server runs, and whether it can serve."""

from __future__ import annotations

from shop_core.errors import Unavailable
from shop_http.requests import ShopRequest
from shop_http.responses import Response, json_response
from shop_http.routing import Access, Operation, get
from shop_http.schemas.common import StatusBody

TAG = "Health"
_OK = StatusBody()
_ALIVE = json_response(_OK)


@get("/health/live", Operation(access=Access.PUBLIC, gives=_OK))
async def is_live(request: ShopRequest) -> Response:
    """Whether the server runs."""
    return _ALIVE


@get("/health/ready", Operation(access=Access.PUBLIC, gives=_OK, refuses=(Unavailable,)))
def is_ready(request: ShopRequest) -> Response:
    """Whether the server can serve: it reaches its database."""
    request.state.ready()
    return json_response(_OK)


ROUTES = (is_live, is_ready)
