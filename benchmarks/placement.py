"""Placing orders: any products, the one that everybody wants, and a flash sale."""

from __future__ import annotations

import time
from functools import partial

from benchmarks import seed_data
from benchmarks.environment import SALES, Environment, Shop
from benchmarks.measurement import Findings, Row, Spread, at_least, in_turn, middle, ratios
from benchmarks.pgbench import PLACE
from benchmarks.wrk import Load, load

CONNECTIONS = 64
LINES = 3
BUSY = 503
"""Who would have to wait too long is sent away at once, and nothing was done."""
HOT = 1
"""The number of the product in everybody's order."""

_ORDERS = "SELECT count(*) FROM orders"


class Placing:
    """Both sides of placing, and what came of them."""

    def __init__(self, shop: Shop, seconds: float) -> None:
        self.shop = shop
        self.faults: list[str] = []
        self.acknowledged = self.sent_away = 0
        self._seconds = seconds
        self._tokens = shop.shoppers()

    def ours(self, hot: int) -> float:
        """Orders a second, over HTTP; then compared with what is in the database."""
        before = self.shop.number(_ORDERS)
        done = load(
            *(self.shop.url, "place", self._tokens, LINES, self.shop.sold, hot),
            connections=CONNECTIONS,
            seconds=self._seconds,
        )
        self.acknowledged += done.statuses.get(201, 0)
        self.sent_away += done.statuses.get(BUSY, 0)
        self.faults += faults_of(done, self.shop.number(_ORDERS) - before)
        self.shop.wait_for_relay()
        return done.rate(201)

    def raw(self, hot: int, clients: int) -> float:
        """Orders a second, by SQL alone."""
        return self._pgbench(hot, clients, self._seconds)

    def best_clients(self, hot: int) -> int:
        """With how many clients SQL alone is fastest."""
        return max(
            self.shop.environment.size.clients, key=lambda clients: self._pgbench(hot, clients, min(1, self._seconds))
        )

    def _pgbench(self, hot: int, clients: int, seconds: float) -> float:
        given = {"n": 0, "run": time.time_ns() // 10**6, "products": self.shop.sold, "hot": hot}
        return self.shop.pgbench.rate(PLACE, clients=clients, seconds=seconds, **given)


def faults_of(done: Load, in_database: int) -> list[str]:
    """What is wrong after a load of orders, of which so many are in the database: each acknowledged one must be."""
    placed, faults = done.statuses.get(201, 0), done.faults(201, BUSY)
    if not placed <= in_database <= placed + done.unanswered:
        faults.append(f"{placed:,} orders acknowledged, {in_database:,} in the database")
    return faults


def place(environment: Environment, findings: Findings) -> None:
    """Orders of three lines, against the same rows by SQL alone."""
    shop = environment.shop
    placement = Placing(shop, environment.size.seconds)
    clients = {hot: placement.best_clients(hot) for hot in (0, HOT)}
    sides = {
        "uniform": partial(placement.ours, 0),
        "raw": partial(placement.raw, 0, clients[0]),
        "hot": partial(placement.ours, HOT),
        "raw hot": partial(placement.raw, HOT, clients[HOT]),
    }
    figures = in_turn(sides, environment.size.rounds)
    ours, hot = f"{middle(figures['uniform'])} orders/s", f"{middle(figures['hot'])} orders/s"
    raw = f"{middle(figures['raw'])}/s: the same rows by pgbench, {clients[0]} clients"
    raw_hot = f"{middle(figures['raw hot'])}/s: the same rows by pgbench, {clients[HOT]} clients"
    own = f"{middle(figures['uniform'])}/s: our own, uniform"
    to_raw = ratios(figures["uniform"], figures["raw"])
    hot_to_raw = ratios(figures["hot"], figures["raw hot"])
    hot_to_own = ratios(figures["hot"], figures["uniform"])
    checked = (
        f"{placement.acknowledged:,} acknowledged, each in the database; {placement.sent_away:,} told to come later"
    )
    faults = tuple(dict.fromkeys(placement.faults))
    many = f"place an order of {LINES} lines, of any of {environment.size.products:,} products"
    one = f"place an order of {LINES} lines, one of them what everybody wants"
    findings.rows += [
        Row(many, ours, raw, to_raw, "×", at_least(1), checked, faults),
        Row(one, hot, raw_hot, hot_to_raw, "×", at_least(4), checked, faults),
        Row(one, hot, own, hot_to_own, "×", at_least(0.9)),
    ]


def sale(environment: Environment, findings: Findings) -> None:
    """Many buyers, each with a request of their own, for the units of one product."""
    shop, buyers, units = environment.shop, environment.size.buyers, environment.size.sale_units
    tokens = environment.file("buyers", [environment.token(seed_data.customer_id(10_000 + n)) for n in range(buyers)])
    orders, rates, faults, busy = list[float](), list[float](), list[str](), 0
    rounds = min(SALES, 3, environment.size.rounds)
    for number in range(rounds):
        product = environment.size.products - number
        done = load(shop.url, "sale", tokens, product, connections=CONNECTIONS * 2, seconds=60, limit=buyers)
        rates.append(done.requests / done.seconds)
        orders.append(done.statuses.get(201, 0))
        sold, clean = done.statuses.get(201, 0), done.sold_out
        kept = shop.number(
            "SELECT count(*) FROM order_lines WHERE product_id = :product", product=seed_data.product_id(product)
        )
        busy += (late := done.statuses.get(BUSY, 0))
        faults += done.faults(201, 409, BUSY)
        if (sold, kept, clean + late) != (units, units, buyers - units):
            faults.append(f"{sold:,} sold, {kept:,} orders in the database, {clean:,} clean refusals")
        shop.wait_for_relay()
    what, ours = f"flash sale: {buyers:,} buyers, {units:,} units", f"{middle(rates)} answers/s, {rounds} sales"
    checked = f"{units:,} orders in the database each time; refusals say insufficient_stock, {busy:,} to come later"
    found = tuple(dict.fromkeys(faults))
    findings.rows.append(Row(what, ours, "-", Spread.of(orders), "orders", at_least(units), checked, found))
