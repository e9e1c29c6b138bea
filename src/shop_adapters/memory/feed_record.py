"""Which product changed at which version of the catalog, in memory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from secrets import randbits
from uuid import UUID


class FeedRecord:
    """The record of the feed. Every use is with the mutex of the store held.

    Attributes:
        version: of the catalog.
        stamps: a random number for each version, and when it was drawn.
        changed: the version at which each product changed last.
        categories_version: that at which categories did.
        purged: up to here, what left the catalog is not in `changed` any more.
    """

    def __init__(self, now: datetime) -> None:
        self.version = 0
        self.stamps: dict[int, tuple[int, datetime]] = {}
        self.changed: dict[UUID, int] = {}
        self.categories_version = self.purged = 0
        self.advance((), now, has_categories=True)

    def advance(self, product_ids: Iterable[UUID], now: datetime, *, has_categories: bool) -> None:
        """Raise the version, at which these changed."""
        self.version += 1
        self.stamps[self.version] = randbits(63), now
        self.changed.update(dict.fromkeys(product_ids, self.version))
        if has_categories:
            self.categories_version = self.version

    def behind(self, version: int, product_id: UUID) -> list[tuple[int, UUID]]:
        """What changed behind a position, in order."""
        found = [(changed, id_) for id_, changed in self.changed.items() if changed >= version]
        return sorted(each for each in found if each > (version, product_id))

    def forget(self, before: datetime, present: Iterable[UUID]) -> None:
        """Forget what left the catalog before then.

        Args:
            before: a time.
            present: what is in the catalog.
        """
        old = [version for version, (_, at) in self.stamps.items() if at < before]
        if old:
            self.purged, kept = max(old), set(present)  # which was the version until later: its stamp is kept
            self.stamps = {version: stamp for version, stamp in self.stamps.items() if version >= self.purged}
            self.changed = {
                id_: version for id_, version in self.changed.items() if version > self.purged or id_ in kept
            }

    def renew(self, now: datetime) -> None:
        """End every position."""
        self.advance((), now, has_categories=True)
        self.stamps = {self.version: self.stamps[self.version]}
