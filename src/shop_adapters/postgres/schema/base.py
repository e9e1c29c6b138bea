"""What all tables share."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, DateTime, Dialect, MetaData, Text, TypeDecorator

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ck": "%(table_name)s_%(constraint_name)s",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ix": "%(column_0_label)s_idx",
    }
)

CodePoints = Text(collation="C")  # compares by code point, as Python does, whatever the database's locale


class Time(TypeDecorator[datetime]):
    """A moment. SQLAlchemy gives it back in UTC, whatever the time zone of the session."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """In UTC."""
        return value.astimezone(UTC) if value else None


STALE_SEARCH = "NOT search @@ CAST('''=2''' AS tsquery)"
"""Rows that a version wrote which folds text in another way: see `shop_adapters.postgres.search`."""


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
