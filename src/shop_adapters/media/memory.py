"""Files of pictures in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from shop_core.catalog.images import MediaKey


class MemoryMedia:
    """`shop_core.ports.Media`: it forgets everything with the process."""

    url_form = "/media/{}.webp"

    def __init__(self) -> None:
        self._bodies: dict[MediaKey, bytes] = {}

    def put(self, key: MediaKey, body: bytes, media_type: str) -> None:
        """Keep a file."""
        self._bodies[key] = body

    def get(self, key: MediaKey) -> bytes | None:
        """The content of a file, if it is there."""
        return self._bodies.get(key)

    def delete(self, keys: Collection[MediaKey]) -> None:
        """Forget files."""
        for key in keys:
            self._bodies.pop(key, None)

    def keys(self) -> Iterator[MediaKey]:
        """The keys of all files."""
        return iter(list(self._bodies))
