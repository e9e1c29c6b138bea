"""Everything that does not add up, found by one statement: one snapshot, and no lock that placing would wait for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, case, cast, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import aggregate_order_by

from shop_adapters.postgres.schema import order_events, order_lines, orders, stock_levels, stock_movements
from shop_core.inventory.model import EFFECTS
from shop_core.orders.model import HOLDS_STOCK
from shop_core.ports import Discrepancy

_COUNTERS = ("on_hand", "allocated", "reserved")


def _folded() -> Select[Any]:
    """The counters that the ledger makes, by product."""
    kind, quantity = stock_movements.c.kind, stock_movements.c.quantity

    def folded(counter: str) -> ColumnElement[int]:
        effects = {kind.value: getattr(effect, counter) for kind, effect in EFFECTS.items()}
        return func.sum(quantity * case(effects, value=kind, else_=0)).label(counter)

    sums = [folded(counter) for counter in _COUNTERS]
    return select(stock_movements.c.product_id, *sums).group_by(stock_movements.c.product_id)


def _promised() -> Select[Any]:
    """The units in orders that hold stock, by product."""
    holding = orders.c.status.in_([str(status) for status in HOLDS_STOCK])
    same = (orders.c.customer_id == order_lines.c.customer_id) & (orders.c.id == order_lines.c.order_id)
    return (
        select(order_lines.c.product_id, func.sum(order_lines.c.quantity).label("units"))
        .join(orders, same)
        .where(holding)
        .group_by(order_lines.c.product_id)
    )


def _paid() -> Select[Any]:
    """What the lines of each order come to."""
    total = func.sum(order_lines.c.unit_price_minor * order_lines.c.quantity).label("total")
    return select(order_lines.c.customer_id, order_lines.c.order_id, total).group_by(
        order_lines.c.customer_id, order_lines.c.order_id
    )


def _told() -> Select[Any]:
    """How many events each order has, which is the last one, and where the order stood after it."""
    event = order_events.c
    status = func.array_agg(aggregate_order_by(event.status, event.seq.desc()))[1].label("status")
    columns = event.customer_id, event.order_id, func.count().label("count"), func.max(event.seq).label("seq"), status
    return select(*columns).group_by(event.customer_id, event.order_id)


def _differing(
    what: str, of: ColumnElement[Any], stored: ColumnElement[Any], expected: ColumnElement[Any], where: Any
) -> Select[Any]:
    nothing: Any = "" if isinstance(stored.type, Text) else 0
    stored, expected = func.coalesce(stored, nothing), func.coalesce(expected, nothing)
    columns = [literal(what, Text).label("what"), of, cast(stored, Text), cast(expected, Text)]
    return select(*columns).select_from(where).where(stored != expected)


def _everything() -> Any:
    folded, promised, paid = _folded().cte("folded"), _promised().cte("promised"), _paid().cte("paid")
    level = stock_levels.c
    either = func.coalesce(level.product_id, folded.c.product_id)
    ledger = stock_levels.join(folded, folded.c.product_id == level.product_id, full=True)
    checks = [_differing(counter, either, level[counter], folded.c[counter], ledger) for counter in _COUNTERS]
    either = func.coalesce(level.product_id, promised.c.product_id)
    held = stock_levels.join(promised, promised.c.product_id == level.product_id, full=True)
    checks.append(_differing("allocated to orders", either, level.allocated, promised.c.units, held))
    missing = func.greatest(0, level.allocated + level.reserved - level.on_hand)
    checks.append(_differing("shortfall", level.product_id, level.shortfall, missing, stock_levels))
    same = (paid.c.customer_id == orders.c.customer_id) & (paid.c.order_id == orders.c.id)
    priced = orders.join(paid, same, isouter=True)
    checks.append(_differing("order total", orders.c.id, orders.c.total_minor, paid.c.total, priced))
    told = _told().cte("told")
    same = (told.c.customer_id == orders.c.customer_id) & (told.c.order_id == orders.c.id)
    either = func.coalesce(orders.c.id, told.c.order_id)
    with_events = orders.join(told, same, full=True)
    checks.append(_differing("order version", either, orders.c.version, told.c.seq, with_events))
    checks.append(_differing("order events", either, told.c.count, orders.c.version, with_events))
    checks.append(_differing("order status", either, orders.c.status, told.c.status, with_events))
    return union_all(*checks)


_EVERYTHING = _everything()


def discrepancies(connection: Connection) -> list[Discrepancy]:
    """See `shop_core.ports.UnitOfWork.audit`."""
    rows = connection.execute(_EVERYTHING)
    found = [Discrepancy(what, of, _number(stored), _number(expected)) for what, of, stored, expected in rows]
    return sorted(found, key=lambda difference: (difference.what, difference.of))


def _number(text: str) -> int | str:
    """The figure that a fact is; the facts that are words stay so."""
    return int(text) if text.lstrip("-").isdigit() else text
