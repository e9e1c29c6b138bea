"""What the core needs from outside. Adapters implement these; `shop_testing` checks that they do.

Everything is synchronous. Everything that a use case reads or writes goes through one `UnitOfWork`:

    with begin() as uow:          # commits at the end, rolls back on any exception
        level = uow.stock.lock([product_id])[product_id]

After a refused statement, let the exception leave the `with` block. If it is caught inside, the block ends with a
RuntimeError, and nothing is committed.

Locks are taken in one order, so that no two units of work can wait for each other: keys, customers who reserve, orders,
stock, uses of promotions, products, categories, families; in each of these by id. An adapter sorts the ids of a call,
and refuses a call that breaks the order. Files of pictures come last; that is not checked. Placing an order locks no
product: removing a product locks its stock first, as placing does.

Reservations have no lock of their own: the stock of all their products is locked before they change.

Accounts, which are never locked together with those, come before their sessions, all accounts of a unit of work in one
call; attempts come after both.
"""

from shop_core.accounts.model import AccessToken
from shop_core.accounts.sessions import RefreshToken
from shop_core.catalog.changes import FeedPosition, FeedView
from shop_core.catalog.model import Offer
from shop_core.idempotency import KeyClaim
from shop_core.inventory.model import NewId
from shop_core.orders.comparison import Span
from shop_core.ports.accounts import Accounts, Attempts, PasswordHasher, RefreshTokens, Revocations, Tokens
from shop_core.ports.catalog import CatalogFeed, Categories, Families, Products
from shop_core.ports.events import (
    EventPublisher,
    Events,
    Mailer,
    Mails,
    Outbox,
    OutboxMessage,
    Publisher,
    Queue,
    Queued,
    ReceiverGone,
    Undelivered,
)
from shop_core.ports.inventory import Reservations, Stock
from shop_core.ports.media import ImageEncoder, Media, MediaFiles
from shop_core.ports.orders import Keys, OrderActivity, Orders
from shop_core.ports.pricing import Prices
from shop_core.ports.unit_of_work import Adapters, Begin, Clock, Discrepancy, LockOrderError, UnitOfWork
from shop_core.reservations.model import ExpiredLine, ReservationUsage

__all__ = [
    "AccessToken",
    "Accounts",
    "Adapters",
    "Attempts",
    "Begin",
    "CatalogFeed",
    "Categories",
    "Clock",
    "Discrepancy",
    "EventPublisher",
    "Events",
    "ExpiredLine",
    "Families",
    "FeedPosition",
    "FeedView",
    "ImageEncoder",
    "KeyClaim",
    "Keys",
    "LockOrderError",
    "Mailer",
    "Mails",
    "Media",
    "MediaFiles",
    "NewId",
    "Offer",
    "OrderActivity",
    "Orders",
    "Outbox",
    "OutboxMessage",
    "PasswordHasher",
    "Prices",
    "Products",
    "Publisher",
    "Queue",
    "Queued",
    "ReceiverGone",
    "RefreshToken",
    "RefreshTokens",
    "ReservationUsage",
    "Reservations",
    "Revocations",
    "Span",
    "Stock",
    "Tokens",
    "Undelivered",
    "UnitOfWork",
]
