"""The contract of keys on changes: whatever is changed with a key is changed once, however often it is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from shop_core.accounts.model import SYSTEM, Account, AccountStatusChange, Actor, ProfileChange, Role
from shop_core.accounts.service import Registration
from shop_core.catalog.model import Category, CategoryChanges, Product, ProductChanges, ProductDetails
from shop_core.errors import IllegalStep, InsufficientStock, Invalid, KeyReused, SessionNotFound, UsernameTaken
from shop_core.idempotency import NO_RESULT, IdempotencyKey, KeyClaim, fingerprint
from shop_core.inventory.model import LineRequest, StockLevel
from shop_core.orders.model import Order
from shop_core.pricing.benefits import OrderPercent
from shop_core.pricing.model import PromotionDetails
from shop_core.reservations.model import Reservation
from shop_core.shop import Shop
from shop_testing.concurrency import together
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures, request, to_hold

PASSWORD = "numbers are music"
ADA = Registration("ada", PASSWORD, "ada@example.org")
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Subjects:
    """What is changed, and by whom."""

    shop: Shop
    fixtures: Fixtures
    boss: Actor
    bob: Account
    ada: Actor
    lamp: Product
    unsold: Product
    desk: Category
    held: Reservation
    order: Order
    confirmed: Order
    shipped: Order

    def details(self, name: str = "Chair") -> ProductDetails:
        """Of a product that is not there yet."""
        return ProductDetails("CHAIR-1", name, self.fixtures.money(500))

    def lines(self, units: int) -> list[LineRequest]:
        """So many lamps."""
        return [LineRequest(self.lamp.id, units)]


Change = Callable[[Subjects, Any, IdempotencyKey | None], object]
"""Changes something; the second argument tells one request from another."""

CHANGES: dict[str, tuple[Change, Any, Any]] = {
    "receive": (lambda s, units, key: s.shop.inventory.receive(s.boss, s.lamp.id, units, "note", key=key), 5, 6),
    "adjust": (lambda s, units, key: s.shop.inventory.adjust(s.boss, s.lamp.id, units, "found", key=key), 5, -5),
    "count": (lambda s, units, key: s.shop.inventory.count(s.boss, s.lamp.id, units, "list A", key=key), 5, 6),
    "edit": (lambda s, units, key: s.shop.orders.edit(s.ada, s.order.id, s.lines(units), {1}, key=key), 5, 6),
    "cancel": (lambda s, id_, key: s.shop.orders.cancel(s.ada, getattr(s, id_).id, {1}, key=key), "order", "shipped"),
    "delete": (lambda s, id_, key: s.shop.orders.delete(s.ada, getattr(s, id_).id, {1}, key=key), "order", "shipped"),
    "confirm": (lambda s, id_, key: s.shop.orders.confirm(s.boss, getattr(s, id_).id, key=key), "order", "shipped"),
    "ship": (lambda s, id_, key: s.shop.orders.ship(s.boss, getattr(s, id_).id, key=key), "confirmed", "order"),
    "deliver": (lambda s, id_, key: s.shop.orders.deliver(s.boss, getattr(s, id_).id, key=key), "shipped", "order"),
    "extend": (
        lambda s, minutes, key: s.shop.reservations.extend(s.ada, s.held.id, minutes * MINUTE, key=key),
        *(30, 40),
    ),
    "create product": (
        lambda s, name, key: s.shop.catalog.create_product(s.boss, s.details(name), key=key),
        *("Chair", "Table"),
    ),
    "replace product": (
        lambda s, name, key: s.shop.catalog.replace_product(s.boss, s.lamp.id, s.details(name), {1}, key=key),
        *("Chair", "Table"),
    ),
    "edit product": (
        lambda s, name, key: s.shop.catalog.edit_product(s.boss, s.lamp.id, ProductChanges(name=name), {1}, key=key),
        *("Chair", "Table"),
    ),
    "create category": (
        lambda s, name, key: s.shop.catalog.create_category(s.boss, name, "chairs", key=key),
        *("Chairs", "Seats"),
    ),
    "create family": (
        lambda s, name, key: s.shop.families.create(s.boss, name, ["size"], key=key),
        *("Shirt", "Trousers"),
    ),
    "edit category": (
        lambda s, name, key: s.shop.catalog.edit_category(s.boss, s.desk.id, CategoryChanges(name=name), key=key),
        *("Tables", "Seats"),
    ),
    "edit me": (
        lambda s, name, key: s.shop.accounts.edit_me(s.boss, ProfileChange(first_name=name), key=key),
        *("Grace", "Ada"),
    ),
    "assign": (
        lambda s, role, key: s.shop.accounts.assign(s.boss, s.bob.id, AccountStatusChange(role), key=key),
        *(Role.STAFF, Role.ADMIN),
    ),
}
REMOVALS: dict[str, Callable[[Subjects, IdempotencyKey | None], object]] = {
    "category": lambda s, key: s.shop.catalog.remove_category(s.boss, s.desk.id, key=key),
    "product": lambda s, key: s.shop.catalog.remove_product(s.boss, s.unsold.id, key=key),
    "archived product": lambda s, key: s.shop.catalog.remove_product(s.boss, s.lamp.id, {1}, key=key),
    "reservation": lambda s, key: s.shop.reservations.release(s.ada, s.held.id, key=key),
}
TEXTS: dict[str, Callable[[Subjects, str, IdempotencyKey | None], object]] = {
    "receive": lambda s, text, key: s.shop.inventory.receive(s.boss, s.lamp.id, 1, text, key=key),
    "adjust": lambda s, text, key: s.shop.inventory.adjust(s.boss, s.lamp.id, 1, text, key=key),
    "count": lambda s, text, key: s.shop.inventory.count(s.boss, s.lamp.id, 1, text, key=key),
    "cancel": lambda s, text, key: s.shop.orders.cancel(s.ada, s.order.id, {1}, reason=text, key=key),
    "create product": lambda s, text, key: s.shop.catalog.create_product(s.boss, s.details(text), key=key),
    "edit product": lambda s, text, key: s.shop.catalog.edit_product(
        s.boss, s.lamp.id, ProductChanges(description=text), key=key
    ),
    "create category": lambda s, text, key: s.shop.catalog.create_category(s.boss, text, key=key),
    "slug of a category": lambda s, text, key: s.shop.catalog.create_category(s.boss, "Cafe", text, key=key),
    "edit category": lambda s, text, key: s.shop.catalog.edit_category(
        s.boss, s.desk.id, CategoryChanges(name=text), key=key
    ),
    "create family": lambda s, text, key: s.shop.families.create(s.boss, text, ["size"], key=key),
    "option of a family": lambda s, text, key: s.shop.families.create(s.boss, "Shirt", [text], key=key),
    "edit family": lambda s, text, key: s.shop.families.edit(
        s.boss, s.shop.families.create(s.boss, "Shirt").id, text, key=key
    ),
    "edit me": lambda s, text, key: s.shop.accounts.edit_me(s.boss, ProfileChange(first_name=text), key=key),
}
"""What takes a text."""
CREATIONS: dict[str, tuple[Callable[[Subjects, IdempotencyKey], Any], Callable[[Subjects, Any], object]]] = {
    "category": (
        lambda s, key: s.shop.catalog.create_category(s.boss, "Chairs", key=key),
        lambda s, made: s.shop.catalog.remove_category(s.boss, made.category.id),
    ),
    "family": (
        lambda s, key: s.shop.families.create(s.boss, "Chair", key=key),
        lambda s, made: s.shop.families.remove(s.boss, made.id),
    ),
    "product": (
        lambda s, key: s.shop.catalog.create_product(s.boss, s.details(), key=key),
        lambda s, made: s.shop.catalog.remove_product(s.boss, made.product.id),
    ),
}
"""How something is created, and removed again."""


class KeyedChangesContract(Contract):
    """Keys of everything that changes something and neither places nor reserves."""

    moves_time = True

    @pytest.fixture
    def subjects(self, shop: Shop, fixtures: Fixtures) -> Subjects:
        """Something of everything."""
        shop.accounts.register(Registration("boss", PASSWORD), actor=SYSTEM, role=Role.ADMIN)
        boss = shop.sessions.authenticate(shop.sessions.log_in("boss", PASSWORD).access)
        bob = shop.accounts.register(Registration("bob", PASSWORD))
        lamp, ada = fixtures.product("Lamp", units=50), fixtures.customer()
        orders = [shop.orders.place(request(ada, (lamp, 1))) for _ in range(3)]
        for order in orders[1:]:
            shop.orders.confirm(boss, order.id)
        shop.orders.ship(boss, orders[2].id)
        held = shop.reservations.reserve(to_hold(ada, (lamp, 1)))
        unsold, desks = fixtures.product("Never sold"), fixtures.category("desks")
        return Subjects(shop, fixtures, boss, bob, ada, lamp, unsold, desks, held, *orders)

    @pytest.mark.parametrize("what", CHANGES)
    def test_a_change_that_is_sent_again_with_its_key_happens_once(self, subjects: Subjects, what: str) -> None:
        change, asked, other = CHANGES[what]
        first, again, reused = (IdempotencyKey("k") for _ in range(3))
        done = change(subjects, asked, first)
        assert (change(subjects, asked, again), first.is_replay, again.is_replay) == (done, False, True)
        with pytest.raises(KeyReused):
            change(subjects, other, reused)
        assert not reused.is_replay
        assert subjects.shop.audit() == []

    @pytest.mark.parametrize("what", REMOVALS)
    def test_what_is_removed_can_be_removed_again_with_the_same_key(self, subjects: Subjects, what: str) -> None:
        first, again = IdempotencyKey("k"), IdempotencyKey("k")
        for key in (first, again):
            REMOVALS[what](subjects, key)
        assert (first.is_replay, again.is_replay) == (False, True)
        assert subjects.shop.audit() == []

    def test_a_replay_shows_what_was_changed_as_it_is_by_then(self, subjects: Subjects) -> None:
        shop, boss, lamp = subjects.shop, subjects.boss, subjects.lamp
        shop.inventory.receive(boss, lamp.id, 5, key=IdempotencyKey("k"))
        level = shop.inventory.receive(boss, lamp.id, 7)
        assert shop.inventory.receive(boss, lamp.id, 5, key=IdempotencyKey("k")) == level
        assert level.on_hand == 50 - 1 + 12

    def test_a_category_that_is_created_again_with_its_key_is_not_another_one_of_that_name(
        self, subjects: Subjects
    ) -> None:
        catalog, boss = subjects.shop.catalog, subjects.boss
        first, second = (catalog.create_category(boss, "Lamps", key=IdempotencyKey(key)) for key in "ab")
        assert (first.category.slug, second.category.slug) == ("lamps", "lamps-2")
        assert catalog.create_category(boss, "Lamps", key=IdempotencyKey("b")) == second
        renamed = catalog.edit_category(boss, first.category.id, CategoryChanges("Lights", "lights"))
        assert catalog.create_category(boss, "Lamps", key=IdempotencyKey("a")) == renamed
        assert subjects.shop.audit() == []

    def test_a_family_that_is_created_again_with_its_key_is_itself_also_by_another_name(
        self, subjects: Subjects
    ) -> None:
        families, boss = subjects.shop.families, subjects.boss
        first, second = (families.create(boss, "Shirt", key=IdempotencyKey(key)) for key in "ab")
        renamed = families.edit(boss, first.id, "T-shirt")
        assert families.create(boss, "Shirt", key=IdempotencyKey("a")) == renamed
        assert families.create(boss, "Shirt", key=IdempotencyKey("b")) == second
        assert subjects.shop.audit() == []

    def test_coupons_that_are_made_again_with_their_key_are_those_and_no_others_of_the_same_moment(
        self, subjects: Subjects
    ) -> None:
        prices, boss = subjects.shop.prices, subjects.boss
        details = PromotionDetails("Sale", OrderPercent(1000), needs_coupon=True)
        offer = prices.create_promotion(boss, details).promotion.id
        made = {key: prices.create_coupons(boss, offer, count=3, key=IdempotencyKey(key)) for key in "abc"}
        assert made == {key: prices.create_coupons(boss, offer, count=3, key=IdempotencyKey(key)) for key in "abc"}

    def test_a_product_that_is_created_again_with_its_key_is_itself_also_by_another_sku(
        self, subjects: Subjects
    ) -> None:
        catalog, boss, details = subjects.shop.catalog, subjects.boss, subjects.details()
        first = catalog.create_product(boss, details, key=IdempotencyKey("k"))
        edited = catalog.edit_product(boss, first.product.id, ProductChanges(sku="CHAIR-2"))
        catalog.create_product(boss, details)
        assert catalog.create_product(boss, details, key=IdempotencyKey("k")) == edited
        assert subjects.shop.audit() == []

    @pytest.mark.parametrize("what", CREATIONS)
    def test_what_was_created_with_a_key_and_is_gone_is_not_created_again(self, subjects: Subjects, what: str) -> None:
        create, remove = CREATIONS[what]
        remove(subjects, create(subjects, IdempotencyKey("k")))
        with pytest.raises(KeyReused):
            create(subjects, IdempotencyKey("k"))
        assert subjects.shop.audit() == []

    def test_a_key_from_before_ids_were_kept_creates_nothing(self, subjects: Subjects) -> None:
        asked = fingerprint("create family", "Chair", "")
        with subjects.fixtures.begin() as uow:
            uow.keys.claim([KeyClaim(subjects.boss.account_id, "k", asked, NO_RESULT)])
        with pytest.raises(KeyReused):
            subjects.shop.families.create(subjects.boss, "Chair", key=IdempotencyKey("k"))

    def test_a_refused_change_leaves_its_key_free(self, subjects: Subjects) -> None:
        shop, ada, order = subjects.shop, subjects.ada, subjects.order
        with pytest.raises(InsufficientStock):
            shop.orders.edit(ada, order.id, subjects.lines(500), key=IdempotencyKey("k"))
        with pytest.raises(IllegalStep):
            shop.orders.cancel(ada, subjects.shipped.id, key=IdempotencyKey("k"))
        key = IdempotencyKey("k")
        assert shop.orders.edit(ada, order.id, subjects.lines(2), key=key).version == 2
        assert not key.is_replay

    @pytest.mark.parametrize("what", TEXTS)
    def test_half_a_character_is_refused_with_a_key_and_without(self, subjects: Subjects, what: str) -> None:
        for key in (None, IdempotencyKey("k")):
            with pytest.raises(Invalid):
                TEXTS[what](subjects, "\ud800", key)
        subjects.shop.orders.cancel(subjects.boss, subjects.order.id, key=IdempotencyKey("k"))

    def test_the_key_of_an_order_is_not_one_of_a_change_and_others_have_their_own(self, subjects: Subjects) -> None:
        shop, ada, lamp = subjects.shop, subjects.ada, subjects.lamp
        shop.orders.place(request(ada, (lamp, 1), key="k"))
        with pytest.raises(KeyReused):
            shop.orders.cancel(ada, subjects.order.id, key=IdempotencyKey("k"))
        shop.orders.cancel(ada, subjects.order.id, key=IdempotencyKey("l"))
        with pytest.raises(KeyReused):
            shop.orders.cancel(ada, subjects.order.id, reason="another one", key=IdempotencyKey("l"))
        with pytest.raises(KeyReused):
            shop.orders.place(request(ada, (lamp, 1), key="l"))
        key = IdempotencyKey("l")
        shop.orders.cancel(subjects.boss, subjects.order.id, key=key)
        assert not key.is_replay

    @pytest.mark.parametrize("text", ["", "x" * 256, "naïve", "tab\t"])
    def test_what_is_no_key_is_refused(self, text: str) -> None:
        with pytest.raises(Invalid):
            IdempotencyKey(text)

    def test_the_same_change_at_the_same_moment_happens_once(self, subjects: Subjects, contended: Shop) -> None:
        for number in range(4):
            keys = [IdempotencyKey(f"k{number}") for _ in range(3)]
            receive = partial(contended.inventory.receive, subjects.boss, subjects.lamp.id, 5)
            levels = together(*[partial(receive, key=key) for key in keys])
            assert all(isinstance(level, StockLevel) for level in levels)
            assert Counter(key.is_replay for key in keys) == {False: 1, True: 2}
            assert subjects.fixtures.level(subjects.lamp.id).on_hand == 49 + 5 * (number + 1)

    # ---- registrations, which nobody is logged in for

    def test_a_registration_that_is_sent_again_with_its_key_is_one_account(self, shop: Shop) -> None:
        first, again = IdempotencyKey("k"), IdempotencyKey("k")
        ada = shop.accounts.register(ADA, key=first)
        renamed = shop.accounts.edit_me(ada.actor, ProfileChange(first_name="Ada"))
        assert shop.accounts.register(ADA, key=again) == renamed
        assert (first.is_replay, again.is_replay) == (False, True)
        assert shop.audit() == []

    @pytest.mark.parametrize(
        ("registration", "text"),
        [
            (Registration("ada", "guessed it?", "ada@example.org"), "k"),
            (Registration("ada", PASSWORD, "other@example.org"), "k"),
            (ADA, "l"),
            (ADA, None),
            (ADA, "used for an order"),
        ],
    )
    def test_who_has_not_both_key_and_password_learns_nothing_of_an_account(
        self, shop: Shop, fixtures: Fixtures, registration: Registration, text: str | None
    ) -> None:
        ada = shop.accounts.register(ADA, key=IdempotencyKey("k"))
        shop.orders.place(request(ada.actor, (fixtures.product(units=1), 1), key="used for an order"))
        key = None if text is None else IdempotencyKey(text)
        with pytest.raises(UsernameTaken):
            shop.accounts.register(registration, key=key)
        assert key is None or not key.is_replay
        assert shop.accounts.register(ADA, key=IdempotencyKey("k")) == ada, "the key was not touched"

    def test_twins_of_a_registration_at_the_same_moment_are_one_account(self, contended: Shop) -> None:
        keys = [IdempotencyKey("k") for _ in range(3)]
        accounts = together(*[partial(contended.accounts.register, ADA, key=key) for key in keys])
        assert all(isinstance(account, Account) and account == accounts[0] for account in accounts)
        assert Counter(key.is_replay for key in keys) == {False: 1, True: 2}

    # ---- sessions

    def test_a_session_that_has_ended_can_be_ended_again_by_its_owner_only(self, subjects: Subjects) -> None:
        sessions = subjects.shop.sessions
        phone, laptop = (sessions.authenticate(sessions.log_in("bob", PASSWORD).access) for _ in range(2))
        assert laptop.session
        for key in (IdempotencyKey("k"), IdempotencyKey("k"), None):
            sessions.end(phone, laptop.session, key=key)
        boss = sessions.authenticate(sessions.log_in("boss", PASSWORD).access)
        with pytest.raises(SessionNotFound):
            sessions.end(boss, laptop.session)
