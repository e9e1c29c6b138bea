"""The part of the machine that places orders, changes them and reads them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from shop_core.accounts.model import NOBODY, SYSTEM, Actor, Role
from shop_core.errors import (
    Forbidden,
    IllegalStep,
    InsufficientStock,
    Invalid,
    NotTheOwner,
    OrderNotFound,
    Refusal,
    Stale,
    StockBelowZero,
    Unauthenticated,
)
from shop_core.idempotency import Result
from shop_core.inventory.model import QUANTITY_MAX, LineRequest, requested_units
from shop_core.orders.model import (
    Order,
    OrderQuery,
    OrderStatus,
    PlacementRequest,
    Step,
    total_of,
)
from shop_core.pagination import CursorRequest, OffsetRequest, Page
from shop_testing.catalog_rules import UNKNOWN, CatalogRules, picked, picks
from shop_testing.driver import check_outcome, told_type
from shop_testing.expectations import STEPS

CUSTOMERS = [Actor(UUID(f"01930000-0000-7000-8000-00000000000{number}"), Role.CUSTOMER) for number in (1, 2)]

goods = st.integers(0, 2) | picks  # a few products that everybody wants
impossible = st.sampled_from([0, -1, QUANTITY_MAX + 1])
baskets = st.lists(st.tuples(goods, st.integers(1, 3)), min_size=1, max_size=3) | st.lists(
    st.tuples(picks, st.integers(1, 9) | impossible), max_size=5
)
actors = st.sampled_from(["owner", "staff", "other", "nobody"])
known_versions = st.none() | st.lists(st.integers(1, 4), max_size=3)
SIMPLE_STEPS = [step for step in Step if step is not Step.EDIT]


class OrderRules(CatalogRules):
    """Orders from placing to the end; a part of `ShopMachine`."""

    @rule(customer=st.sampled_from(CUSTOMERS), pick=st.integers(0, 3), quantity=st.integers(1, 3))
    def buy(self, customer: Actor, pick: int, quantity: int) -> None:
        """The plain case, so that there are orders to work on."""
        self.place(customer, [(pick, quantity)])

    @rule(customer=st.sampled_from(CUSTOMERS), basket=baskets)
    def place(self, customer: Actor, basket: list[tuple[int, int]]) -> None:
        lines = self._lines(basket)
        if is_valid(lines):
            self.place_them([PlacementRequest(customer.account_id, lines)])
        else:
            refused = self.ask(lambda shop: shop.orders.place(PlacementRequest(customer.account_id, lines)))
            assert isinstance(refused, Invalid)

    @rule(batch=st.lists(st.tuples(st.sampled_from(CUSTOMERS), baskets), max_size=5))
    def place_a_batch(self, batch: list[tuple[Actor, list[tuple[int, int]]]]) -> None:
        wanted = [(customer, self._lines(basket)) for customer, basket in batch]
        self.place_them([PlacementRequest(who.account_id, lines) for who, lines in wanted if is_valid(lines)])

    def place_them(self, requests: Sequence[PlacementRequest]) -> None:
        """Place a batch, and compare every answer."""
        outcomes = self.ask(lambda shop: shop.orders.place_all(requests))
        assert not isinstance(outcomes, Refusal)
        for request, verdict, outcome in zip(requests, self.verdicts(requests), outcomes, strict=True):
            if check_outcome(verdict, outcome, outcomes):
                assert isinstance(outcome, Result)
                if not outcome.replayed:
                    order = self.expected.placed(outcome.value.id, request, self.clock())
                    order.number = outcome.value.number
                    self.note_key(request, outcome.value.id)
                self._check_order(outcome.value)

    @rule(pick=picks, step=st.sampled_from(SIMPLE_STEPS), who=actors, versions=known_versions)
    def try_a_step(self, pick: int, step: Step, who: str, versions: list[int] | None) -> None:
        self._step(self._order(pick), step, who, versions)

    @rule(pick=picks, basket=baskets, who=st.just("owner") | actors, versions=known_versions)
    def edit(self, pick: int, basket: list[tuple[int, int]], who: str, versions: list[int] | None) -> None:
        order_id = self._order(pick)
        actor, lines = self._actor(order_id, who), self._lines(basket)
        order = self.ask(lambda shop: shop.orders.edit(actor, order_id, lines, versions))
        if isinstance(order, Invalid) and not is_valid(lines):
            return
        refusal = self._refusal_to_step(actor, order_id, Step.EDIT, versions) or self.expected.refusal_to_edit(
            order_id, lines, self.clock()
        )
        assert told_type(order) is refusal
        if isinstance(order, InsufficientStock):
            told = [(short.product_id, short.requested, short.available) for short in order.shortages]
            assert told == self.expected.short_additions(order_id, lines, self.clock())
        elif isinstance(order, Order):
            self.expected.edited(order_id, lines, self.clock())
            self._check_order(order)

    @rule(pick=picks, cancels=st.integers(0, 3).map(lambda number: number == 0))
    def take_the_next_step(self, pick: int, cancels: bool) -> None:
        order_id = self._order(pick)
        status = self.expected.orders[order_id].status if order_id != UNKNOWN else ""
        possible = [step for step in (Step.CONFIRM, Step.SHIP, Step.DELIVER) if (status, step.value) in STEPS]
        if possible and not self.expected.orders[order_id].deleted:
            self._step(order_id, Step.CANCEL if cancels and (status, "cancel") in STEPS else possible[0], "staff")

    def _step(self, order_id: UUID, step: Step, who: str, versions: list[int] | None = None) -> None:
        actor = self._actor(order_id, who)
        order = self.ask(lambda shop: getattr(shop.orders, step.value)(actor, order_id, versions))
        assert told_type(order) is self._refusal_to_step(actor, order_id, step, versions)
        if isinstance(order, Order):
            self.expected.stepped(order_id, step)
            self._check_order(order)

    @rule(pick=picks, who=actors, limit=st.integers(1, 4), by_key=st.booleans())
    def read_a_timeline(self, pick: int, who: str, limit: int, by_key: bool) -> None:
        order_id = self._order(pick)
        actor = self._actor(order_id, who)
        page = self.ask(
            lambda shop: shop.orders.events(actor, order_id, CursorRequest(limit) if by_key else OffsetRequest(limit))
        )
        if not isinstance(page, Page):
            assert told_type(page) is self._refusal_to_see(actor, order_id)
            return
        told = self.expected.orders[order_id].told
        assert [(event.seq, event.kind) for event in page.items] == list(enumerate(told, start=1))[:limit]
        assert page.count == (None if by_key else len(told))

    @rule(
        who=st.sampled_from([*CUSTOMERS, SYSTEM]),
        of=st.none() | st.sampled_from(CUSTOMERS),
        status=st.none() | st.sampled_from(OrderStatus),
        since=st.none() | picks,
        number=st.none() | picks,
        limit=st.integers(1, 5),
    )
    def find_orders(
        self,
        who: Actor,
        of: Actor | None,
        status: OrderStatus | None,
        since: int | None,
        number: int | None,
        limit: int,
    ) -> None:
        seen = self.expected.orders
        start, named = (seen.get(self._order(pick)) if pick is not None else None for pick in (since, number))
        query = OrderQuery(
            customer_id=of.id if of else None,
            status=status,
            placed_from=start.placed_at if start else None,
            number=named.number if named else None,
        )
        if not who.is_staff and of is not None and of != who:
            assert isinstance(self.ask(lambda shop: shop.orders.find(who, query, CursorRequest(limit))), Forbidden)
            return
        whose = who if not who.is_staff else of
        expected = [
            order_id
            for order_id, order in reversed(seen.items())
            if (whose is None or order.customer_id == whose.id)
            and (who.is_staff or not order.deleted)
            and (status is None or order.status == status)
            and (start is None or start.placed_at is None or not order.placed_at or order.placed_at >= start.placed_at)
            and (named is None or order.number == named.number)
        ]
        page = self.ask(lambda shop: shop.orders.find(who, query, OffsetRequest(limit)))
        assert isinstance(page, Page)
        assert ([order.id for order in page.items], page.count) == (expected[:limit], len(expected))
        page = self.ask(lambda shop: shop.orders.find(who, query, CursorRequest(limit)))
        assert isinstance(page, Page)
        assert [order.id for order in page.items] == expected[:limit]

    @rule(pick=picks, who=actors)
    def read_an_order(self, pick: int, who: str) -> None:
        order_id = self._order(pick)
        actor = self._actor(order_id, who)
        order = self.ask(lambda shop: shop.orders.get(actor, order_id))
        if isinstance(order, Order):
            self._check_order(order)
        else:
            assert told_type(order) is self._refusal_to_see(actor, order_id)

    @rule(customer=st.sampled_from(CUSTOMERS), limit=st.integers(1, 4), offset=st.integers(0, 3), by_key=st.booleans())
    def read_my_orders(self, customer: Actor, limit: int, offset: int, by_key: bool) -> None:
        expected = self.expected.orders_of(customer.account_id)
        if not by_key:
            page = self.ask(lambda shop: shop.orders.mine(customer, OffsetRequest(limit, offset)))
            assert isinstance(page, Page)
            assert [order.id for order in page.items] == expected[offset : offset + limit]
            assert page.count == len(expected)
            return
        seen: list[UUID] = []
        page_request: CursorRequest | None = CursorRequest(limit)
        while page_request:
            page = self.ask(lambda shop, page_request=page_request: shop.orders.mine(customer, page_request))  # type: ignore[misc]
            assert isinstance(page, Page)
            seen += [order.id for order in page.items]
            page_request = CursorRequest(limit, page.cursor) if page.cursor else None
        assert seen == expected

    # ---- checking

    def _check_order(self, order: Order) -> None:
        expected = self.expected.orders[order.id]
        assert {line.product_id: line.quantity for line in order.lines} == expected.units
        assert {line.product_id: line.unit_price.minor for line in order.lines} == expected.prices
        assert (order.deleted_at is not None) == expected.deleted
        assert (order.customer_id, order.status, order.version) == (
            expected.customer_id,
            expected.status,
            expected.version,
        )
        assert order.total.minor == expected.total == total_of(order.lines, self.currency).minor

    def _refusal_to_see(self, actor: Actor, order_id: UUID) -> type[Refusal] | None:
        if actor is NOBODY:
            return Unauthenticated
        order = self.expected.orders.get(order_id)
        if order is None or not (actor.is_staff or (actor.id == order.customer_id and not order.deleted)):
            return OrderNotFound
        return None

    def _refusal_to_step(
        self, actor: Actor, order_id: UUID, step: Step, versions: list[int] | None
    ) -> type[Refusal] | None:
        if actor is NOBODY:
            return Unauthenticated
        owners = {Step.EDIT, Step.DELETE}
        if step not in {Step.CANCEL, *owners} and not actor.is_staff:
            return Forbidden
        if refusal := self._refusal_to_see(actor, order_id):
            return refusal
        order = self.expected.orders[order_id]
        if step in owners and actor.id != order.customer_id:
            return NotTheOwner
        if versions is not None and order.version not in versions:
            return Stale
        if not self.expected.can_step(order_id, step):
            return IllegalStep
        if step is Step.SHIP and not self.expected.can_ship_units(order_id):
            return StockBelowZero
        return None

    # ---- picking

    def _order(self, pick: int) -> UUID:
        return picked(pick, list(self.expected.orders))

    def _actor(self, order_id: UUID, who: str) -> Actor:
        if who in {"staff", "nobody"}:
            return SYSTEM if who == "staff" else NOBODY
        order = self.expected.orders.get(order_id)
        owns = [order is not None and customer.id == order.customer_id for customer in CUSTOMERS]
        return CUSTOMERS[owns.index(who == "owner")] if order else CUSTOMERS[0]

    def _lines(self, basket: Sequence[tuple[int, int]]) -> tuple[LineRequest, ...]:
        return tuple(LineRequest(self.product(pick), quantity) for pick, quantity in basket)


def is_valid(lines: Sequence[LineRequest]) -> bool:
    try:
        requested_units(lines)
    except Invalid:
        return False
    return True
