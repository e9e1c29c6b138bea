"""Statements that take many rows at once: one round trip and one plan, however many rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Column, Insert, Row, Table, TableValuedAlias, bindparam, column, func, insert, select

from shop_adapters.postgres.packed import PackedArray

AnyRow = Row[*tuple[Any, ...]]


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
