"""What is kept for longer than it should be: to look at it, and to delete it.

Only what no book needs goes by age. Orders, the ledger, ended reservations, uses of promotions and idempotency keys
stay: they prove what was sold, and that it was sold once, and an audit compares them with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from shop_core.accounts.model import Account, AccountQuery, Actor, Role
from shop_core.accounts.password_checks import check_recent
from shop_core.accounts.sessions import SESSION_LIFE
from shop_core.erasure import erase
from shop_core.errors import Fault, Invalid
from shop_core.pagination import LIMIT_MAX, CursorRequest
from shop_core.ports import Begin, NewId, Queue, Revocations, UnitOfWork

AGE_MAX = timedelta(days=36_500)
DELETED_AT_ONCE_MAX = 500
"""Messages that one unit of work deletes."""
CUSTOMERS_AT_ONCE_MAX = 50
"""Customers in one unit of work whose words are erased."""


class Kept(StrEnum):
    """A kind of data that goes by age. Accounts come last: with them goes of the others what is theirs."""

    REASONS = "reasons"
    MAILS = "mails"
    EVENTS = "events"
    ACCOUNTS = "accounts"


@dataclass(frozen=True, slots=True)
class RetentionAges:
    """From which age on something is kept for too long.

    Args:
        accounts: of customers, since somebody last used them. At least the life of a session: then none is left.
        reasons: the words of the events in the timelines of orders.
        dead_messages: mails, and events for others, that were given up.

    Raises:
        Invalid: an age is too short, or longer than a hundred years.
    """

    accounts: timedelta = timedelta(days=1095)
    reasons: timedelta = timedelta(days=365)
    dead_messages: timedelta = timedelta(days=30)

    def __post_init__(self) -> None:
        ages_min = {"accounts": SESSION_LIFE, "reasons": timedelta(days=1), "dead_messages": timedelta(days=1)}
        faults = [
            Fault(name, f"must be from {age.days} to {AGE_MAX.days} days, this is {kept.days}", "out_of_range")
            for name, age in ages_min.items()
            if not age <= (kept := getattr(self, name)) <= AGE_MAX
        ]
        if faults:
            raise Invalid(*faults)

    def of(self, kind: Kept) -> timedelta:
        """That of one kind."""
        ages = {Kept.ACCOUNTS: self.accounts, Kept.REASONS: self.reasons}
        return ages.get(kind, self.dead_messages)


@dataclass(frozen=True, slots=True)
class Overdue:
    """What is kept for too long, of one kind.

    Args:
        before: everything from before then; of accounts, everything that was not used since.
        count: of accounts, words or messages.
        oldest: when the first of them was last used, or happened.
    """

    kind: Kept
    before: datetime
    count: int
    oldest: datetime | None


class RetentionService:
    """Finds and deletes what is kept for too long. The shop may go on meanwhile."""

    def __init__(self, begin: Begin, new_id: NewId, revocations: Revocations) -> None:
        self._begin = begin
        self._new_id = new_id
        self._revocations = revocations

    def overdue(self, actor: Actor, ages: RetentionAges) -> list[Overdue]:
        """What is kept for too long now, of each kind. Admins only. It deletes nothing.

        Raises:
            Unauthenticated, Forbidden: the actor is not an admin.
        """
        actor.require(Role.ADMIN)
        with self._begin() as uow:
            now = uow.now()
        found = []
        for kind in Kept:
            before = now - ages.of(kind)
            found.append(Overdue(kind, before, *self._count(kind, before)))
        return found

    def delete(self, actor: Actor, overdue: Overdue, erased: Callable[[UUID], object] = lambda _: None) -> int:
        """Delete what `overdue` found, and nothing that is younger. Admins only, with a recent login.

        It is done in many small units of work: if it ends halfway, the rest is there, and can be deleted later. An
        account is erased as by `PrivacyService.erase`, unless it was used meanwhile.

        Args:
            erased: gets the id of each account that was erased.

        Returns:
            How many accounts were erased, words erased, or messages deleted.

        Raises:
            Unauthenticated, Forbidden: the actor is not an admin.
            LoginTooOld: they logged in too long ago; nothing was deleted.
        """
        actor.require(Role.ADMIN)
        with self._begin() as uow:  # once: it may take longer than a login is recent
            check_recent(uow, actor)
        kind, before = overdue.kind, overdue.before
        if kind is Kept.ACCOUNTS:
            return sum(self._erase_unused(actor, account_id, before, erased) for account_id, _ in self._unused(before))
        if kind is Kept.REASONS:
            return self._erase_reasons(before)
        deleted = 0
        while True:
            with self._begin() as uow:
                of_batch = _queue(uow, kind).delete_dead(before, DELETED_AT_ONCE_MAX)
            deleted += of_batch
            if of_batch < DELETED_AT_ONCE_MAX:
                return deleted

    def _count(self, kind: Kept, before: datetime) -> tuple[int, datetime | None]:
        if kind is Kept.ACCOUNTS:
            times = [used_at for _, used_at in self._unused(before)]
            return len(times), min(times, default=None)
        with self._begin() as uow:
            if kind is not Kept.REASONS:
                return _queue(uow, kind).count_dead(before)
            of_customers = uow.events.reasons(before).values()
        return sum(count for count, _ in of_customers), min((first_at for _, first_at in of_customers), default=None)

    def _unused(self, before: datetime) -> Iterator[tuple[UUID, datetime]]:
        """The accounts that may go, each with when it was last used; they may do so while this goes on."""
        cursor = None
        while True:
            with self._begin() as uow:
                page = uow.accounts.page(AccountQuery(role=Role.CUSTOMER), CursorRequest(LIMIT_MAX, cursor))
                found = _unused_of(uow, page.items, before)
            yield from found.items()
            if (cursor := page.cursor) is None:
                return

    def _erase_unused(self, actor: Actor, account_id: UUID, before: datetime, erased: Callable[[UUID], object]) -> bool:
        with self._begin() as uow:
            locked, now = uow.accounts.lock_with_admins(account_id), uow.now()
            account = locked.get(account_id)
            if account is None or not _unused_of(uow, [account], before):  # nobody logs in while it is locked
                return False
            ended = erase(uow, locked, account_id, actor, self._new_id)
        self._revocations.add(*ended, at=now)
        erased(account_id)
        return True

    def _erase_reasons(self, before: datetime) -> int:
        with self._begin() as uow:
            found = uow.events.reasons(before)
        customers = sorted(found)
        for start in range(0, len(customers), CUSTOMERS_AT_ONCE_MAX):
            with self._begin() as uow:
                for customer_id in customers[start : start + CUSTOMERS_AT_ONCE_MAX]:
                    uow.events.erase_reasons(customer_id, before)
        return sum(count for count, _ in found.values())


def _unused_of(uow: UnitOfWork, accounts: Iterable[Account], before: datetime) -> dict[UUID, datetime]:
    """Those of these accounts that may go, each with when it was last used, as far as that is stored.

    A log-in leaves no other trace than the tokens of its session, which are deleted an hour after they expired.
    """
    known = {
        account.id: max(account.created_at, account.updated_at)
        for account in accounts
        if account.role is Role.CUSTOMER and max(account.created_at, account.updated_at) < before
    }
    if not known:
        return {}
    orders = uow.orders.activity(known)
    for used_at in (
        uow.refresh_tokens.last_used(known),
        uow.reservations.last_made(known),
        {customer_id: activity.changed_at for customer_id, activity in orders.items()},
    ):
        known.update({each: max(at, known[each]) for each, at in used_at.items()})
    is_open = {customer_id for customer_id, activity in orders.items() if activity.is_any_open}
    return {each: at for each, at in known.items() if at < before and each not in is_open}


def _queue(uow: UnitOfWork, kind: Kept) -> Queue[Any]:
    return uow.mails if kind is Kept.MAILS else uow.outbox
