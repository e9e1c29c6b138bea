"""What a person may ask of the shop about themselves: what is stored, and to be erased.

Orders, their timelines, reservations, uses of promotions and the ledger keep the id of the account, which names nobody
any more. Everything else of the person is erased: see docs/decisions/0024-the-person-goes-the-books-stay.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from shop_core.accounts.guess_limits import guesses_of_change
from shop_core.accounts.model import Account, Actor, Role
from shop_core.accounts.password_checks import PasswordChecks, check_recent
from shop_core.accounts.sessions import Session
from shop_core.erasure import erase
from shop_core.errors import AccountNotFound, InvalidCursor, WrongPassword
from shop_core.events import OrderEvent
from shop_core.idempotency import Key
from shop_core.orders.model import Order, OrderQuery
from shop_core.pagination import CursorRequest, Page, everything
from shop_core.ports import Begin, NewId, PasswordHasher, Revocations, Tokens, UnitOfWork
from shop_core.pricing.coupons import Redemption
from shop_core.reservations.model import Reservation, ReservationQuery

T = TypeVar("T")

PAGE_ITEMS_MAX = 20
"""Orders, and reservations, on one page of what is stored about a person."""
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
            check_recent(uow, actor)
            return _data_of(uow, account_id, cursor)

    def erase_me(self, actor: Actor, password: str, *, key: Key = None) -> None:
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
                    key.claim(uow.keys.claim, account.id, "erase me")
                locked, now = uow.accounts.lock_with_admins(account.id), uow.now()
                ended = []
                if account.id in locked:
                    if self._checks.still_right(uow, account.id, password, checked_hash) is None:
                        raise WrongPassword("password")
                    ended = erase(uow, locked, account.id, actor, self._new_id)
                self._checks.uncount(uow, guesses)
        self._revocations.add(*ended, at=now)

    def erase(self, actor: Actor, account_id: UUID, *, key: Key = None) -> None:
        """Erase an account for its person, as `erase_me` does. Admins only, with a recent login.

        Args:
            key: makes a retry safe; see `IdempotencyKey`.

        Raises:
            Unauthenticated, Forbidden: the actor is not an admin.
            LoginTooOld, AccountNotFound, KeyReused, OrdersOpen, LastAdmin
        """
        actor.require(Role.ADMIN)
        with self._begin() as uow:
            if key is not None and key.claim(uow.keys.claim, actor.account_id, "erase", account_id):
                return
            check_recent(uow, actor)
            locked, now = uow.accounts.lock_with_admins(account_id), uow.now()
            if account_id not in locked:
                raise AccountNotFound(account_id)
            ended = erase(uow, locked, account_id, actor, self._new_id)
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
    events = everything(lambda asked: uow.events.timeline(order.customer_id, order.id, asked))
    return OrderRecord(order, tuple(events), tuple(uow.prices.redeemed(order.customer_id, order.id)))


def _cursors(cursor: str | None) -> tuple[str, str]:
    """Where the orders and the reservations go on: empty at the start."""
    of_orders, *rest = (cursor or "~").split("~")
    if len(rest) != 1:
        raise InvalidCursor
    return of_orders, rest[0]


def _page(page_at: Callable[[CursorRequest], Page[T]], cursor: str) -> Page[T]:
    return Page(()) if cursor == _END else page_at(CursorRequest(PAGE_ITEMS_MAX, cursor or None))
