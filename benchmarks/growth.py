"""Growth: the same things done in shops of different sizes, in turn; in this process, without HTTP."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TypeVar

from benchmarks import seed_data
from benchmarks.environment import Environment
from benchmarks.measurement import Findings, Growth, Measure, Spread, in_turn
from shop_adapters.ids import uuid7
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_core import Actor, CursorRequest, LineRequest, OrderQuery, PlacementRequest, ProductQuery, Role
from shop_core import Shop as Core

T = TypeVar("T")

TIMES = 40
"""How often each thing is done in a round."""
BASE = 1_000
"""Products where orders grow, and orders where products do."""


class Sized:
    """A shop with so many products and orders, and what is done in it."""

    def __init__(self, core: Core, products: int, orders: int) -> None:
        self._core, self._products, self._orders = core, products, orders

    def place(self, lines: int = 3) -> float:
        """Milliseconds for an order."""
        requested = [random.sample(range(1, self._products + 1), lines) for _ in range(TIMES)]
        requests = [
            PlacementRequest(uuid7(), tuple(LineRequest(seed_data.product_id(number), 1) for number in numbers))
            for numbers in requested
        ]
        return _milliseconds(self._core.orders.place, requests)

    def place_a_line(self, lines: int) -> float:
        """Milliseconds for each line of such an order."""
        return self.place(lines) / lines

    def page(self) -> float:
        """Milliseconds for a page of fifty by cursor, in the middle of the catalog."""
        first = self._core.catalog.products(ProductQuery(), CursorRequest(50))
        pieces = [CursorRequest(50, first.cursor)] * TIMES
        return _milliseconds(lambda page_request: self._core.catalog.products(ProductQuery(), page_request), pieces)

    def product(self) -> float:
        """Milliseconds for a product by id."""
        ids = [seed_data.product_id(random.randint(1, self._products)) for _ in range(TIMES)]
        return _milliseconds(self._core.catalog.product, ids)

    def history(self) -> float:
        """Milliseconds for the ten latest orders of a customer who has a tenth of all."""
        actors = [Actor(seed_data.customer_id(random.randint(1, 10)), Role.CUSTOMER) for _ in range(TIMES)]
        return _milliseconds(lambda actor: self._core.orders.find(actor, OrderQuery(), CursorRequest(10)), actors)


def grow(environment: Environment, findings: Findings) -> None:
    """The cost of one thing by the number of products, orders and lines."""
    numbers = environment.size.growth
    with ExitStack() as stack:
        by_products = {number: _sized(environment, stack, number, BASE) for number in numbers}
        by_orders = {number: _sized(environment, stack, BASE, number) for number in numbers}
        kinds: list[tuple[str, dict[int, Sized], Callable[[Sized], float]]] = [
            ("place an order of 3 lines, by products", by_products, Sized.place),
            ("a page of 50, by products", by_products, Sized.page),
            ("a product by id, by products", by_products, Sized.product),
            ("place an order of 3 lines, by orders", by_orders, Sized.place),
            ("ten of my orders, by orders", by_orders, Sized.history),
        ]
        for title, shops, what in kinds:
            sides = {str(number): partial(what, shop) for number, shop in shops.items()}
            findings.growths.append(_growth(title, sides, environment.size.rounds))
        largest = by_products[max(numbers)]
        lines = [number for number in environment.size.lines if number <= max(numbers)]
        sides = {str(number): partial(largest.place_a_line, number) for number in lines}
        findings.growths.append(_growth("a line of an order, by its lines", sides, environment.size.rounds))


def _growth(title: str, sides: Mapping[str, Measure], rounds: int) -> Growth:
    figures = in_turn(sides, rounds)
    return Growth(title, "ms", {int(number): Spread.of(costs) for number, costs in figures.items()})


def _sized(environment: Environment, stack: ExitStack, products: int, orders: int) -> Sized:
    database = stack.enter_context(environment.new_database(f"shop_bench_{products}_{orders}"))
    engine = make_engine(database.render_as_string(hide_password=False), connections=2, wait_s=30)
    stack.callback(engine.dispose)
    seed_data.add_products(engine, 1, products)
    seed_data.add_orders(engine, 1, orders, customer=1, customers=10, products=products)
    seed_data.settle(engine)
    return Sized(Core(PostgresAdapters(engine, environment.secret.encode())), products, orders)


def _milliseconds(work: Callable[[T], object], things: Sequence[T]) -> float:
    """For one of them: the middle one of many."""
    took = []
    for thing in things:
        begun = time.perf_counter()
        work(thing)
        took.append((time.perf_counter() - begun) * 1000)
    return Spread.of(took).median
