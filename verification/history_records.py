"""What the calls of a history made, put together: which call made which order or reservation, and what ended it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from verification.history import MAKES, Op
from verification.stock_bounds import NEVER, Change

Units = dict[str, int]


@dataclass(slots=True)
class Request:
    """One thing that a client wanted made, with all attempts at it: those with one key, or one without."""

    client: int
    key: str | None
    attempts: list[Op]

    @property
    def answered(self) -> list[Op]:
        """The attempts that brought a result."""
        return [op for op in self.attempts if op.outcome == "ok"]

    @property
    def may_be_done(self) -> list[Op]:
        """The attempts that may have been carried out, for all that is known."""
        return [op for op in self.attempts if op.outcome != "refused"]


@dataclass(slots=True)
class Reservation:
    """What is known of a reservation that a client was told of."""

    id: str
    client: int
    units: Units
    made: tuple[int, int]
    expires: list[int] = field(default_factory=list)
    may_last_longer: bool = False
    confirmed: list[Request] = field(default_factory=list)
    releases: list[Op] = field(default_factory=list)
    extends: list[Op] = field(default_factory=list)
    expired: list[Op] = field(default_factory=list)

    @property
    def lasts_until(self) -> int:
        """When it expired at the earliest, unless it ended before."""
        return max(self.expires, default=self.made[1])

    @property
    def gone_at(self) -> int:
        """When it was expired at the latest."""
        return NEVER if self.may_last_longer or not self.expires else max(self.expires)

    @property
    def became(self) -> list[Request]:
        """The requests that certainly turned it into an order."""
        return [request for request in self.confirmed if request.answered]

    def end(self) -> tuple[int, int]:
        """When its units were given back: at the earliest and at the latest. They stay taken if it became an order."""
        certain = [op for op in self.releases if op.outcome == "ok"]
        possible = [op for op in self.releases if op.outcome != "refused"]
        earliest = min([self.lasts_until, *(op.start_ns for op in possible)])
        if certain:
            return earliest, min([self.gone_at, *(op.end_ns for op in certain)])
        may_be_order = any(request.may_be_done for request in self.confirmed)
        return earliest, NEVER if may_be_order else self.gone_at


@dataclass(slots=True)
class Order:
    """What is known of an order that a client was told of."""

    id: str
    client: int
    changes: list[Change]
    cancels: list[Op] = field(default_factory=list)

    def end(self) -> tuple[int, int]:
        """When its units were given back: at the earliest and at the latest."""
        certain = (op.end_ns for op in self.cancels if op.outcome == "ok")
        possible = (op.start_ns for op in self.cancels if op.outcome != "refused")
        return min(possible, default=NEVER), min(certain, default=NEVER)


@dataclass(slots=True)
class Made:
    """Everything that the history tells of."""

    requests: list[Request]
    orders: dict[str, Order]
    reservations: dict[str, Reservation]
    others: list[Op]

    def units_of(self, op: Op) -> Units:
        """What an attempt wants: of its own, or what the reservation holds that it names."""
        reservation = self.reservations.get(str(op.detail.get("reservation_id")))
        return op.requested or (dict(reservation.units) if reservation else {})


def put_together(ops: Iterable[Op]) -> Made:
    """Group the calls by what they were about."""
    keyed: defaultdict[tuple[int, str], list[Op]] = defaultdict(list)
    requests: list[Request] = []
    others: list[Op] = []
    for op in ops:
        if op.op not in MAKES:
            others.append(op)
        elif op.key is None:
            requests.append(Request(op.client, None, [op]))
        else:
            keyed[op.client, op.key].append(op)
    requests += [Request(client, key, attempts) for (client, key), attempts in keyed.items()]
    made = Made(requests, {}, {}, others)
    _add_reservations(made)
    _add_orders(made)
    return made


def _add_reservations(made: Made) -> None:
    for request in made.requests:
        for op in request.answered:
            if op.op == "reserve" and op.result_id is not None:
                _note_reservation(made, request, op)
    for request in made.requests:
        confirms = [op for op in request.attempts if op.op == "confirm"]
        for named in {str(op.detail.get("reservation_id")) for op in confirms}:
            if named in made.reservations:  # the key may have been used for something else as well
                of_it = [op for op in confirms if op.detail.get("reservation_id") == named]
                made.reservations[named].confirmed.append(Request(request.client, request.key, of_it))
    for op in made.others:
        reservation = made.reservations.get(str(op.detail.get("reservation_id")))
        if reservation is None:
            continue
        if op.op == "release":
            reservation.releases.append(op)
        elif op.op == "expire":
            reservation.expired.append(op)
        elif op.op == "extend":
            reservation.extends.append(op)
            _note_expiry(reservation, op)


def _note_reservation(made: Made, request: Request, op: Op) -> None:
    assert op.result_id is not None
    if op.result_id not in made.reservations:
        reservation = Reservation(op.result_id, op.client, op.requested, _span(request, op))
        made.reservations[op.result_id] = reservation
    _note_expiry(made.reservations[op.result_id], op)


def _note_expiry(reservation: Reservation, op: Op) -> None:
    expires = op.detail.get("expires_ns")
    if op.outcome == "ok" and expires is not None:
        reservation.expires.append(int(expires))
    elif op.outcome != "refused":
        reservation.may_last_longer = True


def _add_orders(made: Made) -> None:
    for request in made.requests:
        for op in request.answered:
            if op.op != "reserve" and op.result_id is not None and op.result_id not in made.orders:
                start, end = _span(request, op)
                reservation = made.reservations.get(str(op.detail.get("reservation_id")))
                if op.op == "confirm" and reservation:
                    start, end = reservation.made  # its units were taken then, and were never free since
                made.orders[op.result_id] = Order(op.result_id, op.client, [Change(start, end, made.units_of(op))])
    for op in made.others:
        order = made.orders.get(str(op.detail.get("order_id")))
        if order is not None and op.outcome != "refused":
            if op.op == "cancel":
                order.cancels.append(op)
            elif op.op == "edit":
                end = op.end_ns if op.outcome == "ok" else NEVER
                order.changes.append(Change(op.start_ns, end, op.requested))


def _span(request: Request, op: Op) -> tuple[int, int]:
    """Between which instants it was made: from the first attempt that may have done it to the first answer."""
    alike: Sequence[Op] = [other for other in request.may_be_done if same_request(other, op)]
    return min(other.start_ns for other in alike), min(other.end_ns for other in alike if other.outcome == "ok")


def same_request(one: Op, other: Op) -> bool:
    """Whether two attempts ask for the same, as far as the history tells."""
    asked = one.detail.get("reservation_id"), one.detail.get("request")
    return (
        one.op == other.op
        and one.requested == other.requested
        and asked
        == (
            other.detail.get("reservation_id"),
            other.detail.get("request"),
        )
    )
