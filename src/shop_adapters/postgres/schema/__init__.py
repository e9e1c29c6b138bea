"""The tables. Migrations create them (`alembic check` in the tests holds the two together).

Portable on purpose (docs/decisions/0003-portable-schema.md): ids and times come from the application, states are text
with a CHECK, no extension, sequence, trigger or enum type. The customer leads every key of the order side.
"""

from __future__ import annotations

from shop_adapters.postgres.schema.accounts import accounts, attempts, refresh_tokens
from shop_adapters.postgres.schema.base import STALE_SEARCH, Time, metadata
from shop_adapters.postgres.schema.catalog import (
    catalog_changes,
    catalog_stamps,
    catalog_version,
    categories,
    families,
    media_files,
    products,
)
from shop_adapters.postgres.schema.inventory import (
    holders,
    reservation_lines,
    reservations,
    stock_events,
    stock_levels,
    stock_movements,
)
from shop_adapters.postgres.schema.operation import mails, outbox, shop_facts, tasks
from shop_adapters.postgres.schema.orders import idempotency_keys, order_events, order_lines, orders, orders_of_customer
from shop_adapters.postgres.schema.pricing import (
    coupons,
    promotion_uses,
    promotion_versions,
    promotions,
    redemptions,
    tax_rates,
)

__all__ = [
    "STALE_SEARCH",
    "Time",
    "accounts",
    "attempts",
    "catalog_changes",
    "catalog_stamps",
    "catalog_version",
    "categories",
    "coupons",
    "families",
    "holders",
    "idempotency_keys",
    "mails",
    "media_files",
    "metadata",
    "order_events",
    "order_lines",
    "orders",
    "orders_of_customer",
    "outbox",
    "products",
    "promotion_uses",
    "promotion_versions",
    "promotions",
    "redemptions",
    "refresh_tokens",
    "reservation_lines",
    "reservations",
    "shop_facts",
    "stock_events",
    "stock_levels",
    "stock_movements",
    "tasks",
    "tax_rates",
]
