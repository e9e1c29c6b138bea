"""Counting everything twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from shop_core.events import OrderEvent
from shop_core.inventory.model import EFFECTS, StockLevel, StockMovement
from shop_core.orders.model import HOLDS_STOCK, Order, total_of
from shop_core.ports import Discrepancy


def audit(
    levels: Mapping[UUID, StockLevel],
    ledger: Mapping[UUID, Sequence[StockMovement]],
    orders: Mapping[UUID, Order],
    events: Mapping[UUID, Sequence[OrderEvent]],
) -> list[Discrepancy]:
    """What does not add up, sorted by the fact, then by product or order.

    Args:
        levels: the counters of every product.
        ledger: the movements of every product that has any.
        orders: all of them.
        events: of every order that has any.
    """
    held: Counter[UUID] = Counter()
    found: list[Discrepancy] = []
    for order_id in orders.keys() | events.keys():
        found += _event_faults(order_id, orders.get(order_id), events.get(order_id, ()))
    for order in orders.values():
        total = total_of(order.lines, order.total.currency)
        found += _compared(order.id, {"order total": (order.total.minor, total.minor)})
        if order.status in HOLDS_STOCK:
            for line in order.lines:
                held[line.product_id] += line.quantity
    for product_id in levels.keys() | ledger.keys() | held.keys():
        level = levels.get(product_id, StockLevel(product_id))
        found += _stock_faults(level, ledger.get(product_id, ()), held[product_id])
    return sorted(found, key=lambda discrepancy: (discrepancy.what, discrepancy.of.int))


def _event_faults(order_id: UUID, order: Order | None, events: Sequence[OrderEvent]) -> Iterator[Discrepancy]:
    version, status = (order.version, order.status.value) if order else (0, "")
    last = max(events, key=lambda event: event.seq, default=None)
    facts: dict[str, tuple[int | str, int | str]] = {
        "order version": (version, last.seq if last else 0),
        "order events": (len(events), version),
        "order status": (status, last.status.value if last else ""),
    }
    yield from _compared(order_id, facts)


def _stock_faults(level: StockLevel, movements: Sequence[StockMovement], held: int) -> Iterator[Discrepancy]:
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
            "allocated to orders": (level.allocated, held),
            "shortfall": (level.shortfall, missing),
        },
    )


def _compared(of: UUID, facts: Mapping[str, tuple[int | str, int | str]]) -> Iterator[Discrepancy]:
    for what, (stored, expected) in facts.items():
        if stored != expected:
            yield Discrepancy(what, of, stored, expected)
