"""Random work on one shop, or the same work on several, and after every step a look at everything that must hold.

`ShopMachine` drives any number of shops with the same inputs. It compares their answers with `Expected`, which says
the rules a second time, and with each other, word for word. With two shops it goes by the name of `SideBySide`.
To extend it, subclass and add rules that `ask`; what is to be known later goes into `Expected`.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from shop_core.accounts.model import NOBODY, SYSTEM, Actor, Role
from shop_core.errors import (
    Forbidden,
    IllegalStep,
    InsufficientStock,
    Invalid,
    OrderNotFound,
    ProductNotFound,
    Refusal,
    StockBelowZero,
    Unauthenticated,
)
from shop_core.inventory.model import QUANTITY_MAX, StockLevel, StockMovement, fold
from shop_core.orders.model import LineRequest, Order, PlacementRequest, Step, total_of
from shop_core.pagination import Keyset, Numbered, Page
from shop_core.ports import Adapters
from shop_core.shop import Shop
from shop_core.testing.catalog_changes import CatalogChangeRules
from shop_core.testing.catalog_rules import UNKNOWN, CatalogRules, picked, picks
from shop_core.testing.driver import told_type
from shop_core.testing.expectations import STEPS

CUSTOMERS = [Actor(UUID(f"01930000-0000-7000-8000-00000000000{number}"), Role.CUSTOMER) for number in (1, 2)]

goods = st.integers(0, 2) | picks  # a few products that everybody wants
impossible = st.sampled_from([0, -1, QUANTITY_MAX + 1])
baskets = st.lists(st.tuples(goods, st.integers(1, 3)), min_size=1, max_size=3) | st.lists(
    st.tuples(picks, st.integers(1, 9) | impossible), max_size=5
)
reasons = st.sampled_from(["", "delivery 7", "broken", "№ 7 🚚", "two\nlines", "\x00"])


class ShopMachine(CatalogRules, CatalogChangeRules):
    """The work of a shop: see the module. Subclass it with `open_adapters`, and use `.TestCase`."""

    # ---- stock

    @rule(pick=goods, quantity=st.integers(1, 9) | impossible, reason=reasons)
    def receive(self, pick: int, quantity: int, reason: str) -> None:
        product_id = self.product(pick)
        level = self.ask(lambda shop: shop.inventory.receive(SYSTEM, product_id, quantity, reason))
        if isinstance(level, StockLevel):
            self.expected.products[product_id].on_hand += quantity
            self.expected.products[product_id].moved = True
            self._check_level(level)
        else:
            assert isinstance(level, ProductNotFound if product_id == UNKNOWN else Invalid)

    @rule(pick=goods, change=st.integers(-9, 9), reason=reasons)
    def adjust(self, pick: int, change: int, reason: str) -> None:
        product_id = self.product(pick)
        level = self.ask(lambda shop: shop.inventory.adjust(SYSTEM, product_id, change, reason))
        if isinstance(level, StockLevel):
            self.expected.products[product_id].on_hand += change
            self.expected.products[product_id].moved = True
            self._check_level(level)
        elif product_id == UNKNOWN:
            assert isinstance(level, ProductNotFound | Invalid)  # what is wrong with the reason comes first
        elif not isinstance(level, Invalid):
            assert isinstance(level, StockBelowZero)
            assert self.expected.refusal_to_change(product_id, change) is StockBelowZero

    @rule(counted=st.dictionaries(picks, st.integers(-1, 9), max_size=3))
    def take_stock(self, counted: dict[int, int]) -> None:
        units = {self.product(pick): found for pick, found in counted.items()}
        levels = self.ask(lambda shop: shop.inventory.count_all(SYSTEM, units, "stock-take"))
        if isinstance(levels, Refusal):
            assert UNKNOWN in units or min(units.values()) < 0
            return
        for product_id, found in units.items():
            product = self.expected.products[product_id]
            product.moved = product.moved or found != product.on_hand
            product.on_hand = found
            self._check_level(levels[product_id])

    @rule(pick=goods, limit=st.integers(1, 5))
    def read_the_ledger(self, pick: int, limit: int) -> None:
        product_id = self.product(pick)
        movements: list[StockMovement] = []
        cursor: str | None = None
        while True:
            page = self.ask(
                lambda shop, cursor=cursor: shop.inventory.movements(SYSTEM, product_id, Keyset(limit, cursor))  # type: ignore[misc]
            )
            if isinstance(page, Refusal):
                assert isinstance(page, ProductNotFound)
                assert product_id == UNKNOWN
                return
            movements += page.items
            if (cursor := page.cursor) is None:
                break
        self._check_level(fold(product_id, movements[::-1]))

    # ---- orders

    @rule(customer=st.sampled_from(CUSTOMERS), pick=st.integers(0, 3), quantity=st.integers(1, 3))
    def buy(self, customer: Actor, pick: int, quantity: int) -> None:
        """The plain case, so that there are orders to work on."""
        self.place(customer, [(pick, quantity)])

    @rule(customer=st.sampled_from(CUSTOMERS), basket=baskets)
    def place(self, customer: Actor, basket: list[tuple[int, int]]) -> None:
        lines = self._lines(basket)
        order = self.ask(lambda shop: shop.orders.place(PlacementRequest(customer.account_id, lines)))
        if isinstance(order, Invalid) and not _is_valid(customer, lines):
            return
        self._check_outcome(PlacementRequest(customer.account_id, lines), order)

    @rule(batch=st.lists(st.tuples(st.sampled_from(CUSTOMERS), baskets), max_size=5))
    def place_a_batch(self, batch: list[tuple[Actor, list[tuple[int, int]]]]) -> None:
        wanted = [(customer, self._lines(basket)) for customer, basket in batch]
        requests = [PlacementRequest(who.account_id, lines) for who, lines in wanted if _is_valid(who, lines)]
        outcomes = self.ask(lambda shop: shop.orders.place_all(requests))
        assert not isinstance(outcomes, Refusal)
        for request, outcome in zip(requests, outcomes, strict=True):
            self._check_outcome(request, outcome)

    @rule(pick=picks, step=st.sampled_from(Step), who=st.sampled_from(["owner", "staff", "other", "nobody"]))
    def try_a_step(self, pick: int, step: Step, who: str) -> None:
        self._step(self._order(pick), step, who)

    @rule(pick=picks, cancels=st.integers(0, 3).map(lambda number: number == 0))
    def take_the_next_step(self, pick: int, cancels: bool) -> None:
        order_id = self._order(pick)
        possible = [Step(step) for status, step in STEPS if order_id != UNKNOWN and status == self._status(order_id)]
        if possible:
            self._step(order_id, Step.CANCEL if cancels and Step.CANCEL in possible else possible[0], "staff")

    def _step(self, order_id: UUID, step: Step, who: str) -> None:
        actor = self._actor(order_id, who)
        order = self.ask(lambda shop: getattr(shop.orders, step.value)(actor, order_id))
        if isinstance(order, Order):
            self.expected.stepped(order_id, step)
            self._check_order(order)
        else:
            assert told_type(order) is self._refusal_to_step(actor, order_id, step)

    @rule(pick=picks, who=st.sampled_from(["owner", "staff", "other", "nobody"]))
    def read_an_order(self, pick: int, who: str) -> None:
        order_id = self._order(pick)
        actor = self._actor(order_id, who)
        order = self.ask(lambda shop: shop.orders.get(actor, order_id))
        if isinstance(order, Order):
            self._check_order(order)
        else:
            assert isinstance(order, Unauthenticated if who == "nobody" else OrderNotFound)
            assert who in {"other", "nobody"} or order_id == UNKNOWN

    @rule(customer=st.sampled_from(CUSTOMERS), limit=st.integers(1, 4), offset=st.integers(0, 3), by_key=st.booleans())
    def read_my_orders(self, customer: Actor, limit: int, offset: int, by_key: bool) -> None:
        expected = self.expected.orders_of(customer.account_id)
        if not by_key:
            page = self.ask(lambda shop: shop.orders.mine(customer, Numbered(limit, offset)))
            assert isinstance(page, Page)
            assert [order.id for order in page.items] == expected[offset : offset + limit]
            assert page.count == len(expected)
            return
        seen: list[UUID] = []
        piece: Keyset | None = Keyset(limit)
        while piece:
            page = self.ask(lambda shop, piece=piece: shop.orders.mine(customer, piece))  # type: ignore[misc]
            assert isinstance(page, Page)
            seen += [order.id for order in page.items]
            piece = Keyset(limit, page.cursor) if page.cursor else None
        assert seen == expected

    # ---- what must hold after every step

    @invariant()
    def everything_adds_up(self) -> None:
        assert self.ask(Shop.audit) == []

    @invariant()
    def stock_is_what_it_must_be(self) -> None:
        levels = self.ask_ports(self._levels)
        assert not isinstance(levels, Refusal)
        promised = self.expected.promised_by_orders()
        for level in levels:
            self._check_level(level)
            assert level.allocated == promised[level.product_id]

    def _levels(self, adapters: Adapters) -> list[StockLevel]:
        with adapters.begin() as work:
            return [level for product_id in self.expected.products if (level := work.stock.get(product_id))]

    def _check_level(self, level: StockLevel) -> None:
        product = self.expected.products[level.product_id]
        assert (level.on_hand, level.allocated, level.reserved) == (product.on_hand, product.promised, 0)
        assert (level.available, level.shortfall) == (product.available, product.short)
        assert level.allocated + level.reserved <= level.on_hand + level.shortfall, "oversold"

    def _check_outcome(self, request: PlacementRequest, outcome: Order | Refusal) -> None:
        assert told_type(outcome) is self.expected.refusal_to_place(request)
        if isinstance(outcome, InsufficientStock):
            told = [(short.product_id, short.requested, short.available) for short in outcome.shortages]
            assert told == self.expected.short_lines(request)
        elif isinstance(outcome, Order):
            self.expected.placed(outcome.id, request)
            self._check_order(outcome)

    def _check_order(self, order: Order) -> None:
        expected = self.expected.orders[order.id]
        assert {line.product_id: line.quantity for line in order.lines} == expected.units
        assert (order.customer_id, order.status, order.version) == (
            expected.customer_id,
            expected.status,
            expected.version,
        )
        assert order.total.minor == expected.total == total_of(order.lines, self.currency).minor

    def _refusal_to_step(self, actor: Actor, order_id: UUID, step: Step) -> type[Refusal] | None:
        if actor is NOBODY:
            return Unauthenticated
        if step is not Step.CANCEL and not actor.is_staff:
            return Forbidden
        order = self.expected.orders.get(order_id)
        if order is None or not (actor.is_staff or actor.id == order.customer_id):
            return OrderNotFound
        if not self.expected.can_step(order_id, step):
            return IllegalStep
        if step is Step.SHIP and not self.expected.can_ship_units(order_id):
            return StockBelowZero
        return None

    # ---- picking

    def _order(self, pick: int) -> UUID:
        return picked(pick, list(self.expected.orders))

    def _status(self, order_id: UUID) -> str:
        return self.expected.orders[order_id].status

    def _actor(self, order_id: UUID, who: str) -> Actor:
        if who in {"staff", "nobody"}:
            return SYSTEM if who == "staff" else NOBODY
        order = self.expected.orders.get(order_id)
        owns = [order is not None and customer.id == order.customer_id for customer in CUSTOMERS]
        return CUSTOMERS[owns.index(who == "owner")] if order else CUSTOMERS[0]

    def _lines(self, basket: Sequence[tuple[int, int]]) -> tuple[LineRequest, ...]:
        return tuple(LineRequest(self.product(pick), quantity) for pick, quantity in basket)


def _is_valid(customer: Actor, lines: tuple[LineRequest, ...]) -> bool:
    try:
        PlacementRequest(customer.account_id, lines)
    except Invalid:
        return False
    return True


class SideBySide(ShopMachine):
    """The same, for two adapters that must be one: return both from `open_adapters`, alike in clock and ids."""

    def __init__(self) -> None:
        super().__init__()
        assert len(self.adapters) > 1, "side by side needs two"
