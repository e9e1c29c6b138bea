"""ETags: answers that a client need not read again, and changes that are only made to what he knows (RFC 9110, 13).

A tag is the version of what was read: `"3"` for an order, `"3.17"` for a product of version 3 of which 17 can be sold.
Readers see every sale in the tag; If-Match looks at the version only, so that a sale in between does not fail an edit.
"""

from __future__ import annotations

import re

from litestar.types import Scope
from msgspec import Struct

from shop_http.routing import Reply, ShopRequest, headers, reply

_TAG = re.compile(r'(W/)?"([^"]*)"')
_VERSION = re.compile(r"([0-9]{1,9})(?:\.[0-9]+)?", re.ASCII)


def reply_tagged(
    request: ShopRequest, body: Struct, *tag: int, location: str | None = None, more: dict[str, str] | None = None
) -> Reply:
    """Answer with `body` and its tag; or 304, without a body, to whom has that one already.

    Args:
        body: what to say.
        tag: the version, and what else readers should be told of a change of.
        location, more: see `reply`.
    """
    etag = f'"{".".join(map(str, tag))}"'
    if request.method in ("GET", "HEAD") and is_known(request.scope, etag):
        return Reply(b"", 304, headers={"ETag": etag})
    return reply(body, location=location, more={"ETag": etag, **(more or {})})


def expected_versions(request: ShopRequest) -> frozenset[int] | None:
    """The versions in If-Match; None without that header and for `*`. What is no tag of ours is no version."""
    lines = headers(request.scope, b"if-match")
    sent = ",".join(lines)
    if not lines or sent.strip() == "*":
        return None
    strong = (tag for weak, tag in _TAG.findall(sent) if not weak)
    return frozenset(int(found[1]) for found in map(_VERSION.fullmatch, strong) if found)


def is_known(scope: Scope, etag: str) -> bool:
    """Whether the client says that he has the answer with this tag."""
    sent = ",".join(headers(scope, b"if-none-match"))
    return sent.strip() == "*" or any(f'"{tag}"' == etag for _, tag in _TAG.findall(sent))
