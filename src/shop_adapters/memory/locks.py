"""Row locks: a unit of work keeps its locks until its end."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from threading import Condition

from shop_core.errors import Busy

Owner = object
"""A unit of work."""


class RowLocks:
    """The holder of each locked row, and the queue of those that wait. Methods are called with the mutex held.

    The rows of one claim are taken all at once or not at all, so a claim that waits blocks nobody by what it has
    already. First come, first served, so that a large claim is not overtaken for ever by small ones; but an owner that
    holds rows already goes first: those before it in the queue may be waiting for it.

    Args:
        mutex: guards the store; waiting frees it.
        timeout_s: how long a claim waits, in seconds.
    """

    def __init__(self, mutex: Condition, timeout_s: float) -> None:
        self._mutex = mutex
        self._timeout_s = timeout_s
        self._holders: dict[str, dict[Hashable, Owner]] = {}
        self._queue: dict[Owner, tuple[str, Collection[Hashable]]] = {}  # in order of arrival

    def claim(self, owner: Owner, held: dict[str, set[Hashable]], table: str, keys: Collection[Hashable]) -> bool:
        """Lock rows, waiting until they all are free.

        Args:
            owner: for whom.
            held: the rows that the owner holds, by table; the rows are added to it.
            table: of the rows.
            keys: of the rows; holding some of them already is fine.

        Returns:
            Whether it had to wait.

        Raises:
            Busy: others kept them for too long.
        """
        mine = held.get(table)
        if mine is not None and mine.issuperset(keys):
            return False
        must_wait = not self._is_free(owner, held, table, keys)
        if must_wait:
            self._wait(owner, held, table, keys)
        self._holders.setdefault(table, {}).update(dict.fromkeys(keys, owner))
        held.setdefault(table, set()).update(keys)
        return must_wait

    def try_claim(self, owner: Owner, held: dict[str, set[Hashable]], table: str, key: Hashable) -> bool:
        """Lock a row unless another owner has it. Returns whether the owner has it now; never waits."""
        if self._holders.setdefault(table, {}).setdefault(key, owner) is not owner:
            return False
        held.setdefault(table, set()).add(key)
        return True

    def release(self, held: dict[str, set[Hashable]]) -> None:
        """Unlock everything that one owner holds, and wake all that wait."""
        for table, keys in held.items():
            holders = self._holders[table]
            if len(holders) == len(keys):
                holders.clear()
            else:
                for key in keys:
                    del holders[key]
        held.clear()
        self._mutex.notify_all()

    def _wait(self, owner: Owner, held: dict[str, set[Hashable]], table: str, keys: Collection[Hashable]) -> None:
        self._queue[owner] = (table, keys)
        try:
            if not self._mutex.wait_for(lambda: self._is_free(owner, held, table, keys), self._timeout_s):
                raise Busy(f"Others have kept {table} locked for {self._timeout_s:g} seconds.")
        finally:
            del self._queue[owner]
            self._mutex.notify_all()  # the next in the queue may be free to go

    def _is_free(self, owner: Owner, held: dict[str, set[Hashable]], table: str, keys: Collection[Hashable]) -> bool:
        holders = self._holders.get(table)
        if holders and any(holders.get(key, owner) is not owner for key in keys):
            return False
        return bool(held) or not self._is_behind(owner, table, keys)

    def _is_behind(self, owner: Owner, table: str, keys: Collection[Hashable]) -> bool:
        """Whether an earlier claim waits for one of these rows."""
        for other, (other_table, other_keys) in self._queue.items():
            if other is owner:
                return False
            if other_table == table and not set(other_keys).isdisjoint(keys):
                return True
        return False
