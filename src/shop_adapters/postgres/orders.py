"""Orders, their lines and idempotency keys in PostgreSQL. Each statement names the customer, who leads every key."""

from __future__ import annotations

import json
import struct
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby, repeat
from typing import Any
from uuid import UUID

from sqlalchemy import text

from shop_adapters.listing import orders_of
from shop_adapters.postgres.arrays import Array, Uuids, columns
from shop_adapters.postgres.database import Row, Transaction
from shop_adapters.postgres.line_pages import heads_of
from shop_adapters.postgres.order_lists import LINE_COLUMNS, filters_of, matching_orders, order_list, values_of
from shop_core.catalog.model import TAX_CLASS_DEFAULT, Options
from shop_core.idempotency import CustomerKey, KeyClaim
from shop_core.money import Money
from shop_core.orders.comparison import Span, TaggedOrder
from shop_core.orders.model import HOLDS_STOCK, Order, OrderLine, OrderQuery, OrderStatus
from shop_core.orders.sales import DaySales
from shop_core.pagination import CursorRequest, Page, PageRequest
from shop_core.ports import OrderActivity
from shop_core.pricing.evaluation import Discount

_64_BITS = 2**64 - 1  # PostgreSQL counts them from the middle
_PLAIN = ((), TAX_CLASS_DEFAULT, (), ())
"""The options, tax class, categories and discounts of a line about which nothing else was agreed."""

_ADD_HEADS = text("""
INSERT INTO orders (
    customer_id, id, status, total_minor, version, created_at, updated_at, number, deleted_at, includes_tax, pricing
)
SELECT unnest(CAST(:customer_ids AS uuid[])), unnest(CAST(:ids AS uuid[])), unnest(CAST(:statuses AS text[])),
       unnest(CAST(:totals AS bigint[])), unnest(CAST(:versions AS integer[])),
       unnest(CAST(:created_at AS timestamptz[])), unnest(CAST(:updated_at AS timestamptz[])),
       unnest(CAST(:numbers AS text[])), unnest(CAST(:deleted_at AS timestamptz[])),
       unnest(CAST(:includes_tax AS boolean[])), CAST(unnest(CAST(:pricing AS text[])) AS jsonb)
""")
_ADD_LINES = text("""
INSERT INTO order_lines (
    customer_id, order_id, line_no, product_id, sku, name, unit_price_minor, quantity, discount_minor, tax_rate,
    tax_minor, details
)
SELECT unnest(CAST(:customers_of_lines AS uuid[])), unnest(CAST(:order_ids AS uuid[])),
       unnest(CAST(:line_nos AS smallint[])), unnest(CAST(:product_ids AS uuid[])), unnest(CAST(:skus AS text[])),
       unnest(CAST(:names AS text[])), unnest(CAST(:unit_prices AS bigint[])),
       unnest(CAST(:quantities AS integer[])), unnest(CAST(:discounts AS bigint[])),
       unnest(CAST(:tax_rates AS integer[])), unnest(CAST(:taxes AS bigint[])),
       CAST(unnest(CAST(:details AS text[])) AS jsonb)
""")
_ADD = text(f"WITH head AS ({_ADD_HEADS.text}) {_ADD_LINES.text}")
_FIND_CUSTOMERS = text("""
SELECT customer_id, id FROM orders WHERE id = ANY (CAST(:order_ids AS uuid[]))
""")
_ACTIVITY = text("""
SELECT customer_id, max(updated_at) AS changed_at, bool_or(status = ANY (CAST(:open AS text[]))) AS is_any_open
FROM orders
WHERE customer_id = ANY (CAST(:customer_ids AS uuid[]))
GROUP BY customer_id
""")
_SALES = text("""
SELECT CAST(created_at AT TIME ZONE 'UTC' AS date) AS day, count(*) AS orders, sum(total_minor) AS total
FROM orders
WHERE created_at >= :since AND status <> 'cancelled'
GROUP BY day
ORDER BY day
""")
# The same as `Order.tag`.
_TAG = """CAST(CAST('x' || encode(substr(sha256(
    uuid_send(id) || int4send(version) || int8send(CAST(extract(epoch FROM updated_at) * 1000000 AS bigint))
), 1, 8), 'hex') AS bit(64)) AS bigint)"""
_TAG_SUMS = text(f"""
SELECT width_bucket(id, CAST(:firsts AS uuid[])) AS place, bit_xor({_TAG}) AS xor
FROM orders
WHERE customer_id = :customer_id AND deleted_at IS NULL AND id >= :oldest
GROUP BY place
""")
_TAGS = text(f"""
SELECT id, {_TAG} AS tag
FROM orders
JOIN unnest(CAST(:firsts AS uuid[]), CAST(:ends AS uuid[])) AS span (first_id, end_id)
     ON id >= span.first_id AND id < span.end_id
WHERE customer_id = :customer_id AND deleted_at IS NULL
ORDER BY id DESC
LIMIT :limit
""")
# Head and lines in one statement, which sees one moment: no order is seen with its old total and its new lines.
_GET = text("""
SELECT head.customer_id, head.id, head.status, head.total_minor, head.version, head.created_at, head.updated_at,
       head.deleted_at, head.includes_tax, head.pricing, line.product_id, line.sku, line.name, line.unit_price_minor,
       line.quantity, line.discount_minor, line.tax_rate, line.tax_minor, line.details
FROM orders AS head
JOIN order_lines AS line ON line.customer_id = head.customer_id AND line.order_id = head.id
WHERE head.customer_id = :customer_id AND head.id = :order_id AND head.deleted_at IS NULL
ORDER BY line.line_no
""")
_GET_ALL = text("""
SELECT head.customer_id, head.id, head.status, head.total_minor, head.version, head.created_at, head.updated_at,
       head.deleted_at, head.includes_tax, head.pricing, line.product_id, line.sku, line.name, line.unit_price_minor,
       line.quantity, line.discount_minor, line.tax_rate, line.tax_minor, line.details
FROM unnest(CAST(:customer_ids AS uuid[]), CAST(:order_ids AS uuid[])) AS found (customer_id, id)
JOIN orders AS head ON head.customer_id = found.customer_id AND head.id = found.id
JOIN order_lines AS line ON line.customer_id = head.customer_id AND line.order_id = head.id
ORDER BY head.id, line.line_no
""")
_LOCK = text("""
SELECT customer_id, id, status, total_minor, version, created_at, updated_at, deleted_at, includes_tax, pricing
FROM orders
WHERE customer_id = :customer_id AND id = :order_id AND (deleted_at IS NULL OR :with_deleted)
FOR NO KEY UPDATE
""")
_LINES = text("""
SELECT product_id, sku, name, unit_price_minor, quantity, discount_minor, tax_rate, tax_minor, details,
       clock_timestamp() AS time
FROM order_lines
WHERE customer_id = :customer_id AND order_id = :order_id
ORDER BY line_no
""")
_UPDATE = text("""
UPDATE orders
SET status = :status, total_minor = :total, version = :version, updated_at = :updated_at, deleted_at = :deleted_at,
    pricing = CAST(:pricing AS jsonb), includes_tax = :includes_tax
WHERE customer_id = :customer_id AND id = :order_id
""")
_DELETE_LINES = text("""
DELETE FROM order_lines
WHERE customer_id = :customer_id AND order_id = :order_id
""")

# It waits for a transaction that has put in one of the keys and has not committed yet; the rows come sorted, so that
# two units of work cannot wait for each other.
_CLAIM_KEYS = text("""
INSERT INTO idempotency_keys (customer_id, key, fingerprint, result_id, removable_id)
SELECT * FROM unnest(CAST(:customer_ids AS uuid[]), CAST(:keys AS text[]), CAST(:fingerprints AS bytea[]),
                     CAST(:result_ids AS uuid[]), CAST(:removable_ids AS uuid[]))
ON CONFLICT DO NOTHING
RETURNING customer_id, key
""")
_SET_LOCK_TIMEOUT = text("""
SELECT current_setting('lock_timeout') AS before, set_config('lock_timeout', :timeout, true)
""")
_TAKEN_KEYS = text("""
SELECT taken.customer_id, taken.key, taken.fingerprint, taken.result_id, taken.removable_id
FROM unnest(CAST(:customer_ids AS uuid[]), CAST(:keys AS text[])) AS wanted (customer_id, key)
JOIN idempotency_keys AS taken ON taken.customer_id = wanted.customer_id AND taken.key = wanted.key
""")
_ERASE_KEYS = text("""
DELETE FROM idempotency_keys WHERE customer_id = :customer_id
""")
_FORGET_KEYS = text("""
DELETE FROM idempotency_keys AS taken
USING unnest(CAST(:customer_ids AS uuid[]), CAST(:keys AS text[])) AS refused (customer_id, key)
WHERE taken.customer_id = refused.customer_id AND taken.key = refused.key
""")


class PostgresOrders:
    """See `shop_core.ports.Orders`."""

    def __init__(self, transaction: Transaction, currency: str) -> None:
        self._transaction, self._currency = transaction, currency

    def add_all(self, orders: Sequence[Order]) -> None:
        if not orders:
            return
        is_any_priced = any(each.promotions or each.coupons for each in orders)
        pricings = _pricing_json(orders) if is_any_priced else repeat(None, len(orders))
        rows = [
            (
                *(each.customer_id, each.id, each.status, each.total.minor, each.version, each.created_at),
                *(each.updated_at, each.number, each.deleted_at, each.includes_tax, pricing),
            )
            for each, pricing in zip(orders, pricings, strict=True)
        ]
        self._transaction.run(_ADD, columns(_ADD_HEADS, rows) | _line_columns(orders))

    def get(self, order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        if customer_id is None:
            return self.get_all([order_id]).get(order_id)
        rows = self._transaction.run(_GET, {"customer_id": customer_id, "order_id": order_id})
        return next(self._found(rows), None)

    def get_all(self, order_ids: Iterable[UUID]) -> dict[UUID, Order]:
        if not (keys := self._find_customers(order_ids)):
            return {}
        return {order.id: order for order in self._found(self._transaction.run(_GET_ALL, columns(_GET_ALL, keys)))}

    def lock(self, order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        self._transaction.lock_order.enter("orders", [order_id])
        key: dict[str, object] = {"customer_id": customer_id, "order_id": order_id, "with_deleted": False}
        if customer_id is None:
            if not (keys := self._find_customers([order_id])):
                return None
            key |= {"customer_id": keys[0][0], "with_deleted": True}
        head = self._transaction.one(_LOCK, key)
        if head is None:
            return None
        # In a statement of their own: the one that waited for the lock would show the lines as they were before.
        lines = self._transaction.run(_LINES, key)
        self._transaction.note_time(lines[0].time)
        return self._order_of(head, (line[:-1] for line in lines))

    def _find_customers(self, order_ids: Iterable[UUID]) -> list[tuple[UUID, UUID]]:
        """The customers of these orders, to look for the orders by. A customer of an order never changes.

        No statement locks or joins orders by their ids alone: an engine that distributes them by customers cannot.
        """
        ids = Uuids(set(order_ids))
        rows = self._transaction.run(_FIND_CUSTOMERS, {"order_ids": ids}) if ids else []
        return [(row.customer_id, row.id) for row in rows]

    def update(self, order: Order) -> None:
        self._transaction.lock_order.enter("orders", [order.id])  # an UPDATE locks its row
        values: dict[str, object] = {"customer_id": order.customer_id, "order_id": order.id, "status": order.status}
        values |= {"total": order.total.minor, "version": order.version, "includes_tax": order.includes_tax}
        values |= {"updated_at": order.updated_at, "deleted_at": order.deleted_at}
        self._transaction.run(_UPDATE, values | {"pricing": next(_pricing_json([order]))})

    def replace_lines(self, order: Order) -> None:
        self._transaction.lock_order.enter("orders", [order.id])
        self._transaction.run(_DELETE_LINES, {"customer_id": order.customer_id, "order_id": order.id})
        self._transaction.run(_ADD_LINES, _line_columns([order]))

    def page(self, query: OrderQuery, page_request: PageRequest) -> Page[Order]:
        filters, values = filters_of(query), values_of(query)
        if isinstance(page_request, CursorRequest):
            values |= {"limit": page_request.limit + 1, "offset": 0}
            if page_request.cursor is not None:
                (last,) = orders_of(query).read(page_request.cursor)
                values["after"] = UUID(str(last))
            rows = self._transaction.run(
                order_list(filters, is_after="after" in values, is_ascending=query.oldest_first), values
            )
            return orders_of(query).page(list(self._found(rows)), page_request.limit, heads_of(rows))
        values |= {"limit": page_request.limit, "offset": page_request.offset}
        rows = self._transaction.run(order_list(filters, is_after=False, is_ascending=query.oldest_first), values)
        found = tuple(self._found(rows))
        count, is_estimate = self._transaction.count_or_estimate(matching_orders(filters), values)
        return Page(found, count, is_estimate, is_cut=len(found) < heads_of(rows))

    def tag_sums(self, customer_id: UUID, firsts: Sequence[UUID], oldest: UUID) -> list[int]:
        values = {"customer_id": customer_id, "firsts": Uuids(firsts), "oldest": oldest}
        sums = [0] * (len(firsts) + 1)
        for place, xor in self._transaction.run(_TAG_SUMS, values):
            sums[place] = xor & _64_BITS
        return sums

    def tags(self, customer_id: UUID, spans: Sequence[Span], limit: int) -> list[TaggedOrder]:
        firsts, ends = Uuids([span.first for span in spans]), Uuids([span.end for span in spans])
        values = {"customer_id": customer_id, "firsts": firsts, "ends": ends, "limit": limit}
        return [TaggedOrder(id_, tag & _64_BITS) for id_, tag in self._transaction.run(_TAGS, values)]

    def activity(self, customer_ids: Collection[UUID]) -> dict[UUID, OrderActivity]:
        rows = self._transaction.run(_ACTIVITY, {"customer_ids": Uuids(customer_ids), "open": sorted(HOLDS_STOCK)})
        return {row.customer_id: OrderActivity(row.changed_at, row.is_any_open) for row in rows}

    def sales(self, since: datetime) -> list[DaySales]:
        return [DaySales(day, n, int(total)) for day, n, total in self._transaction.run(_SALES, {"since": since})]

    def _found(self, rows: Iterable[Row]) -> Iterator[Order]:
        """The orders of rows that have a head and a line each."""
        for _, of_order in groupby(rows, key=lambda row: row.id):
            lines = list(of_order)
            yield self._order_of(lines[0], (line[-LINE_COLUMNS:] for line in lines))

    def _order_of(self, head: Row, lines: Iterable[Sequence[Any]]) -> Order:
        return Order(
            head.id,
            head.customer_id,
            OrderStatus(head.status),
            tuple(
                OrderLine(
                    product_id, sku, name, Money(unit_price, self._currency), quantity, *_read_line(product_id, *agreed)
                )
                for product_id, sku, name, unit_price, quantity, *agreed in lines
            ),
            Money(head.total_minor, self._currency),
            head.created_at,
            head.updated_at,
            head.version,
            head.deleted_at,
            head.includes_tax,
            *_read_pricing(head.pricing),
        )


def _line_columns(of: Sequence[Order]) -> dict[str, Array]:
    rows = [
        (
            *(order.customer_id, order.id, line_no, line.product_id, line.sku, line.name, line.unit_price.minor),
            *(line.quantity, line.discount, line.tax_rate, line.tax),
            None if (line.options, line.tax_class, line.category_ids, line.discounts) == _PLAIN else _line_json(line),
        )
        for order in of
        for line_no, line in enumerate(order.lines, start=1)
    ]
    return columns(_ADD_LINES, rows)


_json = json.JSONEncoder(default=str).encode
_promotion = struct.Struct(">16sI")


def _pricing_json(orders: Iterable[Order]) -> Iterator[str | None]:
    """The promotions and coupons of each order, as JSON; None without any. The orders of a batch have the same ones.

    Promotions are one text: 20 bytes each, id and version, in base 64. As arrays, twenty of them would take PostgreSQL
    as long as all other columns of the order.
    """
    encoded: dict[tuple[int, object], str] = {}
    for order in orders:
        same = id(order.promotions), order.coupons  # to hash all ids of an order takes longer than the rest of it
        if (order.promotions or order.coupons) and same not in encoded:
            packed = b"".join([_promotion.pack(of.bytes, version) for of, version in order.promotions])
            encoded[same] = _json({"promotions": b64encode(packed).decode(), "coupons": order.coupons})
        yield encoded.get(same)


def _read_pricing(
    document: dict[str, Any] | None,
) -> tuple[tuple[tuple[UUID, int], ...], tuple[tuple[str, UUID], ...]]:
    if document is None:
        return (), ()
    promotions = document["promotions"]
    if isinstance(promotions, str):
        ids = [(UUID(bytes=id_), version) for id_, version in _promotion.iter_unpack(b64decode(promotions))]
    else:  # as it was stored first
        ids = [(UUID(id_), version) for id_, version in promotions]
    return tuple(ids), tuple([(code, UUID(promotion_id)) for code, promotion_id in document["coupons"]])


def _line_json(line: OrderLine) -> str:
    """What else was agreed about a line, as JSON. Most of it was agreed about other lines too, and is kept."""
    discounts = [f"{_open_json(*each[1:4])}, {each.amount}]" for each in line.discounts]
    return f"{_open_json(line.options, line.tax_class, line.category_ids)}, [{', '.join(discounts)}]]"


@lru_cache(1024)
def _open_json(*values: object) -> str:
    """A list as JSON, without its end: more follows."""
    return _json(values)[:-1]


def _read_line(
    product_id: UUID, discount: int, tax_rate: int, tax: int, document: list[Any] | None
) -> tuple[Options, str, int, int, int, tuple[UUID, ...], tuple[Discount, ...]]:
    """The fields of a line from its options on."""
    options, tax_class, category_ids, discounts = document or ((), TAX_CLASS_DEFAULT, (), ())
    return (
        tuple((name, value) for name, value in options),
        tax_class,
        discount,
        tax_rate,
        tax,
        tuple(map(UUID, category_ids)),
        tuple(Discount(product_id, UUID(of), version, label, amount) for of, version, label, amount in discounts),
    )


class PostgresKeys:
    """See `shop_core.ports.Keys`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def claim(self, claims: Sequence[KeyClaim], *, wait: bool = True) -> dict[CustomerKey, KeyClaim]:
        if not claims:
            return {}
        self._transaction.lock_order.enter("keys", {claim.customer_id for claim in claims})
        by_key = sorted(claims, key=lambda claim: (claim.customer_id.int, claim.key))
        keys = {claim.customer_key for claim in claims}
        usual = "" if wait else self._set_lock_timeout("10ms")
        claimed = set(map(tuple, self._transaction.run(_CLAIM_KEYS, columns(_CLAIM_KEYS, by_key))))
        if usual:
            self._set_lock_timeout(usual)
        return self._taken(keys - claimed) if keys != claimed else {}

    def _set_lock_timeout(self, timeout: str) -> str:
        """Set for how long the transaction waits for a lock; returns for how long it did before."""
        return str(self._transaction.run(_SET_LOCK_TIMEOUT, {"timeout": timeout})[0].before)

    def _taken(self, keys: set[CustomerKey]) -> dict[CustomerKey, KeyClaim]:
        # In a statement of its own: the one before does not see what was committed while it waited.
        taken = [KeyClaim(*row) for row in self._transaction.run(_TAKEN_KEYS, columns(_TAKEN_KEYS, keys))]
        return {claim.customer_key: claim for claim in taken}

    def erase_all(self, customer_id: UUID) -> None:
        self._transaction.run(_ERASE_KEYS, {"customer_id": customer_id})

    def forget(self, claims: Sequence[KeyClaim]) -> None:
        if claims:
            self._transaction.run(_FORGET_KEYS, columns(_FORGET_KEYS, {claim.customer_key for claim in claims}))
