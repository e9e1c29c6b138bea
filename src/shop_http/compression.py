"""Compressed responses: which ones, how, and who gets them.

Only JSON in response to GET and HEAD is compressed. The length of a compressed response tells a bit of what is in it,
so nothing that holds a secret may be compressed together with what an attacker chose (the BREACH attack): tokens are in
responses to POST, and pages of the staff panel, which hold a token against forged requests, are HTML.
"""

from __future__ import annotations

import asyncio
import re
import zlib

COMPRESSED_BYTES_MIN = 1_024
"""A smaller body fits into one packet anyway."""
_AT_ONCE_BYTES_MAX = 64 * 1024
"""A larger body is compressed in a thread: one of 2 MB takes 20 ms."""
_LEVEL = 1  # 27 KB: 0.2 ms for 6.9 KB; level 6 takes 1.2 ms for 5.9 KB
_GZIP_BITS = 31
_REFUSED = re.compile(r"\s*q\s*=\s*0(?:\.0*)?\s*", re.ASCII)


def accepts_gzip(accept_encoding: bytes) -> bool:
    """Whether a client with this `Accept-Encoding` takes gzip. `*` does not ask for it."""
    for item in accept_encoding.decode("latin-1").replace("\n", ",").split(","):
        name, _, quality = item.partition(";")
        if name.strip() == "gzip":
            return not _REFUSED.fullmatch(quality)
    return False


async def gzipped(body: bytes) -> bytes:
    """The body, compressed."""
    return _gzip(body) if len(body) <= _AT_ONCE_BYTES_MAX else await asyncio.to_thread(_gzip, body)


def _gzip(body: bytes) -> bytes:
    return zlib.compress(body, _LEVEL, _GZIP_BITS)
