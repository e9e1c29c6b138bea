"""Mistakes that other shops made with prices, each put in by itself: a law or a contract test finds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
import test_pricing_laws as laws
from hypothesis import Phase, settings

from shop_adapters.memory import MemoryAdapters
from shop_adapters.memory.prices import MemoryPrices
from shop_adapters.memory.transaction import Transaction
from shop_core.catalog.model import Offer
from shop_core.errors import Refusal
from shop_core.orders import amendment
from shop_core.pricing import cart, coupons, evaluation, rounding, rules, taxes
from shop_core.pricing.benefits import AmountEach, FixedPrice, Percent
from shop_core.pricing.cart import CartLine
from shop_core.pricing.model import Promotion
from shop_core.pricing.order_pricer import OrderPricer
from shop_core.shop import Shop
from shop_testing import Fixtures, MovableClock, PriceEditsContract, PricesContract

Check = Callable[[], None]


def contract(name: str, **arguments: Any) -> Check:
    """A test of the contract, on a fresh shop in memory."""

    def check() -> None:
        clock = MovableClock()
        adapters = MemoryAdapters(clock=clock)
        fixtures = Fixtures(adapters)
        suite = next(each() for each in (PricesContract, PriceEditsContract) if hasattr(each, name))
        known = {
            "fixtures": fixtures,
            "shop": Shop(adapters),
            "contended": suite.contended_shop(adapters),
            "clock": clock,
            "ada": fixtures.customer(),
            "lamp": fixtures.product("Lamp", units=100, price=10_00),
        } | arguments
        test = getattr(suite, name)
        names = test.__code__.co_varnames[1 : test.__code__.co_argcount]
        test(**{each: known[each] for each in names})

    return check


def law(test: Any) -> Check:
    """A law, over examples that are not made smaller once one breaks it."""
    checked: Check = settings(phases=[Phase.generate])(test)
    return checked


def half_a_cent() -> None:
    """Ten percent of five cents are taken off as one cent."""
    offer = Promotion(UUID(int=1), "offer", Percent(1000))
    assert evaluation.price([CartLine(UUID(int=2), 5, 1)], [offer], includes_tax=True).total == 4


_claim, _price_order, _is_running = Transaction.claim, OrderPricer.price_order, Promotion.is_running
_repriced = amendment._repriced


def _unlocked(transaction: Transaction, table: str, keys: Any) -> bool:
    return table != "uses" and _claim(transaction, table, keys)


def _with_what_runs_today(pricer: OrderPricer, *arguments: Any) -> Any:
    return _price_order(pricer, *arguments[:4])


def _limit_of_its_version(pricer: OrderPricer, _: Any, of: Promotion | coupons.Coupon, own: Any = ()) -> bool:
    return of.uses_max is None or pricer._used[of.id.int] - (of.id.int in own) < of.uses_max


def _at_todays_rates(request: Any, after: Any, lines: Any, pricer: OrderPricer) -> Any:
    sold = [Offer(*(*line[:4], (), line.tax_class)) for line in lines]
    today = [
        line._replace(tax_rate=pricer.tax_and_categories(offer)[0]) for line, offer in zip(lines, sold, strict=True)
    ]
    return _repriced(request, after, today, pricer)


def _latest_rate(rates: Any, tax_class: str, _: Any) -> int:
    return int([rate.basis_points for rate in rates if rate.tax_class == tax_class][-1])


def _without_remainder(amount: int, weights: Sequence[int]) -> list[int]:
    whole = sum(weights) or 1
    return [amount * weight // whole for weight in weights]


def _all_uses_of(prices: MemoryPrices, _: UUID, order_id: UUID) -> list[coupons.Redemption]:
    return list(prices._transaction.redemptions.get(order_id) or ())


def _by_hand(code: str, field: str = "code") -> str:
    return code


SUMS = law(laws.test_discounts_stay_within_their_lines_and_parts_sum_to_the_whole)
LIMITS = contract("test_uses_are_given_until_there_are_none_and_given_back_once", codes=())
MUTANTS: list[tuple[str, list[tuple[object, str, Any]], Check]] = [
    (
        "the order of adding matters",
        [(cart, "_place", lambda _: 0)],
        law(laws.test_the_order_of_lines_and_promotions_changes_no_amount),
    ),
    ("a fixed price is a percentage", [(FixedPrice, "off", lambda b, price: price * b.price.minor // 100)], SUMS),
    ("an amount takes more than the price", [(AmountEach, "off", lambda b, _: b.amount.minor)], SUMS),
    (
        "a cent is lost by spreading",
        [(evaluation, "spread", _without_remainder), (taxes, "spread", _without_remainder)],
        SUMS,
    ),
    (
        "any plan will do",
        [(evaluation.Plan, "key", property(lambda plan: -plan.total))],
        law(laws.test_no_single_promotion_would_be_better_than_all),
    ),
    (
        "a condition is not looked at",
        [(evaluation, "shortfall", lambda *_: (0, 0))],
        contract("test_an_edit_takes_and_gives_back_uses"),
    ),
    (
        "uses are counted without a lock",
        [(Transaction, "claim", _unlocked)],
        contract("test_many_buyers_at_once_get_as_many_uses_as_there_are"),
    ),
    ("a limit is not looked at", [(OrderPricer, "_has_uses", lambda *_: True)], LIMITS),
    ("a cancelled order keeps its uses", [(MemoryPrices, "give_back", lambda *_: None)], LIMITS),
    ("a use is given back twice", [(MemoryPrices, "redeemed", _all_uses_of)], LIMITS),
    (
        "an edit that brings another coupon does not use it",
        [(coupons.Redemption, "identity", property(lambda use: use.promotion_id))],
        contract("test_of_two_coupons_of_a_promotion_the_last_one_is_used_also_if_an_edit_brings_it"),
    ),
    (
        "an edit forgets the coupons of its order",
        [(OrderPricer, "price_order", lambda pricer, *arguments: _price_order(pricer, *arguments[:6]))],
        contract("test_an_edit_counts_a_coupon_that_its_order_had_and_did_not_use"),
    ),
    (
        "a limit is that of the version which an order keeps",
        [(OrderPricer, "_has_uses", _limit_of_its_version)],
        contract("test_an_edit_keeps_its_promotions_within_the_limits_of_today"),
    ),
    (
        "an edit is priced with today's promotions",
        [(OrderPricer, "price_order", _with_what_runs_today)],
        contract("test_a_change_makes_a_version_and_leaves_orders_as_they_were"),
    ),
    (
        "a later rate rewrites history",
        [(amendment, "_repriced", _at_todays_rates)],
        contract("test_a_rate_is_kept_by_the_orders_that_it_was_agreed_for"),
    ),
    (
        "a later rate is valid at once",
        [(rules, "tax_rate_at", _latest_rate)],
        contract("test_a_rate_is_kept_by_the_orders_that_it_was_agreed_for"),
    ),
    (
        "a promotion applies at its end",
        [(Promotion, "is_running", lambda p, at: _is_running(p, at) or at == p.ends_at)],
        contract("test_a_promotion_applies_from_its_start_on_and_not_at_its_end"),
    ),
    (
        "the case of a code matters",
        [(coupons, "coupon_code", _by_hand)],
        contract("test_a_coupon_unlocks_its_promotion_however_it_is_written"),
    ),
    (
        "halves are rounded to even",
        [(taxes, "half_up", lambda n, d: round(n / d)), (rounding, "half_up", lambda n, d: round(n / d))],
        half_a_cent,
    ),
    (
        "refunds are rounded alone",
        [(laws, "refund_share", lambda amount, ordered, _, units: -(-amount * units // ordered))],
        law(laws.test_returns_of_all_units_give_back_what_was_paid_however_they_are_divided),
    ),
]


@pytest.mark.parametrize(
    ("patches", "check"), [pytest.param(patches, check, id=name) for name, patches, check in MUTANTS]
)
def test_a_mistake_with_prices_is_found(
    monkeypatch: pytest.MonkeyPatch, patches: list[tuple[object, str, Any]], check: Check
) -> None:
    for where, name, wrong in patches:
        monkeypatch.setattr(where, name, wrong)
    with pytest.raises((AssertionError, LookupError, Refusal, ExceptionGroup)):
        check()
