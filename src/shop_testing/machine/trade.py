"""Stock that comes and goes, orders and reservations from beginning to end, keys, and the outbox."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from shop_core.accounts.model import NOBODY, SYSTEM, Actor, Role
from shop_core.catalog.model import CatalogEntry, ProductDetails
from shop_core.errors import InsufficientStock, KeyReused, Refusal
from shop_core.events import Event, OrderEvent
from shop_core.idempotency import Result
from shop_core.inventory.model import QUANTITY_MAX, LineRequest, StockLevel
from shop_core.money import Money
from shop_core.orders.model import Order, OrderLine, PlacementRequest, Step, total_of
from shop_core.outbox import ATTEMPTS_MAX
from shop_core.ports import Adapters, Undelivered
from shop_core.pricing.rounding import WHOLE, half_up, percent_of
from shop_core.reservations.model import Reservation, ReservationRequest
from shop_core.shop import Shop
from shop_testing.machine.driver import LIMITS, Driver, picked, picks, versions

CUSTOMERS = [Actor(UUID(f"01930000-0000-7000-8000-00000000000{number}"), Role.CUSTOMER) for number in (1, 2)]
Basket = list[tuple[int, int]]
Request = PlacementRequest | ReservationRequest

goods = st.integers(0, 2) | picks  # a few products that everybody wants
impossible = st.sampled_from([0, -1, QUANTITY_MAX + 1])
small_baskets = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), min_size=1, max_size=2)
baskets = st.lists(st.tuples(goods, st.integers(1, 3)), min_size=1, max_size=3) | st.lists(
    st.tuples(picks, st.integers(1, 9) | impossible), max_size=5
)
customers = st.sampled_from(CUSTOMERS)
actors = st.sampled_from(["owner", "staff", "other", "nobody"])
keys = st.none() | st.sampled_from(["a", "b"])
ttls = st.sampled_from([1, 10, 60, 600, 86_400])
reasons = st.sampled_from(["", "delivery 7", "broken", "№ 7 🚚", "two\nlines", "\x00"])
totals = st.none() | st.booleans()
"""The total that a customer expects: none, the right one, or another."""


class TradeMachine(Driver):
    """A shop that trades: see `shop_testing.machine`."""

    def __init__(self) -> None:
        super().__init__()
        self.agreed: dict[UUID, tuple[OrderLine, ...]] = {}
        self.keys: dict[tuple[UUID, str], tuple[Request, UUID]] = {}
        self._published: dict[Shop, list[Event]] = {shop: [] for shop in self.shops}
        self._failed_relays = 0

    # ---- stock

    @initialize(stock=st.lists(st.integers(1, 30), min_size=2, max_size=4))
    def open_with_something_to_sell(self, stock: list[int]) -> None:
        for number, units in enumerate(stock):
            details = ProductDetails(f"FIRST-{number}", f"First lamp {number}", Money(100 + number, self.currency))
            entry = self.ask(lambda shop, details=details: shop.catalog.create_product(SYSTEM, details))  # type: ignore[misc]
            assert isinstance(entry, CatalogEntry)
            self.products.append(entry.product.id)
            self.receive(0, units, "")

    @rule(pick=goods, quantity=st.integers(1, 9) | impossible, reason=reasons)
    def receive(self, pick: int, quantity: int, reason: str) -> None:
        product_id = picked(pick, self.products)
        self.ask(lambda shop: shop.inventory.receive(SYSTEM, product_id, quantity, reason))

    @rule(pick=goods, change=st.integers(-9, 9), reason=reasons)
    def adjust(self, pick: int, change: int, reason: str) -> None:
        product_id = picked(pick, self.products)
        self.ask(lambda shop: shop.inventory.adjust(SYSTEM, product_id, change, reason))

    @rule(counted=st.dictionaries(picks, st.integers(-1, 9), max_size=3))
    def take_stock(self, counted: dict[int, int]) -> None:
        units = {picked(pick, self.products): found for pick, found in counted.items()}
        self.ask(lambda shop: shop.inventory.count_all(SYSTEM, units, "stock-take"))

    # ---- orders

    @rule(customer=customers, pick=st.integers(0, 3), quantity=st.integers(1, 3))
    def buy(self, customer: Actor, pick: int, quantity: int) -> None:
        """The plain case, so that there are orders to work on."""
        self._place([PlacementRequest(customer.account_id, self._lines([(pick, quantity)]))])

    @rule(customer=customers, basket=baskets)
    def place(self, customer: Actor, basket: Basket) -> None:
        lines = self._lines(basket)
        order = self.ask(lambda shop: shop.orders.place(PlacementRequest(customer.account_id, lines)))
        if isinstance(order, Order):
            self._placed(order, customer.account_id)

    @rule(batch=st.lists(st.tuples(customers, small_baskets, keys, st.none() | picks), max_size=5))
    def place_a_batch(self, batch: list[tuple[Actor, Basket, str | None, int | None]]) -> None:
        """Orders of lines and of reservations."""
        requests = []
        for customer, basket, key, pick in batch:
            if pick is None:
                requests.append(PlacementRequest(customer.account_id, self._lines(basket), key=key))
            else:
                reservation_id, owner = self.reservation_and_actor(pick, "owner")
                requests.append(PlacementRequest(owner.account_id, reservation_id=reservation_id, key=key))
        self._place(requests)

    @rule(customer=customers, basket=small_baskets, key=st.sampled_from("ab"), total=totals, times=st.integers(1, 3))
    def place_with_a_key(self, customer: Actor, basket: Basket, key: str, total: bool | None, times: int) -> None:
        lines = self._lines(basket)
        expected = self._total(lines, total)
        self._place([PlacementRequest(customer.account_id, lines, key=key, expected_total=expected)] * times)

    @rule(pick=picks, basket=baskets, who=st.just("owner") | actors, versions=versions)
    def edit(self, pick: int, basket: Basket, who: str, versions: set[int] | None) -> None:
        order_id, actor = self.order_and_actor(pick, who)
        lines = self._lines(basket)
        self._agreed(self.ask(lambda shop: shop.orders.edit(actor, order_id, lines, versions)))

    @rule(pick=picks, step=st.sampled_from([step for step in Step if step is not Step.EDIT]), who=actors,
          versions=versions)  # fmt: skip
    def take_a_step(self, pick: int, step: Step, who: str, versions: set[int] | None) -> None:
        self._step(pick, step, who, versions)

    @rule(pick=picks)
    def take_the_next_step(self, pick: int) -> None:
        """The plain case, so that orders get as far as delivery."""
        for step in (Step.CONFIRM, Step.SHIP, Step.DELIVER):
            if isinstance(self._step(pick, step, "staff"), Order):
                return

    def _step(self, pick: int, step: Step, who: str, versions: set[int] | None = None) -> Order | Refusal:
        order_id, actor = self.order_and_actor(pick, who)
        order: Order | Refusal = self.ask(lambda shop: getattr(shop.orders, step.value)(actor, order_id, versions))
        if isinstance(order, Order):
            assert order.lines == self.agreed[order.id], "a step changed what was agreed"
        return order

    # ---- reservations

    @rule(seconds=st.sampled_from([0.5, 1, 9, 60, 600, 86_400]))
    def let_time_pass(self, seconds: float) -> None:
        self.clock.move(timedelta(seconds=seconds))

    @rule(customer=customers, pick=st.integers(0, 3), quantity=st.integers(1, 2), ttl=st.sampled_from([60, 600]))
    def hold(self, customer: Actor, pick: int, quantity: int, ttl: int) -> None:
        """The plain case, so that there are reservations to work on."""
        self._reserve([self._hold(customer, [(pick, quantity)], ttl, None)])

    @rule(customer=customers, basket=baskets, ttl=ttls)
    def reserve(self, customer: Actor, basket: Basket, ttl: int) -> None:
        held = self.ask(lambda shop: shop.reservations.reserve(self._hold(customer, basket, ttl, None)))
        if isinstance(held, Reservation):
            self._reserved(held, customer.account_id)

    @rule(batch=st.lists(st.tuples(customers, small_baskets, ttls, keys), max_size=4))
    def reserve_a_batch(self, batch: list[tuple[Actor, Basket, int, str | None]]) -> None:
        self._reserve([self._hold(*requested) for requested in batch])

    @rule(pick=picks, customer=st.none() | customers, key=keys, total=totals)
    def confirm(self, pick: int, customer: Actor | None, key: str | None, total: bool | None) -> None:
        reservation_id, owner = self.reservation_and_actor(pick, "owner")
        held = self.ask(lambda shop: shop.reservations.get(SYSTEM, reservation_id))
        units = held.units if isinstance(held, Reservation) else {}
        expected = self._total([LineRequest(product_id, count) for product_id, count in units.items()], total)
        who = customer or owner
        self._place([PlacementRequest(who.account_id, reservation_id=reservation_id, key=key, expected_total=expected)])

    @rule(pick=st.integers(0, 1))
    def buy_what_is_held(self, pick: int) -> None:
        """The plain case of a confirmation."""
        self.confirm(pick, None, None, None)

    @rule(pick=picks, who=st.just("owner") | actors, ttl=ttls | st.sampled_from([0, 86_401]))
    def extend(self, pick: int, who: str, ttl: int) -> None:
        reservation_id, actor = self.reservation_and_actor(pick, who)
        self.ask(lambda shop: shop.reservations.extend(actor, reservation_id, timedelta(seconds=ttl)))

    @rule(pick=picks, who=st.just("owner") | actors)
    def release(self, pick: int, who: str) -> None:
        reservation_id, actor = self.reservation_and_actor(pick, who)
        self.ask(lambda shop: shop.reservations.release(actor, reservation_id))

    @rule(limit=st.sampled_from([1, 2, 200]))
    def sweep(self, limit: int) -> None:
        self.ask(lambda shop: shop.reservations.sweep(limit))

    # ---- keys

    @rule(pick=picks)
    def send_again(self, pick: int) -> None:
        """A request that was carried out before, word for word."""
        if not self.keys:
            return
        request, _ = list(self.keys.values())[-1 - pick % len(self.keys)]
        if isinstance(request, PlacementRequest):
            self._place([request])
        else:
            self._reserve([request])

    # ---- the outbox

    @rule(limit=st.sampled_from([1, 3, 100]), fails=st.integers(0, 3).map(lambda number: number == 0))
    def relay(self, limit: int, fails: bool) -> None:
        fails = fails and self._failed_relays < ATTEMPTS_MAX - 1  # so that no message is given up
        self._failed_relays += fails

        def relayed(shop: Shop) -> tuple[int, list[Event]]:
            return shop.outbox.relay(_Publisher(self._published[shop], fails), limit), self._published[shop]

        self.ask(relayed)
        published = self._published[self.shops[0]]
        seqs: Counter[UUID] = Counter()
        for event in published:
            if isinstance(event, OrderEvent):
                seqs[event.order_id] += 1
                assert event.seq == seqs[event.order_id], "an event is missing, twice there, or out of order"
        ends = [event.subject_id for event in published if event.type == "reservation.expired"]
        assert len(ends) == len(set(ends)), "a reservation expired twice"

    # ---- what must hold after every step

    @invariant()
    def everything_adds_up(self) -> None:
        assert self.ask(Shop.audit) == []

    @invariant()
    def no_unit_is_promised_twice(self) -> None:
        levels = self.ask_ports(self._levels)
        assert not isinstance(levels, Refusal)
        for level in levels:
            promised = level.allocated + level.reserved
            assert promised <= level.on_hand + level.shortfall, "oversold"
            assert (level.available, level.shortfall) == (
                max(0, level.on_hand - promised),
                max(0, promised - level.on_hand),
            )

    def _levels(self, adapters: Adapters) -> list[StockLevel]:
        with adapters.begin() as uow:
            return list(uow.stock.lock(self.products).values())  # all in one statement

    # ---- asking, and what must hold of the answer

    def _place(self, requests: Sequence[PlacementRequest]) -> None:
        outcomes = self.ask(lambda shop: shop.orders.place_all(requests))
        assert not isinstance(outcomes, Refusal)
        for request, outcome in zip(requests, outcomes, strict=True):
            if self._settled(request, outcome) and isinstance(outcome, Result):
                assert request.expected_total in (None, outcome.value.total)
                self._placed(outcome.value, request.customer_id)

    def _placed(self, order: Order, customer_id: UUID) -> None:
        assert order.customer_id == self.orders.setdefault(order.id, customer_id)
        self._agreed(order)

    def _reserve(self, requests: Sequence[ReservationRequest]) -> None:
        outcomes = self.ask(lambda shop: shop.reservations.reserve_all(requests))
        assert not isinstance(outcomes, Refusal)
        for request, outcome in zip(requests, outcomes, strict=True):
            if self._settled(request, outcome) and isinstance(outcome, Result):
                self._reserved(outcome.value, request.customer_id)

    def _reserved(self, reservation: Reservation, customer_id: UUID) -> None:
        self.reservations[reservation.id] = customer_id
        mine = [key for key, owner in self.reservations.items() if owner == customer_id]
        held = [self.ask(lambda shop, key=key: shop.reservations.get(SYSTEM, key)) for key in mine]  # type: ignore[misc]
        active = [sum(one.units.values()) for one in held if isinstance(one, Reservation) and one.state == "active"]
        assert len(active) <= LIMITS.reservations_max
        assert sum(active) <= LIMITS.units_max

    def _settled(self, request: Request, outcome: object) -> bool:
        """Whether something new was made, after its key and its refusal were looked at."""
        if isinstance(outcome, InsufficientStock):
            assert all(short.requested > short.available for short in outcome.shortages)
        slot = request.customer_id, request.key or ""
        before = self.keys.get(slot)
        if before and request != before[0]:
            assert isinstance(outcome, KeyReused)
        elif before:
            assert isinstance(outcome, Result)
            assert (outcome.replayed, outcome.value.id) == (True, before[1])
        elif isinstance(outcome, Result):
            assert not outcome.replayed
            if request.key is not None:
                self.keys[slot] = request, outcome.value.id
            return True
        return False

    def _agreed(self, order: Order | Refusal) -> None:
        """What was placed or edited: its parts sum to the whole, and stay as they are until the next edit."""
        if isinstance(order, Refusal):
            return
        self.agreed[order.id] = order.lines
        assert order.total == total_of(order.lines, self.currency, includes_tax=order.includes_tax)
        for line in order.lines:
            assert sum(part.amount for part in line.discounts) == line.discount
            assert 0 <= line.discount <= line.unit_price.minor * line.quantity
        for rate, net, tax in order.taxes:
            exact = half_up((net + tax) * WHOLE, WHOLE + rate) if order.includes_tax else net
            assert (net, tax) == (exact, net + tax - exact if order.includes_tax else percent_of(net, rate))

    # ---- picking

    def order_and_actor(self, pick: int, who: str) -> tuple[UUID, Actor]:
        """One of the orders, or an unknown one, and somebody in that relation to it."""
        return self._with_actor(picked(pick, list(self.orders)), self.orders, who)

    def reservation_and_actor(self, pick: int, who: str) -> tuple[UUID, Actor]:
        """The same of a reservation."""
        return self._with_actor(picked(pick, list(self.reservations)), self.reservations, who)

    @staticmethod
    def _with_actor(id_: UUID, owners: dict[UUID, UUID], who: str) -> tuple[UUID, Actor]:
        if who in {"staff", "nobody"}:
            return id_, SYSTEM if who == "staff" else NOBODY
        owner_id = owners.get(id_, CUSTOMERS[0].account_id)
        return id_, next(customer for customer in CUSTOMERS if (customer.account_id == owner_id) == (who == "owner"))

    def _lines(self, basket: Basket) -> tuple[LineRequest, ...]:
        return tuple(LineRequest(picked(pick, self.products), quantity) for pick, quantity in basket)

    def _hold(self, customer: Actor, basket: Basket, ttl: int, key: str | None) -> ReservationRequest:
        return ReservationRequest(customer.account_id, self._lines(basket), timedelta(seconds=ttl), key)

    def _total(self, lines: Sequence[LineRequest], is_right: bool | None) -> Money | None:
        """What the lines cost today, or something else; None: the customer does not say."""
        if is_right is None:
            return None
        total = 0 if is_right else 1
        for line in lines:
            entry = self.ask(lambda shop, line=line: shop.catalog.product(line.product_id))  # type: ignore[misc]
            total += entry.product.price.minor * line.quantity if isinstance(entry, CatalogEntry) else 0
        return Money(total, self.currency)


class _Publisher:
    """Writes down what is published, or cannot be reached."""

    def __init__(self, published: list[Event], fails: bool) -> None:
        self._published = published
        self._fails = fails

    def publish(self, event: Event) -> None:
        if self._fails:
            raise Undelivered("nobody there")
        self._published.append(event)
