"""The contract of cursors: each works in the list that gave it out, and whatever else is sent harms nobody."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from shop_core.accounts.model import SYSTEM, AccountQuery
from shop_core.catalog.search import ProductQuery, ProductSort
from shop_core.errors import InvalidCursor
from shop_core.inventory.model import MovementKind
from shop_core.orders.model import OrderQuery
from shop_core.pagination import CursorRequest, Page, make_cursor
from shop_core.ports import UnitOfWork
from shop_core.shop import Shop
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures


class Listed(NamedTuple):
    """A product with a ledger, and two orders with timelines; every list has two things at least."""

    product_id: UUID
    orders: list[tuple[UUID, UUID]]


PageOf = Callable[[str, str | None], Page[Any]]

PageOfList = Callable[[UnitOfWork, Listed, CursorRequest], Page[Any]]


def _products(sort: ProductSort) -> PageOfList:
    return lambda uow, _, request: uow.products.page(ProductQuery(sort=sort), request)


LISTS: dict[str, PageOfList] = {
    **{f"products, {sort}": _products(sort) for sort in ProductSort},
    "ledger": lambda uow, listed, request: uow.stock.movements(listed.product_id, request),
    "orders": lambda uow, _, request: uow.orders.page(OrderQuery(), request),
    "timeline": lambda uow, listed, request: uow.events.timeline(*listed.orders[0], request),
    "another timeline": lambda uow, listed, request: uow.events.timeline(*listed.orders[1], request),
    "accounts": lambda uow, _, request: uow.accounts.page(AccountQuery(), request),
}


class CursorsContract(Contract):
    """Pages by cursor, of every list."""

    @pytest.fixture
    def listed(self, fixtures: Fixtures, shop: Shop) -> Listed:
        """Something to list."""
        product_ids = [fixtures.product(f"Lamp {number}").id for number in range(3)]
        fixtures.apply(*(fixtures.movement(product_ids[0], MovementKind.RECEIVED, units) for units in (1, 2, 3)))
        orders = [fixtures.order() for _ in range(3)]
        for number in range(3):
            fixtures.account(f"user{number}")
        for order in orders:
            shop.orders.confirm(SYSTEM, order.id)
        return Listed(product_ids[0], [(order.customer_id, order.id) for order in orders])

    @pytest.fixture
    def page_of(self, fixtures: Fixtures, listed: Listed) -> PageOf:
        """A page of one thing of a list, after a cursor."""

        def page(name: str, cursor: str | None) -> Page[Any]:
            with fixtures.begin() as uow:
                return LISTS[name](uow, listed, CursorRequest(1, cursor))

        return page

    @pytest.mark.parametrize("name", LISTS)
    def test_a_cursor_works_only_in_the_list_that_gave_it_out_and_as_it_is(self, page_of: PageOf, name: str) -> None:
        cursor = page_of(name, None).cursor
        assert cursor is not None
        assert page_of(name, cursor).items != page_of(name, None).items
        for other in LISTS.keys() - {name}:
            with pytest.raises(InvalidCursor):
                page_of(other, cursor)
        for index in range(0, len(cursor) - 1, 5):
            changed = cursor[:index] + ("A" if cursor[index] != "A" else "B") + cursor[index + 1 :]
            with pytest.raises(InvalidCursor):
                page_of(name, changed)

    @pytest.mark.parametrize("nonsense", ["x", "", "=", "é", "\x00", "\ud800", "null", "../..", "A" * 9, "A" * 5_000])
    def test_what_is_no_cursor_is_refused(self, page_of: PageOf, nonsense: str) -> None:
        for name in LISTS:
            with pytest.raises(InvalidCursor):
                page_of(name, nonsense)

    @pytest.mark.parametrize(
        "value", ["", "\x00", "not an id", "9" * 40, 10**30, -(10**30), True, None, 1.5, [], "\ud800"]
    )
    def test_a_forged_cursor_is_refused_or_harmless(self, page_of: PageOf, value: object) -> None:
        """The seal of a cursor is no secret, so anybody can make one with any content."""
        for name in LISTS:
            cursor = page_of(name, None).cursor
            assert cursor is not None
            for forged in _forged(cursor, value):
                try:
                    page_of(name, forged)
                except InvalidCursor:
                    continue


def _forged(cursor: str, value: object) -> list[str]:
    """Well-sealed cursors with `value` in the place of each part; none if these are not `make_cursor`'s."""
    try:
        listing, *key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[6:])
    except ValueError:
        return []
    forged = []
    for index in range(len(key)):
        try:
            forged.append(make_cursor(listing, (*key[:index], value, *key[index + 1 :])))  # type: ignore[arg-type]
        except UnicodeEncodeError:
            continue
    return forged
