"""Where a server may put something between the handlers and the core: how it places, reserves, and what runs beside it.

By default each order is a batch of one, in a worker thread. An order train fits the same seam:

    create_app(shop, place=lambda request: asyncio.wrap_future(train.place(request)), background=[train, ...])
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from shop_core import Order, PlacementRequest, Refusal, Shop
from shop_core.idempotency import Result
from shop_core.reservations.model import Reservation, ReservationRequest

T = TypeVar("T")

Place = Callable[[PlacementRequest], Awaitable[Result[Order]]]
"""Called on the loop: waits for the order, or raises the refusal."""

Reserve = Callable[[ReservationRequest], Awaitable[Result[Reservation]]]
"""The same for a reservation."""


class Background(Protocol):
    """Something that runs beside the handlers, from the start of the application to its end."""

    def start(self) -> None: ...

    def stop(self) -> object:
        """End it, and wait until it has ended. Called in a worker thread."""


def place_singly(shop: Shop) -> Place:
    """Each order for itself."""

    async def place(request: PlacementRequest) -> Result[Order]:
        (outcome,) = await asyncio.to_thread(shop.orders.place_all, [request])
        return answered(outcome)

    return place


def reserve_singly(shop: Shop) -> Reserve:
    """Each reservation for itself."""

    async def reserve(request: ReservationRequest) -> Result[Reservation]:
        (outcome,) = await asyncio.to_thread(shop.reservations.reserve_all, [request])
        return answered(outcome)

    return reserve


def answered(outcome: Result[T] | Refusal) -> Result[T]:
    """The answer; a refusal is raised."""
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome
