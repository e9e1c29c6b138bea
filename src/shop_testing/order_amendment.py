"""The contract of changing orders, through `OrderService`: edits, deletion, versions, and what the timeline tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from shop_core.accounts.model import SYSTEM, Actor, Role
from shop_core.catalog.model import Product
from shop_core.errors import (
    IllegalStep,
    InsufficientStock,
    Invalid,
    NotTheOwner,
    OrderNotFound,
    Refusal,
    Shortage,
    Stale,
    TotalChanged,
    UnknownProducts,
)
from shop_core.events import OrderEvent, OrderEventKind
from shop_core.idempotency import Result
from shop_core.inventory.model import LineRequest, MovementKind, StockLevel
from shop_core.orders.model import Order, OrderQuery, OrderStatus
from shop_core.pagination import CursorRequest, OffsetRequest
from shop_core.shop import Shop
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures, request


class OrderAmendmentContract(Contract):
    """Editing and deleting orders, one thing after the other."""

    units = 10

    @pytest.fixture
    def order(self, shop: Shop, ada: Actor, lamp: Product, chair: Product) -> Order:
        """Ada's: three lamps, two chairs."""
        return shop.orders.place(request(ada, (lamp, 3), (chair, 2)))

    # ---- edit

    def test_only_the_difference_is_taken_or_given_back(
        self, fixtures: Fixtures, shop: Shop, ada: Actor, lamp: Product, chair: Product, order: Order
    ) -> None:
        table = fixtures.product("Table", units=1, price=99_00)
        edited = shop.orders.edit(ada, order.id, lines((table, 1), (lamp, 5)))

        assert shop.orders.get(ada, order.id) == edited
        assert (edited.version, edited.status, edited.number) == (2, OrderStatus.PLACED, order.number)
        assert [(line.name, line.quantity) for line in edited.lines] == [("Table", 1), ("Lamp", 5)]
        assert edited.total.minor == 99_00 + 5 * 12_50
        moved = {
            product.name: [(m.kind, m.quantity) for m in fixtures.ledger(product.id)[1:]]
            for product in (lamp, chair, table)
        }
        assert moved == {
            "Lamp": [(MovementKind.ALLOCATED, 3), (MovementKind.ALLOCATED, 2)],
            "Chair": [(MovementKind.ALLOCATED, 2), (MovementKind.DEALLOCATED, 2)],
            "Table": [(MovementKind.ALLOCATED, 1)],
        }
        assert fixtures.ledger(chair.id)[-1].actor_id == ada.id
        assert shop.audit() == []

    def test_what_the_order_has_already_need_not_be_free(self, fixtures: Fixtures, shop: Shop, ada: Actor) -> None:
        lamp = fixtures.product("Lamp", units=3)
        order = shop.orders.place(request(ada, (lamp, 2)))
        assert shop.orders.edit(ada, order.id, lines((lamp, 3))).units == {lamp.id: 3}
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=3, allocated=3)

    def test_every_short_line_is_named_with_what_the_order_could_have_and_nothing_is_changed(
        self, fixtures: Fixtures, shop: Shop, ada: Actor, lamp: Product, chair: Product, order: Order
    ) -> None:
        none = fixtures.product("Table")
        with pytest.raises(InsufficientStock) as refused:
            shop.orders.edit(ada, order.id, lines((lamp, 11), (none, 1), (chair, 1)))
        assert refused.value.shortages == (Shortage(lamp.id, 11, 10), Shortage(none.id, 1, 0))
        self._check_unchanged(fixtures, shop, ada, order, lamp, chair)

    def test_what_is_not_more_than_before_keeps_its_name_and_price_and_all_else_is_agreed_anew(
        self, fixtures: Fixtures, shop: Shop, ada: Actor, lamp: Product, chair: Product
    ) -> None:
        table = fixtures.product("Table", units=10, price=99_00)
        order = shop.orders.place(request(ada, (lamp, 3), (chair, 2), (table, 2)))
        for product in (lamp, chair, table):
            _dearer(fixtures, product)
        edited = shop.orders.edit(ada, order.id, lines((lamp, 3), (chair, 1), (table, 3)))
        assert [(line.name, line.unit_price.minor, line.quantity) for line in edited.lines] == [
            ("Lamp", 12_50, 3),
            ("Chair", 40_00, 1),
            ("Dear Table", 199_00, 3),
        ]
        assert edited.total.minor == 3 * 12_50 + 40_00 + 3 * 199_00

    def test_an_edit_to_another_total_than_the_expected_one_changes_nothing(
        self, fixtures: Fixtures, shop: Shop, ada: Actor, lamp: Product, chair: Product, order: Order
    ) -> None:
        """More of a line prices all its units anew; whoever saw the old price does not agree unseen."""
        _dearer(fixtures, lamp)
        shown, four = fixtures.money(4 * 12_50 + 2 * 40_00), lines((lamp, 4), (chair, 2))
        with pytest.raises(TotalChanged) as refused:
            shop.orders.edit(ada, order.id, four, expected_total=shown)
        total = fixtures.money(4 * 112_50 + 2 * 40_00)
        assert (refused.value.expected, refused.value.total) == (str(shown), str(total))
        self._check_unchanged(fixtures, shop, ada, order, lamp, chair)
        with pytest.raises(TotalChanged):
            shop.orders.edit(ada, order.id, lines((lamp, 3), (chair, 2)), expected_total=shown)
        assert shop.orders.edit(ada, order.id, four, expected_total=total).total == total

    def test_an_archived_product_may_stay_or_shrink_but_not_grow_or_come_back(
        self, fixtures: Fixtures, shop: Shop, ada: Actor, lamp: Product, chair: Product, order: Order
    ) -> None:
        fixtures.archive(lamp)
        kept = shop.orders.edit(ada, order.id, lines((lamp, 2), (chair, 3)))
        assert kept.units == {lamp.id: 2, chair.id: 3}
        with pytest.raises(UnknownProducts, match=r"lines\.1\.product_id.*at most") as refused:
            shop.orders.edit(ada, order.id, lines((chair, 1), (lamp, 3)))
        assert refused.value.product_ids == (lamp.id,)
        shop.orders.edit(ada, order.id, lines((chair, 1)))
        with pytest.raises(UnknownProducts):
            shop.orders.edit(ada, order.id, lines((chair, 1), (lamp, 1)))
        assert fixtures.level(lamp.id).allocated == 0
        assert shop.audit() == []

    @pytest.mark.parametrize("quantities", [[(0, 3), (1, 2)], [(1, 2), (0, 3)], [(0, 1), (1, 2), (0, 2)]])
    def test_an_edit_that_changes_nothing_writes_nothing(
        self,
        fixtures: Fixtures,
        shop: Shop,
        ada: Actor,
        lamp: Product,
        chair: Product,
        order: Order,
        quantities: list[tuple[int, int]],
    ) -> None:
        _dearer(fixtures, lamp)
        requested = [((lamp, chair)[index], units) for index, units in quantities]
        assert shop.orders.edit(ada, order.id, lines(*requested)) == order
        self._check_unchanged(fixtures, shop, ada, order, lamp, chair)

    def test_an_order_of_two_thousand_lines_can_be_edited(self, fixtures: Fixtures, shop: Shop, ada: Actor) -> None:
        with fixtures.begin() as uow:
            products = [fixtures.new_product(f"Product {number}") for number in range(2_000)]
            uow.products.add_all(products)
        fixtures.apply(*(fixtures.movement(product.id, MovementKind.RECEIVED, 2) for product in products))
        order = shop.orders.place(request(ada, (products[0], 1)))
        edited = shop.orders.edit(ada, order.id, lines(*((product, 2) for product in products)))
        assert shop.orders.get(ada, order.id) == edited
        assert len(shop.orders.edit(ada, order.id, lines((products[7], 1))).lines) == 1
        assert shop.audit() == []

    @pytest.mark.parametrize(
        ("change", "steps"),
        [
            *(("edit", steps) for steps in (["confirm"], ["confirm", "ship"], ["cancel"])),
            *(("delete", steps) for steps in (["confirm", "ship"], ["confirm", "ship", "deliver"])),
            *((step, ["delete"]) for step in ("confirm", "ship", "deliver")),
        ],
    )
    def test_a_change_that_comes_too_late_is_refused(
        self, shop: Shop, ada: Actor, lamp: Product, order: Order, change: str, steps: list[str]
    ) -> None:
        for step in steps:
            order = getattr(shop.orders, step)(ada if step == "delete" else SYSTEM, order.id)
        arguments = [lines((lamp, 1))] if change == "edit" else []
        with pytest.raises(IllegalStep) as refused:
            getattr(shop.orders, change)(ada if change in ("edit", "delete") else SYSTEM, order.id, *arguments)
        assert (refused.value.step, refused.value.status) == (change, order.status)
        assert change not in refused.value.possible
        assert shop.orders.get(SYSTEM, order.id) == order

    @pytest.mark.parametrize(
        ("steps", "role", "change", "possible"),
        [
            ([], Role.STAFF, "ship", ("edit", "confirm", "cancel")),
            (["confirm"], Role.CUSTOMER, "edit", ("cancel", "delete")),
            (["confirm"], Role.STAFF, "deliver", ("ship", "cancel")),
            (["confirm", "ship"], Role.CUSTOMER, "cancel", ()),
            (["confirm", "ship"], Role.STAFF, "cancel", ("deliver",)),
            (["cancel"], Role.CUSTOMER, "edit", ("delete",)),
            (["cancel"], Role.STAFF, "edit", ()),
        ],
    )
    def test_a_refusal_names_only_steps_that_its_reader_may_take(
        self,
        fixtures: Fixtures,
        shop: Shop,
        ada: Actor,
        lamp: Product,
        order: Order,
        steps: list[str],
        role: Role,
        change: str,
        possible: tuple[str, ...],
    ) -> None:
        for step in steps:
            getattr(shop.orders, step)(SYSTEM, order.id)
        actor = ada if role is Role.CUSTOMER else Actor(fixtures.new_id(), role)
        arguments = [lines((lamp, 1))] if change == "edit" else []
        with pytest.raises(IllegalStep) as refused:
            getattr(shop.orders, change)(actor, order.id, *arguments)
        assert refused.value.possible == possible

    # ---- delete

    @pytest.mark.parametrize("steps", [[], ["confirm"], ["cancel"]])
    def test_a_deleted_order_gives_its_units_back_and_leaves_its_owners_history(
        self, fixtures: Fixtures, shop: Shop, ada: Actor, lamp: Product, order: Order, steps: list[str]
    ) -> None:
        for step in steps:
            getattr(shop.orders, step)(SYSTEM, order.id)
        other = shop.orders.place(request(ada, (lamp, 1)))
        deleted = shop.orders.delete(ada, order.id)

        assert (deleted.status, deleted.version) == (OrderStatus.CANCELLED, len(steps) + 2)
        assert deleted.deleted_at == deleted.updated_at
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=10, allocated=1)
        for look in _looks(shop, ada, order):
            with pytest.raises(OrderNotFound):
                look()
        for page in (shop.orders.mine(ada, OffsetRequest()), shop.orders.find(ada, OrderQuery(), OffsetRequest())):
            assert (page.items, page.count) == ((other,), 1)
        assert shop.orders.mine(ada, CursorRequest()).items == (other,)
        assert shop.orders.get(SYSTEM, order.id) == deleted
        assert shop.orders.find(SYSTEM, OrderQuery(customer_id=ada.id), OffsetRequest()).items == (other, deleted)
        assert timeline(shop, SYSTEM, order)[-1].kind == "deleted"
        assert shop.orders.delete(ada, order.id, {1}) == deleted, "to delete it again changes nothing"
        assert shop.orders.cancel(SYSTEM, order.id) == deleted
        assert shop.audit() == []

    def test_what_is_so_already_can_be_asked_for_again_by_whoever_knows_an_older_version(
        self, shop: Shop, ada: Actor, lamp: Product, order: Order
    ) -> None:
        """A client whose answer was lost asks again, with the version that it had."""
        edited = shop.orders.edit(ada, order.id, lines((lamp, 1)), {order.version})
        assert shop.orders.edit(ada, order.id, lines((lamp, 1)), {order.version}) == edited
        cancelled = shop.orders.cancel(ada, order.id, {edited.version})
        assert shop.orders.cancel(ada, order.id, {edited.version}) == cancelled

    def test_the_reason_of_a_cancellation_stands_in_the_timeline_and_in_the_event(
        self, fixtures: Fixtures, shop: Shop, ada: Actor, order: Order
    ) -> None:
        for wrong in ("x" * 501, "a\x00b"):
            with pytest.raises(Invalid, match="reason"):
                shop.orders.cancel(ada, order.id, reason=wrong)
        shop.orders.cancel(ada, order.id, reason=" Ordered twice ")
        shop.orders.cancel(ada, order.id, reason="To cancel it again changes nothing")
        assert [event.reason for event in timeline(shop, ada, order)] == ["", "Ordered twice"]
        with fixtures.begin() as uow:
            messages = uow.outbox.take(uow.now(), 1_000, timedelta(0))
        events = [message.event for message in messages if message.event.subject_id == order.id]
        assert events == list(timeline(shop, ada, order))

    # ---- whose, and which version

    def test_only_the_owner_deletes_and_to_other_customers_it_is_not_there(
        self, fixtures: Fixtures, shop: Shop, ada: Actor, lamp: Product, chair: Product, order: Order
    ) -> None:
        other, clerk = fixtures.customer(), Actor(fixtures.new_id(), Role.STAFF)
        for look in _looks(shop, other, order):
            with pytest.raises(OrderNotFound):
                look()
        with pytest.raises(OrderNotFound):
            shop.orders.delete(other, order.id)
        for who in (clerk, SYSTEM):
            with pytest.raises(NotTheOwner):
                shop.orders.delete(who, order.id)
        self._check_unchanged(fixtures, shop, ada, order, lamp, chair)

    def test_staff_edit_for_the_customer_until_it_is_confirmed_and_the_timeline_says_who(
        self, fixtures: Fixtures, shop: Shop, ada: Actor, lamp: Product, order: Order
    ) -> None:
        clerk = Actor(fixtures.new_id(), Role.STAFF)
        edited = shop.orders.edit(clerk, order.id, lines((lamp, 1)), [order.version])
        assert (edited.customer_id, edited.units) == (order.customer_id, {lamp.id: 1})
        last = timeline(shop, ada, order)[-1]
        assert (last.kind, last.actor_id, last.actor_role) == (OrderEventKind.EDITED, clerk.id, Role.STAFF)
        shop.orders.confirm(clerk, order.id)
        with pytest.raises(IllegalStep):
            shop.orders.edit(clerk, order.id, lines((lamp, 2)))

    def test_who_knows_only_an_older_version_changes_nothing(
        self, fixtures: Fixtures, shop: Shop, ada: Actor, lamp: Product, chair: Product, order: Order
    ) -> None:
        staffs, owners = (
            (shop.orders.confirm, shop.orders.ship, shop.orders.deliver),
            (shop.orders.cancel, shop.orders.delete),
        )
        changes: list[Callable[..., Order]] = [partial(shop.orders.edit, ada, order.id, lines((lamp, 1)))]
        changes += [partial(step, ada, order.id) for step in owners]
        changes += [partial(step, SYSTEM, order.id) for step in staffs]
        for change in changes:
            for versions in ([2], [], frozenset({0, 7})):
                with pytest.raises(Stale) as refused:
                    change(versions=versions)
                assert refused.value.version == 1
        self._check_unchanged(fixtures, shop, ada, order, lamp, chair)
        assert shop.orders.edit(ada, order.id, lines((lamp, 1)), {1, 9}).version == 2
        assert shop.orders.confirm(SYSTEM, order.id, [2]).version == 3

    # ---- the timeline

    def test_the_timeline_tells_who_did_what_and_when(
        self, fixtures: Fixtures, shop: Shop, ada: Actor, lamp: Product, order: Order
    ) -> None:
        clerk = Actor(fixtures.new_id(), Role.STAFF)
        steps = [
            order,
            shop.orders.edit(ada, order.id, lines((lamp, 1))),
            shop.orders.edit(ada, order.id, lines((lamp, 1))),  # changes nothing, so nothing is told of it
            shop.orders.confirm(clerk, order.id),
            shop.orders.ship(SYSTEM, order.id),
            shop.orders.deliver(clerk, order.id),
        ]
        del steps[2]
        events = timeline(shop, ada, order)
        assert events == timeline(shop, SYSTEM, order)
        assert [(event.seq, event.kind, event.actor_id, event.actor_role) for event in events] == [
            (1, "placed", ada.id, "customer"),
            (2, "edited", ada.id, "customer"),
            (3, "confirmed", clerk.id, "staff"),
            (4, "shipped", None, None),
            (5, "delivered", clerk.id, "staff"),
        ]
        for event, after in zip(events, steps, strict=True):
            assert (event.at, event.status, event.total) == (after.updated_at, after.status, after.total)
            assert (event.customer_id, event.order_id, event.format) == (ada.id, order.id, 1)
        assert [event.total_before for event in events] == [None, order.total, None, None, None]

    def test_a_refused_change_leaves_no_event(self, shop: Shop, ada: Actor, lamp: Product, order: Order) -> None:
        refusals: list[Callable[[], Order]] = [
            lambda: shop.orders.edit(ada, order.id, lines((lamp, 1_000))),
            lambda: shop.orders.ship(SYSTEM, order.id),
            lambda: shop.orders.place(request(ada, (lamp, 1_000))),
        ]
        for refused in refusals:
            with pytest.raises(Refusal):
                refused()
        assert [event.kind for event in timeline(shop, ada, order)] == ["placed"]

    def test_every_order_of_a_batch_gets_its_event(
        self, fixtures: Fixtures, shop: Shop, ada: Actor, lamp: Product
    ) -> None:
        outcomes = shop.orders.place_all([request(ada, (lamp, units)) for units in (1, 99, 2)])
        orders = [outcome.value for outcome in outcomes if isinstance(outcome, Result)]
        assert len(orders) == 2
        for order in orders:
            (event,) = timeline(shop, ada, order)
            assert (event.seq, event.kind, event.total, event.at) == (1, "placed", order.total, order.created_at)

    def _check_unchanged(
        self, fixtures: Fixtures, shop: Shop, ada: Actor, order: Order, lamp: Product, chair: Product
    ) -> None:
        assert shop.orders.get(ada, order.id) == order
        assert [len(fixtures.ledger(product.id)) for product in (lamp, chair)] == [2, 2]
        assert len(timeline(shop, ada, order)) == 1
        assert shop.audit() == []


def lines(*requested: tuple[Product, int]) -> tuple[LineRequest, ...]:
    """So many of each."""
    return tuple(LineRequest(product.id, units) for product, units in requested)


def timeline(shop: Shop, actor: Actor, order: Order) -> tuple[OrderEvent, ...]:
    """All that happened to the order."""
    return shop.orders.events(actor, order.id, OffsetRequest()).items


def _dearer(fixtures: Fixtures, product: Product) -> None:
    """Another name, and 100.00 more."""
    with fixtures.begin() as uow:
        stored = uow.products.lock_by_sku([product.sku])[product.sku]
        dear = replace(stored, name=f"Dear {stored.name}", price=stored.price + fixtures.money(100_00), version=2)
        uow.products.update_all([dear])


def _looks(shop: Shop, actor: Actor, order: Order) -> list[Callable[[], object]]:
    """Everything that a customer can try with an order."""
    requested = tuple(LineRequest(line.product_id, 1) for line in order.lines)
    return [
        lambda: shop.orders.get(actor, order.id),
        lambda: shop.orders.events(actor, order.id, OffsetRequest()),
        lambda: shop.orders.edit(actor, order.id, requested),
        lambda: shop.orders.cancel(actor, order.id),
    ]
