"""Statements that take many rows at once: one round trip and one plan, however many rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Executable,
    Insert,
    Select,
    Table,
    TableValuedAlias,
    bindparam,
    column,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

from shop_adapters.postgres.packed import PackedArray
from shop_adapters.postgres.transaction import Transaction


def rows_of(name: str, columns: Sequence[Column[Any]]) -> TableValuedAlias:
    """A table in a statement whose rows are bound as one array a column; see `arrays`.

    `rows_of("new", [t.c.id, t.c.name])` is `unnest(:new_id, :new_name) AS new(id, name)`.
    """
    arrays = [bindparam(f"{name}_{c.name}", type_=PackedArray(c.type)) for c in columns]
    return func.unnest(*arrays).table_valued(*(column(c.name, c.type) for c in columns), name=name).render_derived()


def insert_many(table: Table) -> Insert:
    """An INSERT of all columns of `table` whose rows are `rows_of("new", ...)`."""
    columns = list(table.columns)
    new = rows_of("new", columns)
    return insert(table).from_select([c.name for c in columns], select(*(new.c[c.name] for c in columns)))


def arrays(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """Rows turned into the parameters of `rows_of(name, ...)`: the array of each column."""
    values = zip(*rows, strict=True)
    return {f"{name}_{column}": list(array) for column, array in zip(columns, values, strict=True)}


COUNTED_MAX = 10_000
"""Up to so many rows are counted one by one."""


def about_how_many(
    transaction: Transaction, rows: Select[Any], values: Mapping[str, Any] | None = None
) -> tuple[int, bool]:
    """How many rows a statement has, and whether that is an estimate: of many, what the planner makes of it.

    To count a long list is to read all of it, for a number that is old by the time it is shown.
    """
    bare = rows.order_by(None).with_only_columns(literal(1), maintain_column_froms=True)
    some = bare.limit(COUNTED_MAX + 1).subquery()
    counted: int = transaction.execute(select(func.count()).select_from(some), values).scalar_one()
    if counted <= COUNTED_MAX:
        return counted, False
    (plan,) = transaction.execute(_Explain(rows), values).scalar_one()
    return max(COUNTED_MAX + 1, int(plan["Plan"]["Plan Rows"])), True


class _Explain(Executable, ClauseElement):
    """What the planner intends to do for a statement, as JSON."""

    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(_Explain)
def _explain(element: _Explain, compiler: SQLCompiler, **options: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(element.statement, **options)}"
