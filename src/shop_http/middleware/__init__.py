"""The ASGI middlewares of the application, one a file. `shop_http.app` lists them in order, outermost first, with
`cached_first` and `run_operation` of `shop_http.routing` and `Spans.middleware`, which belong to something else.

Each takes an ASGI application and returns one that does one thing more, and sees HTTP requests only. What they find out
about a request they leave in its `ShopRequest`; a response is sent by `shop_http.responses.Response` and nobody else.
"""

from __future__ import annotations

from collections.abc import Callable

from litestar.types import ASGIApp

Middleware = Callable[[ASGIApp], ASGIApp]
