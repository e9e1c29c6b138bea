"""Requests that cost the shop much more than their sender, while others order: how long those wait, and what it takes.

Each play has a bound, above which it is a finding. There is no limit of requests a minute: the worst case.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from shop_core import Shop
from shop_core.inventory.model import LINES_MAX
from shop_testing.fixtures import Fixtures, request
from verification.bystanders import BusyShop
from verification.client import API, Connection, Lost

HOSTS, HOST_BYTES, HOSTS_MIB_MAX = 25, 400_000, 100.0
PAGES_AT_ONCE, HEAVY_ORDERS, PAGE_BYTES_MAX, PAGES_MIB_MAX = 12, 50, 1_000_000, 200.0
BODIES_A_SECOND, BODY_LINES, BODIES_P99_S_MAX = 17, 3_600, 0.1
SLOWER_MAX = 3
"""Times as long as before, where the machine is busy with other things."""
SEARCHERS = 50
P99_S_MAX, PAGES_P99_S_MAX = 1.0, 2.0
_LOGGED = f"{API}/products?limit=1"


@dataclass(slots=True)
class Outcome:
    """What a play came to.

    Args:
        said: its figures, for people.
        findings: which bounds it broke.
    """

    said: str
    findings: list[str] = field(default_factory=list)

    def must(self, is_kept: bool, rule: str) -> None:
        """Note a rule that is broken."""
        if not is_kept:
            self.findings.append(rule)


class Memory:
    """How many MiB the workers took at most beyond what they had at the beginning, all together. On Linux."""

    def __init__(self, busy: BusyShop) -> None:
        self._folders = [Path("/proc") / str(pid) for pid in busy.server.worker_pids()]
        for folder in self._folders:
            (folder / "clear_refs").write_text("5")  # forget the peak
        self._before = self._peak()

    def grown_mib(self) -> float:
        """So many so far."""
        return (self._peak() - self._before) / 1024

    def _peak(self) -> int:
        lines = [line for folder in self._folders for line in (folder / "status").read_text().splitlines()]
        return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


async def hosts(busy: BusyShop, seconds: float) -> Outcome:
    """Clients send Host headers: some larger than any head may be, the others as long as allowed, no two alike."""
    numbers = itertools.count()

    async def send(connection: Connection) -> int:
        number = next(numbers)
        host = "h" * HOST_BYTES if number % 2 else f"{number:0>247}.example"
        raw = f"GET {API}/products?limit=100 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        return (await connection.exchange(raw, "GET", 30)).status

    memory = Memory(busy)
    answers = await _again_and_again(busy, HOSTS, seconds, send)
    outcome = Outcome(
        f"{HOSTS} clients with Host headers of {HOST_BYTES:,} and 255 characters: {dict(answers)},"
        f" the workers took {memory.grown_mib():.0f} MiB more"
    )
    outcome.must(set(answers) == {200, 431}, "a host of 255 characters is 200, a larger head 431")
    outcome.must(memory.grown_mib() <= HOSTS_MIB_MAX, f"at most {HOSTS_MIB_MAX:.0f} MiB are allowed")
    return outcome


async def pages(busy: BusyShop, seconds: float) -> Outcome:
    """A customer with orders of as many lines as there may be asks for the largest page, many times at once."""
    shop, customer = Shop(busy.adapters), Fixtures(busy.adapters).customer()
    order = request(customer, *((product, 1) for product in busy.products))
    for _ in range(HEAVY_ORDERS):
        await asyncio.to_thread(shop.orders.place, order)
    token, largest = busy.token(customer), 0

    async def read(connection: Connection) -> int:
        nonlocal largest
        response = await connection.ask("GET", f"{API}/orders?limit=50", token=token, wait_s=30)
        largest = max(largest, len(response.body))
        return response.status

    memory = Memory(busy)
    waits, answers = await asyncio.gather(
        busy.others(busy.products, seconds), _again_and_again(busy, PAGES_AT_ONCE, seconds, read)
    )
    outcome = Outcome(
        f"{PAGES_AT_ONCE} at once ask for pages of orders of {LINES_MAX:,} lines: {dict(answers)}, {largest:,} bytes"
        f" at most, the workers took {memory.grown_mib():.0f} MiB more; {waits}"
    )
    outcome.must(set(answers) == {200}, "every page is 200")
    outcome.must(largest <= PAGE_BYTES_MAX, f"a page has at most {PAGE_BYTES_MAX:,} bytes")
    outcome.must(memory.grown_mib() <= PAGES_MIB_MAX, f"at most {PAGES_MIB_MAX:.0f} MiB are allowed")
    outcome.must(not waits.is_wrong(PAGES_P99_S_MAX), f"others order within {PAGES_P99_S_MAX:g} s")
    return outcome


async def bodies(busy: BusyShop, seconds: float) -> Outcome:
    """A customer sends large bodies in which every line is wrong, so many a second."""
    lines = [{"product_id": str(uuid4()), "quantity": "x"} for _ in range(BODY_LINES)]
    body = json.dumps({"lines": lines}, separators=(",", ":")).encode()
    head = f"POST {API}/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {busy.token()}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    raw = head.encode() + body
    answers: Counter[int] = Counter()

    async def send() -> None:
        connection = Connection(busy.server.port)
        answers[(await connection.exchange(raw, "POST", 30)).status] += 1
        connection.close()

    async def send_all() -> None:
        began, sent = time.monotonic(), []
        for number in range(int(seconds * BODIES_A_SECOND)):
            await asyncio.sleep(began + number / BODIES_A_SECOND - time.monotonic())
            sent.append(asyncio.create_task(send()))
        await asyncio.gather(*sent)

    quiet = await busy.others(busy.products, 3)
    waits, _ = await asyncio.gather(busy.others(busy.products, seconds), send_all())
    outcome = Outcome(
        f"{BODIES_A_SECOND} refused bodies of {BODY_LINES:,} lines a second: {dict(answers)}; {waits}"
        f" (p99 {quiet.p99():.3f} s before)"
    )
    p99_s_max = max(BODIES_P99_S_MAX, SLOWER_MAX * quiet.p99())
    outcome.must(set(answers) <= {400, 503}, "they are refused")
    outcome.must(not waits.is_wrong(p99_s_max), f"others order within {p99_s_max:.2f} s")
    return outcome


async def searches(busy: BusyShop, seconds: float) -> Outcome:
    """Many search and filter, in a spelling that does not look like it."""
    numbers = itertools.count()
    queries = ("%6beyword=brass+lamp&cursor=", "cursor=&min_quantity=2000000", "cursor=&%6din_price=99999999")

    async def search(connection: Connection) -> int:
        path = f"{API}/products?{queries[next(numbers) % len(queries)]}&limit=100"
        return (await connection.ask("GET", path, wait_s=30)).status

    quiet = await busy.others(busy.products, 3)
    waits, answers = await asyncio.gather(
        busy.others(busy.products, seconds), _again_and_again(busy, SEARCHERS, seconds, search)
    )
    outcome = Outcome(f"{SEARCHERS} search without a pause: {dict(answers)}; {waits} (p99 {quiet.p99():.3f} s before)")
    outcome.must(set(answers) <= {200, 503}, "a search is answered, or refused for now")
    outcome.must(not waits.is_wrong(P99_S_MAX), f"others order within {P99_S_MAX:g} s")
    return outcome


async def beside_an_unread_log(port: int, count: int) -> Outcome:
    """So many requests to a server that logs each, into a pipe that nobody reads."""
    answers: Counter[int] = Counter()
    slowest_s, connection = 0.0, Connection(port)
    for _ in range(count):
        began = time.monotonic()
        try:
            answers[(await connection.ask("GET", _LOGGED)).status] += 1
        except Lost:
            answers[0] += 1
            break
        finally:
            slowest_s = max(slowest_s, time.monotonic() - began)
    connection.close()
    outcome = Outcome(f"a log that nobody reads: {dict(answers)}, the slowest took {slowest_s:.3f} s")
    outcome.must(answers == {200: count}, f"{count} requests are answered")
    return outcome


async def _again_and_again(
    busy: BusyShop, clients: int, seconds: float, ask: Callable[[Connection], Awaitable[int]]
) -> Counter[int]:
    """So many clients ask without a pause; a connection that breaks is 0."""
    answers: Counter[int] = Counter()
    ends_at = time.monotonic() + seconds

    async def client() -> None:
        connection = Connection(busy.server.port)
        while time.monotonic() < ends_at:
            try:
                answers[await ask(connection)] += 1
            except Lost:
                answers[0] += 1
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return answers
