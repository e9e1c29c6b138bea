"""Registering, staying logged in, and who is who in the shop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from shop_core.accounts.guesses import Guess, given_back, guesses_of_change, guesses_of_login, taken
from shop_core.accounts.model import (
    ACCESS_TOKEN_LIFE,
    NOBODY,
    REFRESH_TOKEN_LIFE,
    Account,
    AccountQuery,
    Actor,
    ProfileChange,
    RefreshToken,
    Role,
    Session,
    StandingChange,
    check_admin_stays,
)
from shop_core.accounts.passwords import PASSWORD_LENGTHS, check_password, password_length
from shop_core.errors import AccountNotFound, InvalidToken, SessionNotFound, WrongCredentials, WrongPassword
from shop_core.pagination import Page, Piece
from shop_core.ports import Begin, Clock, NewId, PasswordHasher, Tokens, UnitOfWork
from shop_core.text import normal, same_letters

TIDY, TIDY_MAX = "tidy", 1_000
TOKENS_KEPT_FOR = timedelta(hours=1)
"""After their end, by which time no clock of any process takes one for good."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a client gets when it logs in.

    Args:
        access: proves who acts, for as long as `expires_in`.
        refresh: gives the next pair, once.
        device: to be shown at later logins from the same device, so that strangers who guess cannot hold them up;
            only a login with a password gives one.
    """

    access: str
    refresh: str
    expires_in: timedelta
    device: str | None = None


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

    def register(self, registration: Registration, *, actor: Actor = NOBODY, role: Role = Role.CUSTOMER) -> Account:
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
        check_password(registration.password, username=account.username, email=account.email)
        password_hash = self._passwords.hash(registration.password)  # slow: not inside the unit of work
        with self._begin() as work:
            work.accounts.add(account, password_hash)
        return account

    def log_in(self, username: str, password: str, *, client: str = "", device: str = "") -> Login:
        """Start a session.

        Args:
            client: where it comes from, e.g. a network address: guesses are counted by it too.
            device: the token that an earlier login from there gave; what is none counts as not given.

        Raises:
            TooManyAttempts: see `shop_core.accounts.guesses`; the password was not looked at.
            WrongCredentials: unknown user, wrong password, or the account is not active; which of them is not
                said, nor to be told from the time it takes.
        """
        key = same_letters(normal(username))
        known = device if self._tokens.is_device(device, key) else None
        guesses = guesses_of_login(key, client, known)
        self._take(guesses)
        with self._begin() as work:
            found = work.accounts.credentials(key)
        account, seen = found or (None, None)
        if not self._is_right(seen, password) or account is None or not account.active:
            raise WrongCredentials
        assert seen is not None
        renewed = self._passwords.hash(password) if self._passwords.is_outdated(seen) else None
        refresh = self._tokens.refresh()
        with self._begin() as work:
            account = self._still_right(work, account.id, password, seen)
            if account is None or not account.active:
                raise WrongCredentials
            if renewed:
                work.accounts.set_password_hash(account.id, renewed)
            now = self._clock()
            digest, expires_at = self._tokens.digest(refresh), now + REFRESH_TOKEN_LIFE
            work.refresh_tokens.add(RefreshToken(digest, self._new_id(), account.id, now, expires_at))
            self._give_back(work, guesses)
        return self._login(account, refresh, known or self._tokens.device(key))

    def knows(self, username: str, device: str) -> bool:
        """Whether a login with this username succeeded before on the device that shows this token."""
        return self._tokens.is_device(device, same_letters(normal(username)))

    def refresh(self, refresh: str) -> Login:
        """Trade a refresh token for a new pair; the old one is spent.

        A client that lost the answer may ask again within 20 seconds and gets the same successor. Later use of a
        spent token means that it was stolen: the whole session ends.

        Raises:
            InvalidToken: unknown, expired, revoked or spent, or the account is not active any more.
        """
        now = self._clock()
        successor, *earlier = self._tokens.successors(refresh)
        with self._begin() as work:
            token = work.refresh_tokens.lock(self._tokens.digest(refresh))
            account = work.accounts.get(token.account_id) if token else None
            good = token is not None and account is not None and account.active and token.is_good(now)
            if token is not None and token.is_reused(now):
                work.refresh_tokens.revoke_family(token.family_id, now)
            elif token is not None and good and token.spent_at is None:
                work.refresh_tokens.update(token.spent(now))
                work.refresh_tokens.add(token.successor(self._tokens.digest(successor), now))
            elif good:
                successor = self._given_out(work, successor, earlier)
        # Refused only here: an exception inside the unit of work would roll the revocation back.
        if account is None or not good:
            raise InvalidToken
        return self._login(account, successor)

    def log_out(self, refresh: str) -> None:
        """End the session that a refresh token belongs to, wherever it is used; nothing happens if there is none."""
        with self._begin() as work:
            token = work.refresh_tokens.lock(self._tokens.digest(refresh))
            if token is not None:
                work.refresh_tokens.revoke_family(token.family_id, self._clock())

    def sessions(self, actor: Actor) -> list[Session]:
        """Where the actor is logged in, the session that was used last first.

        Raises:
            Unauthenticated: no account acts.
        """
        with self._begin() as work:
            return work.refresh_tokens.sessions(actor.account_id, self._clock())

    def end_session(self, actor: Actor, session_id: UUID) -> None:
        """End one session of the actor's. Its access token ends by itself, within 5 minutes.

        Raises:
            Unauthenticated: no account acts.
            SessionNotFound: it has ended, or is not his.
        """
        now = self._clock()
        with self._begin() as work:
            if session_id not in {session.id for session in work.refresh_tokens.sessions(actor.account_id, now)}:
                raise SessionNotFound(session_id)
            work.refresh_tokens.revoke_family(session_id, now)

    def tidy(self) -> int:
        """Forget refresh tokens that ended long enough ago, and guesses that count no more: so many.

        To be called now and then, by any number of processes.
        """
        with self._begin() as work:
            if not work.alone(TIDY):
                return 0
            forgotten = work.refresh_tokens.forget_ended(self._clock() - TOKENS_KEPT_FOR, TIDY_MAX)
            return forgotten + work.attempts.forget_full(work.now(), TIDY_MAX)

    def authenticate(self, access: str) -> Actor:
        """Who acts, by an access token: first `identify`, which asks no store, then `confirm`, which may.

        Raises:
            InvalidToken
        """
        return self.confirm(self.identify(access))

    def identify(self, access: str) -> Actor:
        """Who acts, as the access token says. Good enough for customers; `confirm` it for all others.

        Raises:
            InvalidToken: malformed, forged or expired.
        """
        return self._tokens.read_access(access, self._clock())

    def confirm(self, actor: Actor) -> Actor:
        """Who acts, with the role that he has now, if his token says staff or admin.

        So a deactivation or demotion binds staff at once, and customers as soon as their access token ends: they are
        not looked up with every request.

        Raises:
            InvalidToken: the account is not active any more.
        """
        if not actor.is_staff or actor.id is None:
            return actor
        with self._begin() as work:
            account = work.accounts.get(actor.id)
        if account is None or not account.active:
            raise InvalidToken
        return account.actor

    def me(self, actor: Actor) -> Account:
        """The actor's own account.

        Raises:
            Unauthenticated: no account acts.
            AccountNotFound: it is gone.
        """
        with self._begin() as work:
            return _found(work.accounts.get(actor.account_id), actor.account_id)

    def edit_me(self, actor: Actor, change: ProfileChange) -> Account:
        """Change the actor's own names and email address.

        Raises:
            Unauthenticated: no account acts.
            AccountNotFound: it is gone.
            Invalid: a new value breaks its rule.
        """
        with self._begin() as work:
            account, _ = work.accounts.lock(actor.account_id) or (None, None)
            edited = _found(account, actor.account_id).edited(change, self._clock())
            work.accounts.update(edited)
        return edited

    def change_password(self, actor: Actor, old: str, new: str) -> None:
        """Give the actor's own account another password. Every session of it ends, the one that asks too.

        Raises:
            Unauthenticated: no account acts.
            AccountNotFound: it is gone.
            TooManyAttempts: `old` was guessed too often, and was not looked at.
            WrongPassword: `old` is not the present one.
            Invalid: `new` may not be a password.
        """
        account = self.me(actor)
        guesses = guesses_of_change(account.id)
        self._take(guesses)
        with self._begin() as work:
            _, seen = work.accounts.credentials(account.username_key) or (None, None)
        if not self._is_right(seen, old) or seen is None:
            raise WrongPassword
        check_password(new, field="new_password", username=account.username, email=account.email)
        password_hash = self._passwords.hash(new)
        with self._begin() as work:
            if self._still_right(work, account.id, old, seen) is None:
                raise WrongPassword
            work.accounts.set_password_hash(account.id, password_hash)
            work.refresh_tokens.revoke_all(account.id, self._clock())
            self._give_back(work, guesses)

    def accounts(self, actor: Actor, query: AccountQuery, piece: Piece) -> Page[Account]:
        """The accounts that match `query`, by username, a piece at a time. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            InvalidCursor: the cursor was not made by this list.
        """
        actor.require(Role.STAFF)
        with self._begin() as work:
            return work.accounts.page(query, piece)

    def account(self, actor: Actor, account_id: UUID) -> Account:
        """Any account. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            AccountNotFound
        """
        actor.require(Role.STAFF)
        with self._begin() as work:
            return _found(work.accounts.get(account_id), account_id)

    def assign(self, actor: Actor, account_id: UUID, change: StandingChange) -> Account:
        """Change the role of an account, or let it in or out. Admins only.

        Who is no longer active can neither log in nor stay logged in: all his sessions end.

        Raises:
            Unauthenticated, Forbidden: the actor is no admin.
            AccountNotFound
            LastAdmin: the shop would be left without an active admin.
        """
        actor.require(Role.ADMIN)
        with self._begin() as work:
            locked = work.accounts.lock_with_admins(account_id)
            now = self._clock()
            account = _found(locked.get(account_id), account_id).assigned(change, now)
            check_admin_stays([other for other in locked.values() if other.keeps_the_shop], account)
            work.accounts.update(account)
            if not account.active:
                work.refresh_tokens.revoke_all(account_id, now)
        return account

    def _take(self, guesses: Sequence[Guess]) -> None:
        """Take the tries, committed before the password is looked at."""
        with self._begin() as work:
            full_at = work.attempts.lock([guess.key for guess in guesses])
            work.attempts.put(taken(guesses, full_at, work.now()))

    def _give_back(self, work: UnitOfWork, guesses: Sequence[Guess]) -> None:
        work.attempts.put(given_back(guesses, work.attempts.lock([guess.key for guess in guesses])))

    def _is_right(self, password_hash: str | None, password: str) -> bool:
        too_long = password_length(password) > PASSWORD_LENGTHS[1]  # never hash what nobody can have set
        return self._passwords.verify(password_hash, "" if too_long else password) and not too_long

    def _still_right(self, work: UnitOfWork, account_id: UUID, password: str, seen: str) -> Account | None:
        """The account, locked, if `password`, which made the hash `seen`, is still its password."""
        account, stored = work.accounts.lock(account_id) or (None, None)
        # Another hash is another password, or the same one hashed anew: rare, so it may be slow under the lock.
        return account if stored == seen or self._is_right(stored, password) else None

    def _given_out(self, work: UnitOfWork, successor: str, earlier: Sequence[str]) -> str:
        """Which of them a spent token has: another one than today's if the secret was replaced just then."""
        known = (each for each in earlier if work.refresh_tokens.lock(self._tokens.digest(each)))
        return next(known, successor)

    def _login(self, account: Account, refresh: str, device: str | None = None) -> Login:
        access = self._tokens.access(account.actor, self._clock(), ACCESS_TOKEN_LIFE)
        return Login(access, refresh, ACCESS_TOKEN_LIFE, device)


def _found(account: Account | None, account_id: UUID) -> Account:
    if account is None:
        raise AccountNotFound(account_id)
    return account
