"""Copies of the catalog and of one's orders that follow what changes: what to show without a line, or at once.

What the attributes hold may be stored between two updates, all together; an update goes on from there. One thread at a
time updates a copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from http import HTTPStatus
from operator import xor
from uuid import UUID

from shop_client.generated import AuthenticatedClient
from shop_client.generated.api.catalog import list_catalog_changes
from shop_client.generated.api.orders import compare_orders, list_orders
from shop_client.generated.models import (
    CatalogChangesBody,
    CategoryInCopy,
    DifferentRangeBody,
    KnownRangeForm,
    OrderBody,
    OrderChangesBody,
    OrderChangesForm,
    OrderPage,
    ProductBody,
)
from shop_client.generated.types import UNSET, Unset
from shop_client.refusals import expected

CHANGES_AT_ONCE = 200
ORDERS_AT_ONCE = 200
ORDERS_IN_A_RANGE = 100
_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)


@dataclass
class CatalogCopy:
    """A copy of the catalog. Units change too often for that: ask for those of the products on the screen.

    Args:
        cursor: up to where it is complete; None: there is nothing in it.
        products, categories: by id.
    """

    cursor: str | None = None
    products: dict[UUID, ProductBody] = field(default_factory=dict)
    categories: dict[UUID, CategoryInCopy] = field(default_factory=dict)

    def update(self, api: AuthenticatedClient) -> None:
        """Bring it up to date. After an exception it can go on from where it was. Raises Refused, NoAnswer.

        If all has to be read anew, the old products stay until that is done.
        """
        has_more = True
        while has_more:
            answer = list_catalog_changes.sync_detailed(client=api, after=self.cursor or UNSET, limit=CHANGES_AT_ONCE)
            if answer.status_code == HTTPStatus.GONE and self.cursor is not None:
                anew = CatalogCopy()  # the cursor is too old, or the shop was set back
                anew.update(api)
                self.cursor, self.products, self.categories = anew.cursor, anew.products, anew.categories
                return
            changes = expected(CatalogChangesBody, answer)
            self.products |= {product.id: product for product in changes.results}
            for product_id in changes.gone:
                self.products.pop(product_id, None)
            if not isinstance(changes.categories, Unset):
                self.categories = {category.id: category for category in changes.categories}
            self.cursor, has_more = changes.next_cursor, changes.has_more


@dataclass
class OrdersCopy:
    """A copy of the orders of whoever is logged in.

    Args:
        orders: by id.
        oldest: orders with smaller ids are not in it; None: all are.
    """

    orders: dict[UUID, OrderBody] = field(default_factory=dict)
    oldest: UUID | None = None

    def update(self, api: AuthenticatedClient) -> None:
        """Bring it up to date. After an exception it can go on from where it was. Raises Refused, NoAnswer."""
        while True:
            form = OrderChangesForm(ranges=self._ranges(), oldest=self.oldest or UNSET)
            changes = expected(OrderChangesBody, compare_orders.sync_detailed(client=api, body=form))
            if not changes.changed:
                return
            missing: list[UUID] = []
            for different in changes.changed:
                missing += self._take(different)
            for ids in _pieces(missing, ORDERS_AT_ONCE):
                page = expected(OrderPage, list_orders.sync_detailed(client=api, ids=ids, limit=ORDERS_AT_ONCE))
                self.orders |= {order.id: order for order in page.results}

    def _ranges(self) -> list[KnownRangeForm]:
        pieces = _pieces(sorted(self.orders), ORDERS_IN_A_RANGE)
        return [KnownRangeForm(first=ids[0], xor=f"{self._xor(ids):016x}") for ids in pieces]

    def _xor(self, ids: Iterable[UUID]) -> int:
        return reduce(xor, (int(self.orders[each].tag, 16) for each in ids))

    def _take(self, different: DifferentRangeBody) -> list[UUID]:
        """Drop what is gone; the ids of what has to be read."""
        first = _FIRST if isinstance(different.first, Unset) else different.first
        end = _LAST if isinstance(different.end, Unset) else different.end
        named = {order.id: order.tag for order in different.orders}
        for id_ in [each for each in self.orders if first <= each < end and each not in named]:
            del self.orders[id_]
        return [id_ for id_, tag in named.items() if id_ not in self.orders or self.orders[id_].tag != tag]


def _pieces(ids: list[UUID], size: int) -> list[list[UUID]]:
    return [ids[begin : begin + size] for begin in range(0, len(ids), size)]
