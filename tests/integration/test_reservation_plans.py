"""What reservations, keys, the ledger and the outbox look at among hundreds of thousands: only what is asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from verification.databases import adapters_on

from plans import Cost, analyze, costs
from shop_adapters.postgres import PostgresAdapters
from shop_core.idempotency import KeyClaim
from shop_core.pagination import CursorRequest
from shop_core.ports import UnitOfWork
from shop_core.reservations.model import ReservationQuery

MANY = 100_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)

# One of a thousand reservations is active; half of those are due. Each has a line of one of a hundred products.
_ID = "lpad(to_hex({n}), 32, '0')::uuid"
_FILL = (
    f"""
INSERT INTO reservations (customer_id, id, state, created_at, expires_at, order_id)
SELECT {_ID.format(n="n % 5000 + 1")}, {_ID.format(n="n")}, CASE WHEN n % 1000 = 0 THEN 'active' ELSE 'released' END,
       '2025-12-01', '2026-01-01'::timestamptz + CASE WHEN n % 2000 = 0 THEN -1 ELSE 1 END * interval '1 hour', NULL
FROM generate_series(1, {MANY}) AS n""",
    f"""
INSERT INTO reservation_lines (customer_id, reservation_id, line_no, product_id, quantity, is_held, expires_at)
SELECT customer_id, id, 1, {_ID.format(n="1 + (row_number() OVER ()) % 100")}, 1, state = 'active', expires_at
FROM reservations""",
    f"""
INSERT INTO idempotency_keys (customer_id, key, fingerprint, result_id)
SELECT {_ID.format(n="n % 5000 + 1")}, 'key ' || n, '', {_ID.format(n="n")} FROM generate_series(1, {MANY}) AS n""",
    f"""
INSERT INTO order_events (customer_id, order_id, seq, kind, status, total_minor, at, format, id)
SELECT {_ID.format(n="n % 5000 + 1")}, {_ID.format(n="n / 2 + 1")}, n % 2 + 1, 'edited', 'placed', 100, '2025-12-01', 1,
       {_ID.format(n="n")}
FROM generate_series(1, {MANY}) AS n""",
    # A tenth waits for another try: a webhook that is down.
    """
INSERT INTO outbox (event_id, subject_id, customer_id, seq, at, due_at, attempts, error, is_dead)
SELECT id, order_id, customer_id, seq, at,
       CASE WHEN seq = 1 AND ('x' || right(order_id::text, 4))::bit(16)::int % 10 = 0 THEN '2026-06-01'::timestamptz
            ELSE '1970-01-01' END, 0, '', false
FROM order_events""",
    f"""
INSERT INTO stock_events (id, kind, subject_id, at, units, format)
SELECT {_ID.format(n="n")}, 'stock_short', {_ID.format(n="n")}, '2025-12-01', 1, 1
FROM generate_series({MANY} + 1, 2 * {MANY}) AS n""",
    # A thousand movements of each of a hundred products, in turn, a minute apart; every seventh is a correction.
    f"""
INSERT INTO stock_movements (id, product_id, kind, quantity, at, reason)
SELECT {_ID.format(n="n")}, {_ID.format(n="n % 100 + 1")}, CASE WHEN n % 7 = 0 THEN 'adjusted' ELSE 'received' END, 1,
       '2026-01-01'::timestamptz - ({MANY} - n) * interval '1 minute', 'found'
FROM generate_series(1, {MANY}) AS n""",
    f"INSERT INTO holders (customer_id) SELECT {_ID.format(n='n')} FROM generate_series(1, 5000) AS n",
)


@pytest.fixture(scope="module")
def adapters(new_engine: Callable[..., Engine]) -> PostgresAdapters:
    """A shop with a long history."""
    engine = new_engine("shop_reservation_plans")
    with engine.begin() as connection:
        for statement in _FILL:
            connection.execute(text(statement))
    analyze(engine)
    return adapters_on(engine)


def _cost(adapters: PostgresAdapters, use: Callable[[UnitOfWork], object]) -> list[Cost]:
    def run() -> None:
        with adapters.begin() as uow:
            use(uow)

    found = costs(adapters.engine, run)
    for cost in found:
        assert not cost.read_whole, cost
    return found


def test_due_lines_of_a_product_are_one_range_of_an_index(adapters: PostgresAdapters) -> None:
    (cost,) = _cost(adapters, lambda uow: uow.reservations.due_lines([UUID(int=1), UUID(int=2)], NOW, 1_000))
    assert "reservation_lines_held_idx" in cost.used
    assert cost.rows <= 60, cost
    assert cost.buffers <= 70, cost


def test_the_sweep_looks_at_what_is_due_and_at_nothing_else(adapters: PostgresAdapters) -> None:
    def first_and_next(uow: UnitOfWork) -> None:
        first = uow.reservations.due(NOW, 10)
        assert len(first) == len(uow.reservations.due(NOW, 10, first[-1])) == 10

    for cost in _cost(adapters, first_and_next):
        assert "reservations_due_idx" in cost.used
        assert cost.rows <= 80, cost


def test_a_count_looks_at_what_came_and_went_since_in_one_statement(adapters: PostgresAdapters) -> None:
    moments = {UUID(int=number): NOW - timedelta(hours=10) for number in range(1, 51)}

    def changes(uow: UnitOfWork) -> None:
        assert set(uow.stock.changes_since(moments).values()) == {6}

    (cost,) = _cost(adapters, changes)
    assert "stock_movements_pkey" in cost.used
    assert cost.rows <= 50 * 30, cost  # of a thousand each


def test_active_reservations_are_found_among_all_that_a_customer_ever_had(adapters: PostgresAdapters) -> None:
    *_, cost = _cost(adapters, lambda uow: uow.reservations.lock_customers([UUID(int=1001)], uow.now))
    assert cost.used & {"reservations_active_idx"}, cost
    assert cost.rows <= 60, cost


def test_a_reservation_is_found_by_its_id(adapters: PostgresAdapters) -> None:
    customer, found = _cost(adapters, lambda uow: uow.reservations.get_all([UUID(int=77)]))
    assert "reservations_id_idx" in customer.used
    assert customer.rows <= 1, customer
    assert "reservation_lines_pkey" in found.used
    assert found.rows <= 4, found


def test_keys_that_are_taken_are_found_by_their_index(adapters: PostgresAdapters) -> None:
    claims = [KeyClaim(UUID(int=n % 5000 + 1), f"key {n}", b"", UUID(int=n)) for n in range(1, 51)]
    _, taken = _cost(adapters, lambda uow: uow.keys.claim(claims))
    assert "idempotency_keys_pkey" in taken.used
    assert taken.rows <= 150, taken


def test_a_take_looks_at_about_as_many_messages_as_it_takes(adapters: PostgresAdapters) -> None:
    cost, *events = _cost(adapters, lambda uow: uow.outbox.take(NOW, 20, timedelta(seconds=60)))
    assert sum(one.rows for one in events) <= 100, events
    assert "outbox_due_idx" in cost.used, cost
    assert cost.rows <= 2_000, cost


def test_a_list_of_reservations_reads_one_page_or_what_is_active(adapters: PostgresAdapters) -> None:
    for query, rows_max, index in (
        (ReservationQuery(), 40, "reservations_id_idx"),
        (ReservationQuery(UUID(int=1001)), 90, "reservations_pkey"),
        (ReservationQuery(UUID(int=1001), is_active=True), 60, "reservations_active_idx"),
        (ReservationQuery(is_active=True), 140, "reservations_due_idx"),
    ):
        (cost,) = _cost(adapters, lambda uow, q=query: uow.reservations.page(q, NOW, CursorRequest(9)))  # type: ignore[misc]
        assert cost.rows <= rows_max, (query, cost)
        assert index in cost.used, (query, cost)
