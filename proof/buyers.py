"""Customers with bad connections: whatever was not answered they ask again, with the same key, until it is.

Each writes down what it asked and what it was told (`proof.history`), and what it must find again afterwards.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from proof.client import API, Answer, Line, Lost
from proof.history import Op, Verb

PASSWORD = "a long enough password"
TTLS_S = (1, 1, 2, 3, 5)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Known:
    """An order as its customer knows it.

    Args:
        is_sure: nothing that may still have changed it was left unanswered.
    """

    units: dict[str, int]
    status: str
    version: int
    is_sure: bool = True


@dataclass(slots=True)
class Request:
    """What a key was used for."""

    path: str
    body: dict[str, Any]
    verb: Verb
    wanted: dict[str, int]
    detail: dict[str, Any] = field(default_factory=dict)


class GaveUp(Exception):
    """No answer for so long that something must be broken for good."""


class Buyer:
    """One customer.

    Args:
        number: which one; also `client` in the history.
        seed: makes what he does; the same for the same seed and number.
        lines: two connections of his: now and then he sends the same request on both.
        username: his account.
        token: of his, if he has one.

    Attributes:
        ops: what he asked and was told.
        made: by key, the id that he was told.
        refused: keys that were refused, after an earlier attempt that got no answer: that one may yet have come late.
        findings: what must never happen.
    """

    def __init__(self, number: int, seed: str, lines: tuple[Line, Line], username: str, token: str = "") -> None:
        self.number = number
        self.username = username
        self.token = token
        self.ops: list[Op] = []
        self.orders: dict[str, Known] = {}
        self.holds: dict[str, dict[str, int]] = {}
        self.made: dict[str, str] = {}
        self.requests: dict[str, Request] = {}
        self.refused: set[str] = set()
        self.findings: list[str] = []
        self.counts: Counter[str] = Counter()
        self.patience_s = 60.0
        self._rng = Random(f"{seed}/buyer/{number}")
        self._lines = lines

    # One day in a shop

    async def shop(self, products: Sequence[str], until: float) -> None:
        """Do one thing after another until that time (of `time.monotonic`)."""
        verbs = (self.place, self.reserve, self.confirm, self.release, self.extend, self.cancel, self.edit, self.again)
        weights = (34, 16, 12, 5, 5, 16, 9, 3)
        while time.monotonic() < until:
            verb = self._rng.choices(verbs, weights)[0]
            try:
                await verb(products)
            except GaveUp as failure:
                self.findings.append(f"no answer: {failure}")
                return
            await asyncio.sleep(self._rng.random() * 0.02)

    async def place(self, products: Sequence[str]) -> None:
        """Order a few units of a few products; sometimes on both connections at once, with one key."""
        wanted = self._basket(products)
        await self._make(Request("/orders", {"lines": _lines(wanted)}, "place", wanted))

    async def reserve(self, products: Sequence[str]) -> None:
        """Have a few units held for a few seconds."""
        wanted = self._basket(products)
        body = {"lines": _lines(wanted), "ttl_seconds": self._rng.choice(TTLS_S)}
        await self._make(Request("/reservations", body, "reserve", wanted))

    async def confirm(self, products: Sequence[str]) -> None:
        """Make an order of what is held."""
        if not self.holds:
            return await self.reserve(products)
        id_ = self._rng.choice(list(self.holds))
        del self.holds[id_]
        detail = {"reservation_id": id_}
        await self._make(Request("/orders", {"reservation_id": id_}, "confirm", {}, detail))
        return None

    async def release(self, _: Sequence[str]) -> None:
        """Give back what is held."""
        if self.holds:
            id_ = self._rng.choice(list(self.holds))
            del self.holds[id_]
            await self._insist("release", "DELETE", f"/reservations/{id_}", None, detail={"reservation_id": id_})

    async def extend(self, _: Sequence[str]) -> None:
        """Have it held for longer."""
        if self.holds:
            id_ = self._rng.choice(list(self.holds))
            body = {"ttl_seconds": self._rng.choice(TTLS_S)}
            answer = await self._insist(
                "extend", "POST", f"/reservations/{id_}/extend", body, detail={"reservation_id": id_}
            )
            if answer.status != 200:
                self.holds.pop(id_, None)

    async def cancel(self, _: Sequence[str]) -> None:
        """Call an order off."""
        if order_id := self._an_open_order():
            order = self.orders[order_id]
            answer = await self._insist(
                "cancel", "POST", f"/orders/{order_id}/cancel", None, detail={"order_id": order_id}
            )
            if answer.status == 200:
                self._know(answer)
            else:  # an earlier attempt did it
                order.is_sure = False
                await self._look_up(order_id)

    async def edit(self, products: Sequence[str]) -> None:
        """Want something else instead."""
        if order_id := self._an_open_order():
            order = self.orders[order_id]
            wanted = self._basket(products)
            answer = await self._insist(
                "edit",
                "PUT",
                f"/orders/{order_id}",
                {"lines": _lines(wanted)},
                wanted=wanted,
                detail={"order_id": order_id},
                headers={"If-Match": f'"{order.version}"'},
            )
            if answer.status == 200:
                self._know(answer)
            else:
                order.is_sure = False
                await self._look_up(order_id)

    async def again(self, _: Sequence[str]) -> None:
        """Send a request that was answered long ago once more: it must be the same thing, made once."""
        if self.made:
            key = self._rng.choice(list(self.made))
            self.counts["replays"] += 1
            await self._make(self.requests[key], key)

    # When it is quiet again

    async def come_to_rest(self) -> None:
        """Learn what became of everything that is not sure, and make orders of what is held."""
        for key in sorted(self.refused):
            await self._make(self.requests[key], key)
        for id_ in list(self.holds):
            del self.holds[id_]
            detail = {"reservation_id": id_}
            await self._make(Request("/orders", {"reservation_id": id_}, "confirm", {}, detail))
        for order_id in list(self.orders):
            await self._look_up(order_id)

    async def buy_out(self, product: str) -> int:
        """Buy single units until there are none: how many he got."""
        bought = 0
        while await self._make(Request("/orders", {"lines": _lines({product: 1})}, "place", {product: 1})):
            bought += 1
        return bought

    async def log_in(self) -> None:
        """Get a new token; they last for minutes."""
        body = {"username": self.username, "password": PASSWORD}
        self.token = ""
        answer = await self._until_answered("POST", "/auth/token", body)
        self.token = answer.json["access"]

    def hang_up(self) -> None:
        """Close his connections."""
        for line in self._lines:
            line.close()

    # How he asks

    async def _make(self, request: Request, key: str | None = None) -> bool:
        """Send what makes something until it is answered; whether it did."""
        is_new = key is None
        key = key or str(UUID(int=self._rng.getrandbits(128)))
        self.requests[key] = request
        if is_new and self._rng.random() < 0.08:
            self.counts["twins"] += 1
            one, other = await asyncio.gather(*(self._make_on(line, request, key) for line in self._lines))
            return one or other
        return await self._make_on(self._lines[0], request, key)

    async def _make_on(self, line: Line, request: Request, key: str) -> bool:
        lost_before, made_before = self.counts["lost"], self.made.get(key)
        answer = await self._insist(
            request.verb,
            "POST",
            request.path,
            request.body,
            key=key,
            wanted=request.wanted,
            detail=request.detail,
            line=line,
        )
        if answer.status != 201:
            if made_before:
                self.findings.append(f"key {key} made {made_before}, and was then refused: {answer.body!r}")
            if self.counts["lost"] > lost_before:
                self.refused.add(key)
            return False
        self.refused.discard(key)
        self._made(request, key, answer)
        return True

    def _made(self, request: Request, key: str, answer: Answer) -> None:
        id_, is_first = answer.json["id"], key not in self.made
        if self.made.setdefault(key, id_) != id_:
            self.findings.append(f"key {key} made {self.made[key]} and {id_}")
        if request.path == "/orders":
            self._know(answer)
        elif is_first and answer.json["state"] == "active":
            self.holds[id_] = request.wanted

    async def _insist(
        self,
        verb: Verb,
        method: str,
        path: str,
        body: object,
        *,
        key: str | None = None,
        wanted: Mapping[str, int] | None = None,
        detail: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        line: Line | None = None,
    ) -> Answer:
        """Ask until there is an answer; each attempt is a line of the history.

        Raises:
            GaveUp: there was none for `patience_s` seconds.
        """
        more = dict(headers or {}) | ({"Idempotency-Key": key} if key else {})
        until = time.monotonic() + self.patience_s
        attempts = 0
        while True:
            attempts += 1
            self.counts["attempts"] += 1
            op = Op(self.number, verb, key, dict(wanted or {}), time.time_ns(), 0, "unknown", detail=dict(detail or {}))
            try:
                answer = await (line or self._lines[0]).ask(method, API + path, body, token=self.token, headers=more)
            except Lost as lost:
                answer, said = None, str(lost)
                self.counts["broken"] += 1
            op.end_ns = time.time_ns()
            if answer is not None and answer.status == 401:
                await self.log_in()
                continue
            if answer is not None and answer.status < 500:
                _note(op, answer)
                self.ops.append(op)
                self.counts["operations"] += 1
                self.counts["retried"] += attempts > 1
                return answer
            if answer is not None:
                said = f"{answer.status} {answer.code}"
                self.counts[said] += 1
                if answer.status != 503:
                    self.findings.append(f"{method} {path}: {answer.body.decode(errors='replace')}")
            self.counts["lost"] += 1
            self.ops.append(op)
            if time.monotonic() > until:
                raise GaveUp(f"{method} {path} after {attempts} attempts: {said}")
            await asyncio.sleep(min(1.0, 0.02 * 2 ** min(attempts, 5)) * self._rng.uniform(0.5, 1.5))

    async def _until_answered(self, method: str, path: str, body: object = None) -> Answer:
        """The same, of what changes no stock and is not written down."""
        until = time.monotonic() + self.patience_s
        while True:
            try:
                answer = await self._lines[0].ask(method, API + path, body, token=self.token)
            except Lost as lost:
                said = str(lost)
            else:
                if answer.status == 401 and self.token:
                    await self.log_in()
                    continue
                if answer.status < 500:
                    return answer
                said = f"{answer.status} {answer.code}"
            if time.monotonic() > until:
                raise GaveUp(f"{method} {path}: {said}")
            await asyncio.sleep(0.1 * self._rng.uniform(0.5, 1.5))

    # What he knows

    async def _look_up(self, order_id: str) -> None:
        """Compare an order with what is known of it; believe what is found where that was not sure."""
        answer = await self._until_answered("GET", f"/orders/{order_id}")
        if answer.status != 200:
            self.findings.append(f"the order {order_id} is lost: {answer.body!r}")
            return
        before, now = self.orders[order_id], _known(answer)
        if before.is_sure and before != now:
            self.findings.append(f"the order {order_id} was {before}, and is {now}")
        self.orders[order_id] = now

    def _know(self, answer: Answer) -> None:
        id_, now = answer.json["id"], _known(answer)
        before = self.orders.get(id_)
        if before is None or now.version >= before.version:
            self.orders[id_] = now

    def _an_open_order(self) -> str | None:
        # Keys are looked at in the order in which they were made: the same choice for the same seed.
        return self._rng.choice([id_ for id_, one in self.orders.items() if one.status == "placed"] or [None])

    def _basket(self, products: Sequence[str]) -> dict[str, int]:
        chosen = self._rng.sample(products, min(len(products), self._rng.choice((1, 1, 1, 2, 3))))
        return {product: self._rng.choice((1, 1, 2)) for product in chosen}


def _known(answer: Answer) -> Known:
    body = answer.json
    return Known({line["product_id"]: line["quantity"] for line in body["lines"]}, body["status"], body["version"])


def _lines(wanted: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"product_id": product, "quantity": units} for product, units in wanted.items()]


def _note(op: Op, answer: Answer) -> None:
    """Write down what was answered."""
    if answer.status >= 400:
        op.outcome, op.code = "refused", answer.code
        short = answer.json.get("shortages", ())
        op.available = {one["product_id"]: one["available"] for one in short}
        if op.op == "edit" and short:
            op.detail["requested"] = {one["product_id"]: one["requested"] for one in short}
        return
    op.outcome = "ok"
    body = answer.json if answer.body else {}
    if op.key is not None:
        op.result_id = body["id"]
        if answer.headers.get("idempotency-replayed") == "true":
            op.detail["replayed"] = True
    if "expires_at" in body:
        op.detail["expires_ns"] = _nanoseconds(body["expires_at"])


def _nanoseconds(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1) * 1000
