"""The contract of placing, through `OrderService`: what a customer is promised, whoever else buys at that moment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shop_core.accounts.model import SYSTEM
from shop_core.catalog.model import PRICE_MINOR_MAX
from shop_core.errors import Busy, CouponNotUsable, InsufficientStock, Invalid, Shortage, UnknownProducts
from shop_core.idempotency import Result
from shop_core.inventory.model import LINES_MAX, QUANTITY_MAX, LineRequest, MovementKind, StockLevel
from shop_core.money import MINOR_MAX
from shop_core.orders.model import OrderStatus
from shop_core.pagination import OffsetRequest
from shop_core.pricing.benefits import Percent, Selection
from shop_core.pricing.model import PromotionDetails
from shop_core.pricing.taxes import TaxRate
from shop_core.shop import Shop
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures, request, to_hold


class OrderPlacementContract(Contract):
    """Placing orders, alone, in batches, and against each other."""

    def test_a_placed_order_is_stored_and_its_units_are_promised(self, fixtures: Fixtures, shop: Shop) -> None:
        lamp, chair, ada = (
            fixtures.product("Lamp", units=5),
            fixtures.product("Chair", units=9, price=40_00),
            fixtures.customer(),
        )
        order = shop.orders.place(request(ada, (lamp, 2), (chair, 9)))

        assert shop.orders.get(ada, order.id) == order
        assert [(line.sku, line.name, line.unit_price, line.quantity) for line in order.lines] == [
            (lamp.sku, "Lamp", lamp.price, 2),
            (chair.sku, "Chair", chair.price, 9),
        ]
        assert order.total.minor == 2 * 12_50 + 9 * 40_00
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=5, allocated=2)
        assert fixtures.level(chair.id) == StockLevel(chair.id, on_hand=9, allocated=9)
        newest = fixtures.ledger(lamp.id)[-1]
        assert (newest.kind, newest.quantity, newest.order_id) == (MovementKind.ALLOCATED, 2, order.id)
        assert (newest.actor_id, shop.audit()) == (ada.id, [])

    def test_all_short_lines_are_reported_and_nothing_is_taken(self, fixtures: Fixtures, shop: Shop) -> None:
        lamp, chair, table = (fixtures.product(name, units=2) for name in ("Lamp", "Chair", "Table"))
        ada = fixtures.customer()
        with pytest.raises(InsufficientStock) as refused:
            shop.orders.place(request(ada, (lamp, 3), (chair, 2), (table, 10)))

        assert refused.value.shortages == (Shortage(lamp.id, 3, 2), Shortage(table.id, 10, 2))
        for product in (lamp, chair, table):
            assert fixtures.level(product.id) == StockLevel(product.id, on_hand=2)
            assert len(fixtures.ledger(product.id)) == 1
        assert shop.orders.mine(ada, OffsetRequest()).items == ()

    def test_all_unknown_and_archived_products_are_reported_and_nothing_is_taken(
        self, fixtures: Fixtures, shop: Shop
    ) -> None:
        lamp, unknown = fixtures.product("Lamp", units=2), fixtures.new_id()
        archived = fixtures.archive(fixtures.product("Chair", units=2))
        with pytest.raises(UnknownProducts) as refused:
            shop.orders.place(request(fixtures.customer(), (unknown, 1), (lamp, 1), (archived, 1)))
        assert refused.value.product_ids == (unknown, archived.id)
        assert [fault.field for fault in refused.value.faults] == ["lines.0.product_id", "lines.2.product_id"]
        assert fixtures.level(lamp.id).allocated == 0

    def test_an_order_whose_list_prices_are_more_than_can_be_counted_is_refused_whatever_is_taken_off(
        self, fixtures: Fixtures, shop: Shop
    ) -> None:
        ada = fixtures.customer()
        dear = [fixtures.product(units=QUANTITY_MAX, price=PRICE_MINOR_MAX) for _ in range(91)]
        lines = [(product, QUANTITY_MAX) for product in dear]
        for _ in range(2):  # without a promotion, and with one
            with pytest.raises(Invalid, match="more than can be counted"):
                shop.orders.quote(ada, [LineRequest(product.id, units) for product, units in lines])
            with pytest.raises(Invalid, match="more than can be counted"):
                shop.orders.place(request(ada, *lines))
            shop.prices.create_promotion(SYSTEM, PromotionDetails("Sale", Percent(9_000)))
        order = shop.orders.place(request(ada, *lines[1:]))
        assert order.subtotal.minor == 10 * order.total.minor == MINOR_MAX
        with pytest.raises(Invalid, match="more than can be counted"):
            shop.orders.edit(ada, order.id, [LineRequest(product.id, units) for product, units in lines])
        assert (shop.orders.mine(ada, OffsetRequest()).items, shop.audit()) == ((order,), [])

    def test_a_cancelled_order_gives_its_units_back_at_once(self, fixtures: Fixtures, shop: Shop) -> None:
        lamp, ada, grace = fixtures.product("Lamp", units=3), fixtures.customer(), fixtures.customer()
        order = shop.orders.place(request(ada, (lamp, 3)))
        assert shop.orders.cancel(ada, order.id).status is OrderStatus.CANCELLED
        assert shop.orders.place(request(grace, (lamp, 3))).total.minor == 3 * 12_50
        assert shop.audit() == []

    # ---- batches

    def test_a_refused_request_does_not_disturb_the_others_of_its_batch(self, fixtures: Fixtures, shop: Shop) -> None:
        lamp, ada, grace = fixtures.product("Lamp", units=3), fixtures.customer(), fixtures.customer()
        placed, too_many, unknown, last, sold_out = shop.orders.place_all(
            [
                request(ada, (lamp, 2)),
                request(grace, (lamp, 2)),
                request(grace, (fixtures.new_id(), 1)),
                request(grace, (lamp, 1)),
                request(ada, (lamp, 1)),
            ]
        )
        assert isinstance(placed, Result)
        assert isinstance(last, Result)
        assert isinstance(unknown, UnknownProducts)
        assert isinstance(too_many, InsufficientStock)
        assert isinstance(sold_out, InsufficientStock)
        assert too_many.shortages == (Shortage(lamp.id, requested=2, available=1),)
        assert sold_out.shortages == (Shortage(lamp.id, requested=1, available=0),)
        assert shop.orders.mine(ada, OffsetRequest()).items == (placed.value,)
        assert shop.orders.mine(grace, OffsetRequest()).items == (last.value,)
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=3, allocated=3)

    @pytest.mark.parametrize("rule", ["promotion", "tax rate", "none"])
    def test_what_an_order_keeps_of_its_lines_does_not_depend_on_the_others_of_its_batch(
        self, fixtures: Fixtures, shop: Shop, rule: str
    ) -> None:
        home = fixtures.category("home")
        lamps, ada = fixtures.category("lamps", home), fixtures.customer()
        lamp = fixtures.product("Lamp", units=9, price=10_00, category_id=lamps.id)
        offer = PromotionDetails("Offer", Percent(1000, Selection(category_ids=frozenset([home.id]))))
        needs_coupon = replace(offer, needs_coupon=True)
        if rule == "tax rate":
            shop.prices.set_tax_rates(SYSTEM, [TaxRate("standard", 1900)])
        elif rule == "promotion":
            shop.prices.create_promotion(SYSTEM, needs_coupon)
        plain = request(ada, (lamp, 1))
        (single,) = shop.orders.place_all([plain])
        beside, coupon = shop.orders.place_all([plain, replace(plain, coupons=("UNKNOWN",))])
        assert isinstance(single, Result)
        assert isinstance(beside, Result)
        assert isinstance(coupon, CouponNotUsable)
        assert single.value.lines == beside.value.lines
        assert single.value.includes_tax == beside.value.includes_tax
        kept = () if rule == "none" else (lamps.id, home.id)
        assert [line.category_ids for line in single.value.lines] == [kept]
        later = shop.prices.create_promotion(SYSTEM, needs_coupon).promotion
        shop.prices.create_coupons(SYSTEM, later.id, code="HOME")
        edited = [
            shop.orders.edit(ada, each.value.id, [LineRequest(lamp.id, 1)], coupons=["HOME"])
            for each in (single, beside)
        ]
        assert [order.total.minor for order in edited] == ([10_00] if rule == "none" else [9_00]) * 2
        assert shop.audit() == []

    def test_an_edit_agrees_the_categories_of_a_new_line_though_the_shop_has_no_promotion_any_more(
        self, fixtures: Fixtures, shop: Shop
    ) -> None:
        home, chair, ada = fixtures.category("home"), fixtures.product("Chair", units=9), fixtures.customer()
        lamps = fixtures.category("lamps", home)
        lamp = fixtures.product("Lamp", units=9, price=10_00, category_id=lamps.id)
        details = PromotionDetails("Offer", Percent(1000, Selection(category_ids=frozenset([home.id]))))
        offer = shop.prices.create_promotion(SYSTEM, details).promotion
        order = shop.orders.place(request(ada, (chair, 1)))
        shop.prices.withdraw_promotion(SYSTEM, offer.id)
        assert shop.orders.edit(ada, order.id, [LineRequest(lamp.id, 1)]).total.minor == 9_00

    def test_a_locked_product_holds_up_only_those_who_want_it(self, fixtures: Fixtures, shop: Shop) -> None:
        lamp, chair, ada = fixtures.product("Lamp", units=9), fixtures.product("Chair", units=9), fixtures.customer()
        held = shop.reservations.reserve(to_hold(ada, (lamp, 1)))
        replayed = shop.orders.place(request(ada, (lamp, 1), key="earlier"))
        requests = [
            request(ada, (chair, 1), (lamp, 1), key="k"),
            request(ada, of=held),
            request(ada, (chair, 2)),
            request(ada, (lamp, 1), key="earlier"),
            request(ada, (fixtures.new_id(), 1)),
        ]
        with fixtures.begin() as uow:
            uow.stock.lock([lamp.id])
            outcomes = shop.orders.place_all(requests, wait=False)
            reserved = shop.reservations.reserve_all([to_hold(ada, (lamp, 1)), to_hold(ada, (chair, 1))], wait=False)
        assert [type(outcome) for outcome in outcomes] == [Busy, Busy, Result, Result, UnknownProducts]
        assert outcomes[3] == Result(replayed, replayed=True)
        assert [type(outcome) for outcome in reserved] == [Busy, Result]
        assert (fixtures.level(lamp.id).available, fixtures.level(chair.id).available) == (7, 6)
        outcomes = shop.orders.place_all(requests, wait=False)
        assert [type(outcome) for outcome in outcomes] == [Result, Result, Result, Result, UnknownProducts]
        assert shop.audit() == []

    def test_a_customer_who_is_locked_holds_up_nobody_else(self, fixtures: Fixtures, shop: Shop) -> None:
        lamp, ada, bob = fixtures.product("Lamp", units=9), fixtures.customer(), fixtures.customer()
        with fixtures.begin() as uow:
            uow.reservations.lock_customers([ada.account_id], uow.now)
        with fixtures.begin() as uow:
            uow.reservations.lock_customers([ada.account_id], uow.now)
            outcomes = shop.reservations.reserve_all([to_hold(ada, (lamp, 1)), to_hold(bob, (lamp, 1))], wait=False)
        assert [type(outcome) for outcome in outcomes] == [Busy, Result]

    def test_orders_of_reservations_have_no_more_lines_in_a_batch_than_one_order_may_have(
        self, fixtures: Fixtures, shop: Shop
    ) -> None:
        products, ada = fixtures.products(LINES_MAX // 2 + 1, units=2), fixtures.customer()
        held = [shop.reservations.reserve(to_hold(ada, *((product, 1) for product in products))) for _ in range(2)]
        requests = [request(ada, of=each) for each in held] + [request(ada, (fixtures.product(units=1), 1))]
        assert [type(outcome) for outcome in shop.orders.place_all(requests)] == [Result, Busy, Busy]
        assert [type(outcome) for outcome in shop.orders.place_all(requests[1:])] == [Result, Result]
        assert shop.audit() == []

    def test_an_empty_batch_has_no_answers(self, shop: Shop) -> None:
        assert shop.orders.place_all([]) == ()
