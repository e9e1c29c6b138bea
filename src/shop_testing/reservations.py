"""The contract of reservations, one thing after the other; what happens at once is in `reservation_races`.

The clock is the one of the fixture `clock`, and moves only when a test moves it.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop_core.accounts.model import NOBODY, SYSTEM, Actor, Role
from shop_core.catalog.model import Product
from shop_core.errors import (
    Forbidden,
    InsufficientStock,
    ReservationExpired,
    ReservationNotFound,
    ReservationResolved,
    Shortage,
    TooMuchReserved,
    Unauthenticated,
    UnknownProducts,
)
from shop_core.idempotency import Result
from shop_core.inventory.model import MovementKind, StockLevel
from shop_core.pagination import CursorRequest
from shop_core.ports import Adapters, LockOrderError
from shop_core.reservations.model import TTL_MAX, Reservation, ReservationLimits, ReservationQuery, ReservationState
from shop_core.shop import Shop
from shop_testing.concurrency import TIMEOUT_S, in_background, still_waits
from shop_testing.contract import Contract
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Fixtures, request, to_hold

MINUTE = timedelta(minutes=1)
RESERVED, RELEASED = MovementKind.RESERVED, MovementKind.RELEASED
CONFIRMED = MovementKind.CONFIRMED


class ReservationsContract(Contract):
    """Holding units, and giving them back."""

    moves_time = True

    # ---- holding

    def test_held_units_are_there_but_cannot_be_sold_to_others(
        self, fixtures: Fixtures, shop: Shop, clock: MovableClock, lamp: Product
    ) -> None:
        ada, bob = fixtures.customer(), fixtures.customer()
        held = shop.reservations.reserve(to_hold(ada, (lamp, 3), seconds=60))
        assert (held.state, held.created_at, held.expires_at) == (ReservationState.ACTIVE, clock(), clock() + MINUTE)
        assert held.seen_at == clock()
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=5, reserved=3)
        for wants_more in (
            lambda: shop.orders.place(request(bob, (lamp, 3))),
            lambda: shop.reservations.reserve(to_hold(bob, (lamp, 3))),
            lambda: shop.orders.place(request(ada, (lamp, 3))),
        ):
            with pytest.raises(InsufficientStock) as refused:
                wants_more()
            assert refused.value.shortages == (Shortage(lamp.id, requested=3, available=2),)
        shop.orders.place(request(bob, (lamp, 2)))
        line = fixtures.ledger(lamp.id)[1]
        assert (line.kind, line.quantity, line.reservation_id, line.actor_id) == (RESERVED, 3, held.id, ada.id)
        assert shop.audit() == []

    def test_all_lines_are_held_or_none(self, fixtures: Fixtures, shop: Shop, lamp: Product, chair: Product) -> None:
        ada = fixtures.customer()
        with pytest.raises(InsufficientStock):
            shop.reservations.reserve(to_hold(ada, (lamp, 1), (chair, 6)))
        with pytest.raises(UnknownProducts):
            shop.reservations.reserve(to_hold(ada, (lamp, 1), (fixtures.new_id(), 1)))
        with pytest.raises(UnknownProducts):
            shop.reservations.reserve(to_hold(ada, (lamp, 1), (fixtures.archive(chair), 1)))
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=5)

    def test_a_customer_cannot_hold_more_than_one_may(
        self, adapters: Adapters, fixtures: Fixtures, lamp: Product
    ) -> None:
        shop = Shop(adapters, ReservationLimits(reservations_max=2, units_max=4))
        ada, bob = fixtures.customer(), fixtures.customer()
        first = shop.reservations.reserve(to_hold(ada, (lamp, 1)))
        with pytest.raises(TooMuchReserved) as units:
            shop.reservations.reserve(to_hold(ada, (lamp, 4)))
        assert (units.value.what, units.value.held, units.value.requested, units.value.max) == ("units", 1, 4, 4)
        outcomes = shop.reservations.reserve_all([to_hold(ada, (lamp, 1)), to_hold(ada, (lamp, 1))])
        assert [type(outcome) for outcome in outcomes] == [Result, TooMuchReserved]
        shop.reservations.reserve(to_hold(bob, (lamp, 1)))
        shop.reservations.release(ada, first.id)
        shop.reservations.reserve(to_hold(ada, (lamp, 1)))

    def test_what_expired_counts_no_more_for_the_cap(
        self, adapters: Adapters, fixtures: Fixtures, clock: MovableClock, lamp: Product
    ) -> None:
        shop, ada = Shop(adapters, ReservationLimits(reservations_max=1)), fixtures.customer()
        shop.reservations.reserve(to_hold(ada, (lamp, 1), seconds=60))
        clock.move(MINUTE - timedelta(microseconds=1))
        with pytest.raises(TooMuchReserved):
            shop.reservations.reserve(to_hold(ada, (lamp, 1)))
        clock.move(timedelta(microseconds=1))
        shop.reservations.reserve(to_hold(ada, (lamp, 1)))

    # ---- whose it is

    def test_a_reservation_is_its_owners_and_staff_can_see_and_release_it(
        self, fixtures: Fixtures, shop: Shop, clock: MovableClock, lamp: Product
    ) -> None:
        ada, bob = fixtures.customer(), fixtures.customer()
        held = shop.reservations.reserve(to_hold(ada, (lamp, 2)))
        for is_refused in (
            lambda: shop.reservations.get(bob, held.id),
            lambda: shop.reservations.extend(bob, held.id, MINUTE),
            lambda: shop.reservations.release(bob, held.id),
            lambda: shop.orders.place(request(bob, of=held)),
            lambda: shop.reservations.get(ada, fixtures.new_id()),
            lambda: shop.orders.place(request(ada, of=_named(held, fixtures))),
        ):
            with pytest.raises(ReservationNotFound):
                is_refused()
        clock.move(MINUTE)
        assert shop.reservations.get(ada, held.id) == shop.reservations.get(SYSTEM, held.id) == held
        assert shop.reservations.get(ada, held.id).seen_at == clock()
        assert shop.reservations.release(SYSTEM, held.id).state is ReservationState.RELEASED

    # ---- releasing

    def test_released_units_can_be_sold_at_once_and_releasing_again_changes_nothing(
        self, fixtures: Fixtures, shop: Shop, clock: MovableClock, lamp: Product
    ) -> None:
        ada = fixtures.customer()
        held = shop.reservations.reserve(to_hold(ada, (lamp, 5)))
        released = shop.reservations.release(ada, held.id)
        assert (released.state, released.held) == (ReservationState.RELEASED, {})
        shop.orders.place(request(fixtures.customer(), (lamp, 5)))
        clock.move(TTL_MAX)
        assert shop.reservations.release(ada, held.id) == released == shop.reservations.get(ada, held.id)
        assert [line.kind for line in fixtures.ledger(lamp.id)][1:3] == [RESERVED, RELEASED]
        assert len(fixtures.ledger(lamp.id)) == 4
        assert shop.audit() == []

    # ---- extending

    def test_extending_counts_from_now_and_never_shortens(
        self, fixtures: Fixtures, shop: Shop, clock: MovableClock, lamp: Product
    ) -> None:
        ada, start = fixtures.customer(), clock()
        held = shop.reservations.reserve(to_hold(ada, (lamp, 1), seconds=60))
        clock.move(MINUTE / 2)
        assert shop.reservations.extend(ada, held.id, MINUTE).expires_at == start + 1.5 * MINUTE
        assert shop.reservations.extend(ada, held.id, MINUTE / 2).expires_at == start + 1.5 * MINUTE
        clock.move(MINUTE)  # the very instant
        with pytest.raises(ReservationExpired) as refused:
            shop.reservations.extend(ada, held.id, MINUTE)
        assert refused.value.expired_at == start + 1.5 * MINUTE
        assert shop.reservations.get(ada, held.id).state is ReservationState.EXPIRED

    # ---- confirming

    def test_a_confirmed_reservation_is_an_order_and_its_units_were_never_free(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, chair: Product
    ) -> None:
        ada = fixtures.customer()
        held = shop.reservations.reserve(to_hold(ada, (lamp, 2), (chair, 1), (lamp, 1)))
        order = shop.orders.place(request(ada, of=held))
        assert {line.product_id: line.quantity for line in order.lines} == {lamp.id: 3, chair.id: 1}
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=5, allocated=3)
        line = fixtures.ledger(lamp.id)[-1]
        assert (line.kind, line.quantity, line.order_id, line.reservation_id) == (CONFIRMED, 3, order.id, held.id)
        confirmed = shop.reservations.get(ada, held.id)
        assert (confirmed.state, confirmed.order_id, confirmed.held) == (ReservationState.CONFIRMED, order.id, {})
        for comes_late in (
            lambda: shop.orders.place(request(ada, of=held)),
            lambda: shop.reservations.release(ada, held.id),
            lambda: shop.reservations.extend(ada, held.id, MINUTE),
        ):
            with pytest.raises(ReservationResolved) as refused:
                comes_late()
            assert (refused.value.state, refused.value.order_id) == ("confirmed", order.id)
        assert shop.audit() == []

    def test_a_reservation_is_confirmed_also_while_its_product_is_short(
        self, fixtures: Fixtures, shop: Shop, lamp: Product
    ) -> None:
        ada = fixtures.customer()
        held = shop.reservations.reserve(to_hold(ada, (lamp, 4)))
        shop.inventory.adjust(SYSTEM, lamp.id, -3, "a fire")
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=2, reserved=4, shortfall=2)
        order = shop.orders.place(request(ada, of=held))
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=2, allocated=4, shortfall=2)
        shop.orders.cancel(ada, order.id)
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=2)
        assert shop.audit() == []

    def test_a_reservation_of_a_product_that_left_the_catalog_is_honoured_and_nobody_else_gets_it(
        self, fixtures: Fixtures, shop: Shop, lamp: Product
    ) -> None:
        ada, chair = fixtures.customer(), fixtures.product("Chair", units=1)
        held = shop.reservations.reserve(to_hold(ada, (lamp, 1), (chair, 1)))
        unwanted = shop.reservations.reserve(to_hold(ada, (lamp, 1)))
        fixtures.archive(lamp)
        ordered, refused = shop.orders.place_all([request(ada, of=held), request(ada, (lamp, 1))])
        assert isinstance(ordered, Result)
        assert isinstance(refused, UnknownProducts)
        assert [(line.sku, line.name, line.unit_price) for line in ordered.value.lines] == [
            (product.sku, product.name, product.price) for product in (lamp, chair)
        ]
        assert shop.reservations.release(ada, unwanted.id).state is ReservationState.RELEASED
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=5, allocated=1)
        assert shop.audit() == []

    def test_an_order_of_a_reservation_names_the_options_also_of_a_product_that_left_the_catalog(
        self, fixtures: Fixtures, shop: Shop, ada: Actor
    ) -> None:
        shirts, large = shop.families.create(SYSTEM, "T-shirt", ["size"]), (("size", "L"),)
        shirt = fixtures.product("T-shirt", units=1, family_id=shirts.id, options=large)
        held = shop.reservations.reserve(to_hold(ada, (shirt, 1)))
        shop.catalog.remove_product(SYSTEM, shirt.id)
        (line,) = shop.orders.place(request(ada, of=held)).lines
        assert line.options == large

    def test_a_batch_confirms_a_reservation_once(self, fixtures: Fixtures, shop: Shop, lamp: Product) -> None:
        ada = fixtures.customer()
        held = shop.reservations.reserve(to_hold(ada, (lamp, 5)))
        outcomes = shop.orders.place_all([request(ada, of=held), request(ada, of=held), request(ada, (lamp, 1))])
        assert [type(outcome) for outcome in outcomes] == [Result, ReservationResolved, InsufficientStock]
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=5, allocated=5)

    # ---- lists

    def test_customers_list_their_reservations_and_staff_everybodys_newest_first(
        self, fixtures: Fixtures, shop: Shop, clock: MovableClock, lamp: Product
    ) -> None:
        ada, bob, grace = fixtures.customer(), fixtures.customer(), Actor(fixtures.new_id(), Role.STAFF)
        released, expiring, kept, bobs = (
            shop.reservations.reserve(to_hold(actor, (lamp, 1), seconds=seconds)).id
            for actor, seconds in ((ada, 90), (ada, 60), (ada, 90), (bob, 90))
        )
        shop.reservations.release(ada, released)
        clock.move(MINUTE)
        for actor, query, expected in (
            (ada, ReservationQuery(), [kept, expiring, released]),
            (ada, ReservationQuery(ada.account_id, is_active=True), [kept]),
            (grace, ReservationQuery(), [bobs, kept, expiring, released]),
            (grace, ReservationQuery(is_active=True), [bobs, kept]),
            (grace, ReservationQuery(ada.account_id, is_active=True), [kept]),
        ):
            found: list[Reservation] = []
            cursor: str | None = None
            while True:
                page = shop.reservations.find(actor, query, CursorRequest(2, cursor))
                found += page.items
                if (cursor := page.cursor) is None:
                    break
            assert [one.id for one in found] == expected
            assert found == [shop.reservations.get(grace, id_) for id_ in expected]
        with pytest.raises(Forbidden):
            shop.reservations.find(ada, ReservationQuery(bob.account_id), CursorRequest())
        with pytest.raises(Unauthenticated):
            shop.reservations.find(NOBODY, ReservationQuery(), CursorRequest())

    # ---- what the adapter must not allow

    def test_a_reservation_cannot_be_changed_without_the_lock_on_its_stock(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, chair: Product
    ) -> None:
        held = shop.reservations.reserve(to_hold(fixtures.customer(), (lamp, 1), (chair, 1)))
        for locked in ([], [chair.id]):
            with pytest.raises(LockOrderError), fixtures.begin() as uow:
                uow.stock.lock(locked)
                uow.reservations.update_all([held])
        with fixtures.begin() as uow:
            uow.stock.lock([lamp.id, chair.id])
            uow.reservations.update_all([held])

    def test_nothing_is_extended_while_what_its_customer_holds_is_counted(
        self, adapters: Adapters, fixtures: Fixtures, shop: Shop, clock: MovableClock, lamp: Product
    ) -> None:
        """Or it is counted as expired, the customer may reserve as much again, and it goes on all the same."""
        ada = fixtures.customer()
        held = shop.reservations.reserve(to_hold(ada, (lamp, 3), seconds=60))
        with adapters.begin() as uow:
            uow.reservations.lock_customers([held.customer_id], uow.now)
            extending = in_background(lambda: shop.reservations.extend(ada, held.id, MINUTE))
            assert still_waits(extending), "it is extended while its customer's reservations are counted"
            clock.move_to(held.expires_at)
        with pytest.raises(ReservationExpired):
            extending.result(TIMEOUT_S)


def _named(held: Reservation, fixtures: Fixtures) -> Reservation:
    """One that nobody has."""
    return Reservation(fixtures.new_id(), held.customer_id, held.state, held.lines, held.created_at, held.expires_at)
