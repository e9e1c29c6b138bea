"""Events on the wire, for everyone outside the shop.

Others store what they are told and write programs for it, so this is frozen: fields may be added, but none may change
its name or its meaning without the next `shop_core.events.FORMAT`, and events of the old one keep their form.
"""

from __future__ import annotations

import json
from typing import Any

from shop_core.events import Event, OrderEvent, StockEvent, StockEventKind

_SUBJECT = {StockEventKind.RESERVATION_EXPIRED: "reservation_id", StockEventKind.STOCK_SHORT: "product_id"}


def event_body(event: Event) -> dict[str, Any]:
    """The event as others get it: the payload that the Standard Webhooks specification recommends.

    Amounts are decimal strings, as in the API; what an event does not have is left out.

    Returns:
        `type`, e.g. `order.placed`; `timestamp`, when it happened; `data`, of which `id` tells an event that arrives
        twice, `seq` the place of an order's event among those of that order (1, 2, 3 ...), and `format` this form.
    """
    data = _of_order(event) if isinstance(event, OrderEvent) else _of_stock(event)
    told = {name: value for name, value in data.items() if value is not None}
    return {"type": event.type, "timestamp": event.at.isoformat().replace("+00:00", "Z"), "data": told}


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
    }


def _of_stock(event: StockEvent) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "format": event.format,
        _SUBJECT[event.kind]: str(event.subject_id),
        "customer_id": str(event.customer_id) if event.customer_id else None,
        "units": event.units,
        "actor_id": str(event.actor_id) if event.actor_id else None,
    }
