"""Reads of the catalog are fresh at each answer, across processes: `python -m verification.fresh_reads`.

Two servers of two workers each share a database. Writers in processes of their own raise prices, archive and restore
products, and order them in pairs, each time at any of the servers. Readers in other processes read products and pages,
also with `If-None-Match`. Everybody notes in shared memory what they are about to write and what was acknowledged. What
an answer shows must not be older than what was acknowledged before the request was sent, and not newer than what was
begun when it came; and the two products of a pair, which are only sold together, have the same units on each page.

First the same is done with servers that make mistakes, and each of those must be found.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit
from uuid import uuid4

from shop_adapters.tokens import JwtTokens
from shop_core import SYSTEM, Actor, Registration, Role, Shop
from verification.client import API, Connection, Lost, Response
from verification.databases import SECRET, adapters_on, database
from verification.mutants.registry import Mutant, Patch
from verification.shop_process import environment, serving

PRODUCTS, UNITS, PRICE = 60, 1_000_000, 1_250
SERVERS, WORKERS, TASKS = 2, 2, 4
WRITERS, READERS = 2, 2
"""Processes; each has `TASKS` who write or read at the same time."""
PAUSE_S = 0.1
"""Between two writes of one task: some of the texts that are kept shall be used again."""
PAGES = ("?limit=200", "?limit=20", "?limit=20&page=2", "?limit=50&cursor=", "?limit=50&sort=name")
MISTAKE_READS = 4_000
PASSWORD = "numbers are music"


class Known(NamedTuple):
    """What is known of a product at some time.

    Args:
        price: in minor units; it only rises.
        sold: how many orders of one unit there were.
        turns: how often it was archived or restored; it is there if they are even.
    """

    price: int
    sold: int
    turns: int


Shown = dict[int, tuple[int, int]]
"""Price and units of each product in an answer, by its number."""


def stale(shown: Shown, expected: Sequence[int], before: Sequence[Known], after: Sequence[Known]) -> list[str]:
    """What is wrong with an answer.

    Args:
        shown: what is in it.
        expected: the numbers of the products that must be in it if they are there.
        before: what was acknowledged when the request was sent.
        after: what was begun when the answer came.
    """
    found = []
    for number, (price, units) in shown.items():
        lower, upper, sold = before[number], after[number], UNITS - units
        if not lower.price <= price <= upper.price:
            found.append(f"product {number}: the price is {price}, must be {lower.price} to {upper.price}")
        if not lower.sold <= sold <= upper.sold:
            found.append(f"product {number}: sold are {sold}, must be {lower.sold} to {upper.sold}")
        if lower.turns == upper.turns and lower.turns % 2:
            found.append(f"product {number} is shown, and was archived")
        if number ^ 1 in shown and units != shown[number ^ 1][1]:
            found.append(f"product {number}: {units} units, the other one of the pair has {shown[number ^ 1][1]}")
    missing = (number for number in expected if number not in shown and before[number].turns == after[number].turns)
    return found + [
        f"product {number} is not shown, and is there" for number in missing if not before[number].turns % 2
    ]


@dataclass
class Stand:
    """What all processes know.

    Args:
        ports: of the servers.
        staff, customer: their tokens.
        ids: of the products, by number.
        begun, acknowledged: price, sold and turns of each product, in shared memory.
        left: whether the readers have still to read.
    """

    ports: list[int]
    staff: str
    customer: str
    ids: list[str]
    begun: Any
    acknowledged: Any
    left: Any

    def known(self, table: Any) -> list[Known]:
        """A copy of a table; a number that is written meanwhile is either the old one or the new one."""
        numbers = list(table)
        return [Known(*numbers[at : at + 3]) for at in range(0, len(numbers), 3)]


# ---- who writes


class Writer:
    """Writes to pairs of products that nobody else writes to."""

    def __init__(self, stand: Stand, pairs: Sequence[int], rng: Random) -> None:
        self._stand, self._pairs, self._rng, self.done = stand, pairs, rng, Counter[str]()
        self._connections = [Connection(port) for port in stand.ports]

    async def write(self) -> None:
        """Go on as long as there are readers."""
        stand, rng = self._stand, self._rng
        while stand.left.value:
            number = 2 * rng.choice(self._pairs) + rng.randrange(2)
            turns = [stand.acknowledged[3 * each + 2] % 2 for each in (number, number ^ 1)]
            path, token = f"/products/{stand.ids[number]}", stand.staff
            if turns[0]:
                await self._do("restored", [number], 2, "POST", f"{path}/restore", token=token)
            elif rng.random() < 0.05:
                await self._do("archived", [number], 2, "DELETE", path, token=token)
            elif rng.random() < 0.1 or any(turns):
                price = {"price": f"{Decimal(stand.acknowledged[3 * number] + 1) / 100:.2f}"}
                await self._do("price raised", [number], 0, "PATCH", path, price, token=token)
            else:
                lines = [{"product_id": stand.ids[each], "quantity": 1} for each in (number, number ^ 1)]
                await self._do(
                    "ordered", [number, number ^ 1], 1, "POST", "/orders", {"lines": lines}, token=stand.customer
                )
            await asyncio.sleep(PAUSE_S)

    async def _do(self, what: str, numbers: list[int], place: int, *request: Any, token: str) -> None:
        """Ask with one key until it is done; what it raises by one is noted before and after."""
        method, path, *body = request
        for number in numbers:
            self._stand.begun[3 * number + place] += 1
        key = {"Idempotency-Key": str(uuid4())}
        while True:
            with suppress(Lost):
                answer = await self._rng.choice(self._connections).ask(
                    method, API + path, *body, token=token, headers=key
                )
                if answer.status < 300:
                    break
                if answer.status != 503:
                    raise RuntimeError(f"{method} {path}: {answer.status} {answer.body!r}")
        for number in numbers:
            self._stand.acknowledged[3 * number + place] += 1
        self.done[what] += 1


# ---- who reads


@dataclass
class Reader:
    """Reads products and pages, and remembers what came with each ETag."""

    stand: Stand
    rng: Random
    done: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)

    async def read(self, reads: int) -> None:
        """Read so often."""
        numbers = {id_: number for number, id_ in enumerate(self.stand.ids)}
        connections = [Connection(port) for port in self.stand.ports]
        remembered: dict[str, tuple[str, Shown]] = {}
        for _ in range(reads):
            if self.rng.random() < 0.5:
                number = self.rng.randrange(PRODUCTS)
                path, expected = f"/products/{self.stand.ids[number]}", [number]
            else:
                path = "/products" + self.rng.choice(PAGES)
                expected = list(range(PRODUCTS)) if "limit=200" in path else []
            etag, known = remembered.get(path, ("", {}))
            headers = {"If-None-Match": etag} if etag and self.rng.random() < 0.7 else {}
            before = self.stand.known(self.stand.acknowledged)
            try:
                answer = await self.rng.choice(connections).ask("GET", API + path, headers=headers)
            except Lost:
                self.done["lost"] += 1
                continue
            after = self.stand.known(self.stand.begun)
            self.done["read"] += 1
            self.done[f"answered {answer.status}"] += 1
            if answer.status == 304:
                shown = known
            else:
                shown = _shown(answer, numbers)
                remembered[path] = answer.headers.get("etag", ""), shown
            if wrong := stale(shown, expected, before, after):
                self.done["stale"] += 1
                self.found.append(f"{path}, {answer.status}: {wrong[0]}")


def _shown(answer: Response, numbers: dict[str, int]) -> Shown:
    if answer.status == 404:
        return {}
    if answer.status != 200:
        raise RuntimeError(f"{answer.status} {answer.body!r}")
    products = answer.json.get("results", [answer.json])
    return {
        numbers[each["id"]]: (int(Decimal(each["price"]) * 100), each["quantity_in_stock"])
        for each in products
        if each["id"] in numbers
    }


# ---- processes


def _write(stand: Stand, process: int, seed: str, results: Any) -> None:
    pairs = [pair for pair in range(PRODUCTS // 2) if pair % WRITERS == process]
    writers = [Writer(stand, pairs[task::TASKS], Random(f"{seed}/writer/{process}/{task}")) for task in range(TASKS)]
    asyncio.run(_all(writer.write() for writer in writers))
    results.put((sum((writer.done for writer in writers), Counter()), []))


def _read(stand: Stand, process: int, seed: str, results: Any, reads: int) -> None:
    readers = [Reader(stand, Random(f"{seed}/reader/{process}/{task}")) for task in range(TASKS)]
    asyncio.run(_all(reader.read(reads) for reader in readers))
    results.put(
        (sum((reader.done for reader in readers), Counter()), [one for each in readers for one in each.found[:3]])
    )


async def _all(work: Iterator[Awaitable[None]]) -> None:
    await asyncio.gather(*work)


def play(stand: Stand, reads: int, seed: str) -> tuple[Counter[str], list[str]]:
    """Let them write and read: what was done, and some of what was stale."""
    context = multiprocessing.get_context("spawn")
    results, stand.left.value = context.SimpleQueue(), 1
    each = -(-reads // (READERS * TASKS))
    writers = [context.Process(target=_write, args=(stand, number, seed, results)) for number in range(WRITERS)]
    readers = [context.Process(target=_read, args=(stand, number, seed, results, each)) for number in range(READERS)]
    for process in (*writers, *readers):
        process.start()
    for process in readers:
        process.join()
    stand.left.value = 0
    for process in writers:
        process.join()
    if any(process.exitcode for process in (*writers, *readers)):
        raise RuntimeError("a process failed, see above")
    done, found = Counter[str](), list[str]()
    for _ in (*writers, *readers):
        counted, stale_ones = results.get()
        done, found = done + counted, found + stale_ones
    return done, found


@contextmanager
def served(mistake: str = "") -> Iterator[Stand]:
    """A shop with its servers; with a mistake in them, if one is named."""
    from shop_testing.fixtures import Fixtures

    with ExitStack() as stack:
        engine = stack.enter_context(database("fresh_reads"))
        adapters, url = adapters_on(engine), engine.url.render_as_string(hide_password=False)
        ids = [str(each.id) for each in Fixtures(adapters).products(PRODUCTS, units=UNITS)]
        clerk = Shop(adapters).accounts.register(Registration("clerk", PASSWORD), actor=SYSTEM, role=Role.STAFF)
        env = environment(SHOP_DATABASE_URL=url, SHOP_SECRET_KEY=SECRET.decode())
        env["SHOP_ALLOW_UNSAFE"] = "synchronous_commit"  # nothing crashes here
        if mistake:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            text = f"from verification.fresh_reads import plant\nplant({mistake!r})\n"
            (folder / "sitecustomize.py").write_text(text)  # each interpreter imports it when it starts
            root = str(Path(__file__).parents[1])
            env["PYTHONPATH"] = os.pathsep.join([str(folder), root, *filter(None, [env.get("PYTHONPATH")])])
        started = [stack.enter_context(serving("--workers", str(WORKERS), env=env)) for _ in range(SERVERS)]
        now, life = datetime.now(UTC), timedelta(hours=12)
        actors = Actor(clerk.id, Role.STAFF), Actor(uuid4(), Role.CUSTOMER)
        staff, customer = (JwtTokens(SECRET).access(actor, now, life) for actor in actors)
        context = multiprocessing.get_context("spawn")
        tables = [context.RawArray("q", [PRICE, 0, 0] * PRODUCTS) for _ in range(2)]
        ports = [cast("int", urlsplit(address).port) for address, _ in started]
        yield Stand(ports, staff, customer, ids, tables[0], tables[1], context.RawValue("i", 1))


# ---- mistakes that must be found


def _units_of_the_text() -> list[Patch]:
    from shop_http.read_model import CatalogText

    right = CatalogText.response
    first: dict[tuple[bytes, str], bytes] = {}

    def response(self: Any) -> Any:
        return right(replace(self, units=first.setdefault((self.product_ids, self.tag), self.units)))

    return [(CatalogText, "response", response)]


def _held_still(what: int) -> list[Patch]:
    from shop_adapters.postgres.current_catalog import CurrentCatalog

    right = CurrentCatalog.__call__

    async def ask(self: Any, product_ids: bytes = b"") -> Any:
        answer: list[Any] = [*await right(self, product_ids)]
        answer[what] = "the same"
        return answer

    return [(CurrentCatalog, "__call__", ask)]


def _old_answers() -> list[Patch]:
    from shop_http.read_model import ReadModel

    right: Callable[[Any, Any], Awaitable[None]] = ReadModel._update
    last: dict[bytes, float] = {}

    async def update(self: Any, text: Any) -> None:
        if time.monotonic() - last.get(text.product_ids, 0.0) > 0.1:
            await right(self, text)
            last[text.product_ids] = time.monotonic()

    return [(ReadModel, "_update", update)]


MISTAKES = (
    Mutant("units-of-the-text", "the units are those from when the text was made", _units_of_the_text),
    Mutant("one-token", "a change of the catalog is not noticed", partial(_held_still, 0)),
    Mutant("one-snapshot", "a change of the units is not noticed", partial(_held_still, 1)),
    Mutant("old-answers", "who asks is given an answer of the last tenth of a second", _old_answers),
)


_mistakes = ExitStack()  # never closed


def plant(name: str) -> None:
    """Make this mistake in this process as long as it runs."""
    (mistake,) = [each for each in MISTAKES if each.name == name]
    _mistakes.enter_context(mistake.applied())


def is_found(mistake: Mutant, seed: str, reads: int = MISTAKE_READS) -> bool:
    """Whether readers find it."""
    with served(mistake.name) as stand:
        done, _ = play(stand, reads, seed)
    return done["stale"] > 0


def main() -> int:
    """0 if nothing was stale, and every mistake was found."""
    parser = argparse.ArgumentParser(prog="python -m verification.fresh_reads", description=__doc__.splitlines()[0])
    parser.add_argument("--reads", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    missed = [each.name for each in MISTAKES if not is_found(each, f"{given.seed}/{each.name}")]
    print(f"mistakes that were put in: {len(MISTAKES)}, not found: {', '.join(missed) or 'none'}", flush=True)
    began = time.monotonic()
    with served() as stand:
        done, found = play(stand, given.reads, str(given.seed))
    counts = ", ".join(f"{count:,} x {what}" for what, count in done.most_common() if what != "stale")
    print(f"{time.monotonic() - began:.0f} s: {counts}; stale: {done['stale']}")
    for one in found:
        print(f"  {one}")
    return 1 if missed or found else 0


if __name__ == "__main__":
    sys.exit(main())
