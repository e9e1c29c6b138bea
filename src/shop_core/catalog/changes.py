"""What changed in the catalog since a client asked last, so that it can keep a copy: the changes feed.

Every change of the catalog raises its version, last before its commit and under a lock: so versions are in the order of
the commits, and what has a lower version is visible. The feed lists products by the version at which each changed last.
A position in it is a version and a product; an answer is one moment of the catalog.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from shop_core.catalog.model import CatalogEntry, Category
from shop_core.errors import CursorExpired, InvalidCursor
from shop_core.pagination import make_cursor, read_cursor

KEPT = timedelta(days=90)
"""How long the feed remembers what has left the catalog. Older cursors have to start again."""

_LISTING = "catalog changes"
_LAST_ID = UUID(int=2**128 - 1)
_NUMBER_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class FeedPosition:
    """How far a client has read.

    Args:
        version, product_id: of the last change that it got.
        base: the version of the catalog when its copy was last complete, or when it began to read.
        seen, stamp: the version at its last answer, and the random number that was drawn for that version. After a
            restore from a backup the same version gets another stamp, or none: so a copy of lost changes is found out.
    """

    version: int
    product_id: UUID
    base: int
    seen: int
    stamp: int

    @staticmethod
    def of(cursor: str) -> FeedPosition:
        """The position in a cursor.

        Raises:
            InvalidCursor: it is not a cursor of the feed.
        """
        try:
            *numbers, product_id = read_cursor(_LISTING, cursor, (int, int, int, int, str))
            version, base, seen, stamp = (int(number) for number in numbers)
            if not all(0 <= number <= _NUMBER_MAX for number in (version, base, seen, stamp)):
                raise ValueError
            return FeedPosition(version, UUID(str(product_id)), base, seen, stamp)
        except (InvalidCursor, ValueError) as wrong:  # anybody can make a cursor
            raise InvalidCursor("after") from wrong

    @property
    def cursor(self) -> str:
        """The same as an opaque text."""
        return make_cursor(_LISTING, (self.version, self.base, self.seen, self.stamp, str(self.product_id)))


@dataclass(frozen=True, slots=True)
class FeedView:
    """What a store has behind a position, all of one moment.

    Args:
        version, stamp: of the catalog.
        purged: the version up to which it is forgotten what has left the catalog.
        knows_position: whether the `seen` of the position had its `stamp`; true without a position.
        changed: products and the versions at which they changed last, in this order, one more than asked for if there
            are more. What had left the catalog at the `base` of the position already is left out.
        entries: those of them that are in the catalog.
        categories: all of them, if any changed after the `seen` of the position.
        at: when this was.
    """

    version: int
    stamp: int
    purged: int
    knows_position: bool
    changed: Sequence[tuple[int, UUID]]
    entries: Mapping[UUID, CatalogEntry]
    categories: Sequence[Category] | None
    at: datetime


@dataclass(frozen=True, slots=True)
class CatalogChanges:
    """What a client has to change in its copy. The copy is that of one moment when `has_more` is false.

    Args:
        products: as they are now; they replace those with the same ids.
        gone: ids of products that are not in the catalog any more. What is named in neither stays as it is.
        categories: all that there are, if any changed; None: they stay as they are.
        cursor: where to go on.
        has_more: whether there is more to read at once.
        at: the time of the store.
    """

    products: tuple[CatalogEntry, ...]
    gone: tuple[UUID, ...]
    categories: tuple[Category, ...] | None
    cursor: str
    has_more: bool
    at: datetime


def changes_after(position: FeedPosition | None, view: FeedView, limit: int) -> CatalogChanges:
    """The answer to a client.

    Args:
        position: how far it has read; None: it begins.
        view: what the store has behind that.
        limit: how many changes to show at most.

    Raises:
        CursorExpired: the copy cannot be brought up to date: it is older than what the feed remembers, or has changes
            that a restore from a backup took back.
    """
    # Forgotten is what left the catalog up to `purged`. A copy that was complete after that does not have it, nor does
    # a client that has read beyond that.
    if position and not (view.knows_position and max(position.base, position.version - 1) >= view.purged):
        raise CursorExpired
    shown = view.changed[:limit]
    has_more = len(view.changed) > len(shown)
    base = (position.base if position else view.version) if has_more else view.version
    version, product_id = shown[-1] if has_more else (view.version, _LAST_ID)
    return CatalogChanges(
        products=tuple(view.entries[id_] for _, id_ in shown if id_ in view.entries),
        gone=tuple(id_ for _, id_ in shown if id_ not in view.entries),
        categories=None if view.categories is None else tuple(view.categories),
        cursor=FeedPosition(version, product_id, base, view.version, view.stamp).cursor,
        has_more=has_more,
        at=view.at,
    )
