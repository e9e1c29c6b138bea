"""What a shop must answer to requests that come together: the rules of placing and reserving a second time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from shop_core.errors import (
    InsufficientStock,
    KeyReused,
    Refusal,
    ReservationNotFound,
    ReservationResolved,
    TooMuchReserved,
    TotalChanged,
    UnknownProducts,
)
from shop_core.orders.model import PlacementRequest
from shop_core.reservations.model import ReservationLimits, ReservationRequest
from shop_testing.expectations import Expected, sum_of_lines

Request = PlacementRequest | ReservationRequest


@dataclass
class Verdict:
    """What must be answered to one request.

    Args:
        refusal: None if it is carried out, now or before.
        short: product, wanted and available, for each that has too few.
        repeats: what was made before by the same request: its id, or the number of the request in this batch.
    """

    refusal: type[Refusal] | None = None
    short: list[tuple[UUID, int, int]] = field(default_factory=list)
    repeats: UUID | int | None = None


def verdicts(
    expected: Expected, requests: Sequence[Request], now: datetime, limits: ReservationLimits
) -> list[Verdict]:
    """What must be answered to each; if somebody would go short, what is due is let go before."""
    found = _Batch(expected, now, limits).verdicts(requests)
    if any(verdict.refusal is InsufficientStock for verdict in found):
        expected.release_lines(_named(expected, requests), now)
        found = _Batch(expected, now, limits).verdicts(requests)
    return found


def _named(expected: Expected, requests: Sequence[Request]) -> set[UUID]:
    """The products of all requests, and of the reservations that they name."""
    products = {line.product_id for request in requests for line in request.lines}
    for request in requests:
        if isinstance(request, PlacementRequest) and request.reservation_id in expected.reservations:
            products |= expected.reservations[request.reservation_id].units.keys()
    return products


class _Batch:
    """A batch in the middle: what the requests so far have left."""

    def __init__(self, expected: Expected, now: datetime, limits: ReservationLimits) -> None:
        self._expected = expected
        self._now = now
        self._limits = limits
        self._left = {key: product.available for key, product in expected.products.items()}
        self._keys: dict[tuple[UUID, str], tuple[object, UUID | int]] = dict(expected.keys)
        self._confirmed: set[UUID] = set()
        self._holds: dict[UUID, list[int]] = {}
        for reservation in expected.reservations.values():
            if reservation.state_at(now) == "active":
                self._holds.setdefault(reservation.customer_id, []).append(sum(reservation.units.values()))

    def verdicts(self, requests: Sequence[Request]) -> list[Verdict]:
        return [self._verdict(number, request) for number, request in enumerate(requests)]

    def _verdict(self, number: int, request: Request) -> Verdict:
        if request.key is None:
            return self._new(request)
        slot = request.customer_id, request.key
        if slot in self._keys:
            before, made = self._keys[slot]
            return Verdict(repeats=made) if before == request else Verdict(KeyReused)
        verdict = self._new(request)
        if verdict.refusal is None:
            self._keys[slot] = request, number
        return verdict

    def _new(self, request: Request) -> Verdict:
        if isinstance(request, ReservationRequest):
            return self._reserve(request)
        return self._place(request) if request.reservation_id is None else self._confirm(request)

    def _place(self, request: PlacementRequest) -> Verdict:
        units = sum_of_lines(request.lines)
        if verdict := self._not_to_be_had(units):
            return verdict
        if self._is_another_total(request, units):
            return Verdict(TotalChanged)
        self._take(units)
        return Verdict()

    def _confirm(self, request: PlacementRequest) -> Verdict:
        reservation = self._expected.reservations.get(request.reservation_id) if request.reservation_id else None
        if request.reservation_id is None or reservation is None or reservation.customer_id != request.customer_id:
            return Verdict(ReservationNotFound)
        if request.reservation_id in self._confirmed:
            return Verdict(ReservationResolved)
        if refusal := self._expected.refusal_to_end(request.reservation_id, self._now):
            return Verdict(refusal)
        if self._is_unknown(reservation.units):
            return Verdict(UnknownProducts)
        if self._is_another_total(request, reservation.units):
            return Verdict(TotalChanged)
        self._confirmed.add(request.reservation_id)
        return Verdict()

    def _reserve(self, request: ReservationRequest) -> Verdict:
        units = sum_of_lines(request.lines)
        if verdict := self._not_to_be_had(units):
            return verdict
        holds, more = self._holds.setdefault(request.customer_id, []), sum(units.values())
        if len(holds) >= self._limits.reservations_max or sum(holds) + more > self._limits.units_max:
            return Verdict(TooMuchReserved)
        holds.append(more)
        self._take(units)
        return Verdict()

    def _not_to_be_had(self, units: Mapping[UUID, int]) -> Verdict | None:
        if self._is_unknown(units):
            return Verdict(UnknownProducts)
        short = [(key, wanted, self._left[key]) for key, wanted in units.items() if self._left[key] < wanted]
        return Verdict(InsufficientStock, short) if short else None

    def _is_unknown(self, product_ids: Collection[UUID]) -> bool:
        products = [self._expected.products.get(product_id) for product_id in product_ids]
        return any(product is None or product.archived for product in products)

    def _is_another_total(self, request: PlacementRequest, units: Mapping[UUID, int]) -> bool:
        total = sum(self._expected.products[key].price * quantity for key, quantity in units.items())
        return request.expected_total is not None and request.expected_total.minor != total

    def _take(self, units: Mapping[UUID, int]) -> None:
        for product_id, quantity in units.items():
            self._left[product_id] -= quantity
