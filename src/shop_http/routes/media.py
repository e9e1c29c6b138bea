"""The files of pictures, where no other server hands them out.

They have no login: a page cannot send one with a picture, and nobody guesses an address that is a hash of content.
"""

from __future__ import annotations

import re

from litestar.exceptions import NotFoundException

from shop_http.requests import ShopRequest
from shop_http.responses import Response
from shop_http.routing import Access, Operation, get
from shop_http.server.worker_pools import Pool

PATH = "/media"
_NAME = re.compile(r"([0-9a-f]{64})\.webp", re.ASCII)
_FOR_GOOD = b"public, max-age=31536000, immutable"
_SANDBOX = b"default-src 'none'; sandbox; frame-ancestors 'none'"


@get(PATH + "/{name:str}", Operation(access=Access.PUBLIC, pool=Pool.SLOW))
def show_picture(request: ShopRequest, name: str) -> Response:
    """A file of a picture. It never changes, and its name is its hash: a client that knows it has it."""
    found = _NAME.fullmatch(name)
    body = request.shop.images.content(found[1]) if found else None
    if body is None or found is None:
        raise NotFoundException
    return Response(
        body,
        media_type=b"image/webp",
        etag=f'"{found[1]}"',
        cache_control=_FOR_GOOD,
        policy=_SANDBOX,
        is_for_all_origins=True,
    )


ROUTES = (show_picture,)
