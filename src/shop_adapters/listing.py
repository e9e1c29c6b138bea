"""By what each list is sorted. Every adapter uses these, so a cursor of one is a cursor of the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from uuid import UUID

from shop_core.accounts.model import Account
from shop_core.catalog.model import CatalogEntry
from shop_core.catalog.search import ProductQuery, ProductSort, relevance, sort_key
from shop_core.errors import InvalidCursor
from shop_core.events import OrderEvent
from shop_core.inventory.model import StockMovement
from shop_core.orders.model import Order, OrderQuery
from shop_core.pagination import Page, SortKey, cursor_page, read_cursor
from shop_core.reservations.model import Reservation
from shop_core.text import is_storable

T = TypeVar("T")

_INT32_MAX = 2**31 - 1
_INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A list that can be walked by key.

    Args:
        name: stands in the cursors, so that one of another list is refused.
        key: what an item is sorted by. Texts compare by code point, the id (as text, last) as its number does.
        types: of the values of the key.
        descending: whether the greatest key comes first; it holds for every value of the key.
        lines: how many lines an item has, if a page is limited by them.
    """

    name: str
    key: Callable[[T], SortKey]
    types: tuple[type, ...]
    descending: bool = False
    lines: Callable[[T], int] | None = None

    def read(self, cursor: str) -> SortKey:
        """The key after which a page starts.

        Raises:
            InvalidCursor: this list did not give it out. Anybody can seal a cursor, so values that no item can
                have, and that a database would choke on, are refused too.
        """
        key = read_cursor(self.name, cursor, self.types)
        if not all(map(_is_storable, key)) or not _is_id(key[-1]):
            raise InvalidCursor
        return key

    def page(self, found: Sequence[T], limit: int, heads: int | None = None) -> Page[T]:
        """The keyset page of the `limit + 1` items that were looked up; see `cursor_page`."""
        return cursor_page(self.name, found, limit, self.key, heads)


def _is_storable(value: str | int) -> bool:
    if isinstance(value, int):
        return abs(value) <= _INT64_MAX
    return is_storable(value)


def _is_id(text: str | int) -> bool:
    try:
        return str(UUID(str(text))) == text
    except ValueError:
        return False


def _by_id(entry: CatalogEntry) -> SortKey:
    return (str(entry.product.id),)


def _by_name(entry: CatalogEntry) -> SortKey:
    return sort_key(entry.product.name), str(entry.product.id)


def _by_price(entry: CatalogEntry) -> SortKey:
    return entry.product.price.minor, str(entry.product.id)


PRODUCTS: dict[ProductSort, Listing[CatalogEntry]] = {
    ProductSort.NEWEST: Listing("products:newest", _by_id, (str,), descending=True),
    ProductSort.NAME: Listing("products:name", _by_name, (str, str)),
    ProductSort.PRICE: Listing("products:price", _by_price, (int, str)),
    ProductSort.PRICE_DESCENDING: Listing("products:-price", _by_price, (int, str), descending=True),
}
"""The catalog, by each of its sorts that do not depend on what is searched. Newest first is by id: UUIDv7s sort by the
time they were made in."""


def products(query: ProductQuery) -> Listing[CatalogEntry]:
    """The catalog, in the sort of `query`."""
    words = query.words or ()

    def by_relevance(entry: CatalogEntry) -> SortKey:
        return int(relevance(words, entry.product)), sort_key(entry.product.name), str(entry.product.id)

    if query.sorted_by is ProductSort.RELEVANCE:
        return Listing("products:relevance", by_relevance, (int, str, str))
    return PRODUCTS[query.sorted_by]


def _order_id(order: Order) -> SortKey:
    return (str(order.id),)


def _movement_id(movement: StockMovement) -> SortKey:
    return (str(movement.id),)


ORDERS: Listing[Order] = Listing("orders", _order_id, (str,), descending=True, lines=lambda order: len(order.lines))
"""Orders, newest first: by id, as products are."""
_OLDEST_ORDERS = replace(ORDERS, name="orders:oldest", descending=False)


def orders_of(query: OrderQuery) -> Listing[Order]:
    """Orders, in the sort of `query`."""
    return _OLDEST_ORDERS if query.oldest_first else ORDERS


RESERVATIONS: Listing[Reservation] = Listing(
    "reservations", lambda held: (str(held.id),), (str,), descending=True, lines=lambda held: len(held.lines)
)
"""Reservations, newest first."""


def order_events_of(order_id: UUID) -> Listing[OrderEvent]:
    """The timeline of one order, oldest first. A cursor of another order's is refused."""
    return Listing(f"events of {order_id}", _event_seq, (int, str))


def seq_of(key: SortKey, order_id: UUID) -> int:
    """The `seq` in the key of an event.

    Raises:
        InvalidCursor: no event of that order has such a key.
    """
    seq, of = key
    if not isinstance(seq, int) or not 0 <= seq <= _INT32_MAX or of != str(order_id):
        raise InvalidCursor
    return seq


def _event_seq(event: OrderEvent) -> SortKey:
    return event.seq, str(event.order_id)


MOVEMENTS: Listing[StockMovement] = Listing("movements", _movement_id, (str,), descending=True)
"""The ledger of a product, newest first."""


def _by_username(account: Account) -> SortKey:
    return account.username_key, str(account.id)


ACCOUNTS: Listing[Account] = Listing("accounts", _by_username, (str, str))
"""Registered users, by username."""
