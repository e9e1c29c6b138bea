"""Reading: pages, products and searches."""

from __future__ import annotations

import json
import random
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import empty_server, seed_data
from benchmarks.environment import Environment, Shop
from benchmarks.measurement import Findings, Measure, Row, Spread, at_least, at_most, in_turn, middle, ratios
from benchmarks.pgbench import PAGE
from benchmarks.real_year.client import API
from benchmarks.wrk import Load, load, load_beside

CONNECTIONS = 32
PAGE_SIZE = 50
FEW_PAGES = 20
DETAILS = 5_000
PLACING_CONNECTIONS, PLACING_PACE_MS = 8, 16
"""Orders are placed beside reads at 500 a second at most."""
AIMS = {"few": 0.5, "many": 0.35, "many, orders": 0.3, "product": 0.6}
"""Shares of the empty handler; many different texts are kept, and each is sent with the units of its moment."""

_PAGE = f"{API}/products?limit={PAGE_SIZE}"


class Reads:
    """Loads that read, and what was wrong with the answers."""

    def __init__(self, shop: Shop, seconds: float) -> None:
        self.shop = shop
        self.seconds = seconds
        self.faults: list[str] = []
        self.tail = 0.0
        """Of the last load: within how many times the middle answer's time 99 of 100 came."""

    def of(self, name: str, paths: list[str], token: str = "") -> Measure:
        """Answers a second, to these paths at random."""
        file = self.shop.environment.file(name, [f"{path}\t{token}" for path in paths])

        def measure() -> float:
            rate = self._rate(self.shop.url, file)
            self.shop.settle(paths[0], token)
            return rate

        return measure

    def empty(self, server: Callable[[int], list[str]] = empty_server.granian) -> float:
        """Answers a second of the empty handler, in this server."""
        url = urlsplit(self.shop.environment.empty_url(server))
        return self._rate(f"http://{url.netloc}", self.shop.environment.file("empty", [url.path]))

    def beside_orders(self, measure: Measure, tokens: Path, tails: list[float] | None = None) -> float:
        """What it is while orders are placed; what the tail is goes to `tails`."""
        with load_beside(
            *(self.shop.url, "place", tokens, 3, self.shop.sold, 0),
            connections=PLACING_CONNECTIONS,
            seconds=self.seconds + 2,
            pace_ms=PLACING_PACE_MS,
        ):
            rate = measure()
        if tails is not None:
            tails.append(self.tail)
        self.shop.wait_for_relay()
        return rate

    def _rate(self, url: str, file: Path) -> float:
        done: Load = load(url, "get", file, connections=CONNECTIONS, seconds=self.seconds)
        self.faults += done.faults(200)
        self.tail = done.p99_ms / done.p50_ms if done.p50_ms else 0
        return done.rate()


def pages(environment: Environment, findings: Findings) -> None:
    """Pages of fifty and single products, against the empty handler and the SELECT alone."""
    shop = environment.shop
    reads = Reads(shop, environment.size.seconds)
    walked, faults = _walk(shop)
    tokens = shop.shoppers()
    few, many = reads.of("few", walked[:FEW_PAGES]), reads.of("many", walked)
    chosen = [f"{API}/products/{seed_data.product_id(random.randint(1, shop.sold))}" for _ in range(DETAILS)]
    clients = shop.pgbench.best_clients(
        PAGE, environment.size.clients, seconds=min(1, reads.seconds), products=environment.size.products, n=0
    )
    tails: list[float] = []
    sides: dict[str, Measure] = {
        "few": few,
        "many": many,
        "product": reads.of("products", chosen),
        "empty": reads.empty,
        "empty, own": partial(reads.empty, empty_server.uvicorn),
        "raw": lambda: shop.pgbench.rate(
            PAGE, clients=clients, seconds=reads.seconds, products=environment.size.products, n=0
        ),
        "many, orders": partial(reads.beside_orders, many, tokens, tails),
        "empty, orders": partial(reads.beside_orders, reads.empty, tokens),
    }
    for name in ("few", "many", "product"):
        _warm_up(sides[name])
    figures = in_turn(sides, environment.size.rounds)
    checked = f"a walk through {len(walked):,} pages found every product once; every answer was 200"
    found = tuple(dict.fromkeys(faults + reads.faults))
    names = {
        "few": f"a page of {PAGE_SIZE}, the same {FEW_PAGES} again and again",
        "many": f"a page of {PAGE_SIZE}, any of {len(walked):,}",
        "many, orders": f"a page of {PAGE_SIZE}, any of {len(walked):,}, while orders are placed",
        "product": f"a product by id, any of {DETAILS:,}",
    }
    for name, what in names.items():
        beside = "empty, orders" if name == "many, orders" else "empty"
        aim = at_least(AIMS[name])
        empty = f"{middle(figures[beside])}/s: an empty handler"
        ours = f"{middle(figures[name])}/s"
        findings.rows.append(Row(what, ours, empty, ratios(figures[name], figures[beside]), "×", aim, checked, found))
    own = f"{middle(figures['empty, own'])}/s: an empty handler in uvicorn"
    for name in ("many", "product"):
        measured = ratios(figures[name], figures["empty, own"])
        findings.rows.append(Row(names[name], f"{middle(figures[name])}/s", own, measured, "×"))
    what = f"{names['many, orders']}: 99 of 100 answers"
    beside_middle = Spread.of(tails[-environment.size.rounds :])  # those before were to warm up
    findings.rows.append(Row(what, "within", "the middle one", beside_middle, "× its time", at_most(4), checked, found))
    raw = f"{middle(figures['raw'])}/s: pgbench, {clients} clients"
    for name in ("few", "many"):
        measured = ratios(figures[name], figures["raw"])
        findings.rows.append(Row(names[name], f"{middle(figures[name])}/s", raw, measured, "×", at_least(0.5)))


def _warm_up(measure: Measure) -> None:
    """Measure until it gets no faster: each worker renders each of thousands of texts once, which takes a while."""
    before, rate = 0.0, measure()
    while rate > before * 1.05:
        before, rate = rate, max(rate, measure())


def lists(environment: Environment, findings: Findings) -> None:
    """Deep pages, counts and searches, against a page that is easy to find.

    Others commit all the while, so that every answer is worked out: else a kept answer would be compared with another.
    """
    shop, products = environment.shop, environment.size.products
    reads = Reads(shop, environment.size.seconds)
    walked, faults = _walk(shop, pages_max=200)
    deep = max(0, products - 20 * PAGE_SIZE)
    words = [f"{adjective}%20{noun}" for adjective in seed_data.ADJECTIVES for noun in seed_data.NOUNS[:20]]
    words += list(seed_data.NOUNS)
    sides = {
        "page": reads.of("page", walked),
        "first": reads.of("first", [f"{_PAGE}&offset={offset}" for offset in range(950)]),
        "deep": reads.of("deep", [f"{_PAGE}&offset={deep + offset}" for offset in range(950)]),
        "search": reads.of("search", [f"{_PAGE}&cursor=&keyword={word}" for word in words]),
        "search, counted": reads.of("counted", [f"{_PAGE}&keyword={word}" for word in words]),
    }
    faults += _check_lists(environment, deep)
    with shop.commits_beside():
        figures = in_turn(sides, environment.size.rounds)
    found = tuple(dict.fromkeys(faults + reads.faults))

    rate = {name: f"{middle(figures[name])}/s" for name in sides}

    def row(what: str, name: str, than: str, words: str, cost_max: float, checked: str) -> Row:
        cost = ratios(figures[than], figures[name])  # the rates the other way round
        return Row(what, rate[name], f"{rate[than]}: {words}", cost, "× its cost", at_most(cost_max), checked, found)

    deep_page, first_page = f"page {deep // PAGE_SIZE + 1:,} and on, by offset", "page 1 and on, by offset"
    counted, cursor = "page 1 and on, by offset, with its `count`", "a page by cursor, not counted"
    by_cursor, what = f"{rate['page']}: {cursor}", f"search by keyword in {products:,} products"
    to_page, counted_to_page = (ratios(figures[name], figures["page"]) for name in ("search", "search, counted"))
    having = "every product found has the word"
    findings.rows += [
        row(deep_page, "deep", "first", first_page, 3, "the deep page holds the oldest products"),
        row(counted, "first", "page", cursor, 3, f"the count is {products:,}"),
        Row(what, rate["search"], by_cursor, to_page, "×", at_least(0.3), having, found),
        Row(f"{what}, with its `count`", rate["search, counted"], by_cursor, counted_to_page, "×"),
    ]


def _check_lists(environment: Environment, deep: int) -> list[str]:
    """What is wrong with the lists that are about to be measured."""
    url, size = environment.shop.url, environment.size
    faults = []
    page = get(f"{url}{_PAGE}&offset={deep}")
    numbers = [int(product["sku"].removeprefix("SKU-")) for product in page["results"]]
    if page["count"] != size.products or numbers != list(range(size.products - deep, 0, -1))[:PAGE_SIZE]:
        faults.append(f"the page at {deep:,} is wrong: {page['count']:,} counted, {numbers[:2]} first")
    word = seed_data.NOUNS[7]
    if not (results := get(f"{url}{_PAGE}&keyword={word}")["results"]) or any(word not in r["name"] for r in results):
        faults.append(f"the search for {word} is wrong: {len(results)} found")
    return faults


def _walk(shop: Shop, pages_max: int | None = None) -> tuple[list[str], list[str]]:
    """The path of every page by cursor, and what was wrong with them."""
    paths: list[str] = []
    seen: list[int] = []
    path = f"{_PAGE}&cursor="
    while path and (pages_max is None or len(paths) < pages_max):
        paths.append(path)
        page = get(f"{shop.url}{path}")
        seen += [int(product["sku"].removeprefix("SKU-")) for product in page["results"]]
        following = urlsplit(page["next"] or "")
        path = following.path and f"{following.path}?{following.query}"
    newest = shop.environment.size.products
    if seen != list(range(newest, newest - len(seen), -1)) or (pages_max is None and len(seen) != newest):
        return paths, [f"a walk found {len(seen):,} products, {len(set(seen)):,} different ones, of {newest:,}"]
    return paths, []


def get(url: str, token: str = "") -> Any:
    """The JSON of an answer."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
        return json.load(answer)
