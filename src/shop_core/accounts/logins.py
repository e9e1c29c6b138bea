"""Logging in, staying logged in, and ending that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from shop_core.accounts.guess_limits import guesses_of_login
from shop_core.accounts.model import Account, Actor
from shop_core.accounts.password_checks import PasswordChecks
from shop_core.accounts.sessions import (
    ACCESS_TOKEN_LIFE,
    RECENT_LOGIN,
    SESSIONS_MAX,
    RefreshToken,
    Revocations,
    Session,
)
from shop_core.errors import InvalidToken, LoginTooOld, SessionNotFound, WrongCredentials
from shop_core.ports import Begin, Clock, NewId, PasswordHasher, Tokens, UnitOfWork
from shop_core.text import comparable, normalized

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

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_in: timedelta
    device: str | None = field(default=None, repr=False)


class SessionService:
    """The sessions in which accounts are logged in.

    Access tokens are verified without asking a store. What ended while one may still be about, each process learns
    by `notice_ended`, which is to be called about each second; of what it ends itself it knows at once.
    """

    def __init__(
        self,
        begin: Begin,
        clock: Clock,
        new_id: NewId,
        passwords: PasswordHasher,
        tokens: Tokens,
        ended: Revocations,
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._new_id = new_id
        self._passwords = passwords
        self._checks = PasswordChecks(begin, passwords)
        self._tokens = tokens
        self._ended = ended

    def log_in(self, username: str, password: str, *, client: str = "", device: str = "") -> Login:
        """Start a session.

        Args:
            client: where it comes from, e.g. a network address: guesses are counted by it too.
            device: the token that an earlier login from there gave; what is none counts as not given.

        Raises:
            TooManyAttempts: see `shop_core.accounts.guess_limits`; the password was not looked at.
            WrongCredentials: unknown user, wrong password, or the account is not active; which of them is not
                said, nor to be told from the time it takes.
        """
        key = comparable(normalized(username))
        known = device if self._tokens.is_device(device, key) else None
        guesses = guesses_of_login(key, client, known)
        self._checks.take(guesses)
        with self._begin() as uow:
            found = uow.accounts.credentials(key)
        account, seen = found or (None, None)
        if not self._checks.is_right(seen, password) or account is None or not account.active:
            raise WrongCredentials
        assert seen is not None
        renewed = self._passwords.hash(password) if self._passwords.is_outdated(seen) else None
        refresh = self._tokens.refresh()
        with self._begin() as uow:
            account = self._checks.still_right(uow, account.id, password, seen)
            if account is None or not account.active:
                raise WrongCredentials
            if renewed:
                uow.accounts.set_password_hash(account.id, renewed)
            now = self._clock()
            token = RefreshToken.first(self._tokens.digest(refresh), self._new_id(), account.id, now)
            too_many = [session.id for session in uow.refresh_tokens.sessions(account.id, now)[SESSIONS_MAX - 1 :]]
            for session_id in too_many:
                uow.refresh_tokens.revoke_family(session_id, now)
            uow.refresh_tokens.add(token)
            self._checks.give_back(uow, guesses)
        self._ended.add(*too_many, at=now)
        return self._login(account, token, refresh, known or self._tokens.device(key))

    def knows(self, username: str, device: str) -> bool:
        """Whether a login with this username succeeded before on the device that shows this token."""
        return self._tokens.is_device(device, comparable(normalized(username)))

    def refresh(self, refresh: str) -> Login:
        """Trade a refresh token for a new pair; the old one is spent.

        A client that lost the answer may ask again within 20 seconds and gets the same successor. Later use of a
        spent token means that it was stolen: the whole session ends.

        Raises:
            InvalidToken: unknown, expired, revoked or spent, or the account is not active any more.
        """
        now = self._clock()
        successor, *earlier = self._tokens.successors(refresh)
        with self._begin() as uow:
            token = uow.refresh_tokens.lock(self._tokens.digest(refresh))
            account = uow.accounts.get(token.account_id) if token else None
            good = token is not None and account is not None and account.active and token.is_good(now)
            if token is not None and token.is_reuse(now):
                uow.refresh_tokens.revoke_family(token.family_id, now)
            elif token is not None and good and token.spent_at is None:
                uow.refresh_tokens.update(token.spent(now))
                uow.refresh_tokens.add(token.successor(self._tokens.digest(successor), now))
            elif good:
                successor = self._given_out(uow, successor, earlier)
        # Refused only here: an exception inside the unit of work would roll the revocation back.
        if token is not None and token.is_reuse(now):
            self._ended.add(token.family_id, at=now)
        if token is None or account is None or not good:
            raise InvalidToken
        return self._login(account, token, successor)

    def log_out(self, refresh: str) -> None:
        """End the session that a refresh token belongs to, wherever it is used; nothing happens if there is none."""
        now = self._clock()
        with self._begin() as uow:
            token = uow.refresh_tokens.lock(self._tokens.digest(refresh))
            if token is not None:
                uow.refresh_tokens.revoke_family(token.family_id, now)
        if token is not None:
            self._ended.add(token.family_id, at=now)

    def sessions(self, actor: Actor) -> list[Session]:
        """Where the actor is logged in, the session that was used last first.

        Raises:
            Unauthenticated: no account acts.
        """
        with self._begin() as uow:
            return uow.refresh_tokens.sessions(actor.account_id, self._clock())

    def end(self, actor: Actor, session_id: UUID) -> None:
        """End one session of the actor's: the one in which he acts, or another one if he logged in lately.

        Raises:
            Unauthenticated: no account acts.
            SessionNotFound: it has ended, or is not his.
            LoginTooOld: it is another one, and his own login is older than `RECENT_LOGIN`.
        """
        now = self._clock()
        with self._begin() as uow:
            began = {each.id: each.created_at for each in uow.refresh_tokens.sessions(actor.account_id, now)}
            if session_id not in began:
                raise SessionNotFound(session_id)
            mine = began.get(actor.session) if actor.session else None
            if session_id != actor.session and (mine is None or now > mine + RECENT_LOGIN):
                raise LoginTooOld(RECENT_LOGIN)
            uow.refresh_tokens.revoke_family(session_id, now)
        self._ended.add(session_id, at=now)

    def refresh_revocations(self) -> None:
        """Learn which sessions were ended by other processes: their access tokens are good no more.

        To be called about each second by each process that verifies access tokens.
        """
        now = self._clock()
        with self._begin() as uow:
            ended = uow.refresh_tokens.revoked_since(self._ended.since(now))
        self._ended.learn(ended, now)

    def tidy(self) -> int:
        """Forget refresh tokens that ended long enough ago, and guesses that count no more: so many.

        To be called now and then, by any number of processes.
        """
        with self._begin() as uow:
            if not uow.try_lock(TIDY):
                return 0
            forgotten = uow.refresh_tokens.delete_expired(self._clock() - TOKENS_KEPT_FOR, TIDY_MAX)
            return forgotten + uow.attempts.delete_full(uow.now(), TIDY_MAX)

    def authenticate(self, access: str) -> Actor:
        """Who acts, by an access token: first `identify`, which asks no store, then `confirm`, which may.

        Raises:
            InvalidToken
        """
        return self.confirm(self.identify(access))

    def identify(self, access: str) -> Actor:
        """Who acts, as the access token says. Good enough for customers; `confirm` it for all others.

        Raises:
            InvalidToken: malformed, forged or expired, or its session has ended: see `notice_ended`.
        """
        actor = self._tokens.read_access(access, self._clock())
        if actor.session in self._ended:
            raise InvalidToken
        return actor

    def confirm(self, actor: Actor) -> Actor:
        """Who acts, with the role that he has now, if his token says staff or admin.

        So a demotion binds at once. Customers are not looked up with every request: a promotion waits for their next
        access token; who is deactivated is out as his sessions end.

        Raises:
            InvalidToken: the account is not active any more.
        """
        if not actor.is_staff or actor.id is None:
            return actor
        with self._begin() as uow:
            account = uow.accounts.get(actor.id)
        if account is None or not account.active:
            raise InvalidToken
        return account.acting(actor.session)

    def _given_out(self, uow: UnitOfWork, successor: str, earlier: Sequence[str]) -> str:
        """Which of them a spent token has: another one than today's if the secret was replaced just then."""
        known = (each for each in earlier if uow.refresh_tokens.lock(self._tokens.digest(each)))
        return next(known, successor)

    def _login(self, account: Account, token: RefreshToken, refresh: str, device: str | None = None) -> Login:
        access = self._tokens.access(account.acting(token.family_id), self._clock(), ACCESS_TOKEN_LIFE)
        return Login(access, refresh, ACCESS_TOKEN_LIFE, device)
