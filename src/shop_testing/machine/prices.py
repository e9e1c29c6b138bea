"""Promotions, coupons and tax rates that come, change and go while orders are placed and edited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from shop_core.accounts.model import SYSTEM, Actor
from shop_core.catalog.model import UNCHANGED
from shop_core.errors import Refusal
from shop_core.inventory.model import LineRequest
from shop_core.money import Money
from shop_core.orders.model import Order, PlacementRequest
from shop_core.orders.totals import Quote
from shop_core.pagination import OffsetRequest
from shop_core.ports import Adapters
from shop_core.pricing.benefits import (
    EVERYTHING,
    AmountEach,
    Benefit,
    BuyXGetY,
    Condition,
    FixedPrice,
    OrderAmount,
    OrderPercent,
    Percent,
    Selection,
)
from shop_core.pricing.model import PromotionDetails, PromotionEntry
from shop_core.pricing.taxes import TaxRate
from shop_core.shop import Shop
from shop_testing.machine.driver import answer, picked, picks
from shop_testing.machine.trade import Basket, TradeMachine, baskets, customers, goods, small_baskets

kinds = st.sampled_from([Percent, AmountEach, FixedPrice, BuyXGetY, BuyXGetY, OrderPercent, OrderAmount])
numbers = st.sampled_from([0, 1, 33, 50, 99, 1000, 5000, 10_000, 10_001])
limits = st.none() | st.integers(1, 3)
seconds = st.none() | st.sampled_from([-60, 0, 60, 600])
codes = st.lists(st.sampled_from(["TEN", "ten ", "FREE", "VIP", "nobody's", "x" * 65]), max_size=2)


class PriceMachine(TradeMachine):
    """Trade with prices: see `shop_testing.machine`."""

    def __init__(self) -> None:
        super().__init__()
        self.promotions: list[UUID] = []

    @rule(
        kind=kinds,
        number=numbers,
        units=st.tuples(st.integers(1, 2), st.integers(1, 2)),
        selected=st.none() | goods,
        units_min=st.none() | st.integers(1, 4),
        window=st.tuples(seconds, seconds),
        needs_coupon=st.booleans(),
        combines=st.sampled_from([True, True, False]),
        limit=limits,
        customer_limit=limits,
    )
    def start_a_promotion(
        self,
        kind: type[Benefit],
        number: int,
        units: tuple[int, int],
        selected: int | None,
        units_min: int | None,
        window: tuple[int | None, int | None],
        needs_coupon: bool,
        combines: bool,
        limit: int | None,
        customer_limit: int | None,
    ) -> None:
        starts_at, ends_at = (self.clock() + timedelta(seconds=each) if each is not None else None for each in window)

        def start(shop: Shop) -> PromotionEntry:
            condition = Condition(units_min=units_min, selection=self._selection(selected)) if units_min else None
            details = PromotionDetails(
                *("Offer", self._benefit(kind, number, units, selected), condition, starts_at, ends_at),
                *(needs_coupon, combines, limit, customer_limit),
            )
            return shop.prices.create_promotion(SYSTEM, details)

        entry = self.ask(start)
        if isinstance(entry, PromotionEntry):
            self.promotions.append(entry.promotion.id)

    @rule(percent=st.sampled_from([1000, 3333]), code=st.none() | st.just("TEN"), limit=limits, customer_limit=limits)
    def give_a_discount(self, percent: int, code: str | None, limit: int | None, customer_limit: int | None) -> None:
        """The plain case, so that orders have discounts."""
        details = PromotionDetails(
            *("Plain", Percent(percent)), needs_coupon=bool(code), uses_max=limit, customer_uses_max=customer_limit
        )
        entry = self.ask(lambda shop: shop.prices.create_promotion(SYSTEM, details))
        assert isinstance(entry, PromotionEntry)
        self.promotions.append(entry.promotion.id)
        if code:
            self.make_a_coupon(0, code, None, customer_limit)

    @rule(
        pick=picks,
        kind=kinds,
        number=numbers,
        limit=st.just(UNCHANGED) | limits,
        ends=st.just(UNCHANGED) | seconds,
        versions=st.none() | st.sets(st.integers(1, 3), max_size=2),
    )
    def change_a_promotion(
        self, pick: int, kind: type[Benefit], number: int, limit: object, ends: object, versions: set[int] | None
    ) -> None:
        promotion_id = picked(pick, self.promotions)
        ends_at = self.clock() + timedelta(seconds=ends) if isinstance(ends, int) else ends

        def change(shop: Shop) -> PromotionEntry:
            benefit = self._benefit(kind, number, (1, 1), None)
            details = PromotionDetails("Changed", benefit, ends_at=ends_at, uses_max=limit)  # type: ignore[arg-type]
            return shop.prices.edit_promotion(SYSTEM, promotion_id, details, versions)

        self.ask(change)

    @rule(pick=picks)
    def withdraw_a_promotion(self, pick: int) -> None:
        promotion_id = picked(pick, self.promotions)
        self.ask(lambda shop: shop.prices.withdraw_promotion(SYSTEM, promotion_id))

    @rule(pick=picks, code=st.sampled_from(["TEN", "FREE", "VIP", "É"]), limit=limits, customer_limit=limits)
    def make_a_coupon(self, pick: int, code: str, limit: int | None, customer_limit: int | None) -> None:
        promotion_id = picked(pick, self.promotions)
        self.ask(
            lambda shop: shop.prices.create_coupons(
                SYSTEM, promotion_id, code=code, uses_max=limit, customer_uses_max=customer_limit
            )
        )

    @rule(rate=st.sampled_from([0, 1, 700, 1900, 10_000]), valid_in=seconds)
    def set_a_tax_rate(self, rate: int, valid_in: int | None) -> None:
        valid_from = None if valid_in is None else self.clock() + timedelta(seconds=valid_in)
        self.ask(lambda shop: shop.prices.set_tax_rates(SYSTEM, [TaxRate("standard", rate, valid_from)]))

    @rule(customer=customers, basket=small_baskets | baskets, coupons=codes)
    def quote_and_place(self, customer: Actor, basket: Basket, coupons: Sequence[str]) -> None:
        """If nothing changed between the two, an order costs what its quote said."""
        lines = self._lines(basket)

        def place(shop: Shop) -> Order:
            return shop.orders.place(PlacementRequest(customer.account_id, lines, coupons=tuple(coupons)))

        def both(shop: Shop) -> tuple[Quote | Refusal, Order | Refusal]:
            return answer(lambda shop: shop.orders.quote(customer, lines, coupons), shop), answer(place, shop)

        answers = self.ask(both)
        assert not isinstance(answers, Refusal)
        quote, order = answers
        if isinstance(order, Order):
            assert isinstance(quote, Quote)
            assert (order.lines, order.total, order.coupons) == (quote.lines, quote.total, quote.coupons)
            assert (order.subtotal, order.discounts, order.taxes) == (quote.subtotal, quote.discounts, quote.taxes)
            self._placed(order, customer.account_id)
        else:
            assert isinstance(quote, Refusal) or quote.shortages

    @rule(
        customer=customers, pick=st.integers(0, 2), quantity=st.integers(1, 3), coupons=st.sampled_from([(), ("TEN",)])
    )
    def buy_as_quoted(self, customer: Actor, pick: int, quantity: int, coupons: Sequence[str]) -> None:
        """The plain case of it."""
        self.quote_and_place(customer, [(pick, quantity)], coupons)

    @rule(pick=picks, quantity=st.integers(1, 5))
    def order_another_number(self, pick: int, quantity: int) -> None:
        """The plain case of an edit."""
        order_id, owner = self.order_and_actor(pick, "owner")
        lines = [LineRequest(line.product_id, quantity) for line in self.agreed.get(order_id, ())]
        self._agreed(self.ask(lambda shop: shop.orders.edit(owner, order_id, lines)))

    @rule(pick=picks, basket=baskets, coupons=codes)
    def edit_with_coupons(self, pick: int, basket: Basket, coupons: Sequence[str]) -> None:
        order_id, owner = self.order_and_actor(pick, "owner")
        lines = self._lines(basket)
        self._agreed(self.ask(lambda shop: shop.orders.edit(owner, order_id, lines, coupons=coupons)))

    @rule(pick=picks, code=st.sampled_from(["FREE", "VIP"]))
    def bring_another_coupon_of_its_promotion(self, pick: int, code: str) -> None:
        """After the promotion may have changed."""
        order_id, owner = self.order_and_actor(pick, "owner")
        order = self.ask(lambda shop: shop.orders.get(SYSTEM, order_id))
        if isinstance(order, Refusal) or not order.coupons:
            return
        _, promotion_id = order.coupons[-1]
        self.ask(lambda shop: shop.prices.create_coupons(SYSTEM, promotion_id, code=code, uses_max=1))
        lines = [LineRequest(line.product_id, line.quantity) for line in order.lines]
        self._agreed(self.ask(lambda shop: shop.orders.edit(owner, order_id, lines, coupons=[code])))

    @rule(pick=picks)
    def look_at_an_order_again(self, pick: int) -> None:
        """Whatever became of promotions, rates, prices and names since: its figures stay."""
        order_id = picked(pick, list(self.orders))
        order = self.ask(lambda shop: shop.orders.get(SYSTEM, order_id))
        if isinstance(order, Order):
            assert order.lines == self.agreed[order_id]

    @rule(pick=picks)
    def look_at_uses(self, pick: int) -> None:
        promotion_id = picked(pick, self.promotions)
        entry = self.ask(lambda shop: shop.prices.promotion(SYSTEM, promotion_id))
        self.ask(lambda shop: shop.prices.coupons(SYSTEM, promotion_id, OffsetRequest(200)))
        page = self.ask(lambda shop: shop.prices.redemptions(SYSTEM, promotion_id, OffsetRequest(200)))
        if isinstance(entry, Refusal) or isinstance(page, Refusal):
            return
        customers = Counter(use.customer_id for use in page.items if use.given_back_at is None)
        assert entry.uses == customers.total()
        assert entry.uses <= (entry.promotion.uses_max or entry.uses)
        assert all(uses <= (entry.promotion.customer_uses_max or uses) for uses in customers.values())

    def _agreed(self, order: Order | Refusal) -> None:
        """An order uses what its discounts are of: each promotion in that version, by the last of its coupons."""
        super()._agreed(order)
        if isinstance(order, Refusal):
            return

        def uses(adapters: Adapters) -> set[tuple[UUID, int, UUID | None]]:
            with adapters.begin() as uow:
                used = uow.prices.redeemed(order.customer_id, order.id)
            return {(each.promotion_id, each.version, each.coupon_id) for each in used}

        def coupons(adapters: Adapters) -> dict[UUID, UUID]:
            with adapters.begin() as uow:
                found = uow.prices.coupons_by_code([code for code, _ in order.coupons])
            return {promotion_id: found[code].id for code, promotion_id in order.coupons}

        last = self.ask_ports(coupons)
        assert not isinstance(last, Refusal)
        given = {(each.promotion_id, each.version) for line in order.lines for each in line.discounts}
        assert self.ask_ports(uses) == {(id_, version, last.get(id_)) for id_, version in given}

    def _benefit(self, kind: type[Benefit], number: int, units: tuple[int, int], selected: int | None) -> Benefit:
        selection, amount = self._selection(selected), Money(number, self.currency)
        if kind is BuyXGetY:
            return BuyXGetY(*units, max(1, number), selection=selection)
        if kind is OrderPercent:
            return OrderPercent(number)
        if kind is OrderAmount:
            return OrderAmount(amount)
        return Percent(number, selection) if kind is Percent else kind(amount, selection)  # type: ignore[call-arg, arg-type]

    def _selection(self, selected: int | None) -> Selection:
        if selected is None:
            return EVERYTHING
        if selected % 2 and self.categories:
            return Selection(category_ids=frozenset([picked(selected, self.categories)]))
        return Selection(product_ids=frozenset([picked(selected, self.products)]))
