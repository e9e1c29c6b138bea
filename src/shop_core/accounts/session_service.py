"""Logging in, staying logged in, and logging out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, partial
from uuid import UUID

from shop_core.accounts.guess_limits import guesses_of_login
from shop_core.accounts.model import Account, Actor
from shop_core.accounts.password_checks import PasswordChecks
from shop_core.accounts.sessions import (
    ACCESS_TOKEN_LIFE,
    REUSE_NOTICED,
    SESSIONS_MAX,
    RefreshToken,
    Session,
    SessionLives,
    check_recent_login,
)
from shop_core.errors import InvalidToken, SessionNotFound, WrongCredentials
from shop_core.idempotency import Key
from shop_core.ports import Begin, Clock, NewId, PasswordHasher, Revocations, Tokens, UnitOfWork
from shop_core.text import comparable, normalized

CLEANUP, CLEANUP_MAX = "tidy", 1_000
ACCESS_TOKENS_KNOWN_MAX = 4_096
TOKENS_KEPT_FOR = timedelta(hours=1)
"""After their expiry. By then no clock of any process takes one for valid."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a client gets when it logs in.

    Args:
        access: proves who acts, for as long as `expires_in`.
        refresh: gives the next pair of tokens, once.
        device: to be sent with later logins from the same device, so that guesses from elsewhere cannot block them.
            Only a login with a password gives one.
    """

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_in: timedelta
    device: str | None = field(default=None, repr=False)


class SessionService:
    """The sessions in which accounts are logged in.

    Access tokens are verified without a look-up. Each process learns by `refresh_revocations` which sessions others
    have ended; it knows at once of those that it ended itself.
    """

    def __init__(
        self,
        begin: Begin,
        clock: Clock,
        new_id: NewId,
        passwords: PasswordHasher,
        tokens: Tokens,
        revocations: Revocations,
        lives: SessionLives,
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._new_id = new_id
        self._passwords = passwords
        self._checks = PasswordChecks(begin, passwords)
        self._tokens = tokens
        self._read_access = lru_cache(ACCESS_TOKENS_KNOWN_MAX)(tokens.read_access)  # good ones: clients send them again
        self._revocations = revocations
        self._lives = lives

    def log_in(
        self,
        username: str,
        password: str,
        *,
        client: str = "",
        device: str = "",
        remember: bool = False,
        device_name: str = "",
    ) -> Login:
        """Start a session.

        Args:
            client: where the login comes from, e.g. a network address: guesses are counted by it too.
            device: the token that an earlier login from there gave; an invalid one counts as none.
            remember: whether the session may be idle for longer; see `SessionLives`.
            device_name: by which the user finds the session in the list of their sessions, e.g. `Ada's phone`.

        Raises:
            Invalid: the name of the device breaks its rule.
            TooManyAttempts: see `shop_core.accounts.guess_limits`; the password was not looked at.
            WrongCredentials: the user is unknown, the password is wrong, or the account is not active. Neither the
                message nor the time it takes tells which.
        """
        named = partial(RefreshToken.first, is_remembered=remember, device_name=normalized(device_name))
        key = comparable(normalized(username))
        known_device = device if self._tokens.is_device(device, key) else None
        guesses = guesses_of_login(key, client, known_device)
        with self._checks.counted(guesses):
            with self._begin() as uow:
                account, password_hash = uow.accounts.credentials(key) or (None, None)
            if not self._checks.is_right(password_hash, password) or account is None or not account.active:
                raise WrongCredentials
            assert password_hash is not None
            better_hash = self._passwords.hash(password) if self._passwords.is_outdated(password_hash) else None
            refresh = self._tokens.refresh()
            with self._begin() as uow:
                account = self._checks.still_right(uow, account.id, password, password_hash)
                if account is None or not account.active:
                    raise WrongCredentials
                if better_hash:
                    uow.accounts.set_password_hash(account.id, better_hash)
                now = uow.now()
                life = self._lives.of(remember)
                token = named(self._tokens.digest(refresh), self._new_id(), account.id, now, life)
                too_many = [session.id for session in uow.refresh_tokens.sessions(account.id, now)[SESSIONS_MAX - 1 :]]
                for session_id in too_many:
                    uow.refresh_tokens.revoke_family(session_id, now)
                uow.refresh_tokens.add(token)
                self._checks.uncount(uow, guesses)
        self._revocations.add(*too_many, at=now)
        return self._login(account, token, refresh, now, known_device or self._tokens.device(key))

    def is_known_device(self, username: str, device: str) -> bool:
        """Whether `device` is a token that an earlier login with this username gave."""
        return self._tokens.is_device(device, comparable(normalized(username)))

    def refresh(self, refresh: str) -> Login:
        """Exchange a refresh token for a new pair.

        A client that lost the answer may retry, however much later: it gets the same successor, as long as that was not
        used. Use of a rotated token after that means that it was stolen, so the whole session ends.

        Raises:
            InvalidToken: the token is unknown, expired, revoked or reused, or the account is not active any more.
        """
        following, successor = self._tokens.successors(refresh)[0], None
        with self._begin() as uow:
            token = uow.refresh_tokens.lock(self._tokens.digest(refresh))
            now = uow.now()
            account = uow.accounts.get(token.account_id) if token else None
            if token is not None and token.rotated_at is not None:
                following, successor = self._given_out(uow, refresh)
            is_reuse = token is not None and token.is_reuse(successor, now)
            is_good = token is not None and account is not None and account.active and token.is_good(now)
            if token is not None and is_reuse:
                uow.refresh_tokens.revoke_family(token.family_id, now)
            elif token is not None and is_good and token.rotated_at is None:
                successor = token.successor(self._tokens.digest(following), now, self._lives.of(token.is_remembered))
                uow.refresh_tokens.shorten(token.family_id, now + REUSE_NOTICED)
                uow.refresh_tokens.update(token.rotated(successor))
                uow.refresh_tokens.add(successor)
        # Refused only here: an exception inside the unit of work would roll the revocation back.
        if token is not None and is_reuse:
            self._revocations.add(token.family_id, at=now)
        if token is None or account is None or not is_good or is_reuse or successor is None:
            raise InvalidToken
        return self._login(account, token, following, now)

    def log_out(self, refresh: str) -> None:
        """End the session of a refresh token, or of an access token that has not expired, wherever it is used.

        An unknown token changes nothing.
        """
        with self._begin() as uow:
            token, now = uow.refresh_tokens.lock(self._tokens.digest(refresh)), uow.now()
            session = token.family_id if token is not None else self._session_of(refresh)
            if session is not None:
                uow.refresh_tokens.revoke_family(session, now)
        if session is not None:
            self._revocations.add(session, at=now)

    def sessions(self, actor: Actor) -> list[Session]:
        """The actor's sessions, the one that was used last first.

        Raises:
            Unauthenticated: no account acts.
        """
        with self._begin() as uow:
            return uow.refresh_tokens.sessions(actor.account_id, uow.now())

    def end(self, actor: Actor, session_id: UUID, *, key: Key = None) -> None:
        """End one session of the actor: the present one, or another one if they logged in recently.

        To end one that has ended already changes nothing, until it is forgotten a while after it would have expired.

        Args:
            key: makes a retry safe; see `IdempotencyKey`.

        Raises:
            Unauthenticated: no account acts.
            SessionNotFound: there is none, or it is somebody else's.
            LoginTooOld: it is another one, and the present login is older than `RECENT_LOGIN`.
            KeyReused
        """
        with self._begin() as uow:
            now = uow.now()
            if key and key.claim(uow.keys.claim, actor.account_id, "end session", session_id):
                return
            sessions = uow.refresh_tokens.sessions(actor.account_id, now)
            if session_id not in [session.id for session in sessions]:
                if uow.refresh_tokens.account_of(session_id) == actor.account_id:
                    return
                raise SessionNotFound(session_id)
            if session_id != actor.session:
                check_recent_login(actor.session, sessions, now)
            uow.refresh_tokens.revoke_family(session_id, now)
        self._revocations.add(session_id, at=now)

    def carry_on(self, access: str, refresh: str, idle_max: timedelta) -> tuple[Actor, Login | None]:
        """Go on with a session whose pair of tokens is kept where nobody but a browser sees it.

        Args:
            access, refresh: the pair; the access token may have expired.
            idle_max: the session ends if it was not used for so long, to within the life of an access token.

        Returns:
            The actor with their present role, and the next pair of tokens if the old one had expired.

        Raises:
            InvalidToken: the session has ended, or it ends now: it was idle, or the account has another role by now.
        """
        before, now = self._read_access(access), self._clock()
        renewed = None
        if now >= before.expires_at:
            if now >= before.expires_at - ACCESS_TOKEN_LIFE + idle_max:
                self.log_out(refresh)
                raise InvalidToken
            renewed = self.refresh(refresh)
        actor = self.authenticate(renewed.access if renewed else access)
        if actor.role is not before.actor.role:
            self.log_out(renewed.refresh if renewed else refresh)
            raise InvalidToken
        return actor, renewed

    def account_of(self, access: str) -> UUID:
        """The account of an access token, which may have expired. Raises InvalidToken: it is none of this shop."""
        return self._read_access(access).actor.account_id

    def refresh_revocations(self) -> None:
        """Learn which sessions other processes have ended: their access tokens are no longer valid.

        Every process that verifies access tokens calls this about once a second.
        """
        with self._begin() as uow:
            now = uow.now()
            ended = uow.refresh_tokens.revoked_since(self._revocations.since(now))
        self._revocations.update(ended, now)

    def delete_expired(self) -> int:
        """Delete refresh tokens that expired long ago, and counters of guesses that are full again; returns how many.

        To be called now and then, by any number of processes.
        """
        with self._begin() as uow:
            if not uow.try_lock_task(CLEANUP):
                return 0
            now = uow.now()
            deleted = uow.refresh_tokens.delete_expired(now - TOKENS_KEPT_FOR, CLEANUP_MAX)
            return deleted + uow.attempts.delete_full(now, CLEANUP_MAX)

    def authenticate(self, access: str) -> Actor:
        """The actor of an access token: first `identify`, which asks no store, then `recheck_staff`, which may.

        Raises:
            InvalidToken
        """
        return self.recheck_staff(self.identify(access))

    def identify(self, access: str) -> Actor:
        """The actor, as the access token says. Good enough for customers; call `recheck_staff` for others. Raises
        InvalidToken: malformed, forged or expired, or its session has ended: see `refresh_revocations`.
        """
        actor, valid_from, expires_at = self._read_access(access)
        if not valid_from <= self._clock() < expires_at or actor.session in self._revocations.sessions:
            raise InvalidToken
        return actor

    def recheck_staff(self, actor: Actor) -> Actor:
        """The actor with their present role, if the token says staff or admin: so a demotion takes effect at once.

        Customers are not looked up with every request. A promotion takes effect with their next access token, and the
        sessions of a deactivated account have ended.

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

    def _session_of(self, access: str) -> UUID | None:
        try:
            return self.identify(access).session
        except InvalidToken:
            return None

    def _given_out(self, uow: UnitOfWork, refresh: str) -> tuple[str, RefreshToken | None]:
        """The successor of a rotated token, under whichever secret it was made; None once no secret can make it."""
        candidates = self._tokens.successors(refresh)
        for each in candidates:
            if successor := uow.refresh_tokens.lock(self._tokens.digest(each)):
                return each, successor
        return candidates[0], None

    def _login(
        self, account: Account, token: RefreshToken, refresh: str, now: datetime, device: str | None = None
    ) -> Login:
        access = self._tokens.access(account.acting(token.family_id), now, ACCESS_TOKEN_LIFE)
        return Login(access, refresh, ACCESS_TOKEN_LIFE, device)
