"""Asking until there is an answer, and writing down each attempt."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from verification.client import API, Connection, Lost, Response
from verification.history import Op, Verb

PASSWORD = "a long enough password"
PATIENCE_S = 180.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class GaveUp(Exception):
    """No answer for so long that something must be broken for good."""


class RetryingClient:
    """Somebody with an account, who never leaves a question unanswered.

    Args:
        number: `client` in the history.
        rng: for choices, and for the pauses before retries.
        connections: connections; the first is the usual one.
        username: of the account.
        token: the access token, if there is one.

    Attributes:
        ops: requests and responses.
        counts: of attempts and the like.
        lost: requests that got no answer, with the reason.
        findings: what must never happen.
    """

    def __init__(
        self, number: int, rng: Random, connections: tuple[Connection, ...], username: str, token: str = ""
    ) -> None:
        self.number = number
        self.rng = rng
        self.connections = connections
        self.username = username
        self.token = token
        self.ops: list[Op] = []
        self.counts: Counter[str] = Counter()
        self.lost: list[str] = []
        self.findings: list[str] = []

    async def log_in(self) -> None:
        """Get a new token; they last for minutes."""
        body = {"username": self.username, "password": PASSWORD}
        self.token = ""
        answer = await self.until_answered("POST", "/auth/token", body)
        self.token = answer.json["access"]

    async def insist(
        self,
        verb: Verb,
        method: str,
        path: str,
        body: object,
        *,
        key: str | None = None,
        requested: Mapping[str, int] | None = None,
        detail: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        connection: Connection | None = None,
    ) -> Response:
        """Ask until there is an answer; each attempt becomes an entry of the history.

        Raises:
            GaveUp: there was none for `PATIENCE_S` seconds.
        """
        all_headers = dict(headers or {}) | ({"Idempotency-Key": key} if key else {})
        until = time.monotonic() + PATIENCE_S
        attempts = 0
        while True:
            attempts += 1
            self.counts["attempts"] += 1
            op = Op(
                self.number, verb, key, dict(requested or {}), time.time_ns(), 0, "unknown", detail=dict(detail or {})
            )
            try:
                answer = await (connection or self.connections[0]).ask(
                    method, API + path, body, token=self.token, headers=all_headers
                )
            except Lost as lost:
                answer, said = None, str(lost)
                self.lost.append(said)
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
            await asyncio.sleep(min(1.0, 0.02 * 2 ** min(attempts, 5)) * self.rng.uniform(0.5, 1.5))

    async def until_answered(self, method: str, path: str, body: object = None) -> Response:
        """The same, of what changes no stock and is not written down."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = await self.connections[0].ask(method, API + path, body, token=self.token)
            except Lost as lost:
                said = str(lost)
                self.lost.append(said)
            else:
                if answer.status == 401 and self.token:
                    await self.log_in()
                    continue
                if answer.status < 500:
                    return answer
                said = f"{answer.status} {answer.code}"
            if time.monotonic() > until:
                raise GaveUp(f"{method} {path}: {said}")
            await asyncio.sleep(0.1 * self.rng.uniform(0.5, 1.5))

    def hang_up(self) -> None:
        """Close the connections."""
        for connection in self.connections:
            connection.close()


def _note(op: Op, answer: Response) -> None:
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
