"""Compressed responses: which ones, how, and who gets them.

Only JSON in response to GET and HEAD is compressed. The length of a compressed response tells a bit of what is in it,
so nothing that holds a secret may be compressed together with what an attacker chose (the BREACH attack): tokens are in
responses to POST, and pages of the staff panel, which hold a token against forged requests, are HTML.
"""

from __future__ import annotations

import asyncio
import re
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import brotli  # type: ignore[import-untyped]

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COMPRESSED_BYTES_MIN = 1_024
"""A smaller body fits into one packet anyway."""
_AT_ONCE_BYTES_MAX = 64 * 1024
"""A larger body is compressed in a thread: one of 2 MB takes 20 ms."""
_GZIP_BITS = 31
_ITEM = re.compile(rb"\s*([a-z]+)\s*(?:;\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?")
"""An encoding in `Accept-Encoding`, in small letters, and how much it is wanted, from 0 to 1."""
_ITEMS_MAX = 32  # a list that fills the head of a request would take 20 ms to read


@dataclass(frozen=True, slots=True)
class Encoding:
    """A way to compress a body.

    Args:
        name: as `Accept-Encoding` and `Content-Encoding` have it.
        compress: gives the compressed body; threads may call it at the same time.
    """

    name: bytes
    compress: Callable[[bytes], bytes]

    async def encoded(self, body: bytes) -> bytes:
        """The body, compressed."""
        return self.compress(body) if len(body) <= _AT_ONCE_BYTES_MAX else await asyncio.to_thread(self.compress, body)


ENCODINGS = (
    Encoding(b"zstd", partial(zstd.compress, level=1)),
    Encoding(b"br", partial(brotli.compress, quality=2)),
    Encoding(b"gzip", partial(zlib.compress, level=1, wbits=_GZIP_BITS)),
)
"""The best first, as measured: see docs/decisions/0028. Not deflate: some clients mean raw data by it, others zlib."""


@lru_cache(64)
def encoding_for(accept_encoding: bytes) -> Encoding | None:
    """The encoding that a client with this `Accept-Encoding` wants most, and of several the best; None: none of ours.

    RFC 9110, 12.5.3. An encoding with `q=0`, or less wanted than `identity`, is not taken. `*` does not ask for any,
    even where `identity` is refused: who wants an encoding names it. An item that is malformed counts for nothing, and
    so does what comes after 32 items; of one that is named twice, the lower wish counts.
    """
    wishes: dict[bytes, float] = {}
    for item in accept_encoding.lower().replace(b"\n", b",").split(b",", _ITEMS_MAX)[:_ITEMS_MAX]:
        if named := _ITEM.fullmatch(item):
            wishes[named[1]] = min(float(named[2] or 1), wishes.get(named[1], 1))
    best = max(ENCODINGS, key=lambda encoding: wishes.get(encoding.name, 0))
    wish = wishes.get(best.name, 0)
    return best if wish and wish >= wishes.get(b"identity", 0) else None
