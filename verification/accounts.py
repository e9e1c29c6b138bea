"""Who is there before the bad day begins: staff who fill the shelves, and customers with an account."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

from verification.client import API, Answer, Connection
from verification.retrying_client import PASSWORD as BUYERS_PASSWORD
from verification.server import PASSWORD, STAFF

LOGINS_AT_ONCE = 4
_BUSY_TRIES_MAX = 20


class Staff:
    """Who puts things on the shelves, on a good connection."""

    def __init__(self, connection: Connection, token: str) -> None:
        self._connection = connection
        self._token = token

    @classmethod
    async def log_in(cls, port: int) -> Staff:
        connection = Connection(port)
        answer = await connection.ask("POST", f"{API}/auth/token", {"username": STAFF, "password": PASSWORD})
        return cls(connection, answer.json["access"])

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

    def hang_up(self) -> None:
        """Close the connection."""
        self._connection.close()

    async def _again(self) -> None:
        body = {"username": STAFF, "password": PASSWORD}
        self._connection.close()
        self._token = (await self._connection.ask("POST", f"{API}/auth/token", body)).json["access"]

    async def _do(self, method: str, path: str, body: object) -> Answer:
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
        connection = Connection(port)
        credentials = {"username": name, "password": BUYERS_PASSWORD}
        answer = await connection.ask("POST", f"{API}/auth/register", credentials, wait_s=30)
        if answer.status != 201:
            raise RuntimeError(f"register {name}: {answer.body!r}")
        tokens[name] = (await connection.ask("POST", f"{API}/auth/token", credentials, wait_s=30)).json["access"]
        connection.close()

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
