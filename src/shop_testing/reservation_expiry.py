"""The contract of expiry: a matter of time alone, whether or not anybody swept. The clock moves only when told."""

from __future__ import annotations

from datetime import timedelta
from threading import Event as Signal

import pytest

from shop_core.accounts.model import SYSTEM, Actor
from shop_core.catalog.model import Product
from shop_core.errors import Busy, InsufficientStock, ReservationExpired
from shop_core.events import Event, StockEvent, StockEventKind
from shop_core.idempotency import Result
from shop_core.inventory.model import LINES_MAX, LineRequest, MovementKind, StockLevel
from shop_core.ports import Adapters, UnitOfWork
from shop_core.reservations.model import ReservationState
from shop_core.shop import Shop
from shop_testing.concurrency import TIMEOUT_S, in_background, still_waits
from shop_testing.contract import Contract
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Fixtures, request, to_hold

MINUTE = timedelta(minutes=1)


class ReservationExpiryContract(Contract):
    """What happens when the time of a reservation is up."""

    moves_time = True

    def test_it_is_expired_from_its_instant_on_and_not_before(
        self, shop: Shop, fixtures: Fixtures, clock: MovableClock, lamp: Product, ada: Actor
    ) -> None:
        held = shop.reservations.reserve(to_hold(ada, (lamp, 5), seconds=60))
        clock.move(MINUTE - timedelta(microseconds=1))
        assert shop.reservations.get(ada, held.id).state is ReservationState.ACTIVE
        with pytest.raises(InsufficientStock):
            shop.orders.place(request(fixtures.customer(), (lamp, 1)))
        clock.move(timedelta(microseconds=1))
        assert shop.reservations.get(ada, held.id).state is ReservationState.EXPIRED
        for comes_late in (
            lambda: shop.orders.place(request(ada, of=held)),
            lambda: shop.reservations.release(ada, held.id),
            lambda: shop.reservations.extend(ada, held.id, MINUTE),
        ):
            with pytest.raises(ReservationExpired) as refused:
                comes_late()
            assert refused.value.expired_at == held.expires_at
        assert fixtures.level(lamp.id).reserved == 5, "nobody needed the units yet"

    def test_nobody_is_refused_units_whose_time_is_up(
        self, shop: Shop, fixtures: Fixtures, clock: MovableClock, lamp: Product, ada: Actor
    ) -> None:
        bob = fixtures.customer()
        shop.reservations.reserve(to_hold(ada, (lamp, 3), seconds=60))
        clock.move(MINUTE)
        shop.orders.place(request(bob, (lamp, 5)))
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=5, allocated=5)
        kinds = [line.kind for line in fixtures.ledger(lamp.id)]
        assert kinds[1:] == [MovementKind.RESERVED, MovementKind.EXPIRED, MovementKind.ALLOCATED]
        assert shop.audit() == []

    def test_nor_is_who_lacks_units_only_because_others_of_the_batch_got_what_was_taken_back(
        self, shop: Shop, fixtures: Fixtures, clock: MovableClock, ada: Actor
    ) -> None:
        vase, bowl, cup = (
            fixtures.product(name, units=units) for name, units in (("Vase", 1), ("Bowl", 1), ("Cup", 2))
        )
        for product in (vase, cup):
            shop.reservations.reserve(to_hold(ada, (product, 1), seconds=60))
        clock.move(MINUTE)
        outcomes = shop.orders.place_all(
            [
                request(fixtures.customer(), (vase, 1), (bowl, 1)),  # gets the vase that was held, so it takes the bowl
                request(ada, (bowl, 1), key="k"),  # so it gets no bowl
                request(ada, (cup, 1), key="k"),  # so the key is free, and it takes a cup
                request(fixtures.customer(), (cup, 1)),  # so it needs the cup that was held
            ]
        )
        assert [type(outcome) for outcome in outcomes] == [Result, InsufficientStock, Result, Result]
        assert [fixtures.level(product.id).available for product in (vase, bowl, cup)] == [0, 0, 0]
        assert shop.audit() == []

    def test_a_quote_counts_units_whose_time_is_up_as_available_and_leaves_them(
        self, shop: Shop, fixtures: Fixtures, clock: MovableClock, lamp: Product, ada: Actor
    ) -> None:
        bob = fixtures.customer()
        shop.reservations.reserve(to_hold(ada, (lamp, 3), seconds=60))

        def available(units: int) -> list[int]:
            return [each.available for each in shop.orders.quote(bob, [LineRequest(lamp.id, units)]).shortages]

        assert [available(units) for units in (2, 5)] == [[], [2]]
        clock.move(MINUTE)
        assert [available(units) for units in (2, 5, 6)] == [[], [], [5]]
        assert fixtures.level(lamp.id).reserved == 3
        with pytest.raises(InsufficientStock) as refused:
            shop.orders.place(request(bob, (lamp, 6)))
        assert [each.available for each in refused.value.shortages] == [5]

    def test_nor_does_reserving_or_editing_an_order(
        self, shop: Shop, fixtures: Fixtures, clock: MovableClock, lamp: Product, ada: Actor
    ) -> None:
        bob, order = fixtures.customer(), shop.orders.place(request(ada, (lamp, 1)))
        shop.reservations.reserve(to_hold(ada, (lamp, 4), seconds=60))
        with pytest.raises(InsufficientStock):
            shop.orders.edit(ada, order.id, [LineRequest(lamp.id, 2)])
        clock.move(MINUTE)
        shop.orders.edit(ada, order.id, [LineRequest(lamp.id, 2)])
        held = shop.reservations.reserve(to_hold(bob, (lamp, 3), seconds=60))
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=5, allocated=2, reserved=3)
        clock.move(MINUTE)
        again = shop.reservations.reserve(to_hold(bob, (lamp, 3), seconds=60))
        assert fixtures.level(lamp.id).reserved == 3
        assert [shop.reservations.get(bob, one.id).state for one in (held, again)] == ["expired", "active"]
        assert shop.audit() == []

    def test_a_line_that_was_let_go_does_not_come_back_and_the_others_are_freed_once(
        self, shop: Shop, fixtures: Fixtures, clock: MovableClock, lamp: Product, ada: Actor
    ) -> None:
        chair = fixtures.product("Chair", units=5)
        held = shop.reservations.reserve(to_hold(ada, (lamp, 5), (chair, 5), seconds=60))
        clock.move(MINUTE)
        shop.orders.place(request(fixtures.customer(), (lamp, 5)))
        assert (fixtures.level(lamp.id).reserved, fixtures.level(chair.id).reserved) == (0, 5)
        assert shop.audit() == []
        assert shop.reservations.get(ada, held.id).held == {chair.id: 5}
        assert shop.reservations.sweep() == 1
        assert (fixtures.level(lamp.id).reserved, fixtures.level(chair.id).reserved) == (0, 0)
        assert shop.reservations.get(ada, held.id).held == {}
        assert [line.kind for line in fixtures.ledger(lamp.id)].count(MovementKind.EXPIRED) == 1
        assert shop.audit() == []

    def test_two_who_release_lines_of_one_reservation_at_the_same_time_release_both(
        self, shop: Shop, fixtures: Fixtures, clock: MovableClock, lamp: Product, ada: Actor
    ) -> None:
        """Each has locked another product. A store that keeps all lines of a reservation in one row must lock that."""
        chair = fixtures.product("Chair", units=5)
        held = shop.reservations.reserve(to_hold(ada, (lamp, 5), (chair, 5), seconds=60))
        clock.move(MINUTE)
        reads = Signal()

        def release(uow: UnitOfWork, product: Product) -> None:
            uow.stock.lock([product.id])
            due = uow.reservations.due_lines([product.id], uow.now(), LINES_MAX)
            reads.set()
            uow.reservations.release_lines(due)

        def release_chair() -> None:
            with fixtures.begin() as uow:
                release(uow, chair)

        with fixtures.begin() as uow:
            release(uow, lamp)
            reads.clear()
            other = in_background(release_chair)
            assert reads.wait(TIMEOUT_S)
            still_waits(other)  # or not: both will do
        other.result(TIMEOUT_S)
        assert shop.reservations.get(ada, held.id).held == {}

    def test_a_clock_that_is_set_back_revives_nothing_whose_units_others_took(
        self, shop: Shop, fixtures: Fixtures, clock: MovableClock, lamp: Product, ada: Actor
    ) -> None:
        held = shop.reservations.reserve(to_hold(ada, (lamp, 5), seconds=60))
        clock.move(MINUTE)
        shop.orders.place(request(fixtures.customer(), (lamp, 1)))
        clock.move(-MINUTE)
        for comes_late in (
            lambda: shop.orders.place(request(ada, of=held)),
            lambda: shop.reservations.release(ada, held.id),
            lambda: shop.reservations.extend(ada, held.id, MINUTE),
        ):
            with pytest.raises(ReservationExpired):
                comes_late()
        assert shop.audit() == []

    # ---- the sweep

    def test_the_sweep_ends_what_is_due_and_tells_it_once(
        self, adapters: Adapters, shop: Shop, fixtures: Fixtures, clock: MovableClock, lamp: Product, ada: Actor
    ) -> None:
        first, second, longer = (
            shop.reservations.reserve(to_hold(ada, (lamp, units), seconds=seconds))
            for units, seconds in ((1, 30), (2, 60), (1, 61))
        )
        assert shop.reservations.sweep() == 0
        clock.move(MINUTE)
        assert shop.reservations.sweep() == 2
        assert shop.reservations.sweep() == 0
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=5, reserved=1)
        with fixtures.begin() as uow:
            stored = uow.reservations.get_all([first.id, second.id, longer.id])
        assert [stored[one.id].state for one in (first, second, longer)] == ["expired", "expired", "active"]
        published = [event for event in published_events(adapters) if isinstance(event, StockEvent)]
        assert {(event.kind, event.subject_id, event.at, event.units, event.customer_id) for event in published} == {
            (StockEventKind.RESERVATION_EXPIRED, one.id, one.expires_at, units, ada.id)
            for one, units in ((first, 1), (second, 2))
        }
        assert len(published) == 2
        assert shop.audit() == []

    def test_a_sweep_takes_so_many_at_a_time_longest_ago_first(
        self, shop: Shop, fixtures: Fixtures, clock: MovableClock, lamp: Product, ada: Actor
    ) -> None:
        held = [shop.reservations.reserve(to_hold(ada, (lamp, 1), seconds=seconds)) for seconds in (40, 20, 30)]
        clock.move(MINUTE)
        for expected in ({1}, {1, 2}, {0, 1, 2}):
            assert shop.reservations.sweep(limit=1) == 1
            with fixtures.begin() as uow:
                stored = uow.reservations.get_all(one.id for one in held)
            ended = {no for no, one in enumerate(held) if stored[one.id].state is ReservationState.EXPIRED}
            assert ended == expected
        assert shop.reservations.sweep(limit=1) == 0

    def test_a_sweep_leaves_what_others_have_locked_for_the_next(
        self, shop: Shop, fixtures: Fixtures, clock: MovableClock, lamp: Product, ada: Actor
    ) -> None:
        chair = fixtures.product("Chair", units=5)
        for lines in ([(lamp, 1)], [(chair, 1)], [(lamp, 1), (chair, 1)]):
            shop.reservations.reserve(to_hold(ada, *lines, seconds=60))
        clock.move(MINUTE)
        with fixtures.begin() as uow:
            uow.stock.lock([lamp.id])
            assert shop.reservations.sweep() == 1
        assert shop.reservations.sweep() == 2
        assert shop.audit() == []

    def test_a_product_that_stays_locked_does_not_keep_a_sweep_from_what_comes_after_it(
        self, shop: Shop, fixtures: Fixtures, clock: MovableClock, lamp: Product, ada: Actor
    ) -> None:
        chair = fixtures.product("Chair", units=5)
        for product, seconds in ((lamp, 30), (lamp, 30), (chair, 50), (chair, 60)):
            shop.reservations.reserve(to_hold(ada, (product, 1), seconds=seconds))
        clock.move(MINUTE)
        with fixtures.begin() as uow:
            uow.stock.lock([lamp.id])
            assert [shop.reservations.sweep(limit=1) for _ in range(5)] == [0, 0, 1, 1, 0]
        assert [shop.reservations.sweep(limit=1) for _ in range(3)] == [1, 1, 0]
        assert shop.audit() == []

    def test_what_is_due_is_listed_from_any_of_them_on(
        self, shop: Shop, fixtures: Fixtures, clock: MovableClock, lamp: Product, ada: Actor
    ) -> None:
        for seconds in (40, 20, 20, 30, 70):
            shop.reservations.reserve(to_hold(ada, (lamp, 1), seconds=seconds))
        clock.move(MINUTE)
        with fixtures.begin() as uow:
            due = uow.reservations.due(clock(), 9)
            assert [each.expires_at for each in due] == sorted(each.expires_at for each in due)
            assert len(due) == 4
            for number, each in enumerate(due):
                assert uow.reservations.due(clock(), 2, each) == due[number + 1 : number + 3]

    def test_no_step_takes_back_more_lines_than_one_order_may_have(
        self, shop: Shop, fixtures: Fixtures, clock: MovableClock, ada: Actor
    ) -> None:
        products = fixtures.products(LINES_MAX // 2 + 1, units=2)
        for _ in range(2):
            shop.reservations.reserve(to_hold(ada, *((product, 1) for product in products), seconds=60))
        clock.move(MINUTE)
        everything = request(fixtures.customer(), *((product, 2) for product in products))
        (outcome,) = shop.orders.place_all([everything])
        assert isinstance(outcome, Busy), "there may be more that is due, so it is not sold out"
        (outcome,) = shop.orders.place_all([everything])
        assert isinstance(outcome, Result)
        assert [shop.reservations.sweep() for _ in range(3)] == [1, 1, 0]
        assert shop.audit() == []

    def test_only_one_is_at_a_task_until_its_unit_of_work_ends(self, fixtures: Fixtures) -> None:
        with fixtures.begin() as one:
            assert one.try_lock_task("sweep")
            assert one.try_lock_task("sweep"), "it is alone with itself"
            with fixtures.begin() as other:
                assert not other.try_lock_task("sweep")
            with fixtures.begin() as other:
                assert not other.try_lock_task("sweep"), "who was not let in has freed nothing"
        with pytest.raises(ZeroDivisionError), fixtures.begin() as failed:
            assert failed.try_lock_task("sweep")
            raise ZeroDivisionError
        with fixtures.begin() as next_one:
            assert next_one.try_lock_task("sweep")

    def test_a_sweep_does_nothing_while_another_is_at_it(
        self, shop: Shop, fixtures: Fixtures, clock: MovableClock, lamp: Product, ada: Actor
    ) -> None:
        shop.reservations.reserve(to_hold(ada, (lamp, 1), seconds=60))
        clock.move(MINUTE)
        with fixtures.begin() as uow:
            assert uow.try_lock_task("sweep")
            assert shop.reservations.sweep() == 0
            assert fixtures.level(lamp.id).reserved == 1
        assert shop.reservations.sweep() == 1

    def test_what_is_found_missing_is_told(self, adapters: Adapters, shop: Shop, lamp: Product, ada: Actor) -> None:
        shop.reservations.reserve(to_hold(ada, (lamp, 4)))
        shop.inventory.adjust(SYSTEM, lamp.id, -3, "a fire")
        (event,) = published_events(adapters)
        assert isinstance(event, StockEvent)
        assert (event.kind, event.subject_id, event.units) == (StockEventKind.STOCK_SHORT, lamp.id, 2)


def published_events(adapters: Adapters) -> list[Event]:
    """All events that wait in the outbox; they go on waiting."""
    with adapters.begin() as uow:
        now = uow.now()
        events = [message.event for message in uow.outbox.take(now, 10_000, MINUTE)]
        uow.outbox.release([event.id for event in events], now)
    return events
