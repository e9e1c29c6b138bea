"""The laws of pricing over many carts: `python -m verification.prices --cases 100000`.

The laws are the properties of `tests/unit/test_pricing_laws.py`. There Hypothesis draws the examples and makes them
small once one breaks a law, at 8 ms an example. Here they come from plain random numbers, at a tenth of that, with
larger carts. Each law gets its share of the cases; another seed makes others.

These laws are about a pure function. That orders cost what their quotes said, stay so, and give uses back once is tried
in memory and on PostgreSQL beside each other, by `verification.machine`.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from shop_core.money import Money
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
from shop_core.pricing.cart import CartLine
from shop_core.pricing.model import Promotion

LAWS = Path(__file__).resolve().parents[1] / "tests" / "unit"
PRODUCTS = [UUID(int=number) for number in range(1, 13)]
CATEGORIES = [UUID(int=number) for number in range(101, 106)]
PATHS = [CATEGORIES[:3], CATEGORIES[1:3], CATEGORIES[2:3], [CATEGORIES[3], CATEGORIES[2]], [CATEGORIES[4]], []]
"""The category of a product and all above it: as a tree has them."""
PRICES = {  # in minor units: of JPY there are no decimals, of KWD three
    "JPY": [0, 1, 3, 7, 10, 50, 99, 1000],
    "EUR": [0, 1, 5, 99, 250, 333, 1000, 4999],
    "USD": [0, 1, 3, 99, 100, 1250, 1999, 10_001],
    "KWD": [0, 5, 995, 2501, 3335, 10_000, 49_995, 100_001],
}
RATES = [0, 1, 550, 700, 1900, 2000, 10_000]
PERCENTS = [1, 33, 500, 1000, 3333, 5000, 9999, 10_000]


def cart(random: Random) -> list[CartLine]:
    """Some lines, in any order."""
    prices = PRICES[random.choice(sorted(PRICES))]
    return [
        CartLine(
            product_id,
            random.choice(prices),
            random.choice([1, 1, 2, 3, 5, 7, 40]),
            random.choice(RATES),
            tuple(PATHS[product_id.int % len(PATHS)]),
        )
        for product_id in random.sample(PRODUCTS, random.choice([1, 2, 3, 4, 6, 12]))
    ]


def selection(random: Random) -> Selection:
    """Everything, a few products, or a few categories."""
    kind = random.randrange(3)
    if kind == 0:
        return Selection(product_ids=frozenset(random.sample(PRODUCTS, random.randint(1, 4))))
    return (
        Selection(category_ids=frozenset(random.sample(CATEGORIES, random.randint(1, 2)))) if kind > 1 else EVERYTHING
    )


def buy_x_get_y(random: Random) -> BuyXGetY:
    """Of the same products or of others."""
    return BuyXGetY(
        random.randint(1, 3),
        random.randint(1, 2),
        random.choice(PERCENTS),
        random.choice([1, 2, None]),
        selection(random),
        selection(random) if random.random() < 0.5 else None,
    )


def benefit(random: Random) -> Benefit:
    """One of any kind."""
    kind, amount = random.randrange(7), Money(random.randint(1, 6000), "EUR")
    if kind == 0:
        return Percent(random.choice(PERCENTS), selection(random))
    if kind == 1:
        return AmountEach(amount, selection(random))
    if kind == 2:
        return FixedPrice(amount, selection(random))
    if kind == 3:
        return OrderPercent(random.choice(PERCENTS))
    return OrderAmount(amount) if kind == 4 else buy_x_get_y(random)


def promotion(random: Random, number: int = 0) -> Promotion:
    """One of any kind, often with a condition."""
    condition = None
    if random.random() < 0.4:
        total_min = Money(random.choice([30, 1000, 3000, 20_000]), "EUR")
        condition = Condition(total_min, random.choice([None, 2, 5]), selection(random))
    return Promotion(UUID(int=1000 + number), "offer", benefit(random), condition, combines=random.random() < 0.7)


def promotions(random: Random) -> list[Promotion]:
    """Up to twelve; now and then all of the kind that competes for units."""
    if random.random() < 0.2:
        return [Promotion(UUID(int=1000 + n), "offer", buy_x_get_y(random)) for n in range(random.randint(5, 8))]
    return [promotion(random, number) for number in range(random.choice([0, 1, 2, 3, 4, 6, 12]))]


ARGUMENTS: dict[str, Callable[[Random], object]] = {
    "cart": cart,
    "offers": promotions,
    "extra": lambda random: promotion(random, 999),
    "includes_tax": lambda random: random.random() < 0.5,
    "random": lambda random: Random(random.random()),
    "times": lambda random: random.randint(1, 50),
    "buy": lambda random: random.randint(1, 4),
    "get": lambda random: random.randint(1, 4),
    "weights": lambda random: [random.randint(0, 10_000) for _ in range(random.randint(0, 9))],
    "part": lambda random: random.randint(0, 10_000),
}
"""What the laws are about, by the names of their arguments."""


def laws() -> dict[str, Callable[..., None]]:
    """The properties that draw examples, by name, without what draws them."""
    sys.path.insert(0, str(LAWS))
    module = importlib.import_module("test_pricing_laws")
    return {name: test.hypothesis.inner_test for name, test in vars(module).items() if hasattr(test, "hypothesis")}


def check(name: str, law: Callable[..., None], cases: int, seed: int) -> None:
    """Try a law.

    Raises:
        AssertionError: it is broken; the note has the case.
    """
    names = law.__code__.co_varnames[: law.__code__.co_argcount]
    for number in range(cases):
        random = Random(f"{seed}/{name}/{number}")
        case: dict[str, Any] = {each: ARGUMENTS[each](random) for each in names}
        try:
            law(**case)
        except AssertionError as broken:
            broken.add_note(f"{name}, seed {seed}, case {number}: {case}")
            raise


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m verification.prices", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=100_000, help="of all laws together (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    checked = laws()
    each = -(-given.cases // len(checked))
    for name, law in checked.items():
        began = time.monotonic()
        check(name, law, each, given.seed)
        print(f"{name}: {each} cases, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{len(checked)} laws, {each * len(checked)} cases, 0 broken")
    return 0


if __name__ == "__main__":
    sys.exit(main())
