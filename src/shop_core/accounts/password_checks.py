"""Checking who acts: the password of an account, with every guess counted, and that they logged in lately."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from uuid import UUID

from shop_core.accounts.guess_limits import Guess, return_tokens, take_tokens
from shop_core.accounts.model import Account, Actor
from shop_core.accounts.passwords import PASSWORD_LENGTHS, password_length
from shop_core.accounts.sessions import check_recent_login
from shop_core.errors import WrongCredentials, WrongPassword
from shop_core.ports import Begin, PasswordHasher, UnitOfWork


class PasswordChecks:
    """Checks passwords. This is slow, so it happens outside of units of work wherever possible."""

    def __init__(self, begin: Begin, passwords: PasswordHasher) -> None:
        self._begin = begin
        self._passwords = passwords

    def count(self, guesses: Sequence[Guess]) -> None:
        """Take the tokens of a guess; committed before the password is looked at.

        Raises:
            TooManyAttempts
        """
        with self._begin() as uow:
            full_at = uow.attempts.lock([guess.key for guess in guesses])
            uow.attempts.put(take_tokens(guesses, full_at, uow.now()))

    @contextmanager
    def counted(self, guesses: Sequence[Guess]) -> Iterator[None]:
        """Count a guess, and check the password in the block. If that ends with anything but a wrong password, as when
        the shop itself fails, the guess is returned.

        Raises:
            TooManyAttempts
        """
        self.count(guesses)
        try:
            yield
        except Exception as failure:
            if not isinstance(failure, WrongCredentials | WrongPassword):
                with suppress(Exception), self._begin() as uow:
                    self.uncount(uow, guesses)
            raise

    def uncount(self, uow: UnitOfWork, guesses: Sequence[Guess]) -> None:
        """Return the tokens: the password was right."""
        uow.attempts.put(return_tokens(guesses, uow.attempts.lock([guess.key for guess in guesses])))

    def is_right(self, password_hash: str | None, password: str) -> bool:
        """Whether the hash was made from `password`; slow."""
        too_long = password_length(password) > PASSWORD_LENGTHS[1]  # it cannot have been set: do not hash it
        return self._passwords.verify(password_hash, "" if too_long else password) and not too_long

    def still_right(self, uow: UnitOfWork, account_id: UUID, password: str, checked_hash: str) -> Account | None:
        """The account, locked, if `password`, which was right for `checked_hash`, still is its password."""
        account, stored_hash = uow.accounts.lock(account_id) or (None, None)
        # Another hash means another password, or the same one hashed anew: rare, so it may be slow under the lock.
        return account if stored_hash == checked_hash or self.is_right(stored_hash, password) else None


def check_recent(uow: UnitOfWork, actor: Actor) -> None:
    """Check that the actor logged in lately, before what a stolen session must not do. The operator of the shop, who
    acts without an account, has no session.

    Raises:
        LoginTooOld
    """
    if actor.id is not None:
        now = uow.now()
        check_recent_login(actor.session, uow.refresh_tokens.sessions(actor.id, now), now)
