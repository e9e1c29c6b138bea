"""Phones with the clients of `clients/` behind a line that cuts connections at any byte.

    python -m verification.phone_life --seed 7 --wishes 10000
    python -m verification.phone_life --client typescript --wishes 1000

Each phone registers, orders, edits, cancels, deletes, reserves, releases, and goes on with tokens that have ended. Now
and then it brings its copies of its orders and of the catalog up to date.
Every wish must happen once, and none that happened may seem failed. The orders that a phone knows in the end are those
of the server, versions and all; so nothing happened twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import httpx
from shop_client import CatalogCopy, MemoryTokens, OrdersCopy, RetryingTransport, ShopClient
from shop_client.generated.api.accounts import get_me, register
from shop_client.generated.api.orders import cancel_order, delete_order, edit_order, place_order
from shop_client.generated.api.reservations import release_reservation, reserve
from shop_client.generated.models import (
    LineForm,
    OrderBody,
    OrderForm,
    PlacementForm,
    RegistrationForm,
    ReservationBody,
    ReservationForm,
    UserBody,
)

from verification.proxy import Plan, Proxy, seeded
from verification.shop_process import environment, serving, shop

API = "/api/v1"
STAFF, PASSWORD = "grace", "numbers are music"
PHONES = 4
PATIENCE_S = 240.0
TIMEOUT_S = 5.0
"""A connection may fall silent; a phone that waits longer than the shop needs would only take time."""
CUT_EVERY = 20
"""Of so many wishes, the line is cut in one at least."""
TYPESCRIPT = Path(__file__).parents[1] / "clients/typescript/test/phone_life.mjs"
WISHES = {
    "order": 4,
    "edit": 2,
    "cancel": 2,
    "delete": 1,
    "reserve": 2,
    "release": 2,
    "register": 1,
    "refresh": 2,
    "sync": 1,
}
"""Which wishes there are, and how often each is drawn."""


@dataclass(slots=True)
class Life:
    """What a phone wished, and what it knows in the end.

    Args:
        username: who it belongs to.
        orders: status, units and version, by id; those that were deleted are not there.
        reserved: units held by reservations that are active.
        registered: usernames.
        wishes: how many of each kind.
        failed: what the shop refused, or what got no answer.
    """

    username: str
    orders: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    reserved: int = 0
    registered: list[str] = field(default_factory=list)
    wishes: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)


class Phone:
    """A phone with the Python client.

    Args:
        url: of the line.
        lamp: the product that it wants.
        seed: what it draws its wishes from.
        inner: sends one request. None: connections of httpx.
    """

    def __init__(self, url: str, lamp: UUID, seed: str, inner: httpx.BaseTransport | None = None) -> None:
        self.rng, self.lamp, self.life = Random(seed), lamp, Life(f"ada{uuid4().hex[:10]}")
        self.tokens = MemoryTokens()
        transport = RetryingTransport(inner or httpx.HTTPTransport(), PATIENCE_S, rng=Random(seed), sleep=_soon)
        self.shop = ShopClient(url, store=self.tokens, transport=transport, timeout_s=TIMEOUT_S)
        self.api = self.shop.api
        self.reservations: list[UUID] = []
        self.catalog_copy, self.orders_copy = CatalogCopy(), OrdersCopy()

    def live(self, wishes: int) -> Life:
        """Register, log in and wish."""
        with closing(self.shop):
            self._register(self.life.username)
            self.shop.log_in(self.life.username, PASSWORD)
            for kind in [*self.rng.choices(list(WISHES), list(WISHES.values()), k=wishes), "sync"]:
                self.life.wishes[kind] += 1
                try:
                    getattr(self, f"_{kind}")()
                except Exception as error:  # whatever it is, the wish seems failed
                    self.life.failed.append(f"{kind}: {type(error).__name__} {error}")
        return self.life

    def _order(self) -> None:
        form = PlacementForm(lines=[LineForm(self.lamp, 1)])
        self._know(place_order.sync(client=self.api, body=form), units=1)

    def _edit(self) -> None:
        order_id, version = self._one_that_is("placed")
        if order_id is None:
            return self._order()
        units = self.rng.randint(1, 5)
        form = OrderForm(lines=[LineForm(self.lamp, units)])
        self._know(edit_order.sync(order_id, client=self.api, body=form, if_match=f'"{version}"'), units)
        return None

    def _cancel(self) -> None:
        order_id, version = self._one_that_is("placed")
        if order_id is None:
            return self._order()
        self._know(cancel_order.sync(order_id, client=self.api, if_match=f'"{version}"'), units=0)
        return None

    def _delete(self) -> None:
        order_id, version = self._one_that_is("cancelled")
        if order_id is None:
            return self._order()
        answer = delete_order.sync_detailed(order_id, client=self.api, if_match=f'"{version}"')
        if answer.status_code != 204:
            raise RuntimeError(answer.content.decode())
        del self.life.orders[str(order_id)]
        return None

    def _reserve(self) -> None:
        if len(self.reservations) > 5:
            return self._release()
        answer = reserve.sync(client=self.api, body=ReservationForm(lines=[LineForm(self.lamp, 2)], ttl_seconds=3_600))
        if not isinstance(answer, ReservationBody):
            raise RuntimeError(str(answer))
        self.reservations.append(answer.id)
        self.life.reserved += 2
        return None

    def _release(self) -> None:
        if not self.reservations:
            return self._order()
        number = self.rng.randrange(len(self.reservations))
        answer = release_reservation.sync_detailed(self.reservations[number], client=self.api)
        if not 200 <= answer.status_code < 300:
            raise RuntimeError(answer.content.decode())
        del self.reservations[number]
        self.life.reserved -= 2
        return None

    def _register(self, username: str = "") -> None:
        username = username or f"{self.life.username}x{len(self.life.registered)}"
        answer = register.sync(client=self.api, body=RegistrationForm(username, PASSWORD))
        if not isinstance(answer, UserBody):
            raise RuntimeError(str(answer))
        self.life.registered.append(answer.username)

    def _refresh(self) -> None:
        """The access token has ended: the next request needs another one."""
        tokens = self.tokens.load()
        assert tokens is not None
        self.tokens.save(replace(tokens, access="ended"))
        if not isinstance(answer := get_me.sync(client=self.api), UserBody):
            raise RuntimeError(str(answer))

    def _sync(self) -> None:
        """The copies are what the phone knows from the answers to its wishes, and what is for sale."""
        self.orders_copy.update(self.api)
        known = {str(id_): _known(order.to_dict()) for id_, order in self.orders_copy.orders.items()}
        if known != self.life.orders:
            raise RuntimeError(f"{known.items() ^ self.life.orders.items()} differ")
        self.catalog_copy.update(self.api)
        if self.lamp not in self.catalog_copy.products:
            raise RuntimeError("the lamp is missing")

    def _one_that_is(self, status: str) -> tuple[UUID | None, int]:
        found = [(UUID(order), version) for order, (is_now, _, version) in self.life.orders.items() if is_now == status]
        return self.rng.choice(found) if found else (None, 0)

    def _know(self, answer: object, units: int) -> None:
        if not isinstance(answer, OrderBody):
            raise RuntimeError(str(answer))
        self.life.orders[str(answer.id)] = (answer.status, units, answer.version)


def _soon(seconds: float) -> None:
    """Pauses are for servers that many ask: here they would only take time."""
    threading.Event().wait(seconds / 20)


@contextmanager
def cutting(port: int, plan: Plan) -> Iterator[Proxy]:
    """A line to the server at `port` that cuts connections."""
    loop = asyncio.new_event_loop()
    proxy = Proxy(port, plan)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(proxy.__aenter__(), loop).result()
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(proxy.__aexit__(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def python_lives(url: str, lamp: UUID, seed: int, wishes: int) -> list[Life]:
    """The lives of some phones with the Python client, side by side."""
    phones = [Phone(url, lamp, f"{seed}/phone/{number}") for number in range(PHONES)]
    with ThreadPoolExecutor(PHONES) as threads:
        return list(threads.map(lambda phone: phone.live(-(-wishes // PHONES)), phones))


def typescript_lives(url: str, lamp: UUID, seed: int, wishes: int) -> list[Life]:
    """The same with the TypeScript client, which `npm run build` has made."""
    given = {
        "url": url,
        "lamp": str(lamp),
        "seed": seed,
        "wishes": wishes,
        "phones": PHONES,
        "kinds": WISHES,
        "timeout_s": TIMEOUT_S,
    }
    said = subprocess.run(
        ["node", TYPESCRIPT, json.dumps(given | {"password": PASSWORD})], stdout=subprocess.PIPE, check=True
    ).stdout
    lives = [Life(**life) for life in json.loads(said)]
    for life in lives:
        life.orders = {order: (known[0], known[1], known[2]) for order, known in life.orders.items()}
        life.wishes = Counter(life.wishes)
    return lives


CLIENTS = {"python": python_lives, "typescript": typescript_lives}


class Clerk:
    """Staff with a line that holds, to compare."""

    def __init__(self, url: str, username: str = STAFF, password: str = PASSWORD) -> None:
        self.http = httpx.Client(base_url=url + API, trust_env=False, timeout=60)
        login = self.http.post("/auth/token", json={"username": username, "password": password}).json()
        self.http.headers["authorization"] = f"Bearer {login['access']}"

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def new_lamp(self, sku: str = "LAMP") -> UUID:
        """A product of which there is enough."""
        lamp = self.http.post("/products", json={"sku": sku, "name": "Lamp", "price": "2.50"}).json()["id"]
        received = {"kind": "received", "quantity": 1_000_000, "reason": "note"}
        self.http.post(f"/products/{lamp}/stock", json=received).raise_for_status()
        return UUID(lamp)

    def differences(self, life: Life) -> list[str]:
        """Where the server knows something else than the phone."""
        (user,) = self._all("/users", search=life.username, limit="1")[:1]
        there = {order["id"]: _known(order) for order in self._all("/orders", customer=user["id"])}
        there = {order: known for order, known in there.items() if known is not None}
        found = [
            f"{life.username}: order {order} is {there.get(order)}, the phone has {life.orders.get(order)}"
            for order in there.keys() | life.orders.keys()
            if there.get(order) != life.orders.get(order)
        ]
        names = sorted(user["username"] for user in self._all("/users", search=life.username))
        return found + ([] if names == sorted(life.registered) else [f"{life.username}: registered are {names}"])

    def held(self, lamp: UUID) -> tuple[int, int]:
        """How many units are allocated and reserved."""
        level = self.http.get(f"/products/{lamp}/stock").json()
        return level["allocated"], level["reserved"]

    def _all(self, path: str, **query: str) -> list[Any]:
        found: list[Any] = []
        page = self.http.get(path, params={"limit": "200", "cursor": ""} | query).json()
        while True:
            found += page["results"]
            if not page["next"]:
                return found
            page = self.http.get(page["next"].removeprefix(API)).json()


def _known(order: Any) -> tuple[str, int, int] | None:
    """What a phone would know of it; None if its customer has deleted it."""
    if "deleted_at" in order:
        return None
    units = 0 if order["status"] == "cancelled" else sum(line["quantity"] for line in order["lines"])
    return order["status"], units, order["version"]


def play(url: str, client: str, seed: int, wishes: int) -> tuple[Counter[str], Counter[str], list[str]]:
    """Let phones live at the server with this address.

    Returns:
        How many wishes of each kind there were, which cuts, and what is wrong.
    """
    with closing(Clerk(url)) as clerk:
        lamp = clerk.new_lamp()
    with cutting(int(url.rpartition(":")[2]), seeded(f"{seed}/line", bytes_max=5_000, patience=4)) as line:
        lives = CLIENTS[client](f"http://127.0.0.1:{line.port}", lamp, seed, wishes)
    findings = [failure for life in lives for failure in life.failed]
    with closing(Clerk(url)) as clerk:  # anew: the token of the first one has ended
        for life in lives:
            findings += clerk.differences(life)
        held = clerk.held(lamp)
    units = sum(units for life in lives for _, units, _ in life.orders.values())
    known = units, sum(life.reserved for life in lives)
    findings += [] if held == known else [f"allocated and reserved are {held}, the phones have {known}"]
    cuts = sum(line.cuts.values())
    findings += [] if cuts >= wishes // CUT_EVERY else [f"only {cuts} connections were cut: that proves little"]
    return sum((life.wishes for life in lives), Counter()), line.cuts, findings


def main() -> int:
    """0 if every wish happened once, and none seemed failed."""
    parser = argparse.ArgumentParser(prog="python -m verification.phone_life")
    parser.add_argument("--client", choices=CLIENTS, default="python")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--wishes", type=int, default=1_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        env = environment(SHOP_DATA_DIR=directory)
        with serving("--workers", "2", env=env) as (url, _):
            made = shop("create-admin", STAFF, env=env, stdin=f"{PASSWORD}\n")
            if made.returncode != 0:
                raise RuntimeError(made.stderr)
            wishes, cuts, findings = play(url, given.client, given.seed, given.wishes)
    print(f"{sum(wishes.values())} wishes {dict(wishes)}, {sum(cuts.values())} connections cut {dict(cuts)}")
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
