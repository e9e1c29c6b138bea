"""The contract of prices: promotions, coupons, their limits, taxes, quotes; through the services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast
from uuid import UUID

import pytest

from shop_core.accounts.model import SYSTEM, Actor
from shop_core.catalog.model import Product, ProductChanges
from shop_core.errors import (
    CouponCodeTaken,
    CouponNotUsable,
    InsufficientStock,
    Invalid,
    ProductNotFound,
    PromotionNotFound,
    Stale,
    TotalChanged,
    UnknownProducts,
)
from shop_core.idempotency import Result
from shop_core.inventory.model import LineRequest
from shop_core.orders.model import Order, PlacementRequest
from shop_core.pagination import OffsetRequest
from shop_core.ports import Adapters
from shop_core.pricing.benefits import BuyXGetY, Condition, OrderAmount, OrderPercent, Percent, Selection
from shop_core.pricing.model import PromotionDetails, PromotionEntry
from shop_core.pricing.service import COUPONS_AT_ONCE_MAX
from shop_core.pricing.taxes import TaxAmount, TaxRate
from shop_core.shop import Shop
from shop_testing.concurrency import together
from shop_testing.contract import Contract
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Altered, Fixtures


def placement(customer: Actor, product: Product, units: int, *coupons: str, **details: Any) -> PlacementRequest:
    """A request for units of one product."""
    lines = (LineRequest(product.id, units),)
    return PlacementRequest(customer.account_id, lines, coupons=coupons, **details)


class PriceTests(Contract):
    """What the suites of prices start from and read."""

    @pytest.fixture
    def ada(self, fixtures: Fixtures) -> Actor:
        """A customer."""
        return fixtures.customer()

    @pytest.fixture
    def lamp(self, fixtures: Fixtures) -> Product:
        """A hundred units at 10.00."""
        return fixtures.product("Lamp", units=100, price=10_00)

    @staticmethod
    def promote(shop: Shop, benefit: Any, *codes: str, coupon: dict[str, Any] | None = None, **details: Any) -> UUID:
        """A promotion; with codes, one that needs one of these coupons."""
        details |= {"needs_coupon": True} if codes else {}
        entry = shop.prices.create_promotion(SYSTEM, PromotionDetails("Offer", benefit, **details))
        for code in codes:
            shop.prices.create_coupons(SYSTEM, entry.promotion.id, code=code, **(coupon or {}))
        return entry.promotion.id

    @staticmethod
    def uses(shop: Shop, promotion_id: UUID) -> int:
        """How many orders use the promotion."""
        return shop.prices.promotion(SYSTEM, promotion_id).uses

    @staticmethod
    def uses_by_code(shop: Shop, promotion_id: UUID) -> dict[str, int]:
        """How many orders use each of its coupons."""
        entries = shop.prices.coupons(SYSTEM, promotion_id, OffsetRequest()).items
        return {entry.coupon.code: entry.uses for entry in entries}


class PricesContract(PriceTests):
    """Promotions, coupons, limits, taxes and quotes."""

    moves_time = True

    # ---- promotions

    def test_an_order_keeps_its_discounts_and_shows_what_each_promotion_gave(
        self, shop: Shop, ada: Actor, lamp: Product
    ) -> None:
        each, whole = self.promote(shop, Percent(1000)), self.promote(shop, OrderAmount(lamp.price))
        order = shop.orders.place(placement(ada, lamp, 3))
        assert (order.subtotal.minor, order.total.minor) == (30_00, 17_00)
        assert {discount.promotion_id: discount.amount for discount in order.discounts} == {each: 3_00, whole: 10_00}
        assert shop.orders.get(ada, order.id) == order
        assert shop.orders.mine(ada, OffsetRequest()).items == (order,)
        assert (self.uses(shop, each), self.uses(shop, whole)) == (1, 1)
        assert [use.order_id for use in shop.prices.redemptions(SYSTEM, each, OffsetRequest()).items] == [order.id]
        assert shop.audit() == []

    def test_a_change_makes_a_version_and_leaves_orders_as_they_were(
        self, fixtures: Fixtures, shop: Shop, ada: Actor, lamp: Product
    ) -> None:
        offer = self.promote(shop, Percent(1000))
        order = shop.orders.place(placement(ada, lamp, 2))
        edited = shop.prices.edit_promotion(SYSTEM, offer, PromotionDetails(benefit=Percent(5000)), {1})
        assert (edited.promotion.version, edited.uses) == (2, 1)
        assert shop.prices.promotion(SYSTEM, offer) == edited
        with pytest.raises(Stale):
            shop.prices.edit_promotion(SYSTEM, offer, PromotionDetails(label="Late"), {1})
        assert shop.orders.get(ada, order.id) == order
        assert shop.orders.place(placement(ada, lamp, 2)).total.minor == 10_00
        shop.prices.withdraw_promotion(SYSTEM, offer)
        with pytest.raises(PromotionNotFound):
            shop.prices.promotion(SYSTEM, offer)
        assert shop.orders.place(placement(ada, lamp, 2)).total.minor == 20_00
        grown = shop.orders.edit(ada, order.id, [LineRequest(lamp.id, 4)])
        assert (grown.total.minor, grown.discounts[0].version) == (36_00, 1)
        assert shop.orders.get(ada, order.id) == grown
        assert shop.audit() == []

    def test_a_promotion_applies_from_its_start_on_and_not_at_its_end(
        self, fixtures: Fixtures, shop: Shop, clock: MovableClock, ada: Actor, lamp: Product
    ) -> None:
        starts_at = clock() + timedelta(hours=1)
        self.promote(shop, Percent(1000), starts_at=starts_at, ends_at=starts_at + timedelta(hours=1))
        totals = []
        for _ in range(3):
            totals.append(shop.orders.place(placement(ada, lamp, 1)).total.minor)
            clock.move(timedelta(hours=1))
        assert totals == [10_00, 9_00, 10_00]

    def test_a_category_selects_what_is_below_it_and_an_edit_keeps_what_was_agreed(
        self, fixtures: Fixtures, shop: Shop, ada: Actor
    ) -> None:
        home, garden = fixtures.category("home"), fixtures.category("garden")
        lamps = fixtures.category("lamps", home)
        lamp = fixtures.product("Lamp", units=9, price=10_00, category_id=lamps.id)
        self.promote(shop, Percent(1000, Selection(category_ids=frozenset([home.id]))))
        order = shop.orders.place(placement(ada, lamp, 3))
        assert order.total.minor == 27_00
        shop.catalog.edit_product(SYSTEM, lamp.id, ProductChanges(category_id=garden.id))
        assert shop.orders.place(placement(ada, lamp, 3)).total.minor == 30_00
        assert shop.orders.edit(ada, order.id, [LineRequest(lamp.id, 2)]).total.minor == 18_00

    @pytest.mark.parametrize(
        "details",
        [
            PromotionDetails("x", OrderPercent(1), uses_max=0),
            PromotionDetails(benefit=OrderPercent(1)),
            PromotionDetails("x"),
        ],
    )
    def test_what_breaks_a_rule_is_refused_and_nothing_is_written(self, shop: Shop, details: PromotionDetails) -> None:
        with pytest.raises(Invalid):
            shop.prices.create_promotion(SYSTEM, details)
        assert shop.prices.promotions(SYSTEM, OffsetRequest()).count == 0

    def test_a_promotion_names_only_what_is_in_the_catalog(self, fixtures: Fixtures, shop: Shop) -> None:
        unknown = frozenset([fixtures.new_id()])
        for selection in (Selection(unknown), Selection(category_ids=unknown)):
            for benefit, condition in (
                (Percent(1, selection), None),
                (BuyXGetY(1, 1, get_selection=selection), None),
                (OrderPercent(1), Condition(units_min=1, selection=selection)),
            ):
                with pytest.raises(Invalid, match=str(next(iter(unknown)))):
                    shop.prices.create_promotion(SYSTEM, PromotionDetails("x", benefit, condition))

    def test_promotions_are_read_as_they_were_written(self, fixtures: Fixtures, shop: Shop, lamp: Product) -> None:
        now, selection = fixtures.clock(), Selection(frozenset([lamp.id]))
        benefit = BuyXGetY(2, 1, 5000, 3, selection, Selection(category_ids=frozenset([fixtures.category("home").id])))
        details = PromotionDetails(
            "Two for one", benefit, Condition(lamp.price, 2, selection), now, now + timedelta(1), True, False, 5, 2
        )
        first = shop.prices.create_promotion(SYSTEM, details)
        second = shop.prices.create_promotion(SYSTEM, PromotionDetails("Other", OrderAmount(lamp.price)))
        assert first == PromotionEntry(details.new(first.promotion.id), 0)
        assert shop.prices.promotion(SYSTEM, first.promotion.id) == first
        page = shop.prices.promotions(SYSTEM, OffsetRequest(limit=1, offset=1))
        assert (page.items, page.count) == ((first,), 2)
        assert shop.prices.promotions(SYSTEM, OffsetRequest()).items == (second, first)

    # ---- coupons

    def test_a_coupon_unlocks_its_promotion_however_it_is_written(self, shop: Shop, ada: Actor, lamp: Product) -> None:
        offer = self.promote(shop, Percent(1000), "SUMMER10")
        assert shop.orders.place(placement(ada, lamp, 1)).total.minor == 10_00
        order = shop.orders.place(placement(ada, lamp, 1, " summer 10 ", "SUMMER10"))
        assert (order.total.minor, order.coupons) == (9_00, (("SUMMER10", offer),))
        assert shop.orders.get(ada, order.id) == order
        (coupon,) = shop.prices.coupons(SYSTEM, offer, OffsetRequest()).items
        assert (coupon.coupon.code, coupon.uses) == ("SUMMER10", 1)

    def test_a_coupon_that_is_beaten_is_not_used(self, shop: Shop, ada: Actor, lamp: Product) -> None:
        offer = self.promote(shop, Percent(1000), "SMALL")
        self.promote(shop, Percent(2000))
        order = shop.orders.place(placement(ada, lamp, 1, "SMALL"))
        assert (order.total.minor, order.coupons) == (8_00, (("SMALL", offer),))
        assert self.uses(shop, offer) == 0

    def test_unknown_ended_and_used_up_coupons_look_alike_and_refuse_the_order(
        self, shop: Shop, clock: MovableClock, ada: Actor, lamp: Product
    ) -> None:
        self.promote(shop, Percent(1000), "ENDED", ends_at=clock())
        self.promote(shop, Percent(1000), "ONCE", coupon={"uses_max": 1})
        withdrawn = self.promote(shop, Percent(1000), "GONE")
        shop.prices.withdraw_promotion(SYSTEM, withdrawn)
        shop.orders.place(placement(ada, lamp, 1, "ONCE"))
        messages = set()
        for code in ("UNKNOWN", "ENDED", "ONCE", "GONE"):
            with pytest.raises(CouponNotUsable) as refused:
                shop.orders.place(placement(ada, lamp, 1, code))
            with pytest.raises(CouponNotUsable):
                shop.orders.quote(ada, [LineRequest(lamp.id, 1)], [code])
            messages.add(str(refused.value).replace(code, ""))
        assert len(messages) == 1
        assert shop.inventory.level(SYSTEM, lamp.id).available == 99

    def test_codes_are_unique_random_ones_many_at_once(self, shop: Shop, lamp: Product) -> None:
        offer = self.promote(shop, Percent(1000), "TAKEN")
        with pytest.raises(CouponCodeTaken):
            shop.prices.create_coupons(SYSTEM, offer, code="taken")
        made = shop.prices.create_coupons(SYSTEM, offer, count=COUPONS_AT_ONCE_MAX)
        assert len({entry.coupon.code for entry in made}) == COUPONS_AT_ONCE_MAX
        for wrong in ({"count": COUPONS_AT_ONCE_MAX + 1}, {"count": 0}, {"code": "A", "count": 2}, {"code": "A" * 300}):
            with pytest.raises(Invalid):
                shop.prices.create_coupons(SYSTEM, offer, **wrong)
        with pytest.raises(Invalid, match="without a coupon"):
            shop.prices.create_coupons(SYSTEM, self.promote(shop, Percent(1)), code="NONE")
        assert shop.prices.coupons(SYSTEM, offer, OffsetRequest()).count == COUPONS_AT_ONCE_MAX + 1

    # ---- limits

    @pytest.mark.parametrize("codes", [(), ("FEW",)])
    def test_uses_are_given_until_there_are_none_and_given_back_once(
        self, shop: Shop, ada: Actor, lamp: Product, codes: tuple[str, ...]
    ) -> None:
        offer = self.promote(shop, Percent(1000), *codes, uses_max=2)
        requests = [placement(ada, lamp, 1, *codes) for _ in range(3)]
        outcomes = shop.orders.place_all(requests)
        orders = [outcome.value for outcome in outcomes if isinstance(outcome, Result)]
        assert [order.total.minor for order in orders] == ([9_00, 9_00] if codes else [9_00, 9_00, 10_00])
        assert self.uses(shop, offer) == 2
        shop.orders.cancel(ada, orders[0].id)
        shop.orders.delete(ada, orders[0].id)
        assert self.uses(shop, offer) == 1
        assert shop.orders.place(requests[0]).total.minor == 9_00
        assert (self.uses(shop, offer), shop.audit()) == (2, [])
        with pytest.raises(Invalid, match="at least 2"):
            shop.prices.edit_promotion(SYSTEM, offer, PromotionDetails(uses_max=1))

    def test_a_limit_for_each_customer_holds_for_promotion_and_coupon(
        self, fixtures: Fixtures, shop: Shop, ada: Actor, lamp: Product
    ) -> None:
        self.promote(shop, Percent(1000), customer_uses_max=1)
        self.promote(shop, OrderPercent(5000), "HALF", coupon={"customer_uses_max": 1})
        bob = fixtures.customer()
        assert shop.orders.place(placement(ada, lamp, 1, "HALF")).total.minor == 4_50
        assert shop.orders.place(placement(ada, lamp, 1)).total.minor == 10_00
        with pytest.raises(CouponNotUsable):
            shop.orders.place(placement(ada, lamp, 1, "HALF"))
        assert shop.orders.place(placement(bob, lamp, 1, "HALF")).total.minor == 4_50

    def test_a_promotion_may_be_changed_after_what_it_names_has_left_the_catalog(
        self, shop: Shop, fixtures: Fixtures, lamp: Product
    ) -> None:
        gone, other = fixtures.product(units=1), fixtures.product(units=1)
        offer = self.promote(shop, Percent(1000, Selection(product_ids=frozenset([lamp.id, gone.id]))))
        for product in (gone, other):
            shop.catalog.remove_product(SYSTEM, product.id)
        assert shop.prices.edit_promotion(SYSTEM, offer, PromotionDetails(label="Sale")).promotion.label == "Sale"
        named = Percent(2000, Selection(product_ids=frozenset([gone.id])))
        assert shop.prices.edit_promotion(SYSTEM, offer, PromotionDetails(benefit=named)).promotion.version == 3
        with pytest.raises(Invalid, match=str(other.id)):
            unknown = Percent(2000, Selection(product_ids=frozenset([other.id])))
            shop.prices.edit_promotion(SYSTEM, offer, PromotionDetails(benefit=unknown))

    def test_a_refused_order_uses_nothing_up(self, shop: Shop, ada: Actor, lamp: Product) -> None:
        offer = self.promote(shop, Percent(1000), "ONE", uses_max=1)
        outcomes = shop.orders.place_all(
            [
                placement(ada, lamp, 1_000, "ONE"),
                placement(ada, lamp, 1, "ONE", expected_total=lamp.price),
                placement(ada, lamp, 1, "ONE"),
            ]
        )
        assert [type(outcome) for outcome in outcomes] == [InsufficientStock, TotalChanged, Result]
        assert (self.uses(shop, offer), shop.audit()) == (1, [])

    def test_many_buyers_at_once_get_as_many_uses_as_there_are(self, fixtures: Fixtures, contended: Shop) -> None:
        """Each buys another product, so that no lock of stock keeps them apart."""
        offer = self.promote(contended, Percent(1000), "FLASH", uses_max=3)
        products = [fixtures.product(units=1, price=10_00) for _ in range(8)]
        requests = [placement(fixtures.customer(), product, 1, "FLASH") for product in products]
        outcomes = together(*[partial(contended.orders.place, request) for request in requests])
        assert sum(isinstance(outcome, Order) for outcome in outcomes) == 3
        assert all(isinstance(outcome, Order | CouponNotUsable) for outcome in outcomes)
        assert (self.uses(contended, offer), contended.audit()) == (3, [])

    # ---- times

    @pytest.mark.parametrize("text", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+14:00", "2026-11-28T12:00"])
    def test_a_time_that_could_not_be_read_again_in_utc_is_refused(self, shop: Shop, text: str) -> None:
        time = datetime.fromisoformat(text)
        details = PromotionDetails("Offer", Percent(1))
        for wrong, field in (
            (replace(details, starts_at=time), "starts_at"),
            (replace(details, ends_at=time), "ends_at"),
        ):
            with pytest.raises(Invalid, match=field):
                shop.prices.create_promotion(SYSTEM, wrong)
        with pytest.raises(Invalid, match="valid_from"):
            shop.prices.set_tax_rates(SYSTEM, [TaxRate("standard", 1900, time)])
        assert shop.prices.promotions(SYSTEM, OffsetRequest()).items == ()

    def test_a_time_is_the_same_when_it_is_read_again(self, shop: Shop, ada: Actor, lamp: Product) -> None:
        early, late = (datetime.fromisoformat(each) for each in ("0001-01-01T14:00+14:00", "9999-12-31T18:59-05:00"))
        offer = shop.prices.create_promotion(
            SYSTEM, PromotionDetails("O", Percent(1000), starts_at=early, ends_at=late)
        )
        shop.prices.set_tax_rates(SYSTEM, [TaxRate("standard", 1900, early)])
        assert shop.prices.promotion(SYSTEM, offer.promotion.id) == offer
        assert shop.orders.place(placement(ada, lamp, 1)).total.minor == 9_00

    # ---- taxes

    def test_a_rate_is_kept_by_the_orders_that_it_was_agreed_for(
        self, fixtures: Fixtures, shop: Shop, clock: MovableClock, ada: Actor, lamp: Product
    ) -> None:
        book = fixtures.product("Book", units=9, price=10_70, tax_class="reduced")
        rates = [TaxRate("standard", 1900), TaxRate("reduced", 700), TaxRate("standard", 2500, clock() + timedelta(1))]
        assert list(shop.prices.set_tax_rates(SYSTEM, rates)) == [rates[1], rates[0], rates[2]]
        lines = (LineRequest(lamp.id, 1), LineRequest(book.id, 1))
        order = shop.orders.place(PlacementRequest(ada.account_id, lines))
        assert (order.total.minor, order.taxes) == (20_70, [TaxAmount(700, 10_00, 70), TaxAmount(1900, 8_40, 1_60)])
        clock.move(timedelta(2))
        assert shop.orders.get(ada, order.id) == order
        fewer = shop.orders.edit(ada, order.id, lines[:1])
        assert fewer.taxes == [TaxAmount(1900, 8_40, 1_60)]
        assert shop.orders.place(PlacementRequest(ada.account_id, lines[:1])).taxes == [TaxAmount(2500, 8_00, 2_00)]
        shop.prices.set_tax_rates(SYSTEM, [replace(rates[2], basis_points=1000)])
        assert [rate.basis_points for rate in shop.prices.tax_rates(SYSTEM)] == [700, 1900, 1000]
        assert shop.audit() == []

    def test_a_rate_from_the_first_moment_on_is_the_first_one_of_its_class(self, shop: Shop) -> None:
        rate = TaxRate("standard", 700, datetime.fromisoformat("0001-01-01T14:00+14:00"))
        with pytest.raises(Invalid, match="twice"):
            shop.prices.set_tax_rates(SYSTEM, [TaxRate("standard", 1900), rate])
        shop.prices.set_tax_rates(SYSTEM, [TaxRate("standard", 1900)])
        assert list(shop.prices.set_tax_rates(SYSTEM, [rate])) == [TaxRate("standard", 700)]

    # ---- quotes

    def test_a_quote_is_what_placing_costs_and_writes_nothing(self, shop: Shop, ada: Actor, lamp: Product) -> None:
        self.promote(shop, Percent(1000), "TEN", uses_max=1)
        self.promote(shop, OrderPercent(500), condition=Condition(units_min=5))
        shop.prices.set_tax_rates(SYSTEM, [TaxRate("standard", 1900)])
        lines = [LineRequest(lamp.id, 3)]
        quote = shop.orders.quote(ada, lines, ["TEN"])
        assert [(each.amount, each.missing_units) for each in quote.promotions] == [(3_00, 0), (0, 2)]
        assert shop.orders.quote(ada, lines, ["TEN"]) == quote
        order = shop.orders.place(placement(ada, lamp, 3, "TEN"))
        assert (order.lines, order.total, order.taxes, order.discounts) == (
            *(quote.lines, quote.total, quote.taxes),
            quote.discounts,
        )
        (short,) = shop.orders.quote(ada, [LineRequest(lamp.id, 100)]).shortages
        assert (short.requested, short.available) == (100, 97)

    def test_a_quote_of_a_product_that_is_deleted_between_its_reads_is_refused(
        self, adapters: Adapters, fixtures: Fixtures, shop: Shop, ada: Actor
    ) -> None:
        unsold = fixtures.product()

        def then_deleted(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
            def reads(product_ids: Any) -> Any:
                found = read(product_ids)
                with suppress(ProductNotFound):
                    shop.catalog.remove_product(SYSTEM, unsold.id)
                return found

            return reads

        @contextmanager
        def begin() -> Iterator[Any]:
            with adapters.begin() as uow:
                products = Altered(uow.products, offers=then_deleted(uow.products.offers))
                yield Altered(uow, products=products, stock=Altered(uow.stock, get_all=then_deleted(uow.stock.get_all)))

        with pytest.raises(UnknownProducts):
            Shop(cast("Adapters", Altered(adapters, begin=begin))).orders.quote(ada, [LineRequest(unsold.id, 1)])
