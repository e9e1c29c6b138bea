"""Events as JSON, for everyone outside the shop.

Others store these and write programs for them, so the format is frozen: fields may be added, but none may change its
name or its meaning without the next `shop_core.events.FORMAT`; events of the old format keep it.
"""

from __future__ import annotations

import json
from typing import Any

from shop_core.events import Event, OrderEvent, StockEvent, StockEventKind

_SUBJECT = {
    StockEventKind.RESERVATION_EXPIRED: "reservation_id",
    StockEventKind.STOCK_SHORT: "product_id",
    StockEventKind.ACCOUNT_ERASED: "account_id",
}


def event_body(event: Event) -> dict[str, Any]:
    """The payload that the Standard Webhooks specification recommends.

    Amounts are decimal strings, as in the API; fields without a value are left out.

    Returns:
        `type`, e.g. `order.placed`; `timestamp`, when it happened; `data`, in which `id` identifies an event that
        arrives twice, `seq` numbers the events of an order (1, 2, 3 ...), and `format` is the version of this format.
    """
    data = _of_order(event) if isinstance(event, OrderEvent) else _of_stock(event)
    present = {name: value for name, value in data.items() if value is not None}
    return {"type": event.type, "timestamp": event.at.isoformat().replace("+00:00", "Z"), "data": present}


def event_json(event: Event) -> bytes:
    """`event_body` as JSON in one line, always the same bytes for the same event."""
    return json.dumps(event_body(event), separators=(",", ":")).encode()


def _of_order(event: OrderEvent) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "format": event.format,
        "order_id": str(event.order_id),
        "customer_id": str(event.customer_id),
        "seq": event.seq,
        "status": event.status.value,
        "total": str(event.total),
        "total_before": str(event.total_before) if event.total_before else None,
        "currency": event.total.currency,
        "actor_id": str(event.actor_id) if event.actor_id else None,
        "actor_role": event.actor_role.value if event.actor_role else None,
        "reason": event.reason or None,
    }


def _of_stock(event: StockEvent) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "format": event.format,
        _SUBJECT[event.kind]: str(event.subject_id),
        "customer_id": str(event.customer_id) if event.customer_id else None,
        "units": event.units or None,
        "actor_id": str(event.actor_id) if event.actor_id else None,
    }
