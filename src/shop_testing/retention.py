"""The contract of retention: what is too old goes, what the books need stays, and one moment decides."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from shop_core.accounts.model import SYSTEM, AccountQuery, Actor, ProfileChange, Role
from shop_core.accounts.service import Registration
from shop_core.accounts.sessions import RECENT_LOGIN
from shop_core.catalog.model import Product
from shop_core.errors import AccountNotFound, Forbidden, Invalid, LoginTooOld
from shop_core.events import StockEvent, StockEventKind
from shop_core.idempotency import IdempotencyKey
from shop_core.outbox import QueueService
from shop_core.pagination import OffsetRequest
from shop_core.ports import Adapters, Undelivered, UnitOfWork
from shop_core.retention import DELETED_AT_ONCE_MAX, Kept, Overdue, RetentionAges
from shop_core.shop import Shop
from shop_testing.contract import Contract
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Altered, Fixtures, request, to_hold

PASSWORD = "numbers are music"
DAY = timedelta(days=1)
AGES = RetentionAges(accounts=400 * DAY, reasons=100 * DAY, dead_messages=30 * DAY)


class Refusing:
    """Takes no event and no mail, for good."""

    def publish(self, _: object, /) -> None:
        raise Undelivered("no", is_final=True)

    send = publish


class RetentionContract(Contract):
    """What is kept for too long."""

    moves_time = True
    units = 2_000

    @pytest.fixture
    def shop(self, adapters: Adapters) -> Shop:
        return Shop(cast("Adapters", Altered(adapters, has_mail=True)))

    @pytest.fixture
    def ada(self, shop: Shop) -> Actor:
        """A registered customer who never came again."""
        return shop.accounts.register(Registration("ada", PASSWORD)).actor

    # ---- accounts

    def test_an_account_that_nobody_used_is_erased_and_its_books_stay(
        self, shop: Shop, clock: MovableClock, ada: Actor, lamp: Product
    ) -> None:
        order = shop.orders.place(request(ada, (lamp, 1), key="order"))
        held = shop.reservations.reserve(to_hold(ada, (lamp, 3), key="hold"))
        shop.orders.cancel(ada, order.id, reason="I am Ada")
        used_at = clock()
        clock.move(AGES.accounts + timedelta(seconds=1))
        overdue = _of(shop, Kept.ACCOUNTS)
        assert (overdue.count, overdue.oldest, overdue.before) == (1, used_at, clock() - AGES.accounts)
        assert shop.accounts.me(ada).username == "ada", "to look deletes nothing"
        erased: list[UUID] = []
        assert [shop.retention.delete(SYSTEM, overdue, erased.append) for _ in range(2)] == [1, 0]
        assert erased == [ada.id]
        with pytest.raises(AccountNotFound):
            shop.accounts.me(ada)
        assert shop.orders.get(SYSTEM, order.id).customer_id == ada.id
        assert shop.reservations.get(SYSTEM, held.id).customer_id == ada.id
        assert _of(shop, Kept.ACCOUNTS).count == _of(shop, Kept.REASONS).count == 0
        assert shop.audit() == []

    @pytest.mark.parametrize("use", ["nothing", "profile", "login", "refresh", "order", "reservation"])
    def test_an_account_counts_from_when_it_was_last_used(
        self, shop: Shop, clock: MovableClock, ada: Actor, lamp: Product, use: str
    ) -> None:
        session = shop.sessions.log_in("ada", PASSWORD, remember=True)
        registered_at, used_at = clock(), clock.move(DAY)
        match use:
            case "profile":
                shop.accounts.edit_me(ada, ProfileChange("Countess"))
            case "login":
                shop.sessions.log_in("ada", PASSWORD)
            case "refresh":
                shop.sessions.refresh(session.refresh)
            case "order":
                shop.orders.cancel(ada, shop.orders.place(request(ada, (lamp, 1))).id)
            case "reservation":
                shop.reservations.release(ada, shop.reservations.reserve(to_hold(ada, (lamp, 1))).id)
        clock.move(AGES.accounts)
        assert _of(shop, Kept.ACCOUNTS).count == (1 if use == "nothing" else 0)
        clock.move(timedelta(seconds=1))
        overdue = _of(shop, Kept.ACCOUNTS)
        assert (overdue.count, overdue.oldest) == (1, registered_at if use == "nothing" else used_at)

    def test_staff_and_customers_with_open_orders_stay(
        self, shop: Shop, clock: MovableClock, fixtures: Fixtures, ada: Actor, lamp: Product
    ) -> None:
        placed = shop.orders.place(request(ada, (lamp, 1)))
        for role in (Role.STAFF, Role.ADMIN):
            fixtures.account(role.value, role=role)
        clock.move(2 * AGES.accounts)
        assert _of(shop, Kept.ACCOUNTS).count == 0
        everybody = Overdue(Kept.ACCOUNTS, clock(), 3, None)
        assert shop.retention.delete(SYSTEM, everybody) == 0
        shop.orders.cancel(SYSTEM, placed.id)
        clock.move(timedelta(seconds=1))
        assert shop.retention.delete(SYSTEM, Overdue(Kept.ACCOUNTS, clock(), 3, None)) == 1

    def test_whoever_comes_back_before_it_is_their_turn_stays(
        self, shop: Shop, adapters: Adapters, clock: MovableClock, ada: Actor
    ) -> None:
        bob = shop.accounts.register(Registration("bob", PASSWORD))
        clock.move(2 * AGES.accounts)
        overdue = _of(shop, Kept.ACCOUNTS)
        assert overdue.count == 2
        opened: list[None] = []

        def begin() -> AbstractContextManager[UnitOfWork]:
            opened.append(None)
            if len(opened) == 3:  # they have been listed, and none has been locked
                shop.sessions.log_in("ada", PASSWORD)
                shop.sessions.log_out(shop.sessions.log_in("bob", PASSWORD).refresh)
            return adapters.begin()

        late = Shop(cast("Adapters", Altered(adapters, begin=begin)))
        assert late.retention.delete(SYSTEM, overdue) == 0
        assert shop.accounts.me(ada).username == "ada"
        assert shop.accounts.me(bob.actor).username == "bob"

    def test_more_accounts_than_fit_on_a_page_are_all_found(
        self, shop: Shop, clock: MovableClock, fixtures: Fixtures
    ) -> None:
        for number in range(205):
            fixtures.account(f"user{number}")
        clock.move(2 * AGES.accounts)
        fixtures.account("new")
        overdue = _of(shop, Kept.ACCOUNTS)
        assert (overdue.count, shop.retention.delete(SYSTEM, overdue)) == (205, 205)
        assert [each.username for each in shop.accounts.accounts(SYSTEM, AccountQuery(), OffsetRequest()).items] == [
            "new"
        ]

    # ---- words

    def test_words_go_by_their_own_age_and_the_timeline_stays(
        self, shop: Shop, clock: MovableClock, ada: Actor, lamp: Product
    ) -> None:
        def cancelled(reason: str) -> UUID:
            order = shop.orders.place(request(ada, (lamp, 1)))
            shop.orders.cancel(ada, order.id, reason=reason, key=IdempotencyKey(f"cancel {reason}"))
            return order.id

        old, happened_at = cancelled("call me at 555-0100"), clock()
        clock.move(AGES.reasons)
        new = cancelled("ordered twice")
        clock.move(timedelta(seconds=1))
        overdue = _of(shop, Kept.REASONS)
        assert (overdue.count, overdue.oldest) == (1, happened_at)
        assert [shop.retention.delete(SYSTEM, overdue) for _ in range(2)] == [1, 0]
        timelines = {each: shop.orders.events(SYSTEM, each, OffsetRequest()).items for each in (old, new)}
        words = {order_id: [event.reason for event in events] for order_id, events in timelines.items()}
        assert words == {old: ["", ""], new: ["", "ordered twice"]}
        assert shop.audit() == []

    # ---- messages that were given up

    @pytest.mark.parametrize("kind", [Kept.MAILS, Kept.EVENTS])
    def test_messages_go_that_were_given_up_and_no_others(self, shop: Shop, clock: MovableClock, kind: Kept) -> None:
        queue: QueueService[Any] = shop.mails if kind is Kept.MAILS else shop.outbox

        def put(name: str) -> None:
            """Puts a message into the queue."""
            account = shop.accounts.register(Registration(name, PASSWORD, f"{name}@example.org"))
            if kind is Kept.EVENTS:
                shop.privacy.erase(SYSTEM, account.id)

        happened_at = clock()
        put("ada")
        put("bob")
        _give_up(shop, kind)
        clock.move(AGES.dead_messages)
        put("cyd")
        _give_up(shop, kind)
        old, *_ = queue.dead(SYSTEM, OffsetRequest()).items
        assert queue.requeue(SYSTEM, [old.event.id]) == 1, "it waits again, however old it is"
        clock.move(timedelta(seconds=1))
        overdue = _of(shop, kind)
        assert (overdue.count, overdue.oldest) == (1, happened_at)
        assert [shop.retention.delete(SYSTEM, overdue) for _ in range(2)] == [1, 0]
        assert len(queue.dead(SYSTEM, OffsetRequest()).items) == 1
        assert queue.waiting(SYSTEM)[0] == 1

    def test_however_many_messages_there_are_all_go(self, shop: Shop, clock: MovableClock, fixtures: Fixtures) -> None:
        kind, somebody = StockEventKind.ACCOUNT_ERASED, fixtures.new_id()
        with fixtures.begin() as uow:
            ids = [fixtures.new_id() for _ in range(DELETED_AT_ONCE_MAX + 1)]
            uow.events.add_all([StockEvent(event_id, kind, event_id, clock(), 0, somebody) for event_id in ids])
        while shop.outbox.relay(Refusing()):
            pass
        clock.move(AGES.dead_messages + timedelta(seconds=1))
        overdue = _of(shop, Kept.EVENTS)
        assert overdue.count == DELETED_AT_ONCE_MAX + 1
        assert shop.retention.delete(SYSTEM, overdue) == overdue.count
        assert shop.outbox.dead(SYSTEM, OffsetRequest()).count == 0

    # ---- who and how old

    def test_an_admin_deletes_after_a_recent_login_only(self, shop: Shop, clock: MovableClock, ada: Actor) -> None:
        shop.accounts.register(Registration("boss", PASSWORD), actor=SYSTEM, role=Role.ADMIN)
        clock.move(2 * AGES.accounts)
        overdue = _of(shop, Kept.ACCOUNTS)
        boss = shop.sessions.authenticate(shop.sessions.log_in("boss", PASSWORD).access)
        clock.move(RECENT_LOGIN + timedelta(seconds=1))
        with pytest.raises(LoginTooOld):
            shop.retention.delete(boss, overdue)
        assert shop.accounts.me(ada).username == "ada"
        boss = shop.sessions.authenticate(shop.sessions.log_in("boss", PASSWORD).access)
        assert shop.retention.delete(boss, overdue) == 1

    def test_only_admins_and_no_age_is_so_short_that_somebody_is_still_logged_in(self, shop: Shop, ada: Actor) -> None:
        clerk = Actor(ada.id, Role.STAFF)
        (*_, overdue) = shop.retention.overdue(SYSTEM, RetentionAges())
        for ask in (
            lambda: shop.retention.overdue(clerk, AGES),
            lambda: shop.retention.delete(clerk, overdue),
        ):
            with pytest.raises(Forbidden):
                ask()
        with pytest.raises(Invalid) as refused:
            RetentionAges(accounts=179 * DAY, reasons=36_501 * DAY, dead_messages=timedelta(0))
        assert {fault.field for fault in refused.value.faults} == {"accounts", "reasons", "dead_messages"}


def _of(shop: Shop, kind: Kept) -> Overdue:
    """What of that kind is kept for too long."""
    (found,) = (overdue for overdue in shop.retention.overdue(SYSTEM, AGES) if overdue.kind is kind)
    return found


def _give_up(shop: Shop, kind: Kept) -> None:
    """Try to deliver what waits, once, to somebody who refuses."""
    if kind is Kept.MAILS:
        shop.mails.send(Refusing())
    else:
        shop.outbox.relay(Refusing())
