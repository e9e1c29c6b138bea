"""The timelines of orders in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, func, select

from shop_adapters.listing import order_events_of, seq_of
from shop_adapters.postgres.schema import order_events
from shop_adapters.postgres.statements import AnyRow, arrays, insert_many
from shop_core.accounts.model import Role
from shop_core.events import OrderEvent, OrderEventKind
from shop_core.money import Money
from shop_core.orders.model import OrderStatus
from shop_core.pagination import Keyset, Page, Piece

_EVENT = select(
    order_events.c.customer_id,
    order_events.c.order_id,
    order_events.c.seq,
    order_events.c.kind,
    order_events.c.status,
    order_events.c.total_minor,
    order_events.c.at,
    order_events.c.actor_id,
    order_events.c.actor_role,
    order_events.c.total_before_minor,
    order_events.c.format,
)
_ADD_EVENTS = insert_many(order_events)


class PostgresOrderEvents:
    """See `shop_core.ports.OrderEvents`."""

    def __init__(self, connection: Connection, currency: str) -> None:
        self._connection = connection
        self._currency = currency

    def add_all(self, events: Sequence[OrderEvent]) -> None:
        if not events:
            return
        rows = (
            (
                *(e.customer_id, e.order_id, e.seq, e.kind, e.status, e.total.minor, e.at, e.actor_id, e.actor_role),
                *(e.total_before.minor if e.total_before else None, e.format),
            )
            for e in events
        )
        self._connection.execute(_ADD_EVENTS, arrays("new", order_events.c.keys(), rows))

    def page(self, customer_id: UUID, order_id: UUID, piece: Piece) -> Page[OrderEvent]:
        listing = order_events_of(order_id)
        of_order = (order_events.c.customer_id == customer_id, order_events.c.order_id == order_id)
        found = _EVENT.where(*of_order).order_by(order_events.c.seq)
        if isinstance(piece, Keyset):
            if piece.cursor is not None:
                found = found.where(order_events.c.seq > seq_of(listing.read(piece.cursor), order_id))
            rows = self._connection.execute(found.limit(piece.limit + 1))
            return listing.page([self._event(row) for row in rows], piece.limit)
        rows = self._connection.execute(found.limit(piece.limit).offset(piece.offset))
        counted = select(func.count()).select_from(order_events).where(*of_order)
        return Page(tuple(map(self._event, rows)), count=self._connection.execute(counted).scalar_one())

    def _event(self, row: AnyRow) -> OrderEvent:
        before = row.total_before_minor
        return OrderEvent(
            row.customer_id,
            row.order_id,
            row.seq,
            OrderEventKind(row.kind),
            OrderStatus(row.status),
            Money(row.total_minor, self._currency),
            row.at,
            row.actor_id,
            Role(row.actor_role) if row.actor_role else None,
            None if before is None else Money(before, self._currency),
            row.format,
        )
