"""What the core needs from outside. An adapter implements these; `shop_core.testing` checks that it does.

Everything is synchronous. Everything that a use case reads or writes goes through one `UnitOfWork`:

    with begin() as work:          # commits at the end, rolls back on any exception
        level = work.stock.lock([product_id])[product_id]

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

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from shop_core.accounts.model import Account, AccountQuery, Actor, RefreshToken, Session
from shop_core.catalog.model import CatalogEntry, Category, CategoryEntry, Offer, Product, ProductQuery
from shop_core.events import Event, OrderEvent
from shop_core.idempotency import Claim, Slot
from shop_core.inventory.model import StockLevel, StockMovement
from shop_core.orders.model import Order, OrderQuery
from shop_core.pagination import Keyset, Numbered, Page, Piece
from shop_core.reservations.model import HeldLine, Holding, Reservation


class LockOrderError(RuntimeError):
    """A use case asked for locks against the documented order. A programming error, never an answer to a user."""


class Accounts(Protocol):
    """Registered users and their password hashes."""

    def add(self, account: Account, password_hash: str) -> None:
        """Store a new account. Raises UsernameTaken."""

    def get(self, account_id: UUID) -> Account | None: ...

    def credentials(self, username_key: str) -> tuple[Account, str] | None:
        """The account with that `username_key`, and its password hash."""

    def lock(self, account_id: UUID) -> tuple[Account, str] | None:
        """The account and its password hash, read after they were locked until the end of this unit of work.

        Who starts a session holds this lock, and who ends them all: so no session is missed that begins just then.
        """

    def lock_with_admins(self, account_id: UUID) -> dict[UUID, Account]:
        """The account, if there is one, and every active admin, read after they were locked, by ascending id."""

    def update(self, account: Account) -> None:
        """Store what became of an account; its username and password hash stay."""

    def set_password_hash(self, account_id: UUID, password_hash: str) -> None: ...

    def page(self, query: AccountQuery, piece: Piece) -> Page[Account]:
        """The accounts that match `query`, by `username_key`."""


class RefreshTokens(Protocol):
    """The links of all sessions, by the digest of what the client holds."""

    def add(self, token: RefreshToken) -> None: ...

    def lock(self, digest: bytes) -> RefreshToken | None:
        """The token, read after its whole session was locked until the end of this unit of work.

        So a session is traded or revoked by one at a time, and no revocation misses a successor in the making.
        """

    def update(self, token: RefreshToken) -> None: ...

    def revoke_family(self, family_id: UUID, now: datetime) -> None:
        """End a session: every token of it that is not revoked yet is, at `now`."""

    def revoke_all(self, account_id: UUID, now: datetime) -> None:
        """End every session of an account, after each was locked: no successor in the making is missed.

        A session that only just starts is missed, unless the account is locked on both sides: see `Accounts.lock`.
        """

    def sessions(self, account_id: UUID, now: datetime) -> list[Session]:
        """The sessions of an account that can be carried on, the last one that was used first."""

    def forget_ended(self, before: datetime, limit: int) -> int:
        """Forget tokens that expired before then: so many, about `limit` at most.

        The first token of a session that goes on stays: it tells when that began, and an adapter may lock it for all.
        """


class Attempts(Protocol):
    """How often passwords were guessed: for each key the moment at which its allowance is full again.

    See `shop_core.accounts.guesses`. Shared by all processes, and small: what is full is forgotten.
    """

    def lock(self, keys: Collection[bytes]) -> dict[bytes, datetime]:
        """The moment of each, read after all were locked, also those that were never heard of: these are left out."""

    def put(self, full_at: Mapping[bytes, datetime]) -> None:
        """Keep the moments of keys that were locked before."""

    def forget_full(self, now: datetime, limit: int) -> int:
        """Forget those whose moment has come, and that nobody has locked: so many, no more than `limit`."""


class Categories(Protocol):
    """The shelves of the catalog."""

    def add(self, category: Category) -> None:
        """Store a new category. Raises SlugTaken; CategoryNotFound when its parent is not there."""

    def get(self, category_id: UUID) -> CategoryEntry | None: ...

    def by_slug(self, slugs: Iterable[str]) -> dict[str, Category]:
        """Those of `slugs` that exist."""

    def page(self, piece: Numbered) -> Page[CategoryEntry]:
        """All categories by slug."""

    def all(self) -> Sequence[CategoryEntry]:
        """All categories by slug, in one piece."""

    def lock_all(self) -> dict[UUID, Category]:
        """The whole tree, read after it was locked against other changes of it until the end of this unit of work."""

    def update(self, category: Category) -> None:
        """Store a category that changed. Raises SlugTaken; CategoryNotFound when its parent is not there."""

    def remove(self, category_id: UUID) -> None:
        """Forget a category. Raises CategoryInUse, also if somebody puts something in meanwhile; CategoryNotFound."""


class Products(Protocol):
    """What the shop sells. Adding a product opens its stock level at zero."""

    def add_all(self, products: Sequence[Product]) -> None:
        """Store new products, all or none. Raises SkuTaken; CategoryNotFound."""

    def update_all(self, products: Sequence[Product]) -> None:
        """Store products that changed, all or none. Raises SkuTaken; CategoryNotFound."""

    def get(self, product_id: UUID) -> CatalogEntry | None:
        """The product as the catalog shows it; archived ones are not in the catalog."""

    def get_all(self, product_ids: Iterable[UUID]) -> dict[UUID, Product]:
        """Those that exist, archived ones included."""

    def offers(self, product_ids: Iterable[UUID]) -> dict[UUID, Offer]:
        """What is sold of those: archived products are not."""

    def lock(self, product_id: UUID) -> Product | None:
        """The product, also an archived one, read after it was locked until the end of this unit of work."""

    def remove(self, product_id: UUID) -> None:
        """Forget a product and its stock level. Only for one that nothing names; its stock must be locked."""

    def lock_by_sku(self, skus: Iterable[str]) -> dict[str, Product]:
        """Those that exist, archived ones included, locked for editing until the end of this unit of work."""

    def page(self, query: ProductQuery, piece: Piece) -> Page[CatalogEntry]:
        """The products in the catalog that match `query`."""


class Stock(Protocol):
    """Stock levels and the ledger behind them."""

    def get(self, product_id: UUID) -> StockLevel | None: ...

    def lock(self, product_ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
        """The levels of those products that exist, read after they were locked until the end of this unit of work."""

    def apply(self, movements: Sequence[StockMovement]) -> None:
        """Write movements to the ledger and change the counters by them: the only way in which stock changes.

        Raises:
            ProductNotFound, StockBelowZero, Oversold: a counter cannot change so. The whole unit of work is off.
        """

    def movements(self, product_id: UUID, piece: Keyset) -> Page[StockMovement]:
        """The ledger of a product, newest first."""


class Orders(Protocol):
    """Placed orders. The customer leads every key: whoever knows him, says him."""

    def add_all(self, orders: Sequence[Order]) -> None: ...

    def get(self, order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        """The order; when a customer is given, only if it is his and he did not delete it. Never half of an edit."""

    def lock(self, order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        """The same, read after it was locked until the end of this unit of work."""

    def update(self, order: Order) -> None:
        """Store everything of the order that can change, except its lines."""

    def replace_lines(self, order: Order) -> None:
        """Store the order's lines in the place of those that it had."""

    def page(self, query: OrderQuery, piece: Piece) -> Page[Order]:
        """The orders that match `query`, newest first."""


class Events(Protocol):
    """What happened. Events are added, never changed or taken away; each is also put into the outbox."""

    def add_all(self, events: Sequence[Event]) -> None: ...

    def timeline(self, customer_id: UUID, order_id: UUID, piece: Piece) -> Page[OrderEvent]:
        """What happened to that customer's order, oldest first."""


@dataclass(frozen=True, slots=True)
class Letter:
    """An event on its way out.

    Args:
        attempts: how often it was tried in vain.
        error: why, the last time.
    """

    event: Event
    attempts: int = 0
    error: str = ""


class Outbox(Protocol):
    """The events that have still to be told to others, and those that nobody would take."""

    def take(self, now: datetime, limit: int, hidden_for: timedelta) -> list[Letter]:
        """Up to about `limit` letters that may be tried now, hidden from every other taker until `now + hidden_for`.

        Those of one subject come in order (by `seq`, then by id), and none of a subject whose first letter has to wait
        or is in somebody else's hands. A taker that dies leaves them to the next one, once they are hidden no more.
        """

    def delivered(self, event_ids: Collection[UUID]) -> None:
        """These have arrived: they leave the outbox."""

    def postpone(self, event_id: UUID, until: datetime, error: str) -> None:
        """One attempt more was in vain; the subject's letters wait until then."""

    def give_up(self, event_id: UUID, error: str) -> None:
        """No attempt will be made any more: the letter is dead, and those after it go on."""

    def release(self, event_ids: Collection[UUID], now: datetime) -> None:
        """These were not tried after all: they may be taken again from `now` on."""

    def dead(self, piece: Numbered) -> Page[Letter]:
        """The dead letters, oldest first."""

    def revive(self, event_ids: Collection[UUID], now: datetime) -> int:
        """Dead letters that shall be tried again from the start; how many of them there were."""

    def waiting(self) -> tuple[int, datetime | None]:
        """How many letters wait, and when the oldest of their events happened."""


class Keys(Protocol):
    """Which idempotency key stands for what. They never expire."""

    def claim(self, claims: Sequence[Claim]) -> dict[Slot, Claim]:
        """Make each key its claim's, sorted, waiting for whoever is about to; at most one claim a key.

        Returns:
            Those that were taken before, with the claim that has them: they stay as they are.
        """

    def forget(self, claims: Sequence[Claim]) -> None:
        """Free keys that this unit of work claimed: what they were for was refused."""


class Reservations(Protocol):
    """Units held for customers. Who changes one has locked the stock of all its products: an adapter checks it."""

    def lock_holders(self, customer_ids: Iterable[UUID], now: Callable[[], datetime]) -> dict[UUID, Holding]:
        """What these customers hold, read after they were locked against reserving more in another unit of work.

        Args:
            now: the time to tell by what is expired, asked for after the lock.
        """

    def add_all(self, reservations: Sequence[Reservation]) -> None: ...

    def get_all(self, reservation_ids: Iterable[UUID]) -> dict[UUID, Reservation]:
        """Those that exist, as they were last stored: see `Reservation.at`."""

    def update_all(self, reservations: Sequence[Reservation]) -> None:
        """Store what became of them.

        Raises:
            LockOrderError: the stock of a product of one of them is not locked.
        """

    def due_lines(self, product_ids: Iterable[UUID], now: datetime) -> list[HeldLine]:
        """The lines of these products that are still held although their reservation's time is up at `now`."""

    def let_go(self, lines: Sequence[HeldLine]) -> None:
        """Mark lines as held no more: others needed the units. Their reservations stay as they are."""

    def due(self, now: datetime, limit: int) -> list[Reservation]:
        """Up to `limit` reservations stored as active whose time is up at `now`, longest ago first."""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Two records of one fact that differ. `shop audit` prints these and repairs nothing.

    Args:
        what: which fact, e.g. `on_hand`, `allocated`, `order total`.
        of: the product or order.
        stored: what the one record says.
        expected: what the other one makes it.
    """

    what: str
    of: UUID
    stored: int | str
    expected: int | str


class UnitOfWork(Protocol):
    """All or nothing. What is read is committed by others or written by this one; what is locked stays as read."""

    @property
    def accounts(self) -> Accounts: ...
    @property
    def refresh_tokens(self) -> RefreshTokens: ...
    @property
    def attempts(self) -> Attempts: ...
    @property
    def categories(self) -> Categories: ...
    @property
    def products(self) -> Products: ...
    @property
    def stock(self) -> Stock: ...
    @property
    def orders(self) -> Orders: ...
    @property
    def events(self) -> Events: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def reservations(self) -> Reservations: ...

    def now(self) -> datetime:
        """The time on the one clock of the store, UTC, aware: now, or at least after the last lock was had.

        What is expired is told by this clock alone, however wrong those of the processes are.
        """

    def alone(self, task: str) -> bool:
        """Whether no other unit of work is at that task, from now until the end of this one. Never waits."""

    def audit(self) -> list[Discrepancy]:
        """Everything that does not add up, in one consistent view.

        On hand, allocated and reserved against the fold of the ledger; allocated against the lines of orders that
        hold stock; reserved against the lines that reservations hold; held lines against the state of their
        reservation; confirmed reservations against their orders; keys against what they made; the shortfall against
        its counters; order totals against their lines; version and status of each order against its last event, and
        its version against the number of its events.
        """


Begin = Callable[[], AbstractContextManager[UnitOfWork]]
"""Opens a unit of work. Raises Unavailable when the store cannot be reached in time."""

Clock = Callable[[], datetime]
"""The time now, in UTC, aware."""

NewId = Callable[[], UUID]
"""A new UUIDv7 (RFC 9562): ids sort by the time they were made in."""


class EventPublisher(Protocol):
    """Where events go: a log, a webhook, a queue."""

    def publish(self, event: Event) -> None:
        """Tell it. It may be told again: who receives it compares the id.

        Raises:
            Undelivered: it did not arrive, or nobody knows whether it did.
        """


class Undelivered(Exception):
    """An event did not arrive.

    Args:
        reason: in a line.
        is_final: trying again is of no use.
    """

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final


class PasswordHasher(Protocol):
    """Slow, salted, one-way."""

    def hash(self, password: str) -> str: ...

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether `password` made the hash. With None: False, after as much work, so that time tells nothing."""

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""


class Tokens(Protocol):
    """What proves a login: short-lived access tokens that need no look-up, and refresh tokens."""

    def access(self, actor: Actor, issued_at: datetime, life: timedelta) -> str:
        """A token that says who acts, for as long as `life`."""

    def read_access(self, token: str, now: datetime) -> Actor:
        """Who acts. Raises InvalidToken."""

    def refresh(self) -> str:
        """A new random refresh token of at least 256 bits."""

    def successors(self, refresh: str) -> Sequence[str]:
        """The refresh tokens that may follow this one: always the same, and not to be guessed from it.

        The first is to be given out. The others are what servers gave out under an earlier secret.
        """

    def device(self, username_key: str) -> str:
        """A new token that proves, at later logins, that a login with this username succeeded on that device."""

    def is_device(self, device: str, username_key: str) -> bool:
        """Whether `device` is such a token, for this username."""

    def digest(self, refresh: str) -> bytes:
        """The one-way hash under which a refresh token is stored."""


class Adapters(Protocol):
    """One choice for every port: what a `Shop` is built from."""

    @property
    def begin(self) -> Begin: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def new_id(self) -> NewId: ...
    @property
    def passwords(self) -> PasswordHasher: ...
    @property
    def tokens(self) -> Tokens: ...
    @property
    def currency(self) -> str:
        """The one currency of the shop, an ISO 4217 code."""
