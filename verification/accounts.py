"""Who is there before the bad day begins: staff who fill the shelves, and customers with an account."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Sequence

from verification.client import API, Connection, Response
from verification.retrying_client import PASSWORD as BUYERS_PASSWORD
from verification.server import PASSWORD, STAFF

LOGINS_AT_ONCE = 4
_BUSY_TRIES_MAX = 20


async def log_in(port: int, username: str, password: str) -> str:
    """An access token."""
    with contextlib.closing(Connection(port)) as connection:
        body = {"username": username, "password": password}
        answer = await connection.ask("POST", f"{API}/auth/token", body, wait_s=30)
    return str(answer.json["access"])


class Staff:
    """Who puts things on the shelves, on a good connection."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._connection = Connection(port)
        self._token = token

    @classmethod
    async def log_in(cls, port: int) -> Staff:
        return cls(port, await log_in(port, STAFF, PASSWORD))

    async def new_products(self, count: int, units: int, batch: str) -> dict[str, int]:
        """New products, and how many units of each there are."""
        await self._again()
        stock = {}
        for number in range(count):
            body = {"sku": f"P-{batch}-{number}", "name": f"Product {number} of {batch}", "price": "9.90"}
            product = (await self._do("POST", "/products", body)).json["id"]
            received = {"kind": "received", "quantity": units, "reason": "first delivery"}
            await self._do("POST", f"/products/{product}/stock", received)
            stock[product] = units
        return stock

    async def new_coupon(self, code: str, limits: dict[str, int]) -> str:
        """A promotion that needs this coupon, which each customer may use once: the promotion's id."""
        form = {"label": code, "benefit": {"kind": "order_percent", "percent": "10"}, "needs_coupon": True, **limits}
        promotion = str((await self._do("POST", "/promotions", form)).json["id"])
        await self._do("POST", f"/promotions/{promotion}/coupons", {"code": code, "max_per_customer": 1})
        return promotion

    async def new_promotion(self) -> None:
        """One that applies to every order, as often as there are any."""
        form = {"label": "For all", "benefit": {"kind": "amount_each", "amount": "0.10"}}
        await self._do("POST", "/promotions", form)

    def hang_up(self) -> None:
        """Close the connection."""
        self._connection.close()

    async def _again(self) -> None:
        self._connection.close()
        self._token = await log_in(self._port, STAFF, PASSWORD)

    async def _do(self, method: str, path: str, body: object) -> Response:
        for _ in range(_BUSY_TRIES_MAX):
            answer = await self._connection.ask(method, API + path, body, token=self._token)
            if answer.status != 503:
                break
            await asyncio.sleep(
                0.2
            )  # a worker that has still to find out that its connections are of a killed database
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.body!r}")
        return answer


async def new_customers(port: int, count: int) -> dict[str, str]:
    """New customers, and a token of each."""
    tokens = {}

    async def register(name: str) -> None:
        credentials = {"username": name, "password": BUYERS_PASSWORD}
        with contextlib.closing(Connection(port)) as connection:
            answer = await connection.ask("POST", f"{API}/auth/register", credentials, wait_s=30)
        if answer.status != 201:
            raise RuntimeError(f"register {name}: {answer.body!r}")
        tokens[name] = await log_in(port, name, BUYERS_PASSWORD)

    names = [f"buyer{number}" for number in range(count)]
    await _in_turns([register(name) for name in names], LOGINS_AT_ONCE)
    return {name: tokens[name] for name in names}


async def _in_turns(jobs: Sequence[Awaitable[None]], at_once: int) -> None:
    """All of them, a few at a time: hashing passwords is work."""
    free = asyncio.Semaphore(at_once)

    async def one(job: Awaitable[None]) -> None:
        async with free:
            await job

    await asyncio.gather(*map(one, jobs))
