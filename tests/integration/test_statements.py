"""Every statement, read: PostgreSQL takes it as it is, and those about orders name their customers.

Orders and reservations, with all that belongs to them, are kept by customers. An engine that distributes them (Citus,
for one) locks and writes rows of one customer at a time, and joins these tables with each other only, by customer.
PostgreSQL itself says by what each statement finds its rows: in its plan.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Engine, Executable, TextClause
from sqlalchemy.dialects import postgresql

import shop_adapters.postgres
from shop_adapters.postgres import accounts, catalog_feed, database, order_lists, product_statements, queue_table
from shop_adapters.postgres.product_statements import QueryShape, Start
from shop_core.catalog.search import ProductSort

BY_CUSTOMER = {
    "orders",
    "order_lines",
    "order_events",
    "reservations",
    "reservation_lines",
    "idempotency_keys",
    "holders",
}
"""Tables whose keys begin with the customer."""

BY_THE_OWNER = {"migrate", "roles", "durability", "backup", "exports"}
"""Modules whose statements commands of the operator run, and no unit of work: some read whole tables, as asked."""

ACROSS_CUSTOMERS = {
    "orders._FIND_CUSTOMERS": "finds the customers of orders, to look for the orders by",
    "reservations._FIND_CUSTOMERS": "finds the customers of reservations",
    "reservations._DUE": "finds reservations of all customers whose time is up",
    "reservations._DUE_LINES": "finds lines of all customers that still hold units of a product",
    "events._REASONS": "counts the old words of all timelines, for the operator",
    "orders._SALES": "sums over all orders of the last days, for staff",
    "audit._PROMISED": "sums over all orders",
    "audit._HELD": "sums over all reservations",
    "audit._TIMELINES": "compares all orders with their events",
    "audit._TOTALS": "compares all orders with their lines",
    "audit._DISCOUNTS": "compares all lines with their discounts",
    "audit._REDEEMED": "sums over all redemptions",
    "prices._REDEMPTIONS": "staff see the uses of a promotion by all customers",
    "prices._COUNT_REDEMPTIONS": "staff see the uses of a promotion by all customers",
    "audit._HELD_LINES": "compares all reservations with their lines",
    "audit._EXPIRY_OF_LINES": "compares all reservations with their lines",
    "audit._RESERVATION_ORDERS": "compares all reservations with their orders",
    "audit._KEYS": "compares all keys with what they made",
    "list of orders": "staff see the orders of all customers",
    "count of orders": "staff see the orders of all customers",
}
"""Statements that read the rows of all customers, and why. They may neither lock nor write."""


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(shop_adapters.postgres.__path__):
        if not found.ispkg and found.name not in BY_THE_OWNER:
            yield importlib.import_module(f"shop_adapters.postgres.{found.name}")


def _fixed() -> Iterator[tuple[str, TextClause]]:
    for module in _modules():
        for name, value in vars(module).items():
            of_module = module.__name__.rpartition(".")[2]
            if isinstance(value, TextClause):
                yield f"{of_module}.{name}", value
            elif isinstance(value, queue_table.Statements):
                for what, statement in value._asdict().items():
                    yield f"{of_module}.{name}.{what}", statement


def _subsets(names: Any, size_max: int) -> Iterator[frozenset[str]]:
    """All names together, and every few of them."""
    chosen = sorted(names)
    yield frozenset(chosen)
    for count in range(min(size_max + 1, len(chosen))):
        yield from map(frozenset, itertools.combinations(chosen, count))


def _composed(filters_max: int) -> Iterator[tuple[str, Executable]]:
    """The lists with any so many filters at once, and with all."""
    by_ids = [some | {"ids"} for some in _subsets(["customer_id", "not deleted"], filters_max)]
    for filters in [*_subsets(order_lists.FILTERS.keys() - {"ids"}, filters_max), *by_ids]:
        of = " of a customer" if "customer_id" in filters else ""
        yield f"list of orders{of}", order_lists.order_list(filters, is_after=True)
        yield f"list of orders{of}", order_lists.order_list(filters, is_after=False)
        yield f"count of orders{of}", database._count_of(order_lists.matching_orders(filters))
    for filters in _subsets(accounts.FILTERS, filters_max):
        yield "list of accounts", accounts.account_list(filters, is_after=True)
        yield "count of accounts", accounts.account_count(filters)
    fields = ("words", "category_id", "price_min", "price_max", "available_min", "available_max")
    shapes = [*_subsets(fields, filters_max), *map(frozenset, (["ids"], ["sku"]))]
    for filters, sort in itertools.product(shapes, ProductSort):
        shape = QueryShape(filters, "words" in filters, sort)
        for start in Start:
            yield "list of products", product_statements.page(shape, start)
    low = QueryShape(frozenset({"low_stock"}), False, ProductSort.NEWEST)
    yield from (("list of products", product_statements.page(low, start)) for start in Start)
    yield "count of products", product_statements.count(low)
    yield "feed of changes", catalog_feed.FEED


FIXED = dict(_fixed())
SETTINGS = {"catalog_feed._ONE_MOMENT", "categories._LOCK_TABLE", "families._LOCK_TABLE"}
"""They have no plan."""


@pytest.fixture
def planner(engine: Engine) -> Iterator[database.Transaction]:
    """A transaction as every unit of work has it."""
    with database.transaction(engine, database.TransactionTimeouts()) as opened:
        yield opened


def _plan(planner: database.Transaction, statement: Executable) -> dict[str, Any]:
    """How the statement is carried out, whatever its values: pasted as it is, with its parameters numbered."""
    text = str(statement.compile(dialect=postgresql.psycopg.dialect())).replace("%%", "%")  # type: ignore[attr-defined,no-untyped-call]
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    connection = planner._connection
    connection.execute("PREPARE planned AS " + re.sub(r"%\((\w+)\)s", number, text))
    try:
        nulls = f"({', '.join(['NULL'] * len(names))})" if names else ""
        connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        row = connection.execute(f"EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE planned{nulls}").fetchone()
    finally:
        connection.execute("DEALLOCATE planned")
    assert row is not None
    plan: dict[str, Any] = row[0][0]
    return plan


def _nodes(node: dict[str, Any], above: tuple[dict[str, Any], ...] = ()) -> Iterator[tuple[dict[str, Any], Any]]:
    yield node, above
    for below in node.get("Plans", ()):
        yield from _nodes(below, (*above, node))


def faults(name: str, plan: dict[str, Any]) -> list[str]:
    """What of a plan breaks the rule of this module."""
    nodes = list(_nodes(plan["Plan"]))
    reads = [(node, above) for node, above in nodes if "Scan" in node["Node Type"] and node.get("Relation Name")]
    tables = {node["Relation Name"] for node, _ in reads}
    changes = [node["Node Type"] for node, _ in nodes if node["Node Type"] in {"LockRows", "ModifyTable"}]
    found = []
    if tables & BY_CUSTOMER and tables - BY_CUSTOMER:
        found.append(f"{name} joins {sorted(tables & BY_CUSTOMER)} with {sorted(tables - BY_CUSTOMER)}")
    if name in ACROSS_CUSTOMERS:
        return found + [f"{name} is across customers and has {change}" for change in changes]
    for node, above in reads:
        conditions = " ".join(
            str(one.get(key, "")) for one in (node, *above) for key in one if key.endswith(("Cond", "Filter"))
        )
        alias = node["Alias"]
        if node["Relation Name"] in BY_CUSTOMER and not re.search(
            rf"\b{alias}\.customer_id\b|\(customer_id =", conditions
        ):
            found.append(f"{name} reads {node['Relation Name']} without its customer: {conditions}")
    return found


@pytest.mark.parametrize("name", [name for name in FIXED if name not in SETTINGS])
def test_postgres_takes_every_fixed_statement_and_those_about_orders_name_their_customers(
    planner: database.Transaction, name: str
) -> None:
    plan = _plan(planner, FIXED[name])
    assert faults(name, plan) == []
    assert "JIT" not in plan, "it would be compiled, for 100 ms each time"


@pytest.mark.parametrize("filters_max", [2, pytest.param(9, marks=pytest.mark.slow)])
def test_so_does_every_list(engine: Engine, filters_max: int) -> None:
    """A filter is a condition more, whatever others there are: so every two of them tell as much as any number."""
    for name, statement in _composed(filters_max):
        with database.transaction(engine, database.TransactionTimeouts()) as planner:  # all of them would be too long
            plan = _plan(planner, statement)
        assert faults(name, plan) == []
        assert "JIT" not in plan, name


def test_the_list_of_statements_across_customers_names_only_what_is_there() -> None:
    composed = {"list of orders", "count of orders"}
    assert set(ACROSS_CUSTOMERS) <= set(FIXED) | composed


@pytest.mark.parametrize(
    "wrong",
    [
        "SELECT id FROM orders WHERE id = :id FOR UPDATE",
        "UPDATE orders SET version = 2 WHERE id = :id",
        "DELETE FROM idempotency_keys WHERE key = :key",
        "SELECT head.id FROM orders AS head JOIN order_lines AS line ON line.order_id = head.id"
        " WHERE head.customer_id = :customer_id",
        "SELECT event.id FROM outbox JOIN order_events AS event"
        " ON event.customer_id = outbox.customer_id AND event.order_id = outbox.subject_id",
    ],
)
def test_a_statement_that_breaks_the_rule_is_found(planner: database.Transaction, wrong: str) -> None:
    assert faults("wrong", _plan(planner, TextClause(wrong)))


def test_no_statement_is_written_inside_a_function() -> None:
    """Else the tests above would not read it."""
    folder = Path(str(shop_adapters.postgres.__file__)).parent
    for file in folder.glob("*.py"):
        if file.stem in BY_THE_OWNER or file.stem == "queue_table":  # its statements are constants of the queues
            continue
        for function in ast.walk(ast.parse(file.read_text())):
            if isinstance(function, ast.FunctionDef):
                calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
                assert not [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "text"], file
