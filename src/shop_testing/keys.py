"""The contract of idempotency keys: a request that bears one is carried out once, however often it is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from shop_core.accounts.model import SYSTEM, Actor
from shop_core.catalog.model import Product
from shop_core.errors import Busy, InsufficientStock, KeyReused, TotalChanged
from shop_core.idempotency import CustomerKey, KeyClaim, Result
from shop_core.inventory.model import StockLevel
from shop_core.orders.model import Order, OrderStatus, PlacementRequest
from shop_core.reservations.model import Reservation, ReservationState
from shop_core.shop import Shop
from shop_testing.concurrency import TIMEOUT_S, in_background, still_waits, together
from shop_testing.contract import Contract
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Fixtures, request, to_hold

ROUNDS = 4
YEAR = timedelta(days=365)


class KeysContract(Contract):
    """Keys of placing and reserving, and the port under them."""

    moves_time = True

    # ---- replay

    def test_the_same_request_with_the_same_key_is_one_order_and_is_told_to_be(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, ada: Actor
    ) -> None:
        given = request(ada, (lamp, 2), key="k")
        first, second = _answer(shop, given), _answer(shop, given)
        assert (first.replayed, second.replayed) == (False, True)
        assert first.value == second.value
        assert shop.orders.place(given) == first.value
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=5, allocated=2)
        assert shop.audit() == []

    def test_a_replay_shows_the_order_as_it_is_now_also_a_year_later(
        self, fixtures: Fixtures, shop: Shop, clock: MovableClock, lamp: Product, ada: Actor
    ) -> None:
        given = request(ada, (lamp, 5), key="k")
        order = shop.orders.place(given)
        cancelled = shop.orders.cancel(ada, order.id)
        clock.move(YEAR)
        assert _answer(shop, given) == Result(cancelled, replayed=True)
        deleted = shop.orders.delete(ada, order.id)
        assert _answer(shop, given) == Result(deleted, replayed=True)
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=5)

    def test_a_reservation_is_replayed_as_it_is_now(
        self, fixtures: Fixtures, shop: Shop, clock: MovableClock, lamp: Product, ada: Actor
    ) -> None:
        given = to_hold(ada, (lamp, 5), seconds=60, key="k")
        held = shop.reservations.reserve(given)
        (again,) = shop.reservations.reserve_all([given])
        assert again == Result(held, replayed=True)
        clock.move(timedelta(seconds=60))
        assert shop.reservations.reserve(given).state is ReservationState.EXPIRED
        assert fixtures.level(lamp.id).reserved == 5

    def test_a_replayed_confirmation_is_the_order_that_the_reservation_became(
        self, shop: Shop, lamp: Product, ada: Actor
    ) -> None:
        given = request(ada, of=shop.reservations.reserve(to_hold(ada, (lamp, 5))), key="k")
        order = shop.orders.place(given)
        assert _answer(shop, given) == Result(order, replayed=True)

    @pytest.mark.parametrize("what", ["units", "product", "total", "kind", "reservation", "ttl"])
    def test_the_key_of_another_request_is_refused(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, ada: Actor, what: str
    ) -> None:
        chair = fixtures.product("Chair", units=5)
        held = shop.reservations.reserve(to_hold(ada, (lamp, 1)))
        shop.orders.place(request(ada, (lamp, 1), key="place"))
        shop.reservations.reserve(to_hold(ada, (lamp, 1), key="reserve"))
        before = fixtures.level(lamp.id)
        others: dict[str, Callable[[], object]] = {
            "units": partial(shop.orders.place, request(ada, (lamp, 2), key="place")),
            "product": partial(shop.orders.place, request(ada, (chair, 1), key="place")),
            "total": partial(shop.orders.place, request(ada, (lamp, 1), key="place", total=lamp.price)),
            "kind": partial(shop.orders.place, request(ada, (lamp, 1), key="reserve")),
            "reservation": partial(shop.orders.place, request(ada, of=held, key="place")),
            "ttl": partial(shop.reservations.reserve, to_hold(ada, (lamp, 1), seconds=61, key="reserve")),
        }
        with pytest.raises(KeyReused):
            others[what]()
        with pytest.raises(KeyReused):
            shop.reservations.reserve(to_hold(ada, (lamp, 1), key="place"))
        assert fixtures.level(lamp.id) == before

    def test_each_customer_has_their_own_keys(self, fixtures: Fixtures, shop: Shop, lamp: Product, ada: Actor) -> None:
        bob = fixtures.customer()
        first = shop.orders.place(request(ada, (lamp, 1), key="k"))
        second = shop.orders.place(request(bob, (lamp, 1), key="k"))
        assert (first.customer_id, second.customer_id) == (ada.id, bob.id)
        assert fixtures.level(lamp.id).allocated == 2

    # ---- refusals

    def test_a_refused_request_leaves_its_key_free(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, ada: Actor
    ) -> None:
        with pytest.raises(InsufficientStock):
            shop.orders.place(request(ada, (lamp, 6), key="k"))
        with pytest.raises(InsufficientStock):
            shop.reservations.reserve(to_hold(ada, (lamp, 6), key="k"))
        shop.inventory.receive(SYSTEM, lamp.id, 1)
        assert not _answer(shop, request(ada, (lamp, 6), key="k")).replayed
        assert shop.audit() == []

    def test_a_total_that_changed_is_told_and_nothing_is_placed(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, ada: Actor
    ) -> None:
        with pytest.raises(TotalChanged) as refused:
            shop.orders.place(request(ada, (lamp, 2), key="k", total=fixtures.money(2_499)))
        assert (refused.value.expected, refused.value.total) == ("24.99", "25.00")
        assert fixtures.level(lamp.id).allocated == 0
        order = shop.orders.place(request(ada, (lamp, 2), key="k", total=fixtures.money(2_500)))
        assert order.total == fixtures.money(2_500)

    # ---- twins

    def test_of_two_requests_with_one_key_at_the_same_moment_one_is_carried_out(
        self, fixtures: Fixtures, contended: Shop
    ) -> None:
        for _ in range(ROUNDS):
            lamp, ada = fixtures.product("Lamp", units=9), fixtures.customer()
            outcomes = together(
                partial(contended.orders.place, request(ada, (lamp, 1), key="k")),
                partial(contended.orders.place, request(ada, (lamp, 2), key="k")),
                partial(contended.reservations.reserve, to_hold(ada, (lamp, 3), key="k")),
            )
            kinds = Counter(map(type, outcomes))
            assert (kinds[KeyReused], kinds[Order] + kinds[Reservation]) == (2, 1)
            assert contended.audit() == []

    def test_twins_in_one_batch_are_one_order(self, fixtures: Fixtures, shop: Shop, lamp: Product, ada: Actor) -> None:
        given = request(ada, (lamp, 2), key="k")
        first, other, second = shop.orders.place_all([given, request(ada, (lamp, 1), key="k"), given])
        assert isinstance(first, Result)
        assert isinstance(other, KeyReused)
        assert second == Result(first.value, replayed=True)
        assert fixtures.level(lamp.id).allocated == 2

    def test_when_the_first_twin_of_a_batch_is_refused_the_second_may_win_the_key(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, ada: Actor
    ) -> None:
        too_much, fits = request(ada, (lamp, 6), key="k"), request(ada, (lamp, 5), key="k")
        refused, made, again = shop.orders.place_all([too_much, fits, fits])
        assert isinstance(refused, InsufficientStock)
        assert isinstance(made, Result)
        assert again == Result(made.value, replayed=True)
        assert _answer(shop, fits) == Result(made.value, replayed=True)
        assert shop.audit() == []
        chair = fixtures.product("Chair", units=1)
        late, held = shop.reservations.reserve_all(
            [to_hold(ada, (lamp, 1), key="r"), to_hold(ada, (chair, 1), key="r")]
        )
        assert isinstance(late, InsufficientStock)
        assert isinstance(held, Result)
        assert shop.audit() == []

    def test_who_waited_for_a_twin_that_was_refused_tries_again(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, ada: Actor
    ) -> None:
        claim = KeyClaim(ada.account_id, "k", b"1" * 32, fixtures.new_id())
        with fixtures.begin() as uow:
            assert uow.keys.claim([claim]) == {}
            waiting = in_background(partial(shop.orders.place, request(ada, (lamp, 1), key="k")))
            assert still_waits(waiting)
            uow.keys.forget([claim])
        assert waiting.result(TIMEOUT_S).status is OrderStatus.PLACED
        assert not _answer(shop, request(fixtures.customer(), (lamp, 1), key="k")).replayed

    def test_who_waited_for_a_twin_that_failed_tries_again(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, ada: Actor
    ) -> None:
        with pytest.raises(ZeroDivisionError), fixtures.begin() as uow:
            uow.keys.claim([KeyClaim(ada.account_id, "k", b"1" * 32, fixtures.new_id())])
            waiting = in_background(partial(shop.orders.place, request(ada, (lamp, 1), key="k")))
            assert still_waits(waiting)
            raise ZeroDivisionError
        assert waiting.result(TIMEOUT_S).status is OrderStatus.PLACED

    def test_who_does_not_want_to_wait_for_a_twin_need_not(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, ada: Actor
    ) -> None:
        first, second = (KeyClaim(ada.account_id, key, b"1" * 32, fixtures.new_id()) for key in "ab")
        with fixtures.begin() as uow:
            assert uow.keys.claim([first]) == {}
            for attempt in (
                partial(shop.orders.place_all, [request(ada, (lamp, 1), key="a")], wait=False),
                partial(shop.reservations.reserve_all, [to_hold(ada, (lamp, 1), key="a")], wait=False),
            ):
                tried = in_background(attempt)
                assert not still_waits(tried, 5.0)
                assert isinstance(tried.exception(), Busy)

        def claim_and_lock() -> dict[CustomerKey, KeyClaim]:
            with fixtures.begin() as uow:
                taken = uow.keys.claim([first, second], wait=False)
                uow.stock.lock([lamp.id])
                return taken

        with fixtures.begin() as uow:
            uow.stock.lock([lamp.id])
            waiting = in_background(claim_and_lock)
            assert still_waits(waiting), "for a row it waits as ever"
        assert waiting.result(TIMEOUT_S) == {first.customer_key: first}

    def test_batches_that_claim_keys_in_other_orders_never_wait_for_each_other(
        self, fixtures: Fixtures, ada: Actor
    ) -> None:
        """While the middle one is taken, both batches wait; with another one in hand each, they would wait for ever."""
        first, middle, last = (KeyClaim(ada.account_id, key, b"1" * 32, fixtures.new_id()) for key in "abc")

        def claim(*claims: KeyClaim) -> int:
            with fixtures.begin() as uow:
                return len(uow.keys.claim(claims))

        with fixtures.begin() as uow:
            uow.keys.claim([middle])
            one = in_background(partial(claim, first, middle, last))
            assert still_waits(one)
            other = in_background(partial(claim, last, middle, first))
            assert still_waits(other)
        assert sorted([one.result(TIMEOUT_S), other.result(TIMEOUT_S)]) == [1, 3]

    def test_batches_of_the_same_requests_in_other_orders_are_carried_out_once(
        self, fixtures: Fixtures, contended: Shop
    ) -> None:
        lamp, customers = fixtures.product("Lamp", units=999), [fixtures.customer() for _ in range(4)]
        given = [request(who, (lamp, 1), key=key) for who in customers for key in ("a", "b", "c")]
        batches = [given, given[::-1], given[5:] + given[:5], given[::-2] + given[::2]]
        answers = together(*[partial(contended.orders.place_all, batch) for batch in batches])
        assert all(isinstance(outcome, Result) for outcomes in answers for outcome in _list(outcomes))
        assert fixtures.level(lamp.id).allocated == len(given)

    # ---- the port

    def test_a_claim_that_was_taken_is_told_and_stays(self, fixtures: Fixtures, ada: Actor) -> None:
        first, second = (KeyClaim(ada.account_id, "k", bytes([n]) * 32, fixtures.new_id()) for n in (1, 2))
        first = first._replace(removable_id=fixtures.new_id())
        other = KeyClaim(ada.account_id, "other", b"3" * 32, fixtures.new_id())
        with fixtures.begin() as uow:
            assert uow.keys.claim([first]) == {}
        with fixtures.begin() as uow:
            assert uow.keys.claim([second, other]) == {first.customer_key: first}
            uow.keys.forget([other])
        with fixtures.begin() as uow:
            assert uow.keys.claim([other, second]) == {first.customer_key: first}


def _answer(shop: Shop, given: PlacementRequest) -> Result[Order]:
    (outcome,) = shop.orders.place_all([given])
    assert isinstance(outcome, Result)
    return outcome


def _list(outcomes: object) -> tuple[object, ...]:
    assert isinstance(outcomes, tuple)
    return outcomes
