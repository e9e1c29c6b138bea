"""The interactive documentation: Swagger UI from an installed package, served by us, with no request elsewhere."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import litestar
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from shop_http import error_reference as errors
from shop_http.routing import Access, Reply, ShopRequest

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

_SCRIPT = "text/javascript; charset=utf-8"
_MEDIA_TYPES = {
    "swagger-ui-bundle.js": _SCRIPT,
    "swagger-ui.css": "text/css; charset=utf-8",
    "index.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
}

# The browser itself then forbids what this page must not do: ask anybody but us.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_PUBLIC = {"access": Access.PUBLIC}
_FOR_AN_HOUR = {"Cache-Control": "public, max-age=3600"}
_FOR_A_DAY = {"Cache-Control": "public, max-age=86400"}


@cache
def _file(name: str) -> bytes:
    """A file of Swagger UI. The package is found but not imported: we need its files, not its code."""
    package = find_spec("swagger_ui")
    assert package is not None, "install shop[http]"
    assert package.submodule_search_locations is not None
    return (Path(package.submodule_search_locations[0]) / "static" / name).read_bytes()


def _page(html: bytes) -> Reply:
    headers = _FOR_AN_HOUR | {"Content-Security-Policy": _POLICY}
    return Reply(html, media_type="text/html; charset=utf-8", headers=headers)


@litestar.get("/", opt=_PUBLIC, sync_to_thread=False, include_in_schema=False)
def to_docs() -> Redirect:
    """Whoever opens the server in a browser wants to know what it can do."""
    return Redirect("/docs")


@litestar.get("/docs", opt=_PUBLIC, sync_to_thread=False, include_in_schema=False)
def docs() -> Reply:
    """The page."""
    return _page(_PAGE)


@litestar.get("/docs/start.js", opt=_PUBLIC, sync_to_thread=False, include_in_schema=False)
def start_script() -> Reply:
    """What starts Swagger UI on our API."""
    return Reply(_START, media_type=_SCRIPT, headers=_FOR_AN_HOUR)


@litestar.get("/docs/errors", opt=_PUBLIC, sync_to_thread=False, include_in_schema=False)
def errors_page() -> Reply:
    """What each code means: where the `type` of every problem points."""
    return _page(errors.html())


@litestar.get("/docs/{name:str}", opt=_PUBLIC, sync_to_thread=True, include_in_schema=False)
def docs_file(name: FromPath[str]) -> Reply:
    """One of the few files of Swagger UI that the page needs."""
    if name not in _MEDIA_TYPES:
        raise NotFoundException
    return Reply(_file(name), media_type=_MEDIA_TYPES[name], headers=_FOR_A_DAY)


@litestar.get("/openapi.json", opt=_PUBLIC, sync_to_thread=False, include_in_schema=False)
def openapi_document(request: ShopRequest) -> Reply:
    """The description of the API, made once when the application was."""
    return Reply(request.app.state.openapi, headers=_FOR_AN_HOUR)


ROUTES = (to_docs, docs, start_script, docs_file, openapi_document)
ERRORS = (errors_page,)
"""There even if the documentation is not: every problem refers to it."""
