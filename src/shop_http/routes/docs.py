"""The interactive documentation: Swagger UI from an installed package, served by us, with no request elsewhere."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from litestar.exceptions import NotFoundException

from shop_http.documentation import error_reference
from shop_http.requests import ShopRequest
from shop_http.responses import Response
from shop_http.routing import Access, Operation, get

_PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Shop API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="stylesheet" href="/docs/index.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

# validatorUrl: the badge would send the address of every shop's API to a server of others.
_START = b"""SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  validatorUrl: null,
  deepLinking: true,
  persistAuthorization: true,
  displayRequestDuration: true,
  displayOperationId: true,
})
"""

_SCRIPT = b"text/javascript; charset=utf-8"
_MEDIA_TYPES = {
    "swagger-ui-bundle.js": _SCRIPT,
    "swagger-ui.css": b"text/css; charset=utf-8",
    "index.css": b"text/css; charset=utf-8",
    "favicon-32x32.png": b"image/png",
}

# The browser itself then forbids what this page must not do: ask anybody but us.
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_PUBLIC = Operation(access=Access.PUBLIC)
_FOR_AN_HOUR = b"public, max-age=3600"
_FOR_A_DAY = b"public, max-age=86400"


@cache
def _file(name: str) -> bytes:
    """A file of Swagger UI. The package is found but not imported: we need its files, not its code."""
    package = find_spec("swagger_ui")
    assert package is not None, "install shop-no-oversell[http]"
    assert package.submodule_search_locations is not None
    return (Path(package.submodule_search_locations[0]) / "static" / name).read_bytes()


def _page(html: bytes) -> Response:
    return Response(html, media_type=b"text/html; charset=utf-8", cache_control=_FOR_AN_HOUR, policy=_POLICY)


@get("/", _PUBLIC)
async def to_docs(request: ShopRequest) -> Response:
    """Leads whoever opens the server in a browser to the documentation."""
    return Response(b"", 302, headers=((b"location", b"/docs"),))


@get("/docs", _PUBLIC)
async def docs(request: ShopRequest) -> Response:
    """The page."""
    return _page(_PAGE)


@get("/docs/start.js", _PUBLIC)
async def start_script(request: ShopRequest) -> Response:
    """Starts Swagger UI on our API."""
    return Response(_START, media_type=_SCRIPT, cache_control=_FOR_AN_HOUR)


@get("/docs/errors", _PUBLIC)
async def errors_page(request: ShopRequest) -> Response:
    """What each code means: the `type` of every problem leads here."""
    return _page(error_reference.html())


@get("/docs/{name:str}", _PUBLIC)
def docs_file(request: ShopRequest, name: str) -> Response:
    """One of the few files of Swagger UI that the page needs."""
    if name not in _MEDIA_TYPES:
        raise NotFoundException
    return Response(_file(name), media_type=_MEDIA_TYPES[name], cache_control=_FOR_A_DAY)


@get("/openapi.json", _PUBLIC)
async def openapi_document(request: ShopRequest) -> Response:
    """The description of the API, made once when the application was."""
    return Response(request.state.openapi(), cache_control=_FOR_AN_HOUR)


ROUTES = (to_docs, docs, start_script, docs_file, openapi_document)
ERRORS = (errors_page,)
"""There even if the documentation is not: every problem refers to it."""
