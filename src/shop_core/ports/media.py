"""Storage of pictures: their content, apart from everything else, and which content there is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shop_core.catalog.images import MediaKey, Rendition


class Media(Protocol):
    """Where the content of files is kept: outside of the unit of work, and shared by all processes.

    A key is the SHA-256 of its content. So to put a file again changes nothing, and no file ever changes. Every method
    raises Unavailable when the store cannot be reached.
    """

    def put(self, key: MediaKey, body: bytes, media_type: str) -> None:
        """Store a file. It is there for everybody when this returns.

        Args:
            media_type: that stores which hand out files themselves send with it, e.g. `image/webp`.
        """

    def get(self, key: MediaKey) -> bytes | None:
        """The content of a file, if it is there."""

    def delete(self, keys: Collection[MediaKey]) -> None:
        """Delete files. Those that are not there count as deleted."""

    @property
    def url_form(self) -> str:
        """Where clients find a file: an address, or a path of this server, with `{}` in the place of its key."""

    def keys(self) -> Iterator[MediaKey]:
        """The keys of all files that are there, in any order."""


class ImageEncoder(Protocol):
    """Makes the files of a picture."""

    def renditions(self, body: bytes) -> Sequence[Rendition]:
        """The files of a picture, from narrow to wide: at least one, and for the same upload always the same ones.

        Args:
            body: what somebody uploaded, who may be hostile. Nothing but what one sees of it may get into a file.

        Raises:
            UnusableImage: it is no picture, or none that is allowed.
            Busy: too many are being made.
        """


class MediaFiles(Protocol):
    """Which files there may be in `Media`, and since when nothing uses them.

    Whoever stores a file notes it first, so that no file is forgotten; whoever deletes one keeps its note locked until
    it is gone. So a file that is uploaded again while it is deleted is put after that.
    """

    def note(self, keys: Collection[MediaKey]) -> None:
        """Note that from now on these may be there, and may be used by nothing. Waits while one is being deleted."""

    def use(self, keys: Collection[MediaKey], gone: Collection[MediaKey] = ()) -> bool:
        """Note that something uses these, at the same time as that is stored. All are locked in one order.

        Args:
            gone: what it used before, and uses no more: as `note` has it.

        Returns:
            Whether all of them are noted; if not, one was deleted since: put it again.
        """

    def take_unused(self, before: datetime, limit: int) -> list[MediaKey]:
        """Lock up to `limit` of those that nothing has used since `before`, until the end of this unit of work.

        Those that are used after all are noted as such, and left out; so are those that another one has locked.
        """

    def forget(self, keys: Collection[MediaKey]) -> None:
        """Remove the notes of files that were deleted."""

    def used(self) -> Iterator[tuple[UUID, MediaKey]]:
        """Every product and the key of each file that it names, archived products included."""
