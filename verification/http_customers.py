"""Customers with bad connections: whatever was not answered they ask again, with the same key, until it is.

Each records its requests and responses (`verification.history`), and what it must find again afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from verification.client import Connection, Response
from verification.history import Verb
from verification.retrying_client import GaveUp, RetryingClient

TTLS_S = (1, 1, 2, 3, 5)


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
    requested: dict[str, int]
    detail: dict[str, Any] = field(default_factory=dict)


class HttpCustomer(RetryingClient):
    """One customer.

    Args:
        number: which one; also `client` in the history.
        seed: of their choices, which are the same for the same seed and number.
        connections: two connections; now and then the same request is sent on both.
        username: of their account.
        token: their access token, if there is one.

    Attributes:
        made: by key, the id that the response had.
        requests: by key, what it was used for.
        refused: keys that were refused, after an earlier attempt that got no answer: that one may yet have come late.
    """

    def __init__(
        self, number: int, seed: str, connections: tuple[Connection, Connection], username: str, token: str = ""
    ) -> None:
        super().__init__(number, Random(f"{seed}/buyer/{number}"), connections, username, token)
        self.orders: dict[str, Known] = {}
        self.holds: dict[str, dict[str, int]] = {}
        self.made: dict[str, str] = {}
        self.requests: dict[str, Request] = {}
        self.refused: set[str] = set()

    # One day in a shop

    async def shop(self, products: Sequence[str], is_over: Callable[[], bool]) -> None:
        """Do one thing after another until it is over."""
        verbs = (self.place, self.reserve, self.confirm, self.release, self.extend, self.cancel, self.edit, self.again)
        weights = (34, 16, 12, 5, 5, 16, 9, 3, 10)
        while not is_over():
            verb = self.rng.choices((*verbs, self.look), weights)[0]
            try:
                await verb(products)
            except GaveUp as failure:
                self.findings.append(f"no answer: {failure}")
                return
            await asyncio.sleep(self.rng.random() * 0.02)

    async def place(self, products: Sequence[str]) -> None:
        """Order a few units of a few products; sometimes on both connections at once, with one key."""
        requested = self._basket(products)
        await self._make(Request("/orders", {"lines": _lines(requested)}, "place", requested))

    async def reserve(self, products: Sequence[str]) -> None:
        """Have a few units held for a few seconds."""
        requested = self._basket(products)
        body = {"lines": _lines(requested), "ttl_seconds": self.rng.choice(TTLS_S)}
        await self._make(Request("/reservations", body, "reserve", requested))

    async def confirm(self, products: Sequence[str]) -> None:
        """Make an order of what is held."""
        if not self.holds:
            return await self.reserve(products)
        id_ = self.rng.choice(list(self.holds))
        del self.holds[id_]
        detail = {"reservation_id": id_}
        await self._make(Request("/orders", {"reservation_id": id_}, "confirm", {}, detail))
        return None

    async def release(self, _: Sequence[str]) -> None:
        """Give back what is held."""
        if self.holds:
            id_ = self.rng.choice(list(self.holds))
            del self.holds[id_]
            await self.insist("release", "DELETE", f"/reservations/{id_}", None, detail={"reservation_id": id_})

    async def extend(self, _: Sequence[str]) -> None:
        """Have it held for longer."""
        if self.holds:
            id_ = self.rng.choice(list(self.holds))
            body = {"ttl_seconds": self.rng.choice(TTLS_S)}
            answer = await self.insist(
                "extend", "POST", f"/reservations/{id_}/extend", body, detail={"reservation_id": id_}
            )
            if answer.status != 200:
                self.holds.pop(id_, None)

    async def cancel(self, _: Sequence[str]) -> None:
        """Call an order off."""
        if order_id := self._an_open_order():
            order = self.orders[order_id]
            answer = await self.insist(
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
            requested = self._basket(products)
            answer = await self.insist(
                "edit",
                "PUT",
                f"/orders/{order_id}",
                {"lines": _lines(requested)},
                requested=requested,
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
            key = self.rng.choice(list(self.made))
            self.counts["replays"] += 1
            await self._make(self.requests[key], key)

    async def look(self, products: Sequence[str]) -> None:
        """Look around."""
        await self.until_answered("GET", self.rng.choice(("/products?limit=5", f"/products/{products[0]}")))

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
        """Buy single units until there are none; returns how many were bought."""
        bought = 0
        while await self._make(Request("/orders", {"lines": _lines({product: 1})}, "place", {product: 1})):
            bought += 1
        return bought

    # Requests

    async def _make(self, request: Request, key: str | None = None) -> bool:
        """Send what makes something until it is answered; whether it did."""
        is_new = key is None
        key = key or str(UUID(int=self.rng.getrandbits(128)))
        self.requests[key] = request
        if is_new and self.rng.random() < 0.08:
            self.counts["twins"] += 1
            one, other = await asyncio.gather(
                *(self._make_on(connection, request, key) for connection in self.connections)
            )
            return one or other
        return await self._make_on(self.connections[0], request, key)

    async def _make_on(self, connection: Connection, request: Request, key: str) -> bool:
        lost_before, made_before = self.counts["lost"], self.made.get(key)
        answer = await self.insist(
            request.verb,
            "POST",
            request.path,
            request.body,
            key=key,
            requested=request.requested,
            detail=request.detail,
            connection=connection,
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

    def _made(self, request: Request, key: str, answer: Response) -> None:
        id_, is_first = answer.json["id"], key not in self.made
        if self.made.setdefault(key, id_) != id_:
            self.findings.append(f"key {key} made {self.made[key]} and {id_}")
        if request.path == "/orders":
            self._know(answer)
        elif is_first and answer.json["state"] == "active":
            self.holds[id_] = request.requested

    # Knowledge

    async def _look_up(self, order_id: str) -> None:
        """Compare an order with what is known of it; believe what is found where that was not sure."""
        answer = await self.until_answered("GET", f"/orders/{order_id}")
        if answer.status != 200:
            self.findings.append(f"the order {order_id} is lost: {answer.body!r}")
            return
        before, now = self.orders[order_id], _known(answer)
        if before.is_sure and before != now:
            self.findings.append(f"the order {order_id} was {before}, and is {now}")
        self.orders[order_id] = now

    def _know(self, answer: Response) -> None:
        id_, now = answer.json["id"], _known(answer)
        before = self.orders.get(id_)
        if before is None or now.version >= before.version:
            self.orders[id_] = now

    def _an_open_order(self) -> str | None:
        # Keys are looked at in the order in which they were made: the same choice for the same seed.
        return self.rng.choice([id_ for id_, one in self.orders.items() if one.status == "placed"] or [None])

    def _basket(self, products: Sequence[str]) -> dict[str, int]:
        chosen = self.rng.sample(products, min(len(products), self.rng.choice((1, 1, 1, 2, 3))))
        return {product: self.rng.choice((1, 1, 2)) for product in chosen}


def _known(answer: Response) -> Known:
    body = answer.json
    return Known(
        {line["product_id"]: line["quantity"] for line in body["lines"]},
        body["status"],
        body["version"],
    )


def _lines(requested: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"product_id": product, "quantity": units} for product, units in requested.items()]
