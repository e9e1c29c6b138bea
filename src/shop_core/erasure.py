"""How an account is erased, whoever asks for it: the person goes, the books stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from shop_core.accounts.model import Account, Actor, check_admin_stays
from shop_core.errors import OrdersOpen
from shop_core.events import StockEvent, StockEventKind
from shop_core.orders.model import HOLDS_STOCK, OrderQuery
from shop_core.pagination import CursorRequest, everything
from shop_core.ports import NewId, UnitOfWork
from shop_core.reservations.model import ReservationQuery, ReservationStep
from shop_core.reservations.reserving import give_back
from shop_core.text import comparable

ORDERS_NAMED_MAX = 10
"""Of those that keep an account from being erased."""


def erase(uow: UnitOfWork, locked: Mapping[UUID, Account], account_id: UUID, actor: Actor, new_id: NewId) -> list[UUID]:
    """Erase an account.

    Args:
        locked: the account and all admins, see `Accounts.lock_with_admins`.
        actor: who does it.

    Returns:
        The sessions that end.

    Raises:
        OrdersOpen, LastAdmin
    """
    now = uow.now()
    admins = [account for account in locked.values() if account.is_active_admin]
    check_admin_stays(admins, replace(locked[account_id], active=False))
    _check_no_open_orders(uow, account_id)
    _release_all(uow, account_id, actor, new_id)
    ended = [session.id for session in uow.refresh_tokens.sessions(account_id, now)]
    uow.refresh_tokens.erase_all(account_id, now)
    uow.keys.erase_all(account_id)
    uow.events.erase_reasons(account_id)
    uow.mails.erase_all(account_id, _own_address(uow, locked[account_id]))
    uow.accounts.remove(account_id)
    kind = StockEventKind.ACCOUNT_ERASED
    uow.events.add_all([StockEvent(new_id(), kind, account_id, now, 0, account_id, actor.id)])
    return ended


def _own_address(uow: UnitOfWork, account: Account) -> str:
    """The address of which mails are forgotten, too; empty if it is not confirmed, or others have it as well."""
    address = comparable(account.email) if account.email_confirmed else ""
    # Not among those it looks for: an account that is deactivated is not found, but somebody else may be.
    others = [other for other, _ in uow.accounts.confirmed(address, 2) if other.id != account.id]
    return "" if others else address


def _release_all(uow: UnitOfWork, customer_id: UUID, actor: Actor, new_id: NewId) -> None:
    query, now = ReservationQuery(customer_id, is_active=True), uow.now()
    active = list(everything(lambda asked: uow.reservations.page(query, now, asked)))
    uow.stock.lock({product_id for reservation in active for product_id in reservation.units})
    now = uow.now()
    for reservation in uow.reservations.get_all([reservation.id for reservation in active]).values():
        if reservation.is_whole(now):
            after, movements = give_back(reservation, ReservationStep.RELEASE, actor.id, now, new_id)
            uow.reservations.update_all([after])
            uow.stock.apply(movements)


def _check_no_open_orders(uow: UnitOfWork, customer_id: UUID) -> None:
    first = CursorRequest(ORDERS_NAMED_MAX)
    found = [uow.orders.page(OrderQuery(customer_id, status), first).items for status in sorted(HOLDS_STOCK)]
    if numbers := [order.number for orders in found for order in orders]:
        raise OrdersOpen(numbers[:ORDERS_NAMED_MAX])
