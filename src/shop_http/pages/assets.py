"""The files of the panel: our stylesheet and icon, and htmx. Their addresses name their content, so browsers keep them.

`htmx.min.js` is `dist/htmx.min.js` of the npm package htmx.org, version 2.0.11, unchanged; its license (0BSD) is
`htmx.LICENSE.txt`. Its SHA-256 is d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files

MEDIA_TYPES = {
    "htmx.min.js": b"text/javascript; charset=utf-8",
    "icon.svg": b"image/svg+xml",
    "panel.css": b"text/css; charset=utf-8",
}


@cache
def content_of(name: str) -> bytes:
    """The file; `name` is one of `MEDIA_TYPES`."""
    return files("shop_http.pages").joinpath("static", name).read_bytes()


@cache
def address_of(name: str) -> str:
    """Where browsers get the file: another address for another content."""
    return f"/staff/static/{name}?{sha256(content_of(name)).hexdigest()[:12]}"
