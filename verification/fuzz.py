"""Nothing that is sent makes the server fail: `python -m verification.fuzz --requests 100000 --seed 7`.

Broken requests of every kind go to a real `shop serve` over raw sockets. Each must be answered, soon, with a status
that /openapi.json has for its operation, and a no must be a problem document. A 5xx is a finding; only 503, by which a
server may shed load, is counted instead.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from verification.bad_requests import Attempt, Mutator, Operation, operations_of
from verification.bad_values import forged
from verification.client import API, Connection, Lost, Response
from verification.server import PASSWORD, STAFF, ShopServer

SECRET = "the password of those who break things"  # unlike the one in the document, by which they would change it
ANSWER_S_MAX = 60.0  # generous: only a server that hangs takes so long
_TOKENS_S = 120.0
_LINES = 12
_FINDINGS_MAX = 50
_BY_ANOTHER_SERVER = b"Invalid HTTP request received."  # by uvicorn as it comes, in tests of the shop in memory


@dataclass(slots=True)
class Report:
    """What came of it.

    Args:
        statuses: how often each was answered.
        kinds: how often each kind of broken request was sent.
        findings: what must not be.
    """

    requests: int = 0
    forged: int = 0
    closed: int = 0
    slowest_s: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def find(self, what: str, attempt: Attempt, answer: Response | None = None) -> None:
        """Note something that must not be, with the request that does it again."""
        said = f" -> {answer.status} {answer.body[:300]!r}" if answer else ""
        sent = attempt.raw if len(attempt.raw) < 4_000 else attempt.raw[:4_000] + b"..."
        if len(self.findings) < _FINDINGS_MAX:
            self.findings.append(f"{what}: {attempt.kind} of {attempt.operation.id}: {sent!r}{said}")


class Fuzzer:
    """Sends broken requests to one server.

    Args:
        port: where it listens on this machine.
        staff, password: of its admin.
        seed: of all choices.
    """

    def __init__(self, port: int, staff: str, password: str, seed: int) -> None:
        self._port, self._staff, self._password, self._seed = port, staff, password, seed
        self._line = Connection(port)
        self._tokens: dict[str, str] = {}
        self._names = {who: f"{who}-{time.time_ns():x}" for who in ("admin", "customer")}
        self.report = Report()

    async def run(self, requests: int) -> Report:
        """Send so many."""
        operations = operations_of((await self._line.ask("GET", "/openapi.json")).json)
        ids = await self._furnish()
        await self._try_forged(forged(self._tokens["customer"]))
        lies = list(forged(self._tokens["customer"]).values())
        mutator = Mutator(self._seed, operations, ids, self._tokens, lies)
        numbers = iter(range(requests))
        renewing = asyncio.create_task(self._renew())
        try:
            await asyncio.gather(*(self._work(mutator, numbers) for _ in range(_LINES)))
        finally:
            renewing.cancel()
            self._line.close()
        return self.report

    async def _furnish(self) -> dict[str, list[str]]:
        """Accounts of our own, and one of everything that a path can name."""
        made = {
            who: await self._made("/auth/register", {"username": name, "password": SECRET}, "")
            for who, name in self._names.items()
        }
        boss = await self._log_in(self._staff, self._password)
        answer = await self._line.ask("PATCH", f"{API}/users/{made['admin']}", {"role": "admin"}, token=boss)
        assert answer.status == 200, answer
        await self._renew_once()
        admin_token, customer = self._tokens["admin"], self._tokens["customer"]
        ids: dict[str, list[str]] = {name: [] for name in ("user_id", "category_id", "product_id")}
        for number in range(20):
            name = f"victim-{self._names['customer']}-{number}"
            if number < 3:
                user = {"username": name, "password": SECRET}
                ids["user_id"].append(await self._made("/auth/register", user, ""))
            category = {"name": f"Shelf {number}", "slug": name}
            ids["category_id"].append(await self._made("/categories", category, admin_token))
            product = {"sku": name, "name": f"Lamp {number}", "price": "2.20"}
            ids["product_id"].append(product_id := await self._made("/products", product, admin_token))
            change = {"kind": "received", "quantity": 900_000, "reason": "delivery"}
            await self._made(f"/products/{product_id}/stock", change, admin_token, 200)
        offer = {"label": "Offer", "benefit": {"kind": "order_percent", "percent": "1"}, "needs_coupon": True}
        ids["promotion_id"] = [await self._made("/promotions", offer, admin_token) for _ in range(20)]
        ids["family_id"] = [await self._made("/families", {"name": "Shirts"}, admin_token) for _ in range(20)]
        ids["image_id"] = ["01a1fdcd-e7ef-75de-b2e3-e5ed16e9e21d"]  # tests/hostile_pictures.py has those that there are
        lines = {"lines": [{"product_id": each, "quantity": 2} for each in ids["product_id"][:3]]}
        ids["order_id"] = [await self._made("/orders", lines, customer) for _ in range(20)]
        ids["reservation_id"] = [await self._made("/reservations", lines, customer) for _ in range(10)]
        for _ in range(3):  # others than the one that asks, whose end would be that of most answers
            await self._log_in(self._names["customer"], SECRET)
        sessions = await self._line.ask("GET", f"{API}/users/me/sessions", token=customer)
        ids["session_id"] = [one["id"] for one in sessions.json["results"] if not one["current"]]
        return ids

    async def _made(self, path: str, body: object, token: str, status: int = 201) -> str:
        answer = await self._line.ask("POST", API + path, body, token=token)
        assert answer.status == status, answer
        return str(answer.json.get("id", ""))

    async def _log_in(self, username: str, password: str) -> str:
        answer = await self._line.ask("POST", f"{API}/auth/token", {"username": username, "password": password})
        assert answer.status == 200, answer
        return str(answer.json["access"])

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_TOKENS_S)
            await self._renew_once()

    async def _renew_once(self) -> None:
        for who, name in self._names.items():
            for _ in range(50):  # the pool for password hashes may be full of our own nonsense
                try:
                    self._tokens[who] = await self._log_in(name, SECRET)
                    break
                except (AssertionError, Lost):  # or the idle line was closed
                    await asyncio.sleep(0.2)

    async def _try_forged(self, lies: dict[str, list[bytes]]) -> None:
        """No forged token opens the door."""
        me = Operation("get_me", "GET", f"{API}/users/me", (), (), frozenset({401}), True)
        with contextlib.closing(Connection(self._port)) as line:
            for name, values in lies.items():
                headers = [("Host", b"shop.test"), *(("Authorization", value) for value in values)]
                attempt = Attempt(me, f"forged token ({name})", "GET", me.path.encode(), headers, None)
                answer = await _answer(line, attempt)
                self.report.forged += 1
                if answer is None or answer.status != 401 or "www-authenticate" not in answer.headers:
                    self.report.find("a forged token", attempt, answer)

    async def _work(self, mutator: Mutator, numbers: Any) -> None:
        """Send attempts one after the other, over one connection while it lasts."""
        with contextlib.closing(Connection(self._port)) as line:
            for number in numbers:
                attempt = mutator.attempt(number)
                began = time.monotonic()
                try:
                    answer = await _answer(line, attempt)
                except TimeoutError:
                    self.report.find(f"no answer in {ANSWER_S_MAX:g} s", attempt)
                    continue
                except ValueError as odd:
                    self.report.find(f"an answer that is none ({odd})", attempt)
                    continue
                report = self.report
                report.requests += 1
                report.kinds[attempt.kind] += 1
                report.slowest_s = max(report.slowest_s, time.monotonic() - began)
                if answer is None:
                    report.closed += 1
                    if attempt.is_framed:
                        report.find("closed without an answer", attempt)
                else:
                    report.statuses[answer.status] += 1
                    self._judge(attempt, answer)

    def _judge(self, attempt: Attempt, answer: Response) -> None:
        find, status = self.report.find, answer.status
        if "x-request-id" not in answer.headers:
            if answer.body != _BY_ANOTHER_SERVER:
                find("no request id", attempt, answer)
            return
        if status >= 500 and status not in {501, 503}:
            find("the server failed", attempt, answer)
        elif attempt.as_described and status not in attempt.operation.statuses:
            find("not in the document", attempt, answer)
        elif status >= 400 and attempt.method != "HEAD":
            self._judge_problem(attempt, answer)

    def _judge_problem(self, attempt: Attempt, answer: Response) -> None:
        if attempt.is_framed or answer.body:  # else it may have become a HEAD
            try:
                problem = answer.json
                good = (
                    answer.headers["content-type"] == "application/problem+json" and problem["status"] == answer.status
                )
                good = good and problem["code"] and problem["request_id"] == answer.headers["x-request-id"]
            except (ValueError, KeyError, TypeError):
                good = False
            if not good:
                self.report.find("no problem document", attempt, answer)


async def _answer(line: Connection, attempt: Attempt) -> Response | None:
    """Send it: the answer; None if the connection was closed instead.

    Raises:
        TimeoutError: neither happened.
        ValueError: what came is no HTTP.
    """
    if not attempt.is_framed:
        line.close()
    for _ in range(1 + line.is_open):  # once more if it may have been closed before we came
        try:
            answer = await line.exchange(attempt.raw, attempt.method, ANSWER_S_MAX)
        except Lost as lost:
            if isinstance(lost.__cause__, TimeoutError | ValueError):
                raise lost.__cause__ from lost
            continue
        if not attempt.is_framed:
            line.close()
        return answer
    return None


def said(report: Report, seconds: float) -> list[str]:
    """The report, for people."""
    overload = report.statuses[503]
    lines = [
        f"{report.requests} broken requests in {seconds:.0f} s, {report.forged} forged tokens;"
        f" slowest answer {report.slowest_s:.2f} s; {overload} answered 503; {report.closed} closed unanswered,"
        " none of them HTTP",
        "statuses: " + ", ".join(f"{status}: {count}" for status, count in sorted(report.statuses.items())),
        "kinds: " + ", ".join(f"{kind}: {count}" for kind, count in sorted(report.kinds.items())),
        f"findings: {len(report.findings)}",
    ]
    return lines + [f"    {finding}" for finding in report.findings]


def main() -> int:
    """Fuzz a server of our own; 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m verification.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    chosen, began = parser.parse_args(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="shop-fuzz-") as folder:
        with ShopServer(Path(folder), variables={"SHOP_REQUEST_TIMEOUT": "1"}) as server:
            report = asyncio.run(Fuzzer(server.port, STAFF, PASSWORD, chosen.seed).run(chosen.requests))
            audit = server.command("audit")
        log = server.log.read_text(errors="replace")
    if audit.returncode:
        report.findings.append(f"shop audit: {audit.stdout[-500:]}")
    if "Traceback" in log:
        report.findings.append(f"the log has a traceback: {log[log.index('Traceback') - 300 :][:3000]}")
    print(f"seed {chosen.seed}: " + "\n".join(said(report, time.monotonic() - began)))
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
