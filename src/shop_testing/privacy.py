"""The contract of leaving: what a person gets to see of themselves, and what is left of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from shop_core.accounts.model import SYSTEM, AccountStatusChange, Actor, ProfileChange, Role
from shop_core.accounts.service import Registration
from shop_core.accounts.sessions import RECENT_LOGIN
from shop_core.catalog.model import Product
from shop_core.errors import (
    AccountNotFound,
    Forbidden,
    InvalidCursor,
    InvalidToken,
    KeyReused,
    LastAdmin,
    LoginTooOld,
    OrderNotFound,
    OrdersOpen,
    TooManyAttempts,
    WrongCredentials,
    WrongPassword,
)
from shop_core.idempotency import IdempotencyKey
from shop_core.orders.model import OrderStatus
from shop_core.pagination import OffsetRequest
from shop_core.ports import Adapters
from shop_core.privacy import PersonalData
from shop_core.reservations.model import ReservationState
from shop_core.shop import Shop
from shop_testing.concurrency import together
from shop_testing.contract import Contract
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Fixtures, request, to_hold

PASSWORD = "numbers are music"


class PrivacyContract(Contract):
    """The person goes, the books stay."""

    moves_time = True
    units = 99

    @pytest.fixture
    def access(self, shop: Shop) -> str:
        """An access token of Ada."""
        shop.accounts.register(Registration("ada", PASSWORD, "ada@example.org", "Ada", "Lovelace"))
        return shop.sessions.log_in("ada", PASSWORD, device_name="Ada's phone").access

    @pytest.fixture
    def ada(self, shop: Shop, access: str) -> Actor:
        """A registered customer, logged in."""
        return shop.sessions.authenticate(access)

    @pytest.fixture
    def boss(self, shop: Shop) -> Actor:
        """The only admin, just logged in."""
        shop.accounts.register(Registration("boss", PASSWORD), actor=SYSTEM, role=Role.ADMIN)
        return shop.sessions.authenticate(shop.sessions.log_in("boss", PASSWORD).access)

    # ---- leaving

    def test_the_person_goes_and_the_books_stay(
        self, fixtures: Fixtures, shop: Shop, adapters: Adapters, ada: Actor, access: str, lamp: Product
    ) -> None:
        order = shop.orders.place(request(ada, (lamp, 2), key="order"))
        shop.orders.cancel(ada, order.id, reason="I am Ada", key=IdempotencyKey("cancel"))
        held = shop.reservations.reserve(to_hold(ada, (lamp, 3)))
        elsewhere = Shop(adapters)
        shop.privacy.erase_me(ada, PASSWORD, key=IdempotencyKey("leave"))
        elsewhere.sessions.refresh_revocations()
        for process in (shop, elsewhere):
            with pytest.raises(InvalidToken):
                process.sessions.authenticate(access)
        with pytest.raises(WrongCredentials):
            shop.sessions.log_in("ada", PASSWORD)
        with pytest.raises(AccountNotFound):
            shop.accounts.account(SYSTEM, ada.account_id)
        assert shop.orders.get(SYSTEM, order.id).customer_id == ada.id
        assert shop.reservations.get(SYSTEM, held.id).state is ReservationState.RELEASED
        assert fixtures.level(lamp.id).available == self.units
        with fixtures.begin() as uow:
            messages = uow.outbox.take(uow.now(), 1_000, timedelta(0))
        events = [*shop.orders.events(SYSTEM, order.id, OffsetRequest()).items, *(each.event for each in messages)]
        assert not [event for event in events if getattr(event, "reason", "")]
        assert [event.customer_id for event in events if event.type == "account.erased"] == [ada.id]
        assert shop.audit() == []

    def test_the_username_is_free_again_and_whoever_takes_it_sees_nothing_of_the_one_before(
        self, shop: Shop, ada: Actor, lamp: Product
    ) -> None:
        order = shop.orders.place(request(ada, (lamp, 2), key="order"))
        shop.orders.cancel(ada, order.id)
        shop.privacy.erase_me(ada, PASSWORD)
        after = shop.accounts.register(Registration("Ada", PASSWORD)).actor
        assert after.id != ada.id
        assert shop.privacy.my_data(after).orders == ()
        with pytest.raises(OrderNotFound):
            shop.orders.get(after, order.id)

    def test_nobody_leaves_with_orders_that_are_not_shipped(self, shop: Shop, ada: Actor, lamp: Product) -> None:
        placed, confirmed, shipped = (shop.orders.place(request(ada, (lamp, 1))) for _ in range(3))
        shop.orders.confirm(SYSTEM, confirmed.id)
        shop.orders.confirm(SYSTEM, shipped.id)
        shop.orders.ship(SYSTEM, shipped.id)
        with pytest.raises(OrdersOpen) as refused:
            shop.privacy.erase_me(ada, PASSWORD)
        assert set(refused.value.numbers) == {placed.number, confirmed.number}
        assert shop.accounts.me(ada).username == "ada"
        for order in (placed, confirmed):
            shop.orders.cancel(ada, order.id)
        shop.privacy.erase_me(ada, PASSWORD)
        assert shop.orders.deliver(SYSTEM, shipped.id).status is OrderStatus.DELIVERED

    def test_the_password_is_asked_again_and_guesses_are_counted(self, shop: Shop, ada: Actor) -> None:
        for _ in range(10):
            with pytest.raises(WrongPassword):
                shop.privacy.erase_me(ada, "not hers")
        with pytest.raises(TooManyAttempts):
            shop.privacy.erase_me(ada, PASSWORD)
        assert shop.accounts.me(ada).username == "ada"

    def test_to_erase_again_changes_nothing_and_a_token_shows_that_its_account_is_gone(
        self, shop: Shop, ada: Actor, access: str
    ) -> None:
        shop.accounts.edit_me(ada, ProfileChange("Countess"), key=IdempotencyKey("edit"))
        with pytest.raises(KeyReused):
            shop.privacy.erase_me(ada, PASSWORD, key=IdempotencyKey("edit"))
        assert not shop.privacy.is_erased(access)
        for _ in range(2):
            shop.privacy.erase_me(ada, PASSWORD, key=IdempotencyKey("leave"))
        assert shop.privacy.is_erased(access)
        with pytest.raises(InvalidToken):
            shop.privacy.is_erased("nonsense")

    def test_of_two_erasures_at_the_same_moment_one_erases(
        self, shop: Shop, ada: Actor, contended: Shop, fixtures: Fixtures
    ) -> None:
        assert together(*[lambda: contended.privacy.erase_me(ada, PASSWORD)] * 2) == [None, None]
        with fixtures.begin() as uow:
            messages = uow.outbox.take(uow.now(), 1_000, timedelta(0))
        assert [message.event.type for message in messages] == ["account.erased"]

    # ---- by an admin

    def test_admins_change_and_erase_others_after_a_recent_login_and_the_last_one_stays(
        self, shop: Shop, clock: MovableClock, ada: Actor, boss: Actor
    ) -> None:
        out = AccountStatusChange(active=False)
        asks: list[Callable[[Actor, UUID], object]] = [shop.privacy.data, shop.privacy.erase, shop.accounts.offer_reset]
        asks.append(lambda who, account_id: shop.accounts.assign(who, account_id, out))
        for who in (ada, Actor(ada.id, Role.STAFF)):
            for ask in asks:
                with pytest.raises(Forbidden):
                    ask(who, ada.account_id)
        with pytest.raises(LastAdmin):
            shop.privacy.erase(boss, boss.account_id)
        with pytest.raises(LastAdmin):
            shop.privacy.erase_me(boss, PASSWORD)
        clock.move(RECENT_LOGIN + timedelta(seconds=1))
        for ask in asks:
            with pytest.raises(LoginTooOld):
                ask(boss, ada.account_id)
        boss = shop.sessions.authenticate(shop.sessions.log_in("boss", PASSWORD).access)
        for is_replay in (False, True):
            key = IdempotencyKey("leave")
            shop.privacy.erase(boss, ada.account_id, key=key)
            assert key.is_replay is is_replay
        with pytest.raises(AccountNotFound):
            shop.privacy.erase(boss, ada.account_id)
        with pytest.raises(AccountNotFound):
            shop.privacy.data(SYSTEM, ada.account_id)

    # ---- what is stored

    def test_a_person_gets_all_that_is_stored_about_them_page_by_page(
        self, fixtures: Fixtures, shop: Shop, ada: Actor, lamp: Product
    ) -> None:
        orders = [shop.orders.place(request(ada, (lamp, 1))) for _ in range(21)]
        shop.orders.delete(ada, orders[0].id)
        shop.orders.cancel(ada, orders[1].id, reason="Ordered twice")
        held = [shop.reservations.reserve(to_hold(ada, (lamp, 1))) for _ in range(2)]
        shop.orders.place(request(fixtures.customer(), (lamp, 1)))
        pages: list[PersonalData] = [shop.privacy.my_data(ada)]
        while cursor := pages[-1].cursor:
            pages.append(shop.privacy.my_data(ada, cursor))
        assert [len(page.orders) for page in pages] == [20, 1]
        records = [record for page in pages for record in page.orders]
        assert [record.order.id for record in records] == [order.id for order in reversed(orders)]
        assert records[-1].order.deleted_at is not None
        assert [event.reason for event in records[-2].events] == ["", "Ordered twice"]
        assert [each.id for page in pages for each in page.reservations] == [held[1].id, held[0].id]
        assert pages[0].account == shop.accounts.me(ada)
        assert [session.device_name for session in pages[1].sessions] == ["Ada's phone"]
        for cursor in ("x", "-~-~-", "x~-", "~x"):
            with pytest.raises(InvalidCursor):
                shop.privacy.my_data(ada, cursor)
