"""Whether somebody knows the password of an account, with every try counted."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from shop_core.accounts.guess_limits import Guess, given_back, taken
from shop_core.accounts.model import Account
from shop_core.accounts.passwords import PASSWORD_LENGTHS, password_length
from shop_core.ports import Begin, PasswordHasher, UnitOfWork


class PasswordChecks:
    """Looks at passwords. Slow, so never inside a unit of work, where that can be helped."""

    def __init__(self, begin: Begin, passwords: PasswordHasher) -> None:
        self._begin = begin
        self._passwords = passwords

    def take(self, guesses: Sequence[Guess]) -> None:
        """Take the tries, committed before the password is looked at."""
        with self._begin() as uow:
            full_at = uow.attempts.lock([guess.key for guess in guesses])
            uow.attempts.put(taken(guesses, full_at, uow.now()))

    def give_back(self, uow: UnitOfWork, guesses: Sequence[Guess]) -> None:
        uow.attempts.put(given_back(guesses, uow.attempts.lock([guess.key for guess in guesses])))

    def is_right(self, password_hash: str | None, password: str) -> bool:
        too_long = password_length(password) > PASSWORD_LENGTHS[1]  # never hash what nobody can have set
        return self._passwords.verify(password_hash, "" if too_long else password) and not too_long

    def still_right(self, uow: UnitOfWork, account_id: UUID, password: str, seen: str) -> Account | None:
        """The account, locked, if `password`, which made the hash `seen`, is still its password."""
        account, stored = uow.accounts.lock(account_id) or (None, None)
        # Another hash is another password, or the same one hashed anew: rare, so it may be slow under the lock.
        return account if stored == seen or self.is_right(stored, password) else None
