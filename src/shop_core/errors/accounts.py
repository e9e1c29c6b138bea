"""Refusals about accounts, passwords and tokens."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from shop_core.errors.kinds import Conflict, Fault, Forbidden, Invalid, NotFound, Refusal, TooMany, Unauthenticated


class AccountNotFound(NotFound):
    """There is no such account, or the actor may not see it."""

    code = "account_not_found"
    title = "Account not found"

    def __init__(self, account_id: UUID) -> None:
        super().__init__(f"There is no account {account_id}.")
        self.account_id = account_id


class UsernameTaken(Conflict):
    """Another account has this username; upper and lower case count as the same."""

    code = "username_taken"
    title = "Username already in use"

    def __init__(self, username: str) -> None:
        super().__init__(f"The username {username!r} is taken. Choose another one.")
        self.username = username


class LastAdmin(Conflict):
    """The shop would be left without an active admin, and nobody could make another one."""

    code = "last_admin"
    title = "The last admin stays"

    def __init__(self, account_id: UUID) -> None:
        super().__init__(
            f"Account {account_id} is the last active admin, so it must stay one. Make another account an admin first."
        )
        self.account_id = account_id


class SessionNotFound(NotFound):
    """This account never had such a session, or it ended long ago."""

    code = "session_not_found"
    title = "Session not found"

    def __init__(self, session_id: UUID) -> None:
        super().__init__(
            f"You have no session {session_id}: it ended long ago, or the id is wrong. List your sessions."
        )
        self.session_id = session_id


class LoginTooOld(Forbidden):
    """This needs a recent login, because this session may be a stolen one."""

    code = "login_too_old"
    title = "Log in again"

    def __init__(self, recent: timedelta) -> None:
        minutes = int(recent.total_seconds() // 60)
        Refusal.__init__(
            self, f"You must have logged in within the last {minutes} minutes to do this: log in again, then repeat it."
        )


class WrongPassword(Invalid):
    """The current password is wrong. The login itself is valid, so this is invalid input."""

    code = "wrong_password"
    title = "Wrong password"

    def __init__(self, field: str = "old_password") -> None:
        super().__init__(Fault(field, "is not the password of this account", "wrong_password"))


class InvalidResetCode(Invalid):
    """The code for another password is wrong, has expired or was used. Each code works once, for an hour."""

    code = "invalid_reset_code"
    title = "Invalid code"

    def __init__(self) -> None:
        super().__init__(Fault("code", "is wrong, expired or used: ask for another one", "invalid_reset_code"))


class InvalidConfirmationCode(Invalid):
    """The code for an email address is wrong or has expired, or the account has another address by now."""

    code = "invalid_confirmation_code"
    title = "Invalid code"

    def __init__(self) -> None:
        rule = "is wrong, expired or for another address: ask for another mail"
        super().__init__(Fault("code", rule, "invalid_confirmation_code"))


class NoMail(Conflict):
    """This shop sends no mails."""

    code = "no_mail"
    title = "No mails"

    def __init__(self) -> None:
        super().__init__("This shop sends no mails: ask its staff, who can give you a code for another password.")


class TooManyMails(TooMany):
    """Too many mails were asked for, for this address or by this client. None was sent."""

    code = "too_many_mails"
    title = "Too many mails"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(
            f"Too many mails to this address, or from you: wait {retry_after_s} seconds; look among the spam, too.",
            retry_after_s,
        )


class WrongCredentials(Unauthenticated):
    """Unknown user, wrong password or deactivated account; the response never says which."""

    code = "wrong_credentials"
    title = "Wrong username or password"

    def __init__(self) -> None:
        super().__init__("The username or the password is wrong.")


class TooManyAttempts(TooMany):
    """Too many passwords were tried. This one was not checked, nor whether the user exists."""

    code = "too_many_attempts"
    title = "Too many attempts"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Too many attempts with a wrong password: wait {retry_after_s} seconds.", retry_after_s)


class InvalidToken(Unauthenticated):
    """The token is malformed, forged, expired, reused or revoked."""

    code = "invalid_token"
    title = "Invalid token"

    def __init__(self, message: str = "The token is invalid or has expired: log in again.") -> None:
        super().__init__(message)
