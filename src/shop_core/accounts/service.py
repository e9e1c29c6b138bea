"""Registering, and staying logged in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from shop_core.accounts.model import (
    ACCESS_TOKEN_LIFE,
    PASSWORD_LENGTHS,
    REFRESH_TOKEN_LIFE,
    SYSTEM,
    Account,
    Actor,
    RefreshToken,
    Role,
    check_password,
)
from shop_core.errors import AccountNotFound, InvalidToken, WrongCredentials
from shop_core.ports import Begin, Clock, NewId, PasswordHasher, Tokens
from shop_core.text import normal, same_letters


@dataclass(frozen=True, slots=True)
class Login:
    """What a client gets when it logs in.

    Args:
        access: proves who acts, for as long as `expires_in`.
        refresh: gives the next pair, once.
    """

    access: str
    refresh: str
    expires_in: timedelta


@dataclass(frozen=True, slots=True)
class Registration:
    """What a new user says of himself."""

    username: str
    password: str
    email: str = ""
    first_name: str = ""
    last_name: str = ""


class AccountService:
    """Accounts and their sessions."""

    def __init__(self, begin: Begin, clock: Clock, new_id: NewId, passwords: PasswordHasher, tokens: Tokens) -> None:
        self._begin = begin
        self._clock = clock
        self._new_id = new_id
        self._passwords = passwords
        self._tokens = tokens

    def register(self, registration: Registration, *, actor: Actor = SYSTEM, role: Role = Role.CUSTOMER) -> Account:
        """Open an account: anybody's own as a customer; staff and admins are made by an admin.

        Raises:
            Forbidden: a role was asked for that the actor may not give.
            UsernameTaken, Invalid
        """
        if role is not Role.CUSTOMER:
            actor.require(Role.ADMIN)
        now = self._clock()
        account = Account(
            id=self._new_id(),
            username=normal(registration.username),
            role=role,
            created_at=now,
            updated_at=now,
            email=normal(registration.email),
            first_name=normal(registration.first_name),
            last_name=normal(registration.last_name),
        )
        check_password(registration.password)
        password_hash = self._passwords.hash(registration.password)  # slow: not inside the unit of work
        with self._begin() as work:
            work.accounts.add(account, password_hash)
        return account

    def log_in(self, username: str, password: str) -> Login:
        """Start a session.

        Raises:
            WrongCredentials: unknown user, wrong password, or the account is not active; which of them is not
                said, nor to be told from the time it takes.
        """
        with self._begin() as work:
            found = work.accounts.credentials(same_letters(normal(username)))
        account, password_hash = found or (None, None)
        too_long = len(password) > PASSWORD_LENGTHS[1]  # never hash what nobody can have set
        if not self._passwords.verify(password_hash, "" if too_long else password) or account is None:
            raise WrongCredentials
        if not account.active:
            raise WrongCredentials
        assert password_hash is not None
        renewed = self._passwords.hash(password) if self._passwords.is_outdated(password_hash) else None
        now = self._clock()
        refresh = self._tokens.refresh()
        with self._begin() as work:
            if renewed:
                work.accounts.set_password_hash(account.id, renewed)
            digest, expires_at = self._tokens.digest(refresh), now + REFRESH_TOKEN_LIFE
            work.refresh_tokens.add(RefreshToken(digest, self._new_id(), account.id, now, expires_at))
        return self._login(account, refresh)

    def refresh(self, refresh: str) -> Login:
        """Trade a refresh token for a new pair; the old one is spent.

        A client that lost the answer may ask again within 20 seconds and gets the same successor. Later use of a
        spent token means that it was stolen: the whole session ends.

        Raises:
            InvalidToken: unknown, expired, revoked or spent, or the account is not active any more.
        """
        now = self._clock()
        successor = self._tokens.successor(refresh)
        with self._begin() as work:
            token = work.refresh_tokens.lock(self._tokens.digest(refresh))
            account = work.accounts.get(token.account_id) if token else None
            good = token is not None and account is not None and account.active and token.is_good(now)
            if token is not None and token.is_reused(now):
                work.refresh_tokens.revoke_family(token.family_id, now)
            elif token is not None and good and token.spent_at is None:
                work.refresh_tokens.update(token.spent(now))
                work.refresh_tokens.add(token.successor(self._tokens.digest(successor), now))
        # Refused only here: an exception inside the unit of work would roll the revocation back.
        if account is None or not good:
            raise InvalidToken
        return self._login(account, successor)

    def authenticate(self, access: str) -> Actor:
        """Who acts, by an access token.

        Raises:
            InvalidToken
        """
        return self._tokens.read_access(access, self._clock())

    def me(self, actor: Actor) -> Account:
        """The actor's own account.

        Raises:
            Unauthenticated: no account acts.
            AccountNotFound: it is gone.
        """
        return self._account(actor.account_id)

    def _account(self, account_id: UUID) -> Account:
        with self._begin() as work:
            account = work.accounts.get(account_id)
        if account is None:
            raise AccountNotFound(account_id)
        return account

    def _login(self, account: Account, refresh: str) -> Login:
        access = self._tokens.access(account.actor, self._clock(), ACCESS_TOKEN_LIFE)
        return Login(access, refresh, ACCESS_TOKEN_LIFE)
