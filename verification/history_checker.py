"""The history checker: every response must be possible in a shop that sells every unit once.

It is sound: it takes into account that a call happens at any instant between its start and its end, and that a call
whose answer was lost may have happened, so it never accuses a shop that is right. It looks at each product, each key,
each order and each reservation on its own, in one sweep over time, so it takes about as long as sorting does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from verification.history import Op
from verification.history_records import Made, Order, Request, Reservation, Units, put_together, same_request
from verification.stock_bounds import NEVER, StockBounds

SHORT = "insufficient_stock"

SKEW_NS = 2_000
"""How far two readings of one clock may be apart for nothing: PostgreSQL counts microseconds."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that cannot be.

    Args:
        rule: which promise is broken, in a word or two.
        of: the product, key, order or reservation.
        says: what the history tells of it.
    """

    rule: str
    of: str
    says: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store has when nobody works any more.

    Args:
        orders: the units of each order; none of a cancelled one.
        reservations: the stored state of each.
        keys: what each key of each client stands for; None if nobody looked.
    """

    orders: Mapping[str, Units]
    reservations: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[tuple[int, str], str] | None = None

    def has_no(self, request: Request) -> bool:
        """Whether the request was certainly never carried out."""
        return self.keys is not None and request.key is not None and (request.client, request.key) not in self.keys


def check(
    ops: Iterable[Op], stock: Mapping[str, int], kept: Kept | None = None, skew_ns: int = SKEW_NS
) -> list[Anomaly]:
    """Everything that cannot be.

    Args:
        ops: all calls of all clients, in any order.
        stock: units on hand by product, which nobody changes meanwhile.
        kept: the end of the story, if somebody looked: then nothing may be missing, and nothing half there.
        skew_ns: how far the clock of the history may be from the one of the store.
    """
    made = put_together(ops)
    found = [*chain.from_iterable(map(_key_anomalies, made.requests)), *_shared_results(made)]
    for reservation in made.reservations.values():
        found += _reservation_anomalies(reservation, skew_ns)
    found += _vanished(made)
    levels = _levels(made, kept, skew_ns)
    found += _oversold(levels, stock)
    found += _false_answers(made, levels, stock)
    if kept is not None:
        found += _differs(made, kept)
    return found


def _key_anomalies(request: Request) -> Iterator[Anomaly]:
    """A key stands for one request and one result, and was sent before it is replayed."""
    of, answered = f"key {request.key!r} of client {request.client}", request.answered
    if request.key is None:
        return
    if len(results := {op.result_id for op in answered}) > 1:
        yield Anomaly("one result a key", of, f"answered with {sorted(map(str, results))}")
    if any(not same_request(op, answered[0]) for op in answered):
        yield Anomaly("one request a key", of, "two different requests got its result")
    if sum(op.detail.get("replayed") is False for op in answered) > 1:
        yield Anomaly("one result a key", of, "was carried out anew more than once")
    for op in request.attempts:
        others = [other for other in request.attempts if other is not op and other.start_ns <= op.end_ns]
        if op.outcome == "ok" and op.detail.get("replayed") is True and not others:
            yield Anomaly("replay", of, f"is said to be replayed, and was never sent before {op.start_ns}")
        done = (other for other in others if other.outcome != "refused")
        if op.code == "idempotency_key_reused" and all(same_request(other, op) for other in done):
            yield Anomaly("one request a key", of, "refused as used for another request, and there is none")


def _shared_results(made: Made) -> Iterator[Anomaly]:
    """What was made was made for one request."""
    pairs = ((result, request) for request in made.requests for result in {op.result_id for op in request.answered})
    owners: dict[str, Request] = {}
    for result, request in pairs:
        if result is not None and owners.setdefault(result, request) is not request:
            first, of = owners[result], f"client {request.client}, key {request.key!r}"
            said = f"answers {of}, and client {first.client}, key {first.key!r}"
            yield Anomaly("one key a result", result, said)


def _reservation_anomalies(held: Reservation, skew_ns: int) -> Iterator[Anomaly]:
    """A reservation has one end, not before its time, and nothing comes after it."""
    became, released = held.became, [op for op in held.releases if op.outcome == "ok"]
    orders = {op.result_id for request in became for op in request.answered}
    ends = [f"order {order}" for order in sorted(map(str, orders))]
    ends += ["released"] if released else []
    ends += [f"expired (event {event})" for event in {op.detail.get("event_id") for op in held.expired}]
    if len(ends) > 1:
        yield Anomaly("one end", held.id, " and ".join(ends))
    gone_at, lasts_until = held.gone_at + skew_ns, held.lasts_until - skew_ns
    made_order = [min(op.start_ns for op in request.may_be_done) for request in became]
    gave_back = [min(op.start_ns for op in held.releases if op.outcome != "refused")] if released else []
    extended = [op.start_ns for op in held.extends if op.outcome == "ok"]
    for start in chain(made_order, gave_back, extended):
        if start > gone_at:
            yield Anomaly("expired is expired", held.id, f"used at {start}, expired at {gone_at}")
    first_end = min([op.end_ns for op in chain(released, *(request.answered for request in became))], default=None)
    for start in extended:
        if first_end is not None and start > first_end:
            yield Anomaly("one end", held.id, f"extended at {start}, ended by {first_end}")
    early = (op for op in held.expired if op.end_ns < lasts_until)
    tried = [*held.releases, *held.extends, *chain.from_iterable(request.attempts for request in held.confirmed)]
    for op in chain(early, (op for op in tried if op.code == "reservation_expired" and op.end_ns < lasts_until)):
        yield Anomaly("not expired early", held.id, f"{op.op} at {op.end_ns}, lasts until {lasts_until}")
    for op in tried:
        if op.code == "reservation_resolved" and not _may_be_resolved(held, op):
            yield Anomaly("one end", held.id, f"{op.op} refused as ended, and nobody ended it")


def _may_be_resolved(held: Reservation, by: Op) -> bool:
    enders = chain(held.releases, *(request.attempts for request in held.confirmed))
    return any(op is not by and op.outcome != "refused" and op.start_ns <= by.end_ns for op in enders)


def _vanished(made: Made) -> Iterator[Anomaly]:
    """A client finds every order and reservation that it was given."""
    attempts = chain.from_iterable(request.attempts for request in made.requests)
    for op in chain(made.others, attempts):
        found: Reservation | Order | None = None
        if op.code == "order_not_found":
            found = made.orders.get(str(op.detail.get("order_id")))
        elif op.code == "reservation_not_found":
            found = made.reservations.get(str(op.detail.get("reservation_id")))
        if found is not None and found.client == op.client and _told_at(made, found) < op.start_ns:
            yield Anomaly("nothing vanishes", found.id, f"was made, and {op.op} at {op.start_ns} did not find it")


def _told_at(made: Made, found: Reservation | Order) -> int:
    if isinstance(found, Reservation):
        return found.made[1]
    return max(change.end for change in found.changes[:1])


def _levels(made: Made, kept: Kept | None, skew_ns: int) -> StockBounds:
    """Who has which units when."""
    levels = StockBounds()
    for order in made.orders.values():
        levels.hold_changing(order.changes, order.end())
    for held in made.reservations.values():
        if not held.became:
            earliest, latest = held.end()
            levels.hold(held.units, held.made, (earliest - skew_ns, latest + skew_ns))
    for op in _never_answered(made, kept):
        if op.op != "confirm":  # its units are those of the reservation
            levels.hold(op.requested, (op.start_ns, NEVER), (NEVER, NEVER))
    return levels


def _never_answered(made: Made, kept: Kept | None) -> Iterator[Op]:
    """For each request of which nobody knows whether it was carried out, one attempt of each kind, the first."""
    for request in made.requests:
        if request.answered or (kept is not None and kept.has_no(request)):
            continue
        kinds: list[Op] = []
        for op in sorted(request.may_be_done, key=lambda op: op.start_ns):
            if not any(same_request(op, before) for before in kinds):
                kinds.append(op)
        yield from kinds


def _oversold(levels: StockBounds, stock: Mapping[str, int]) -> Iterator[Anomaly]:
    for product, steps in levels.certain.items():
        highest, at = steps.peak()
        if highest > stock[product]:
            yield Anomaly("never oversell", product, f"{highest} of {stock[product]} units taken at {at}")


def _false_answers(made: Made, levels: StockBounds, stock: Mapping[str, int]) -> Iterator[Anomaly]:
    """Nobody gets what is not there, and nobody is refused what is."""
    for op in chain(made.others, *(request.attempts for request in made.requests)):
        if op.code == SHORT:
            yield from _false_refusal(op, made, levels, stock)
    for request in made.requests:
        done = [op for op in request.answered if op.op != "confirm"]
        if done:
            start, end = min(op.start_ns for op in request.may_be_done), min(op.end_ns for op in done)
            for product, units in done[0].requested.items():
                if levels.certain[product].lowest(start, end) + units > stock[product]:
                    said = f"{units} units sold from {start} to {end}, when all the time fewer were left"
                    yield Anomaly("never oversell", product, said)


def _false_refusal(op: Op, made: Made, levels: StockBounds, stock: Mapping[str, int]) -> Iterator[Anomaly]:
    edited = made.orders.get(str(op.detail.get("order_id"))) if op.op == "edit" else None
    start, end = op.start_ns, op.end_ns
    free = {product: stock[product] - levels.possible[product].highest(start, end) for product in op.requested}
    asked = op.detail.get("requested", op.requested)
    short = op.available or op.requested
    enough = [free[product] >= asked.get(product, 0) for product in short if product in free]
    if enough and (any(enough) if op.available else all(enough)):  # who is named as short must have been
        said = f"client {op.client}: {op.op} of {asked} refused from {start} to {end}, when {free} were free throughout"
        yield Anomaly("no false refusal", "+".join(short), said)
    for product, units in op.available.items():
        # An edit is told what its order could have: those units, and what it has already.
        had = [change.units.get(product, 0) for change in edited.changes] if edited else [0]
        highest = max(0, stock[product] - levels.certain[product].lowest(start, end)) + max(had)
        lowest = max(0, stock[product] - levels.possible[product].highest(start, end)) + min(had)
        if not lowest <= units <= highest:
            said = f"client {op.client} was told {units} from {start} to {end}, it was from {lowest} to {highest}"
            yield Anomaly("no false refusal" if units < lowest else "available", product, said)


def _differs(made: Made, kept: Kept) -> Iterator[Anomaly]:
    """What the store has in the end is what the clients were told, and nothing else but what they asked for."""
    for order in made.orders.values():
        units = kept.orders.get(order.id)
        if units is None:
            yield Anomaly("nothing vanishes", order.id, "is not there in the end")
        elif units not in _last_units(order):
            yield Anomaly("nothing vanishes", order.id, f"has {units} in the end, and nobody asked for that")
    for held in made.reservations.values():
        if kept.reservations and held.id not in kept.reservations:
            yield Anomaly("nothing vanishes", held.id, "is not there in the end")
    unknown = Counter(_frozen(made.units_of(op)) for op in _never_answered(made, kept) if op.op != "reserve")
    for order_id in kept.orders.keys() - made.orders.keys():
        units = kept.orders[order_id]
        unknown[_frozen(units)] -= 1
        if unknown[_frozen(units)] < 0:
            yield Anomaly("nothing doubled", order_id, f"of {units} is there, and no request made it")
    for request in made.requests:
        slot = request.client, str(request.key)
        for op in request.answered[:1] if request.key is not None and kept.keys is not None else ():
            if kept.keys is not None and kept.keys.get(slot) != op.result_id:
                yield Anomaly(
                    "one result a key", f"key {slot}", f"stands for {kept.keys.get(slot)}, not {op.result_id}"
                )


def _last_units(order: Order) -> list[Units]:
    """What the order may have in the end."""
    started = max(change.start for change in order.changes if change.end < NEVER)
    units = [change.units for change in order.changes if change.end >= started]
    if any(op.outcome == "ok" for op in order.cancels):
        return [{}]
    return [*units, {}] if order.cancels else units


def _frozen(units: Units) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(units.items()))
