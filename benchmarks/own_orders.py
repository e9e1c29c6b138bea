"""My orders: those of a customer with many against those of one with few."""

from __future__ import annotations

from urllib.parse import urlsplit

from benchmarks import seed_data
from benchmarks.environment import FAITHFUL, OCCASIONAL, OCCASIONAL_ORDERS, Environment
from benchmarks.measurement import Findings, Row, at_most, in_turn, middle, ratios
from benchmarks.reads import Reads, get
from benchmarks.real_year.client import API

PAGE_SIZE = 9
"""Fewer than the customer with few has: so all pages have as many orders, and each has a `next`."""
COST_MAX = 1.2
LISTS = {
    "the first page, with its `count`": "?limit=9",
    "the first page by status, with its `count`": "?limit=9&status=placed",
    "the first page by time, with its `count`": "?limit=9&placed_from=2020-01-01T00:00:00Z",
    "the first page by cursor": "?limit=9&cursor=",
}
"""What a customer asks for, as a query of `/orders`."""


def own_orders(environment: Environment, findings: Findings) -> None:
    """Each list of the customer with many against the same list of the one with few; a page far behind against the
    first one of the latter. Others commit all the while.
    """
    shop, many = environment.shop, environment.size.faithful_orders
    reads = Reads(shop, environment.size.seconds)
    faithful, occasional = (environment.token(seed_data.customer_id(number)) for number in (FAITHFUL, OCCASIONAL))
    far = _far_behind(shop.url, faithful, many // 2)
    lists = [(what, query, query) for what, query in LISTS.items()]
    lists.append((f"a page by cursor, {many // 2:,} orders behind", far, "?limit=9&cursor="))
    faults = _check(shop.url, faithful, many, [mine for _, mine, _ in lists])
    faults += _check(shop.url, occasional, OCCASIONAL_ORDERS, [theirs for _, _, theirs in lists])
    sides = {}
    for number, (_, mine, theirs) in enumerate(lists):
        sides[f"many {number}"] = reads.of(f"many{number}", [f"{API}/orders{mine}"], faithful)
        sides[f"few {number}"] = reads.of(f"few{number}", [f"{API}/orders{theirs}"], occasional)
    with shop.commits_beside():
        figures = in_turn(sides, environment.size.rounds)
    found = tuple(dict.fromkeys(faults + reads.faults))
    for number, (what, _, _) in enumerate(lists):
        ours, yardstick = figures[f"many {number}"], figures[f"few {number}"]
        workload = f"my orders, {many:,} of them: {what}"
        versus = f"{middle(yardstick)}/s: a customer with {OCCASIONAL_ORDERS}"
        cost = ratios(yardstick, ours)  # the rates the other way round
        checked = f"each page has {PAGE_SIZE} orders, and the counts are right"
        aim = at_most(COST_MAX)
        findings.rows.append(Row(workload, f"{middle(ours)}/s", versus, cost, "× its cost", aim, checked, found))


def _check(url: str, token: str, orders: int, queries: list[str]) -> list[str]:
    """What is wrong with the lists that are about to be measured."""
    faults = []
    for query in queries:
        page = get(f"{url}{API}/orders{query}", token)
        if len(page["results"]) != PAGE_SIZE:
            faults.append(f"{query} has {len(page['results'])} orders, must have {PAGE_SIZE}")
        count = page.get("count")
        exact = not page.get("count_is_estimate")
        if count is not None and (count != orders if exact else not 0.9 <= count / orders <= 1.1):
            faults.append(f"{query} counts {count:,} orders, must be {orders:,}")
    return faults


def _far_behind(url: str, token: str, orders: int) -> str:
    """The query of the page so many orders behind the first one."""
    path, seen = f"{API}/orders?limit=200&cursor=", 0
    while seen < orders:
        page = get(f"{url}{path}", token)
        seen += len(page["results"])
        path = page["next"]
    cursor = next(part for part in urlsplit(path).query.split("&") if part.startswith("cursor="))
    return f"?limit={PAGE_SIZE}&{cursor}"
