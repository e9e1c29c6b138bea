"""Registration, profiles, passwords and roles."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from shop_core.accounts.guess_limits import guesses_of_change
from shop_core.accounts.model import (
    NOBODY,
    Account,
    AccountQuery,
    AccountStatusChange,
    Actor,
    ProfileChange,
    Role,
    check_admin_stays,
    check_new_username,
)
from shop_core.accounts.password_checks import PasswordChecks, check_recent
from shop_core.accounts.passwords import IsBreached, check_password
from shop_core.errors import (
    AccountNotFound,
    InvalidResetCode,
    KeyReused,
    TooManyMails,
    UsernameTaken,
    WrongPassword,
    check_seen,
)
from shop_core.idempotency import IdempotencyKey, Key, fields_of
from shop_core.mail.requests import RESET_CODE_LIFE, ask_to_confirm
from shop_core.pagination import Page, PageRequest
from shop_core.ports import Begin, Clock, NewId, PasswordHasher, Revocations, Tokens, UnitOfWork
from shop_core.text import normalized


@dataclass(frozen=True, slots=True)
class Registration:
    """What a new user enters."""

    username: str
    password: str = field(repr=False)
    email: str = ""
    first_name: str = ""
    last_name: str = ""


@dataclass(frozen=True, slots=True)
class PasswordReset:
    """A code with which a user who forgot their password sets another one, until `expires_at`."""

    code: str = field(repr=False)
    expires_at: datetime


class AccountService:
    """The accounts of a shop."""

    def __init__(
        self,
        begin: Begin,
        clock: Clock,
        new_id: NewId,
        passwords: PasswordHasher,
        tokens: Tokens,
        revocations: Revocations,
        is_breached: IsBreached,
        *,
        has_mail: bool = False,
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._new_id = new_id
        self._passwords = passwords
        self._checks = PasswordChecks(begin, passwords)
        self._tokens = tokens
        self._revocations = revocations
        self._is_breached = is_breached
        self._has_mail = has_mail

    def register(
        self,
        registration: Registration,
        *,
        actor: Actor = NOBODY,
        role: Role = Role.CUSTOMER,
        key: Key = None,
    ) -> Account:
        """Create an account: anyone can become a customer; only admins create staff and admins.

        Args:
            key: makes a retry safe; see `IdempotencyKey`. It belongs to the new account, and only whoever knows the
                password gets an answer to it: nobody else learns anything by guessing keys.

        Raises:
            Forbidden: the actor may not give this role.
            UsernameTaken, Invalid
        """
        if role is not Role.CUSTOMER:
            actor.require(Role.ADMIN)
        now = self._clock()
        account = Account(
            id=self._new_id(),
            username=normalized(registration.username),
            role=role,
            created_at=now,
            updated_at=now,
            email=normalized(registration.email),
            first_name=normalized(registration.first_name),
            last_name=normalized(registration.last_name),
        )
        check_new_username(account.username)
        self._check_new(registration.password, "password", account)
        password_hash = self._passwords.hash(registration.password)  # slow: not inside the unit of work
        try:
            with self._begin() as uow:
                uow.accounts.add(account, password_hash)
                if key is not None:
                    key.claim(uow.keys.claim, account.id, *_registered_as(account))
                self._have_confirmed(uow, account)
        except UsernameTaken:
            if key is None:
                raise
            return self._registered_before(account, registration.password, key)
        return account

    def _registered_before(self, account: Account, password: str, key: IdempotencyKey) -> Account:
        """The account that the same registration with the same key made, as it is now.

        Raises:
            UsernameTaken: it was another registration, or the password is another one by now.
        """
        taken = UsernameTaken(account.username)
        try:
            with self._begin() as uow:
                found, password_hash = uow.accounts.credentials(account.username_key) or (None, None)
                if found is None or not key.claim(uow.keys.claim, found.id, *_registered_as(account)):
                    raise taken  # inside the unit of work, so that the key is not claimed
        except KeyReused:
            raise taken from None
        if not self._checks.is_right(password_hash, password):
            key.is_replay = False
            raise taken
        return found

    def me(self, actor: Actor) -> Account:
        """The actor's own account.

        Raises:
            Unauthenticated: no account acts.
            AccountNotFound: it no longer exists.
        """
        with self._begin() as uow:
            return _found(uow.accounts.get(actor.account_id), actor.account_id)

    def edit_me(self, actor: Actor, change: ProfileChange, *, key: Key = None) -> Account:
        """Change the actor's own names and email address.

        Args:
            key: makes a retry safe; see `IdempotencyKey`.

        Raises:
            Unauthenticated: no account acts.
            AccountNotFound: it no longer exists.
            Invalid: a new value breaks its rule.
            LoginTooOld: it is another address, to which a new password can be sent, and the login is not recent.
            KeyReused
        """
        with self._begin() as uow:
            asked = ("edit me", *fields_of(change))
            is_replay = key is not None and key.claim(uow.keys.claim, actor.account_id, *asked)
            stored, _ = uow.accounts.lock(actor.account_id) or (None, None)
            account = _found(stored, actor.account_id)
            if is_replay:
                return account
            edited = account.edited(change, self._clock())
            if edited.email != account.email and self._has_mail:
                check_recent(uow, actor)
            uow.accounts.update(edited)
            if edited.email != account.email:
                self._have_confirmed(uow, edited)
        return edited

    def change_password(self, actor: Actor, old: str, new: str) -> None:
        """Change the password of the actor's own account. All its sessions end, also the present one.

        Raises:
            Unauthenticated: no account acts.
            AccountNotFound: it no longer exists.
            TooManyAttempts: too many wrong guesses; `old` was not looked at.
            WrongPassword: `old` is not the present password.
            Invalid: `new` breaks a rule, see `check_password`.
        """
        account = self.me(actor)
        guesses = guesses_of_change(account.id)
        with self._checks.counted(guesses):
            with self._begin() as uow:
                _, checked_hash = uow.accounts.credentials(account.username_key) or (None, None)
            if not self._checks.is_right(checked_hash, old) or checked_hash is None:
                raise WrongPassword
            self._check_new(new, "new_password", account)
            password_hash = self._passwords.hash(new)
            with self._begin() as uow:
                if self._checks.still_right(uow, account.id, old, checked_hash) is None:
                    raise WrongPassword
                now = uow.now()
                uow.accounts.set_password_hash(account.id, password_hash)
                ended = _end_all(uow, account.id, now)
                self._checks.uncount(uow, guesses)
        self._revocations.add(*ended, at=now)

    def offer_reset(self, actor: Actor, account_id: UUID) -> PasswordReset:
        """Make a code for a user who forgot their password, for an admin to hand over. Admins only.

        It is good once, for an hour, as long as the password is not changed otherwise. Nobody learns the old password,
        and the admin does not learn the new one.

        Raises:
            Unauthenticated, Forbidden: the actor is not an admin.
            LoginTooOld, AccountNotFound
        """
        actor.require(Role.ADMIN)
        with self._begin() as uow:
            check_recent(uow, actor)
            found = uow.accounts.lock(account_id)
            until = uow.now() + RESET_CODE_LIFE
        if found is None:
            raise AccountNotFound(account_id)
        return PasswordReset(self._tokens.reset_code(account_id, found[1], until), until)

    def reset_password(self, code: str, new: str) -> None:
        """Set another password with a code from an admin or a mail. All sessions of the account end.

        Raises:
            InvalidResetCode: the code is wrong, expired or used, or the account is not active.
            Invalid: `new` breaks a rule, see `check_password`; the code is still good.
        """
        account_id = self._tokens.account_of_reset(code)
        with self._begin() as uow:
            found = uow.accounts.lock(account_id) if account_id else None
            now = uow.now()
        if found is None or not found[0].active or not self._tokens.is_reset_code(code, found[1], now):
            raise InvalidResetCode
        account, checked_hash = found
        self._check_new(new, "new_password", account)
        password_hash = self._passwords.hash(new)
        with self._begin() as uow:
            _, stored_hash = uow.accounts.lock(account.id) or (None, None)
            if stored_hash != checked_hash:
                raise InvalidResetCode
            uow.accounts.set_password_hash(account.id, password_hash)
            ended = _end_all(uow, account.id, now)
        self._revocations.add(*ended, at=now)

    def accounts(self, actor: Actor, query: AccountQuery, page_request: PageRequest) -> Page[Account]:
        """A page of the accounts that match `query`, by username. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            InvalidCursor: the cursor was not made by this list.
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            return uow.accounts.page(query, page_request)

    def account(self, actor: Actor, account_id: UUID) -> Account:
        """Any account. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            AccountNotFound
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            return _found(uow.accounts.get(account_id), account_id)

    def assign(
        self,
        actor: Actor,
        account_id: UUID,
        change: AccountStatusChange,
        *,
        seen_role: Role | None = None,
        key: Key = None,
    ) -> Account:
        """Change the role of an account, activate or deactivate it. Admins only.

        A deactivated account cannot log in, and all its sessions end.

        Args:
            seen_role: the role that the actor saw; None: any.
            key: makes a retry safe; see `IdempotencyKey`.

        Raises:
            Unauthenticated, Forbidden: the actor is not an admin.
            LoginTooOld, AccountNotFound, KeyReused
            Invalid: somebody gave the account another role than `seen_role` meanwhile.
            LastAdmin: the shop would be left without an active admin.
        """
        actor.require(Role.ADMIN)
        with self._begin() as uow:
            is_replay = key is not None and key.claim(
                uow.keys.claim, actor.account_id, "assign", account_id, *fields_of(change)
            )
            locked = uow.accounts.lock_with_admins(account_id)
            now = uow.now()
            stored = _found(locked.get(account_id), account_id)
            if is_replay:
                return stored
            check_recent(uow, actor)
            if seen_role is not None:
                check_seen("role", seen_role, stored.role, change.role)
            account = stored.assigned(change, now)
            check_admin_stays([other for other in locked.values() if other.is_active_admin], account)
            uow.accounts.update(account)
            ended = [] if account.active else _end_all(uow, account_id, now)
        self._revocations.add(*ended, at=now)
        return account

    def _have_confirmed(self, uow: UnitOfWork, account: Account) -> None:
        """Have a new address confirmed; the change does not fail if too many mails were sent."""
        if self._has_mail and account.email and not account.email_confirmed:
            with suppress(TooManyMails):
                ask_to_confirm(uow, account, self._new_id)

    def _check_new(self, password: str, field: str, account: Account) -> None:
        check_password(password, self._is_breached, field=field, username=account.username, email=account.email)


def _registered_as(account: Account) -> tuple[str, ...]:
    """What a registration asks for, except for the password, of which no fast hash may be stored."""
    return ("register", account.username, account.role, account.email, account.first_name, account.last_name)


def _end_all(uow: UnitOfWork, account_id: UUID, now: datetime) -> list[UUID]:
    """End all sessions of an account. It is locked, so no session begins meanwhile."""
    sessions = [session.id for session in uow.refresh_tokens.sessions(account_id, now)]
    uow.refresh_tokens.revoke_all(account_id, now)
    return sessions


def _found(account: Account | None, account_id: UUID) -> Account:
    if account is None:
        raise AccountNotFound(account_id)
    return account
