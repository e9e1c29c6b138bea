"""What is stored about a person, and how they leave: the person goes, the books stay.

Orders, their timelines, reservations, uses of promotions and the ledger keep the id of the account, which names nobody
any more. Everything else of the person is erased: see docs/decisions/0024-the-person-goes-the-books-stay.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from shop_core.accounts.guess_limits import guesses_of_change
from shop_core.accounts.model import Account, Actor, Role, check_admin_stays
from shop_core.accounts.password_checks import PasswordChecks
from shop_core.accounts.sessions import Session, check_recent_login
from shop_core.errors import AccountNotFound, InvalidCursor, OrdersOpen, WrongPassword
from shop_core.events import OrderEvent, StockEvent, StockEventKind
from shop_core.idempotency import IdempotencyKey
from shop_core.orders.model import HOLDS_STOCK, Order, OrderQuery
from shop_core.pagination import LIMIT_MAX, CursorRequest, Page
from shop_core.ports import Begin, NewId, PasswordHasher, Revocations, Tokens, UnitOfWork
from shop_core.pricing.coupons import Redemption
from shop_core.reservations.model import Reservation, ReservationQuery, ReservationStep
from shop_core.reservations.reserving import give_back
from shop_core.text import comparable

T = TypeVar("T")

PAGE_ITEMS_MAX = 20
"""Orders, and reservations, on one page of what is stored about a person."""
ORDERS_NAMED_MAX = 10
"""Of those that keep an account from being erased."""
_END = "-"


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """All that is stored about an order.

    Args:
        events: its timeline, oldest first.
        redemptions: the uses of promotions and coupons that it has.
    """

    order: Order
    events: tuple[OrderEvent, ...]
    redemptions: tuple[Redemption, ...]


@dataclass(frozen=True, slots=True)
class PersonalData:
    """What is stored about a person: a page of it.

    Args:
        sessions: those that can be refreshed.
        orders: also those that the person deleted, newest first.
        reservations: newest first.
        cursor: of the next page; None at the end.
    """

    account: Account
    sessions: tuple[Session, ...]
    orders: tuple[OrderRecord, ...]
    reservations: tuple[Reservation, ...]
    cursor: str | None


class PrivacyService:
    """What a person may ask of the shop about themselves."""

    def __init__(
        self, begin: Begin, new_id: NewId, passwords: PasswordHasher, tokens: Tokens, revocations: Revocations
    ) -> None:
        self._begin = begin
        self._new_id = new_id
        self._checks = PasswordChecks(begin, passwords)
        self._tokens = tokens
        self._revocations = revocations

    def my_data(self, actor: Actor, cursor: str | None = None) -> PersonalData:
        """A page of what is stored about the actor.

        Args:
            cursor: of the page, as the one before gave it; None for the first.

        Raises:
            Unauthenticated: no account acts.
            AccountNotFound: it no longer exists.
            InvalidCursor
        """
        with self._begin() as uow:
            return _data_of(uow, actor.account_id, cursor)

    def data(self, actor: Actor, account_id: UUID, cursor: str | None = None) -> PersonalData:
        """The same about anybody. Admins only, with a recent login.

        Raises:
            Unauthenticated, Forbidden: the actor is not an admin.
            LoginTooOld, AccountNotFound, InvalidCursor
        """
        actor.require(Role.ADMIN)
        with self._begin() as uow:
            _check_recent(uow, actor)
            return _data_of(uow, account_id, cursor)

    def erase_me(self, actor: Actor, password: str, *, key: IdempotencyKey | None = None) -> None:
        """Erase the actor's own account, and all that is stored about the person. It cannot be undone.

        To erase it again changes nothing. Every session ends, and active reservations are released.

        Args:
            password: of the account; each guess counts as one of a change of the password.
            key: may not have been used for another request. It goes with the account.

        Raises:
            Unauthenticated: no account acts.
            TooManyAttempts, WrongPassword, KeyReused
            OrdersOpen: orders of the account are not shipped yet.
            LastAdmin: the shop would be left without an active admin.
        """
        with self._begin() as uow:
            account = uow.accounts.get(actor.account_id)
            _, checked_hash = (uow.accounts.credentials(account.username_key) if account else None) or (None, None)
        if account is None or checked_hash is None:
            return
        guesses = guesses_of_change(account.id)
        with self._checks.counted(guesses):
            if not self._checks.is_right(checked_hash, password):
                raise WrongPassword("password")
            with self._begin() as uow:
                if key is not None:
                    key.was_used(uow.keys.claim, account.id, "erase me")
                locked, now = uow.accounts.lock_with_admins(account.id), uow.now()
                ended = []
                if account.id in locked:
                    if self._checks.still_right(uow, account.id, password, checked_hash) is None:
                        raise WrongPassword("password")
                    ended = self._erase(uow, locked, account.id, actor, now)
                self._checks.uncount(uow, guesses)
        self._revocations.add(*ended, at=now)

    def erase(self, actor: Actor, account_id: UUID, *, key: IdempotencyKey | None = None) -> None:
        """Erase an account for its person, as `erase_me` does. Admins only, with a recent login.

        Args:
            key: makes a retry safe; see `IdempotencyKey`.

        Raises:
            Unauthenticated, Forbidden: the actor is not an admin.
            LoginTooOld, AccountNotFound, KeyReused, OrdersOpen, LastAdmin
        """
        actor.require(Role.ADMIN)
        with self._begin() as uow:
            if key is not None and key.was_used(uow.keys.claim, actor.account_id, "erase", account_id):
                return
            _check_recent(uow, actor)
            locked, now = uow.accounts.lock_with_admins(account_id), uow.now()
            if account_id not in locked:
                raise AccountNotFound(account_id)
            ended = self._erase(uow, locked, account_id, actor, now)
        self._revocations.add(*ended, at=now)

    def is_erased(self, access: str) -> bool:
        """Whether an access token, which may have expired, is of an account that is not there any more.

        So a client whose response to an erasure was lost may ask again.

        Raises:
            InvalidToken: the token is none of ours.
        """
        account_id = self._tokens.read_access(access).actor.account_id
        with self._begin() as uow:
            return uow.accounts.get(account_id) is None

    def _erase(
        self, uow: UnitOfWork, locked: Mapping[UUID, Account], account_id: UUID, actor: Actor, now: datetime
    ) -> list[UUID]:
        """Erase an account, which is locked with all admins; returns the sessions that end."""
        admins = [account for account in locked.values() if account.is_active_admin]
        check_admin_stays(admins, replace(locked[account_id], active=False))
        _check_no_open_orders(uow, account_id)
        self._release_all(uow, account_id, actor)
        ended = [session.id for session in uow.refresh_tokens.sessions(account_id, now)]
        uow.refresh_tokens.erase_all(account_id, now)
        uow.keys.erase_all(account_id)
        uow.events.erase_reasons(account_id)
        uow.mails.erase_all(account_id, comparable(locked[account_id].email))
        uow.accounts.remove(account_id)
        kind = StockEventKind.ACCOUNT_ERASED
        uow.events.add_all([StockEvent(self._new_id(), kind, account_id, now, 0, account_id, actor.id)])
        return ended

    def _release_all(self, uow: UnitOfWork, customer_id: UUID, actor: Actor) -> None:
        query, now = ReservationQuery(customer_id, is_active=True), uow.now()
        active = list(_all(lambda asked: uow.reservations.page(query, now, asked)))
        uow.stock.lock({product_id for reservation in active for product_id in reservation.units})
        now = uow.now()
        for reservation in uow.reservations.get_all([reservation.id for reservation in active]).values():
            if reservation.is_whole(now):
                after, movements = give_back(reservation, ReservationStep.RELEASE, actor.id, now, self._new_id)
                uow.reservations.update_all([after])
                uow.stock.apply(movements)


def _check_recent(uow: UnitOfWork, actor: Actor) -> None:
    """Raise LoginTooOld; the operator of the shop, who acts without an account, has no session."""
    if actor.id is not None:
        now = uow.now()
        check_recent_login(actor.session, uow.refresh_tokens.sessions(actor.id, now), now)


def _check_no_open_orders(uow: UnitOfWork, customer_id: UUID) -> None:
    first = CursorRequest(ORDERS_NAMED_MAX)
    found = [uow.orders.page(OrderQuery(customer_id, status), first).items for status in sorted(HOLDS_STOCK)]
    if numbers := [order.number for orders in found for order in orders]:
        raise OrdersOpen(numbers[:ORDERS_NAMED_MAX])


def _data_of(uow: UnitOfWork, account_id: UUID, cursor: str | None) -> PersonalData:
    account, now = uow.accounts.get(account_id), uow.now()
    if account is None:
        raise AccountNotFound(account_id)
    of_orders, of_reservations = _cursors(cursor)
    orders = _page(lambda asked: uow.orders.page(OrderQuery(account_id, with_deleted=True), asked), of_orders)
    held = _page(lambda asked: uow.reservations.page(ReservationQuery(account_id), now, asked), of_reservations)
    ends = (_END if page.cursor is None else page.cursor for page in (orders, held))
    return PersonalData(
        account,
        tuple(uow.refresh_tokens.sessions(account_id, now)),
        tuple(_record_of(uow, order) for order in orders.items),
        tuple(reservation.at(now) for reservation in held.items),
        None if orders.cursor is held.cursor is None else "~".join(ends),
    )


def _record_of(uow: UnitOfWork, order: Order) -> OrderRecord:
    events = _all(lambda asked: uow.events.timeline(order.customer_id, order.id, asked))
    return OrderRecord(order, tuple(events), tuple(uow.prices.redeemed(order.customer_id, order.id)))


def _cursors(cursor: str | None) -> tuple[str, str]:
    """Where the orders and the reservations go on: empty at the start."""
    of_orders, *rest = (cursor or "~").split("~")
    if len(rest) != 1:
        raise InvalidCursor
    return of_orders, rest[0]


def _page(page_at: Callable[[CursorRequest], Page[T]], cursor: str) -> Page[T]:
    return Page(()) if cursor == _END else page_at(CursorRequest(PAGE_ITEMS_MAX, cursor or None))


def _all(page_at: Callable[[CursorRequest], Page[T]]) -> Iterator[T]:
    cursor: str | None = None
    while True:
        page = page_at(CursorRequest(LIMIT_MAX, cursor))
        yield from page.items
        cursor = page.cursor
        if cursor is None:
            return
