"""Prices: what promotions, a coupon and taxes cost those who place and ask; in this process, without HTTP."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from dataclasses import fields
from functools import partial
from uuid import UUID

from benchmarks import seed_data
from benchmarks.environment import Environment
from benchmarks.measurement import Findings, Row, Spread, at_least, at_most, in_turn, middle, ratios
from benchmarks.placement import LINES
from benchmarks.start_and_memory import BATCH
from shop_adapters.ids import uuid7
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_core import SYSTEM, LineRequest, Money, PlacementRequest
from shop_core import Shop as Core
from shop_core.pricing.benefits import (
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
from shop_core.pricing.cart import CartLine
from shop_core.pricing.evaluation import price
from shop_core.pricing.explanation import explain
from shop_core.pricing.item_stage import TRIED_MAX
from shop_core.pricing.model import Promotion, PromotionDetails
from shop_core.pricing.promotion_set import PromotionSet
from shop_core.pricing.service import PROMOTIONS_MAX
from shop_core.pricing.taxes import TaxRate

PRODUCTS = 2_000
CODE = "EVERYBODY"
BATCHES = 5
"""In one measurement."""
ROUNDS = 10
"""For one of the other workloads: these are short, so that what slows the machine down slows all sides down."""
LARGE = 50
"""Lines of a large cart."""


def prices(environment: Environment, findings: Findings) -> None:
    """Placing with taxes and with promotions against placing without, and what a large cart takes."""
    with ExitStack() as stack:
        plain, taxed, promoted = [_shop(environment, stack, name) for name in ("plain", "taxed", "promoted")]
        for shop in (taxed, promoted):
            shop.prices.set_tax_rates(SYSTEM, [TaxRate("standard", 1900)])
        for offer in promotions():
            details = PromotionDetails(**{each.name: getattr(offer, each.name) for each in fields(PromotionDetails)})
            promotion = promoted.prices.create_promotion(SYSTEM, details).promotion
        promoted.prices.create_coupons(SYSTEM, promotion.id, code=CODE, uses_max=1_000_000)
        sides = {
            "plain": partial(_place, plain),
            "taxed": partial(_place, taxed),
            "promoted": partial(_place, promoted, CODE),
        }
        figures = in_turn(sides, ROUNDS * environment.size.rounds)
        faults = tuple(str(found) for shop in (plain, taxed, promoted) for found in shop.audit()[:1])
    than = f"{middle(figures['plain'])}/s: no promotion, no tax rate"
    for side, what, hoped in (
        ("taxed", "with one tax rate", 0.97),
        ("promoted", "with 20 live promotions, and a limited coupon in each order", 0.8),
    ):
        title, ours = f"place an order of {LINES} lines {what}, batches of {BATCH}", f"{middle(figures[side])} orders/s"
        measured = ratios(figures[side], figures["plain"])
        findings.rows.append(Row(title, ours, than, measured, "×", at_least(hoped), "the audit of each", faults))
    rounds = max(5, environment.size.rounds)
    worst = f"quote {LARGE} lines under {{}} promotions that compete for all units"
    for title, offers, aim in (
        (f"quote {LARGE} lines under 20 promotions, with why each applies or not", promotions(), at_most(5)),
        (worst.format(PROMOTIONS_MAX), competing(PROMOTIONS_MAX), None),
        (f"{worst.format(TRIED_MAX)}, in every sequence", competing(TRIED_MAX), None),
    ):
        took = [_milliseconds_of_quote(offers) for _ in range(rounds)]
        findings.rows.append(Row(title, f"{middle(took)} ms of Python", "-", Spread.of(took), "ms", aim))


def promotions() -> list[Promotion]:
    """Twenty, of every kind; the last one needs a coupon."""
    benefits: list[tuple[Benefit, Condition | None]] = []
    benefits += [(Percent(500 + 100 * n, _some(n, 50)), None) for n in range(6)]
    benefits += [(AmountEach(_euros(100), _some(10 + n, 10)), None) for n in range(4)]
    benefits += [(FixedPrice(_euros(200), _some(20 + n, 10)), None) for n in range(3)]
    benefits += [(BuyXGetY(2, 1, selection=_some(30 + n, 50)), None) for n in range(3)]
    benefits += [
        (OrderPercent(300), Condition(total_min=_euros(1_500))),
        (OrderAmount(_euros(500)), Condition(total_min=_euros(10_000))),
        (OrderAmount(_euros(300)), Condition(units_min=3, selection=_some(35, 50))),
        (OrderPercent(500), None),
    ]
    return [
        Promotion(UUID(int=number), f"Promotion {number}", benefit, condition, needs_coupon=number == len(benefits))
        for number, (benefit, condition) in enumerate(benefits, 1)
    ]


def competing(count: int) -> list[Promotion]:
    """So many of the kind that competes for units, all about every product."""
    return [Promotion(UUID(int=n), "Some free", BuyXGetY(1 + n % 5, 1 + n % 3, 2_000 + 80 * n)) for n in range(count)]


def _place(shop: Core, *codes: str) -> float:
    """Orders a second."""
    customers = [uuid7() for _ in range(100)]
    numbers = range(1, PRODUCTS + 1)
    took = 0.0
    for _ in range(BATCHES):
        requests = [
            PlacementRequest(
                random.choice(customers),
                tuple(LineRequest(seed_data.product_id(number), 1) for number in random.sample(numbers, LINES)),
                coupons=codes,
            )
            for _ in range(BATCH)
        ]
        begun = time.perf_counter()
        shop.orders.place_all(requests)
        took += time.perf_counter() - begun
    return BATCHES * BATCH / took


def _milliseconds_of_quote(offers: list[Promotion]) -> float:
    """Processor time to price a large cart and to explain it."""
    cart = [CartLine(seed_data.product_id(n), 250 + 7 * n, 1 + n % 4, 1900) for n in range(1, LARGE + 1)]
    usable = PromotionSet(offers)
    begun = time.process_time()
    explain(cart, offers, price(cart, usable, includes_tax=True))
    return (time.process_time() - begun) * 1000


def _shop(environment: Environment, stack: ExitStack, name: str) -> Core:
    database = stack.enter_context(environment.new_database(f"shop_bench_{name}"))
    engine = make_engine(database.render_as_string(hide_password=False), connections=2, wait_s=30)
    stack.callback(engine.dispose)
    seed_data.add_products(engine, 1, PRODUCTS)
    seed_data.settle(engine)
    return Core(PostgresAdapters(engine, environment.secret.encode()))


def _some(block: int, count: int) -> Selection:
    """So many products, none of which another block has."""
    first = 1 + 50 * block
    return Selection(product_ids=frozenset(seed_data.product_id(n) for n in range(first, first + count)))


def _euros(minor: int) -> Money:
    return Money(minor, "EUR")
