"""The shop on PostgreSQL 14 or newer: SQL as text or composed by SQLAlchemy Core, run by psycopg 3."""

from shop_adapters.postgres.database import TransactionTimeouts
from shop_adapters.postgres.pool import make_engine
from shop_adapters.postgres.unit_of_work import PostgresAdapters

__all__ = ["PostgresAdapters", "TransactionTimeouts", "make_engine"]
