"""Refusals about accounts, passwords and tokens."""

from __future__ import annotations

from uuid import UUID

from shop_core.errors.kinds import Conflict, Fault, Invalid, NotFound, Unauthenticated


class AccountNotFound(NotFound):
    """No such account among those that the actor may see."""

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
    """The shop would be left without an active admin: nobody could make another one."""

    code = "last_admin"
    title = "The last admin stays"

    def __init__(self, account_id: UUID) -> None:
        super().__init__(
            f"Account {account_id} is the last active admin: it must stay one. Make somebody else an admin first."
        )
        self.account_id = account_id


class WrongPassword(Invalid):
    """The present password, which a change asks for, is not this. The login itself is fine: so it is invalid input."""

    code = "wrong_password"
    title = "Wrong password"

    def __init__(self, field: str = "old_password") -> None:
        super().__init__(Fault(field, "is not the password of this account", "wrong_password"))


class WrongCredentials(Unauthenticated):
    """Unknown user, wrong password or deactivated account: the three are never told apart."""

    code = "wrong_credentials"
    title = "Wrong username or password"

    def __init__(self) -> None:
        super().__init__("The username or the password is wrong.")


class InvalidToken(Unauthenticated):
    """The token is malformed, forged, expired, spent or revoked."""

    code = "invalid_token"
    title = "Invalid token"

    def __init__(self, message: str = "The token is not valid (any more): log in again.") -> None:
        super().__init__(message)
