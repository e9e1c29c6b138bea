"""Counting everything twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shop_adapters.memory.reservations import units_held
from shop_core.events import OrderEvent
from shop_core.idempotency import NO_RESULT, CustomerKey, KeyClaim
from shop_core.inventory.model import EFFECTS, StockLevel, StockMovement
from shop_core.orders.model import HOLDS_STOCK, Order, total_of
from shop_core.ports import Discrepancy
from shop_core.pricing.coupons import Redemption
from shop_core.reservations.model import Reservation, ReservationState


@dataclass(frozen=True, slots=True)
class AuditData:
    """All that is counted, by product, order, reservation or key.

    Args:
        ledger: the movements of every product that has any.
        events: of every order that has any.
    """

    levels: Mapping[UUID, StockLevel]
    ledger: Mapping[UUID, Sequence[StockMovement]]
    orders: Mapping[UUID, Order]
    events: Mapping[UUID, Sequence[OrderEvent]]
    reservations: Mapping[UUID, Reservation]
    keys: Mapping[CustomerKey, KeyClaim]
    uses: Mapping[UUID, int]
    redemptions: Mapping[UUID, Sequence[Redemption]]


def audit(books: AuditData) -> list[Discrepancy]:
    """What does not add up, sorted by the fact, then by product, order or reservation."""
    found: list[Discrepancy] = []
    for order_id in books.orders.keys() | books.events.keys():
        found += _event_faults(order_id, books.orders.get(order_id), books.events.get(order_id, ()))
    for order in books.orders.values():
        total = total_of(order.lines, order.total.currency, includes_tax=order.includes_tax)
        found += _compared(order.id, {"order total": (order.total.minor, total.minor)})
        for line in order.lines:
            parts = sum(discount.amount for discount in line.discounts)
            found += _compared(order.id, {"discount of a line": (line.discount, parts)})
    for reservation in books.reservations.values():
        found += _reservation_faults(reservation, books.orders)
    for claim in books.keys.values():
        made = books.orders.get(claim.result_id) or books.reservations.get(claim.result_id)
        is_theirs = made is not None and made.customer_id == claim.customer_id
        if claim.result_id != NO_RESULT and not is_theirs and claim.result_id not in books.uses:
            found.append(Discrepancy("key", claim.result_id, claim.key, ""))
    uses = Counter(
        used_id
        for each in books.redemptions.values()
        for redemption in each
        if redemption.given_back_at is None
        for used_id in redemption.used_ids
    )
    for used_id, number in books.uses.items():
        found += _compared(used_id, {"uses": (number, uses[used_id])})
    found += _stock_faults(books)
    return sorted(found, key=lambda discrepancy: (discrepancy.what, discrepancy.of.int))


def _reservation_faults(reservation: Reservation, orders: Mapping[UUID, Order]) -> Iterator[Discrepancy]:
    """An ended one holds nothing; a confirmed one, and no other, has an order, of the same customer."""
    if reservation.state is not ReservationState.ACTIVE:
        yield from _compared(reservation.id, {"held lines": (len(reservation.held), 0)})
    order = orders.get(reservation.order_id) if reservation.order_id else None
    expected = ""
    if reservation.state is ReservationState.CONFIRMED:
        is_theirs = order is not None and order.customer_id == reservation.customer_id
        expected = str(reservation.order_id) if is_theirs else "an order of its customer"
    yield from _compared(reservation.id, {"reservation order": (str(reservation.order_id or ""), expected)})


def _stock_faults(books: AuditData) -> Iterator[Discrepancy]:
    promised: Counter[UUID] = Counter()
    for order in books.orders.values():
        if order.status in HOLDS_STOCK:
            for line in order.lines:
                promised[line.product_id] += line.quantity
    held = units_held(books.reservations.values())
    for product_id in books.levels.keys() | books.ledger.keys() | promised.keys() | held.keys():
        level = books.levels.get(product_id, StockLevel(product_id))
        yield from _level_faults(level, books.ledger.get(product_id, ()), promised[product_id], held[product_id])


def _event_faults(order_id: UUID, order: Order | None, events: Sequence[OrderEvent]) -> Iterator[Discrepancy]:
    version, status = (order.version, order.status.value) if order else (0, "")
    last = max(events, key=lambda event: event.seq, default=None)
    facts: dict[str, tuple[int | str, int | str]] = {
        "order version": (version, last.seq if last else 0),
        "order events": (len(events), version),
        "order status": (status, last.status.value if last else ""),
    }
    yield from _compared(order_id, facts)


def _level_faults(
    level: StockLevel, movements: Sequence[StockMovement], promised: int, held: int
) -> Iterator[Discrepancy]:
    on_hand = allocated = reserved = 0
    for movement in movements:  # sums, not `fold`: they do not depend on the order of the lines
        effect = EFFECTS[movement.kind]
        on_hand += effect.on_hand * movement.quantity
        allocated += effect.allocated * movement.quantity
        reserved += effect.reserved * movement.quantity
    missing = max(0, level.allocated + level.reserved - level.on_hand)
    yield from _compared(
        level.product_id,
        {
            "on_hand": (level.on_hand, on_hand),
            "allocated": (level.allocated, allocated),
            "reserved": (level.reserved, reserved),
            "allocated to orders": (level.allocated, promised),
            "reserved by reservations": (level.reserved, held),
            "shortfall": (level.shortfall, missing),
        },
    )


def _compared(of: UUID, facts: Mapping[str, tuple[int | str, int | str]]) -> Iterator[Discrepancy]:
    for what, (stored, expected) in facts.items():
        if stored != expected:
            yield Discrepancy(what, of, stored, expected)
