"""Reading a form that a browser sends, with or without files."""

from __future__ import annotations

import re
from functools import partial
from io import BytesIO
from urllib.parse import parse_qs

from litestar.exceptions import HTTPException
from multipart import MultipartError, MultipartParser, parse_options_header  # type: ignore[import-untyped]

from shop_core.errors import Fault, Invalid
from shop_http.pages.forms import FIELDS_MAX, SentForm, Upload
from shop_http.requests import ShopRequest
from shop_http.server.worker_pools import Pool

FORM_SIZE_MAX = 256 * 1024

_FORM = re.compile(rb"application/x-www-form-urlencoded\b.*|multipart/form-data\s*;.*", re.IGNORECASE)


async def read_form(request: ShopRequest, size_max: int) -> SentForm:
    """The form.

    Raises:
        HTTPException: 413: it is larger than `size_max` bytes; 415: it is no form; 400: it cannot be read.
    """
    body = await request.body(size_max, _FORM)
    read = partial(_read, body, request.headers[b"content-type"].decode("latin-1"), size_max)
    return read() if len(body) <= FORM_SIZE_MAX else await request.state.pools.run(Pool.SLOW, read)


def _read(body: bytes, content_type: str, size_max: int) -> SentForm:
    media_type, options = parse_options_header(content_type)
    try:
        if media_type == "multipart/form-data":
            return _read_multipart(body, options["boundary"], size_max)
        fields = parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except (ValueError, KeyError, MultipartError) as unreadable:
        raise HTTPException(status_code=400) from unreadable
    return SentForm(fields)


def _read_multipart(body: bytes, boundary: str, size_max: int) -> SentForm:
    values: dict[str, list[str]] = {}
    files: dict[str, Upload] = {}
    parts = MultipartParser(
        BytesIO(body),
        boundary,
        len(body),
        strict=True,
        part_limit=FIELDS_MAX,
        spool_limit=size_max,  # the body is in memory anyway
        memory_limit=2 * size_max,
    )
    for part in parts:
        if part.filename is None:
            values.setdefault(part.name, []).append(part.value)
        elif part.name in files:
            raise Invalid(Fault(part.name, "takes one file", "duplicate"))
        elif part.filename:
            files[part.name] = Upload(part.filename, part.raw)
    return SentForm(values, files)
