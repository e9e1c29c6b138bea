"""What placing and reserving have in common when they decide for many requests at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from shop_core.idempotency import Claim, Slot
from shop_core.inventory.model import StockLevel, StockMovement, levels_after
from shop_core.ports import Keys, NewId, UnitOfWork
from shop_core.reservations.allocation import expiry_of


class Decision(Protocol):
    """What was decided for a batch."""

    @property
    def is_short(self) -> bool:
        """Whether somebody would be told that there is not enough."""


D = TypeVar("D", bound=Decision)
Levels = Mapping[UUID, StockLevel]


def decided(
    decide: Callable[[Levels], D], levels: Levels, expire: Callable[[], list[StockMovement]]
) -> tuple[D, list[StockMovement]]:
    """Decide; and if somebody would be refused for lack of stock, take back what has expired and decide again.

    Args:
        decide: the whole batch, for that stock.
        levels: the stock, locked.
        expire: see `expire_due`.

    Returns:
        The decision, and the ledger lines of what was taken back.
    """
    decision = decide(levels)
    if decision.is_short and (expired := expire()):
        return decide(levels_after(levels, expired)), expired
    return decision, []


def settle(keys: Keys, claims: Sequence[Claim], taken: Mapping[Slot, Claim], won: Sequence[Claim]) -> None:
    """Keep only the keys whose request made something.

    Args:
        claims: those that were asked for, the first of each key.
        taken: those of them that others had.
        won: those whose request made something; another one than the first, if the first twin was refused.
    """
    kept = {claim.slot: claim for claim in won}
    mine = {claim.slot: claim for claim in claims if claim.slot not in taken}
    if lost := [claim for slot, claim in mine.items() if kept.get(slot) != claim]:
        keys.forget(lost)
    if late := [claim for slot, claim in kept.items() if mine[slot] != claim]:
        keys.claim(late)


def expire_due(uow: UnitOfWork, product_ids: Iterable[UUID], now: datetime, new_id: NewId) -> list[StockMovement]:
    """Take back what reservations of these products hold whose time is up; before anyone is told "not enough".

    Args:
        product_ids: their stock is locked.
        now: on the clock of the store, read after the locks.

    Returns:
        The ledger lines, to be applied.
    """
    lines = uow.reservations.due_lines(product_ids, now)
    if lines:
        uow.reservations.release_lines(lines)
    return expiry_of(lines, now, new_id)
