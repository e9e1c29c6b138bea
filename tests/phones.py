"""A shop in memory behind its application, without a server between, and the phones of those who use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from litestar.testing import TestClient

from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, Actor, Money, Order, PlacementRequest, ProductDetails, Registration, Role, Shop
from shop_core.errors import Unavailable
from shop_core.inventory.model import LineRequest
from shop_core.ports import UnitOfWork
from shop_core.reservations.model import ReservationLimits
from shop_http.routing import App

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PASSWORD = "numbers are music"
PEOPLE = {"ada": Role.CUSTOMER, "bob": Role.CUSTOMER, "grace": Role.STAFF, "boss": Role.ADMIN}


class Interruptible(MemoryAdapters):
    """A store that can be away."""

    is_away = False

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        if self.is_away:
            raise Unavailable("the store is away")
        with super().begin() as uow:
            yield uow


@dataclass
class Setup:
    """A shop with some lamps for sale, two customers, staff and an admin, whose clock stands still."""

    now: datetime = NOON
    units: int = 3
    adapters: Interruptible = field(init=False)
    shop: Shop = field(init=False)
    product_id: UUID = field(init=False)

    def __post_init__(self) -> None:
        limits = ReservationLimits(reservations_max=2, units_max=3)
        self.adapters = Interruptible(clock=lambda: self.now)
        self.shop = Shop(self.adapters, limits)
        details = ProductDetails("LAMP-1", "Brass lamp", Money.parse("24.90", "EUR"))
        self.product_id = self.shop.catalog.create_product(SYSTEM, details).product.id
        self.shop.inventory.receive(SYSTEM, self.product_id, self.units)
        for username, role in (
            ("ada", Role.CUSTOMER),
            ("bob", Role.CUSTOMER),
            ("grace", Role.STAFF),
            ("boss", Role.ADMIN),
        ):
            self.shop.accounts.register(Registration(username, PASSWORD), actor=SYSTEM, role=role)

    def actor(self, username: str) -> Actor:
        """Somebody, logged in anew."""
        return self.shop.sessions.authenticate(self.shop.sessions.log_in(username, PASSWORD).access)

    def order_of_ada(self) -> Order:
        """She orders a lamp."""
        lines = (LineRequest(self.product_id, 1),)
        return self.shop.orders.place(PlacementRequest(self.actor("ada").account_id, lines))

    def later(self, **spans: float) -> None:
        """Move the clock."""
        self.now += timedelta(**spans)

    def wish(self, quantity: int, **fields: Any) -> dict[str, Any]:
        """The body that wants so many lamps."""
        return {"lines": [{"product_id": str(self.product_id), "quantity": quantity}], **fields}

    @property
    def available(self) -> int:
        """How many lamps can be sold."""
        return self.shop.inventory.level(SYSTEM, self.product_id).available

    def ask(
        self, client: TestClient[App], who: str, method: str, path: str, body: object = None, **headers: str
    ) -> httpx.Response:
        """A request of somebody, who logs in again for it, since the clock is moved; `_` in a name is a hyphen."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if who:
            sent["authorization"] = f"Bearer {self.shop.sessions.log_in(who, PASSWORD).access}"
        return client.request(method, f"/api/v1{path}", json=body, headers=sent)


@dataclass
class Phone:
    """Somebody's."""

    setup: Setup
    client: TestClient[App]
    username: str

    def __call__(
        self, method: str, path: str, body: object = None, *, key: str | None = None, status: int
    ) -> httpx.Response:
        headers = {} if key is None else {"idempotency_key": key}
        answer = self.setup.ask(self.client, self.username, method, path, body, **headers)
        assert answer.status_code == status, answer.text
        return answer
