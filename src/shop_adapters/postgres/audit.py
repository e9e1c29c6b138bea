"""Everything that does not add up, found by one statement: one snapshot, and no lock that placing would wait for.

Each table is read once, whole, and summed up where it lies, by several workers of the server if it has them. So what
it costs grows with the ledger and with nothing else; `benchmarks/audit.py` measures it.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, text

from shop_core.inventory.model import EFFECTS
from shop_core.orders.model import HOLDS_STOCK, OrderStatus
from shop_core.ports import Discrepancy

# Sums by product, order and reservation are kept in memory; with the usual few megabytes they would go to disk.
# A long ledger may take longer than any request; and here whole tables are what is to be read.
_AT_LEISURE = text(
    "SELECT set_config('work_mem', '256MB', true), set_config('statement_timeout', '0', true),"
    " set_config('enable_seqscan', 'on', true)"
)


def _words(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


_EFFECTS = ", ".join(f"('{kind}', {e.on_hand}, {e.allocated}, {e.reserved})" for kind, e in EFFECTS.items())
_STATUSES = f"ARRAY[{_words(OrderStatus)}]"
_STOCK = f"""
effect (kind, on_hand, allocated, reserved) AS (VALUES {_EFFECTS}),
moved AS MATERIALIZED (SELECT product_id, kind, sum(quantity) AS units FROM stock_movements GROUP BY product_id, kind),
ledger AS (
    SELECT product_id, sum(units * on_hand) AS on_hand, sum(units * allocated) AS allocated,
           sum(units * reserved) AS reserved
    FROM moved JOIN effect USING (kind) GROUP BY product_id
),
promised AS (
    SELECT line.product_id, sum(line.quantity) AS units
    FROM order_lines AS line JOIN orders ON orders.customer_id = line.customer_id AND orders.id = line.order_id
    WHERE orders.status IN ({_words(sorted(HOLDS_STOCK))}) GROUP BY line.product_id
),
held AS (SELECT product_id, sum(quantity) AS units FROM reservation_lines WHERE is_held GROUP BY product_id),
stock AS (
    SELECT fact.what, product_id, fact.stored, fact.expected
    FROM stock_levels AS level FULL JOIN ledger USING (product_id) FULL JOIN promised USING (product_id)
    FULL JOIN held USING (product_id),
    LATERAL (VALUES
        ('on_hand', level.on_hand, ledger.on_hand),
        ('allocated', level.allocated, ledger.allocated),
        ('reserved', level.reserved, ledger.reserved),
        ('allocated to orders', level.allocated, promised.units),
        ('reserved by reservations', level.reserved, held.units),
        ('shortfall', level.shortfall, greatest(0, level.allocated::bigint + level.reserved - level.on_hand))
    ) AS fact (what, stored, expected)
    WHERE coalesce(fact.stored, 0) <> coalesce(fact.expected, 0)
)"""
# The last event's number and where the order stood after it, in one figure whose maximum needs no sorting.
_ORDERS = f"""
told AS (
    SELECT customer_id, order_id AS id, count(*) AS count,
           max(seq::bigint * 8 + array_position({_STATUSES}, status)) AS last
    FROM order_events GROUP BY customer_id, order_id
),
paid AS (
    SELECT customer_id, order_id AS id, sum(unit_price_minor * quantity) AS total
    FROM order_lines GROUP BY customer_id, order_id
),
ordered AS (
    SELECT fact.what, id, fact.stored, fact.expected, fact.is_word
    FROM orders FULL JOIN told USING (customer_id, id),
    LATERAL (VALUES
        ('order version', coalesce(version, 0)::text, coalesce(last / 8, 0)::text, false),
        ('order events', coalesce(told.count, 0)::text, coalesce(version, 0)::text, false),
        ('order status', coalesce(status, ''), coalesce(({_STATUSES})[last % 8], ''), true)
    ) AS fact (what, stored, expected, is_word)
    WHERE version IS DISTINCT FROM last / 8 OR version IS DISTINCT FROM told.count
       OR status IS DISTINCT FROM ({_STATUSES})[last % 8]
),
priced AS (
    SELECT id, total_minor AS stored, coalesce(total, 0) AS expected
    FROM orders LEFT JOIN paid USING (customer_id, id) WHERE total_minor IS DISTINCT FROM total
)"""
_RESERVATIONS = """
late AS (
    SELECT head.id, count(*) AS lines
    FROM reservation_lines AS line
    JOIN reservations AS head ON head.customer_id = line.customer_id AND head.id = line.reservation_id
    WHERE line.is_held AND head.state <> 'active' GROUP BY head.id
),
astray AS (
    SELECT head.id, count(*) AS lines
    FROM reservation_lines AS line
    JOIN reservations AS head ON head.customer_id = line.customer_id AND head.id = line.reservation_id
    WHERE line.expires_at <> head.expires_at GROUP BY head.id
),
confirmed AS (
    SELECT head.id, coalesce(head.order_id::text, '') AS stored,
           CASE WHEN head.state = 'confirmed' THEN 'an order of its customer' ELSE '' END AS expected
    FROM reservations AS head
    LEFT JOIN orders ON orders.customer_id = head.customer_id AND orders.id = head.order_id
    WHERE CASE WHEN head.state = 'confirmed' THEN orders.id IS NULL ELSE head.order_id IS NOT NULL END
),
unmade AS (
    SELECT result_id, key FROM idempotency_keys AS taken
    WHERE NOT EXISTS (SELECT FROM orders WHERE customer_id = taken.customer_id AND id = taken.result_id)
      AND NOT EXISTS (SELECT FROM reservations WHERE customer_id = taken.customer_id AND id = taken.result_id)
)"""
_EVERYTHING = text(f"""
WITH {_STOCK}, {_ORDERS}, {_RESERVATIONS}
SELECT what, product_id, coalesce(stored, 0)::text, coalesce(expected, 0)::text, false FROM stock
UNION ALL SELECT what, id, stored, expected, is_word FROM ordered WHERE stored <> expected
UNION ALL SELECT 'order total', id, stored::text, expected::text, false FROM priced
UNION ALL SELECT 'held lines', id, lines::text, '0', false FROM late
UNION ALL SELECT 'expiry of lines', id, lines::text, '0', false FROM astray
UNION ALL SELECT 'reservation order', id, stored, expected, true FROM confirmed
UNION ALL SELECT 'key', result_id, key, '', true FROM unmade
""")


def discrepancies(connection: Connection) -> list[Discrepancy]:
    """See `shop_core.ports.UnitOfWork.audit`."""
    connection.execute(_AT_LEISURE)
    found = [
        Discrepancy(what, of, stored if is_word else int(stored), expected if is_word else int(expected))
        for what, of, stored, expected, is_word in connection.execute(_EVERYTHING)
    ]
    return sorted(found, key=lambda difference: (difference.what, difference.of))
