"""What must be true when it is quiet again, asked of the database itself."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping
from typing import Any

import psycopg

from verification.server import ShopServer

Database = psycopg.Connection[tuple[Any, ...]]

# Each finds what is only half there, or twice.
_NEVER = {
    "orders without lines": """
        SELECT o.id FROM orders o
        WHERE NOT EXISTS (SELECT FROM order_lines l WHERE l.customer_id = o.customer_id AND l.order_id = o.id)""",
    "lines without an order": """
        SELECT l.order_id FROM order_lines l
        WHERE NOT EXISTS (SELECT FROM orders o WHERE o.customer_id = l.customer_id AND o.id = l.order_id)""",
    "orders without a key": """
        SELECT o.id FROM orders o
        WHERE NOT EXISTS (
            SELECT FROM idempotency_keys k WHERE k.customer_id = o.customer_id AND k.result_id = o.id)""",
    "orders with two keys": """
        SELECT o.id FROM orders o JOIN idempotency_keys k ON k.customer_id = o.customer_id AND k.result_id = o.id
        GROUP BY o.id HAVING count(*) > 1""",
    "reservations without a key": """
        SELECT r.id FROM reservations r
        WHERE NOT EXISTS (
            SELECT FROM idempotency_keys k WHERE k.customer_id = r.customer_id AND k.result_id = r.id)""",
    "keys without a result": """
        SELECT k.result_id FROM idempotency_keys k
        WHERE NOT EXISTS (SELECT FROM orders o WHERE o.customer_id = k.customer_id AND o.id = k.result_id)
          AND NOT EXISTS (SELECT FROM reservations r WHERE r.customer_id = k.customer_id AND r.id = k.result_id)""",
    "orders without their first event": """
        SELECT o.id FROM orders o
        WHERE NOT EXISTS (
            SELECT FROM order_events e WHERE e.customer_id = o.customer_id AND e.order_id = o.id AND e.seq = 1)""",
    "confirmed reservations without their order": """
        SELECT r.id FROM reservations r
        WHERE r.state = 'confirmed'
          AND NOT EXISTS (SELECT FROM orders o WHERE o.customer_id = r.customer_id AND o.id = r.order_id)""",
    "oversold products": "SELECT product_id FROM stock_levels WHERE allocated + reserved > on_hand",
    "dead letters": "SELECT event_id FROM outbox WHERE is_dead",
}

_OVERDUE = (
    "SELECT count(*) FROM reservations WHERE state = 'active' AND expires_at < clock_timestamp() - interval '%s s'"
)


def halves(database: Database) -> list[str]:
    """What is half there, or twice."""
    found = []
    for what, statement in _NEVER.items():
        rows = database.execute(statement.encode()).fetchall()
        if rows:
            found.append(f"{len(rows)} {what}, e.g. {rows[0][0]}")
    return found


def holds_end(database: Database, seconds_max: float) -> list[str]:
    """No reservation may be active for long past its time: wait until none is, for a limited time."""
    if _becomes(database, _OVERDUE % 1, 0, seconds_max):
        return []
    return [f"reservations are active a second past their time, and {seconds_max:g} s did not help"]


def nothing_is_held(database: Database, seconds_max: float) -> bool:
    """Wait until no units are reserved, for a limited time."""
    return _becomes(database, "SELECT count(*) FROM stock_levels WHERE reserved > 0", 0, seconds_max)


def outbox_drains(database: Database, seconds_max: float) -> list[str]:
    """Every fact leaves, though relays were killed with letters in their hands: others get those a minute later."""
    if _becomes(database, "SELECT count(*) FROM outbox", 0, seconds_max):
        return []
    return [f"the outbox is not empty after {seconds_max:g} s"]


def sold(database: Database, stock: Mapping[str, int]) -> list[str]:
    """Of each product exactly as many units are sold as there were, by its counters and by the orders' lines."""
    rows = database.execute(
        b"""SELECT s.product_id::text, s.on_hand, s.allocated, s.reserved, coalesce(sum(l.quantity), 0)
        FROM stock_levels s
        LEFT JOIN (order_lines l JOIN orders o
            ON o.customer_id = l.customer_id AND o.id = l.order_id AND o.status IN ('placed', 'confirmed'))
          ON l.product_id = s.product_id
        WHERE s.product_id = ANY(%s::uuid[])
        GROUP BY s.product_id, s.on_hand, s.allocated, s.reserved""",
        [list(stock)],
    ).fetchall()
    return [
        f"product {id_} had {stock[id_]} units: on hand {on_hand}, allocated {allocated}, reserved {reserved},"
        f" in orders {lines}"
        for id_, on_hand, allocated, reserved, lines in rows
        if (on_hand, allocated, reserved, lines) != (stock[id_], stock[id_], 0, stock[id_])
    ]


def events_published(database: Database, server: ShopServer) -> list[str]:
    """Every fact was told at least once, and those of an order in order; ask when the outbox is empty."""
    seqs: dict[str, list[int]] = {}
    published = set()
    for fact in server.facts():
        if fact["id"] not in published and "order_id" in fact:
            seqs.setdefault(fact["order_id"], []).append(fact["seq"])
        published.add(fact["id"])
    kept = {
        id_ for (id_,) in database.execute(b"SELECT id::text FROM order_events UNION SELECT id::text FROM stock_events")
    }
    found = [
        f"order {id_}: its events were published in the order {said}"
        for id_, said in seqs.items()
        if said != sorted(said)
    ]
    if kept != published:
        found.append(f"{len(kept - published)} events were not published, {len(published - kept)} never happened")
    return found


def orders_kept(database: Database) -> dict[str, tuple[str, dict[str, int]]]:
    """Every order: its status and units."""
    kept: dict[str, tuple[str, dict[str, int]]] = {}
    for id_, status, product, units in database.execute(
        b"""SELECT o.id::text, o.status, l.product_id::text, l.quantity
        FROM orders o JOIN order_lines l ON l.customer_id = o.customer_id AND l.order_id = o.id"""
    ):
        kept.setdefault(id_, (status, {}))[1][product] = units
    return kept


def keys_kept(database: Database) -> dict[tuple[str, str], str]:
    """What each key of each username stands for."""
    rows = database.execute(
        b"SELECT a.username, k.key, k.result_id::text FROM idempotency_keys k JOIN accounts a ON a.id = k.customer_id"
    )
    return {(username, key): result for username, key, result in rows}


def reservations_kept(database: Database) -> dict[str, str]:
    """The stored state of every reservation."""
    return dict(database.execute(b"SELECT id::text, state FROM reservations").fetchall())


def acknowledged_are_there(published: Collection[str], kept: Collection[str]) -> list[str]:
    """Whatever a customer was told is there."""
    return [f"{id_} was acknowledged, and is lost" for id_ in published if id_ not in kept]


def audit(server: ShopServer) -> list[str]:
    """`shop audit` finds no difference."""
    done = server.command("audit")
    return [] if done.returncode == 0 else [f"shop audit: {' '.join((done.stdout + done.stderr).split())}"]


def deadlocks(server: ShopServer) -> int:
    """How often PostgreSQL had to end a deadlock (40P01)."""
    return len(re.findall(r"ERROR:\s+deadlock detected", server.database_log()))


def _becomes(database: Database, statement: str, value: int, seconds_max: float) -> bool:
    deadline = time.monotonic() + seconds_max
    while True:
        row = database.execute(statement.encode()).fetchone()
        if row is not None and row[0] == value:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
