"""What the core needs from outside. An adapter implements these; `shop_testing` checks that it does.

Everything is synchronous. Everything that a use case reads or writes goes through one `UnitOfWork`:

    with begin() as work:          # commits at the end, rolls back on any exception
        level = uow.stock.lock([product_id])[product_id]

A statement that was refused spoils its unit of work: let the exception leave the `with`. Who catches it inside gets
a RuntimeError at the end, and nothing is committed.

Locks are taken in one order, so that no two units of work can wait for each other: first keys, then holders, then
orders, then stock, then products, then categories; within each by id. An adapter sorts the ids of a call, and refuses
calls that run against the order. Placing locks no product: whoever takes one out of the catalog locks its stock first,
as placing does.

Reservations have no lock of their own: who changes one has locked the stock of all its products.

Accounts, which are never locked together with those, come before their sessions, all accounts of a unit of work in
one call; and attempts come after both.
"""

from shop_core.inventory.model import NewId
from shop_core.ports.accounts import Accounts, Attempts, PasswordHasher, RefreshTokens, Revocations, Tokens
from shop_core.ports.catalog import Categories, Products
from shop_core.ports.events import EventPublisher, Events, Outbox, OutboxMessage, Undelivered
from shop_core.ports.inventory import Reservations, Stock
from shop_core.ports.orders import Keys, Orders
from shop_core.ports.unit_of_work import Adapters, Begin, Clock, Discrepancy, LockOrderError, UnitOfWork

__all__ = [
    "Accounts",
    "Adapters",
    "Attempts",
    "Begin",
    "Categories",
    "Clock",
    "Discrepancy",
    "EventPublisher",
    "Events",
    "Keys",
    "LockOrderError",
    "NewId",
    "Orders",
    "Outbox",
    "OutboxMessage",
    "PasswordHasher",
    "Products",
    "RefreshTokens",
    "Reservations",
    "Revocations",
    "Stock",
    "Tokens",
    "Undelivered",
    "UnitOfWork",
]
