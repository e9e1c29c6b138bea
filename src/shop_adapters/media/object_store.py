"""Files of pictures in a folder, or in a store that talks as Amazon's S3 does."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store, from_url

from shop_core.catalog.images import MediaKey
from shop_core.errors import Unavailable

T = TypeVar("T")

SUFFIX = ".webp"
"""Behind the key, in the name of each file: so a folder or a bucket can be handed out by any web server."""
PATH = "/media"
"""Where the application shows the files."""
_ANSWER_WITHIN = timedelta(seconds=5)
_RETRY_WITHIN = timedelta(seconds=6)
_logger = logging.getLogger("shop.pictures")
_MISSING = (FileNotFoundError, obstore.exceptions.NotFoundError)


class StoredMedia:
    """`shop_core.ports.Media`, on an object store.

    Args:
        store: the store, see `media_at`.
        base_url: where clients find the files, e.g. `https://pictures.example`; empty: the application shows them.
    """

    def __init__(self, store: ObjectStore, base_url: str = "") -> None:
        self._store = store
        self.url_form = (base_url or PATH).replace("{", "{{").replace("}", "}}") + "/{}" + SUFFIX
        self._takes_attributes = not isinstance(store, LocalStore)  # the name of a file says its type

    def put(self, key: MediaKey, body: bytes, media_type: str) -> None:
        attributes = {"Content-Type": media_type, "Cache-Control": "public, max-age=31536000, immutable"}
        _reached(
            lambda: obstore.put(
                self._store,
                f"{key}{SUFFIX}",
                body,
                attributes=attributes if self._takes_attributes else None,
                use_multipart=False,
            )
        )

    def get(self, key: MediaKey) -> bytes | None:
        return _reached(lambda: self._read(key))

    def _read(self, key: MediaKey) -> bytes | None:
        try:
            return bytes(obstore.get(self._store, f"{key}{SUFFIX}").bytes())
        except _MISSING:
            return None

    def delete(self, keys: Collection[MediaKey]) -> None:
        _reached(lambda: self._delete(keys))

    def _delete(self, keys: Collection[MediaKey]) -> None:
        for key in keys:
            try:
                obstore.delete(self._store, f"{key}{SUFFIX}")
            except _MISSING:
                continue

    def keys(self) -> Iterator[MediaKey]:
        pages = iter(_reached(lambda: obstore.list(self._store, chunk_size=1000)))
        while page := _reached(lambda: next(pages, None)):
            for found in page:
                if found["path"].endswith(SUFFIX):
                    yield found["path"].removesuffix(SUFFIX)


def media_at(place: str, base_url: str = "") -> StoredMedia:
    """The files at a place.

    Args:
        place: the path of a folder, which is made, or `s3://bucket` with or without a path in it. Who may use the
            bucket, its region and its address are read from the usual variables, such as AWS_ACCESS_KEY_ID.
        base_url: see `StoredMedia`.

    Raises:
        ValueError: the folder cannot be made, or the place is none.
    """
    try:
        if place.startswith("s3://"):
            store = from_url(
                place,
                client_options={
                    "timeout": _ANSWER_WITHIN,
                    "connect_timeout": _ANSWER_WITHIN,
                    "allow_http": os.environ.get("AWS_ENDPOINT_URL", "").startswith("http:"),  # who says so means it
                },
                retry_config={"max_retries": 2, "retry_timeout": _RETRY_WITHIN},
            )
            assert isinstance(store, S3Store)
            return StoredMedia(store, base_url)
        if "://" in place:
            raise OSError(0, "it is neither of these")
        Path(place).mkdir(parents=True, exist_ok=True)
        return StoredMedia(LocalStore(Path(place).resolve()), base_url)
    except (BaseError, OSError) as wrong:
        reason = getattr(wrong, "strerror", None) or _line(wrong)
        raise ValueError(
            f"cannot be used: {reason}: name a folder that this user may write to, or s3://bucket"
        ) from wrong


def _reached(ask: Callable[[], T]) -> T:
    """What the store answers. Raises Unavailable: nothing, or nothing that can be used."""
    try:
        return ask()
    except (BaseError, OSError) as error:
        _logger.warning("the store of the pictures failed: %s", _line(error))
        raise Unavailable("The store of the pictures does not answer as it should: try again later.") from error


def _line(error: Exception) -> str:
    """What went wrong, without how the library came to know it."""
    return " ".join(str(error).partition("Debug source")[0].split())[:300]
