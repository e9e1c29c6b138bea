"""Everything that does not add up, in one snapshot, and without a lock that placing would wait for.

Each table is read once, whole, and summed up by the server, with several of its workers if it has them. So the cost
grows with the ledger and with nothing else; `python -m benchmarks.audit` measures it. No statement joins orders or
reservations with stock: an engine that distributes them by customers does not either. Their sums come back, and go out
again as arrays.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import text

from shop_adapters.postgres.arrays import Integers, Uuids
from shop_adapters.postgres.database import Row, Transaction
from shop_adapters.postgres.watchdog import NO_LIMIT
from shop_core.inventory.model import EFFECTS
from shop_core.orders.model import HOLDS_STOCK, OrderStatus
from shop_core.ports import Discrepancy

# One snapshot for all statements. Sums by product, order and reservation are kept in memory; with the usual few
# megabytes they would go to disk. Whole tables are to be read.
_SETTINGS = (
    text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
    text("SET LOCAL work_mem = '256MB'"),
    text("SET LOCAL enable_seqscan = on"),
    NO_LIMIT,
)


def _words(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


_EFFECTS = ", ".join(f"('{kind}', {e.on_hand}, {e.allocated}, {e.reserved})" for kind, e in EFFECTS.items())
_STATUSES = f"ARRAY[{_words(OrderStatus)}]"

# ---- by customers: orders, events, reservations, keys

_PROMISED = text(f"""
SELECT line.product_id, sum(line.quantity) AS units
FROM order_lines AS line
JOIN orders ON orders.customer_id = line.customer_id AND orders.id = line.order_id
WHERE orders.status IN ({_words(sorted(HOLDS_STOCK))})
GROUP BY line.product_id
""")
_HELD = text("""
SELECT product_id, sum(quantity) AS units
FROM reservation_lines
WHERE is_held
GROUP BY product_id
""")
# The last event's number and the status after it, in one figure whose maximum needs no sorting.
_TIMELINES = text(f"""
WITH told AS (
    SELECT customer_id, order_id AS id, count(*) AS count,
           max(seq::bigint * 8 + array_position({_STATUSES}, status)) AS last
    FROM order_events
    GROUP BY customer_id, order_id
)
SELECT fact.what, id, fact.stored, fact.expected, fact.is_text
FROM orders FULL JOIN told USING (customer_id, id),
LATERAL (VALUES
    ('order version', coalesce(version, 0)::text, coalesce(last / 8, 0)::text, false),
    ('order events', coalesce(told.count, 0)::text, coalesce(version, 0)::text, false),
    ('order status', coalesce(status, ''), coalesce(({_STATUSES})[last % 8], ''), true)
) AS fact (what, stored, expected, is_text)
WHERE fact.stored <> fact.expected AND (
    version IS DISTINCT FROM last / 8 OR version IS DISTINCT FROM told.count
    OR status IS DISTINCT FROM ({_STATUSES})[last % 8]
)
""")
_TOTALS = text("""
WITH paid AS (
    SELECT customer_id, order_id AS id, sum(unit_price_minor * quantity - discount_minor) AS total,
           sum(tax_minor) AS tax
    FROM order_lines
    GROUP BY customer_id, order_id
)
SELECT 'order total' AS what, id, total_minor::text AS stored,
       coalesce(total + CASE WHEN includes_tax THEN 0 ELSE tax END, 0)::text AS expected, false AS is_text
FROM orders LEFT JOIN paid USING (customer_id, id)
WHERE total_minor IS DISTINCT FROM total + CASE WHEN includes_tax THEN 0 ELSE tax END
""")
_DISCOUNTS = text("""
SELECT 'discount of a line' AS what, line.order_id AS id, line.discount_minor::text AS stored,
       coalesce(sum((part ->> 3)::bigint), 0)::text AS expected, false AS is_text
FROM order_lines AS line
LEFT JOIN LATERAL jsonb_array_elements(line.details -> 3) AS part ON true
WHERE line.discount_minor <> 0 OR line.details IS NOT NULL
GROUP BY line.customer_id, line.order_id, line.line_no
HAVING line.discount_minor <> coalesce(sum((part ->> 3)::bigint), 0)
""")
# Distributed by customers, redemptions are summed up by promotion there, and compared with the counters here.
_REDEEMED = text("""
SELECT used.id, count(*) AS uses
FROM redemptions AS redemption,
LATERAL (VALUES (redemption.promotion_id), (redemption.coupon_id)) AS used (id)
WHERE redemption.given_back_at IS NULL AND used.id IS NOT NULL
GROUP BY used.id
""")
_USES = text("""
SELECT 'uses' AS what, used.id, used.uses::text AS stored, coalesce(redeemed.uses, 0)::text AS expected,
       false AS is_text
FROM promotion_uses AS used
LEFT JOIN unnest(CAST(:ids AS uuid[]), CAST(:uses AS bigint[])) AS redeemed (id, uses) ON redeemed.id = used.id
WHERE used.uses <> coalesce(redeemed.uses, 0)
""")
_HELD_LINES = text("""
SELECT 'held lines' AS what, head.id, count(*)::text AS stored, '0' AS expected, false AS is_text
FROM reservation_lines AS line
JOIN reservations AS head ON head.customer_id = line.customer_id AND head.id = line.reservation_id
WHERE line.is_held AND head.state <> 'active'
GROUP BY head.id
""")
_EXPIRY_OF_LINES = text("""
SELECT 'expiry of lines' AS what, head.id, count(*)::text AS stored, '0' AS expected, false AS is_text
FROM reservation_lines AS line
JOIN reservations AS head ON head.customer_id = line.customer_id AND head.id = line.reservation_id
WHERE line.expires_at <> head.expires_at
GROUP BY head.id
""")
_RESERVATION_ORDERS = text("""
SELECT 'reservation order' AS what, head.id, coalesce(head.order_id::text, '') AS stored,
       CASE WHEN head.state = 'confirmed' THEN 'an order of its customer' ELSE '' END AS expected, true AS is_text
FROM reservations AS head
LEFT JOIN orders ON orders.customer_id = head.customer_id AND orders.id = head.order_id
WHERE CASE WHEN head.state = 'confirmed' THEN orders.id IS NULL ELSE head.order_id IS NOT NULL END
""")
_KEYS = text("""
SELECT 'key' AS what, taken.result_id AS id, taken.key AS stored, '' AS expected, true AS is_text
FROM idempotency_keys AS taken
WHERE taken.result_id <> '00000000-0000-0000-0000-000000000000'  -- NO_RESULT
  AND NOT EXISTS (SELECT FROM orders WHERE customer_id = taken.customer_id AND id = taken.result_id)
  AND NOT EXISTS (SELECT FROM reservations WHERE customer_id = taken.customer_id AND id = taken.result_id)
  AND NOT taken.result_id = ANY (CAST(:others AS uuid[]))  -- promotions and coupons, which belong to no customer
""")
_MADE_BY_STAFF = text("""
SELECT id FROM promotion_uses
""")
_BY_CUSTOMERS = (_TIMELINES, _TOTALS, _DISCOUNTS, _HELD_LINES, _EXPIRY_OF_LINES, _RESERVATION_ORDERS)

# ---- by products: counters against the ledger and against those sums

_STOCK = text(f"""
WITH effect (kind, on_hand, allocated, reserved) AS (VALUES {_EFFECTS}),
moved AS MATERIALIZED (
    SELECT product_id, kind, sum(quantity) AS units FROM stock_movements GROUP BY product_id, kind
),
ledger AS (
    SELECT product_id, sum(units * on_hand) AS on_hand, sum(units * allocated) AS allocated,
           sum(units * reserved) AS reserved
    FROM moved JOIN effect USING (kind)
    GROUP BY product_id
),
promised AS (
    SELECT product_id, units
    FROM unnest(CAST(:promised_ids AS uuid[]), CAST(:promised_units AS bigint[])) AS sums (product_id, units)
),
held AS (
    SELECT product_id, units
    FROM unnest(CAST(:held_ids AS uuid[]), CAST(:held_units AS bigint[])) AS sums (product_id, units)
)
SELECT fact.what, product_id AS id, coalesce(fact.stored, 0)::text AS stored,
       coalesce(fact.expected, 0)::text AS expected, false AS is_text
FROM stock_levels AS level
FULL JOIN ledger USING (product_id)
FULL JOIN promised USING (product_id)
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
""")


def discrepancies(transaction: Transaction) -> list[Discrepancy]:
    """See `shop_core.ports.UnitOfWork.audit`. It must be the first thing that its transaction does."""
    for setting in _SETTINGS:
        transaction.run(setting)
    transaction.without_limit()
    found = [_discrepancy(row) for statement in _BY_CUSTOMERS for row in transaction.run(statement)]
    others = Uuids([row.id for row in transaction.run(_MADE_BY_STAFF)])
    found += [_discrepancy(row) for row in transaction.run(_KEYS, {"others": others})]
    sums = {**_columns("promised", transaction.run(_PROMISED)), **_columns("held", transaction.run(_HELD))}
    found += [_discrepancy(row) for row in transaction.run(_STOCK, sums)]
    redeemed = transaction.run(_REDEEMED)
    uses = {"ids": Uuids([row.id for row in redeemed]), "uses": Integers([row.uses for row in redeemed])}
    found += [_discrepancy(row) for row in transaction.run(_USES, uses)]
    return sorted(found, key=lambda discrepancy: (discrepancy.what, discrepancy.of))


def _columns(name: str, sums: list[Row]) -> dict[str, Any]:
    return {
        f"{name}_ids": Uuids([row.product_id for row in sums]),
        f"{name}_units": Integers([int(row.units) for row in sums]),
    }


def _discrepancy(row: Row) -> Discrepancy:
    if row.is_text:
        return Discrepancy(row.what, row.id, row.stored, row.expected)
    return Discrepancy(row.what, row.id, int(row.stored), int(row.expected))
