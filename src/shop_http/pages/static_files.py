"""Serving the files of the panel, without a login: the login form needs them, too."""

from __future__ import annotations

from litestar.exceptions import NotFoundException

from shop_http.pages.assets import MEDIA_TYPES, content_of
from shop_http.pages.handlers import PageEndpoint
from shop_http.requests import ShopRequest
from shop_http.responses import Response
from shop_http.routing import route_to

_FOR_GOOD = b"public, max-age=31536000, immutable"


async def show_file(request: ShopRequest) -> Response:
    """One of the files."""
    name = str(request.scope["path_params"]["name"])
    if name not in MEDIA_TYPES:
        raise NotFoundException
    return Response(content_of(name), media_type=MEDIA_TYPES[name], cache_control=_FOR_GOOD)


ROUTES = (route_to(PageEndpoint(show_file), ["GET", "HEAD"], "/static/{name:str}"),)
