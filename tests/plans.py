"""What statements cost on PostgreSQL: rows and pages looked at, and by which indexes. Never seconds."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import psycopg
from sqlalchemy import Engine, event, text

from shop_adapters.postgres.schema import metadata

_NOT_VISIBLE_TO_ALL = text("""
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relallvisible < relpages
""")


@dataclass(frozen=True)
class Cost:
    """What a statement looked at: rows, pages of 8 KiB, and by which indexes."""

    rows: int
    buffers: int
    used: frozenset[str]

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.rows + other.rows, self.buffers + other.buffers, self.used | other.used)

    @property
    def read_whole(self) -> set[str]:
        """The tables that were read from end to end."""
        return {name.removeprefix("Seq Scan on ") for name in self.used if name.startswith("Seq Scan on ")}


@contextlib.contextmanager
def statements(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """Everything that the driver asks of the database meanwhile, with its parameters; not what only ends or plans."""
    sent: list[tuple[str, Any]] = []

    class Noting(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
            text = query.decode() if isinstance(query, bytes) else query
            if not text.startswith(("BEGIN", "COMMIT", "ROLLBACK", "EXPLAIN")):
                sent.append((text, params))
            return super().execute(query, params, **options)

        def executemany(self, query: Any, params_seq: Any, *, returning: bool = False) -> None:
            sent.append((query.decode(), params_seq))
            super().executemany(query, params_seq, returning=returning)

    def equip(driver: psycopg.Connection[Any], *_: Any) -> None:
        driver.cursor_factory = Noting

    def relieve(driver: psycopg.Connection[Any], *_: Any) -> None:
        driver.cursor_factory = psycopg.Cursor

    event.listen(engine, "checkout", equip)
    event.listen(engine, "checkin", relieve)
    try:
        yield sent
    finally:
        event.remove(engine, "checkout", equip)
        event.remove(engine, "checkin", relieve)


def analyze(engine: Engine) -> None:
    """Tell the planner all about the tables. It looks at every row, and nobody does so again later: else the plans
    would depend on which rows it happens to draw, and when.

    A page is marked as visible to all only if no transaction is left from before its rows were committed, such as that
    of PostgreSQL's own autovacuum; without the mark, an index alone is no answer, and plans are others. Such
    transactions are over soon.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in metadata.sorted_tables:
            connection.execute(text(f'ALTER TABLE "{table.name}" SET (autovacuum_enabled = off)'))
        connection.execute(text("SET default_statistics_target = 1000"))  # 300 rows for each: all of them
        deadline = time.monotonic() + 60
        connection.execute(text("VACUUM ANALYZE"))
        while not_visible := connection.scalars(_NOT_VISIBLE_TO_ALL).all():
            assert time.monotonic() < deadline, f"somebody keeps a transaction open: {not_visible}"
            connection.execute(text("VACUUM"))


def costs(engine: Engine, use: Callable[[], object]) -> list[Cost]:
    """What each statement of `use` costs, by EXPLAIN of the same statement with the same parameters."""
    with statements(engine) as sent:
        use()
    return [cost_of(engine, *one) for one in sent]


def cost_of(engine: Engine, statement: str, parameters: Any) -> Cost:
    """What a statement costs. It is rolled back: to explain it is to run it."""
    explain = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF, FORMAT JSON) "
    with engine.connect() as connection:
        ((root,),) = connection.exec_driver_sql(explain + statement, parameters).scalars()
    plan, nodes = root["Plan"], list(_nodes(root["Plan"]))
    scans = [node for node in nodes if "Scan" in node["Node Type"] and node["Node Type"] != "Subquery Scan"]
    removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    rows = sum(
        (node["Actual Rows"] + sum(node.get(name, 0) for name in removed)) * node["Actual Loops"] for node in scans
    )
    buffers = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    used = frozenset(node.get("Index Name", f"{node['Node Type']} on {node.get('Relation Name')}") for node in scans)
    return Cost(round(rows), buffers, used)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)
