"""Users, credentials and tokens on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from shop_core import Account, Login, Registration, Role
from shop_http.wire.common import THEN, USER_ID, Credential


class RegistrationForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new user."""

    username: str
    password: Credential
    email: str = ""
    first_name: str = ""
    last_name: str = ""

    def registration(self) -> Registration:
        """The same for the core."""
        return Registration(self.username, self.password, self.email, self.first_name, self.last_name)


class CredentialsForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Who logs in."""

    username: Credential
    password: Credential


class RefreshForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """The refresh token to trade."""

    refresh: Credential


class UserBody(Struct, kw_only=True):
    """A registered user."""

    id: UUID
    username: str
    email: str
    first_name: str
    last_name: str
    role: Role
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, account: Account) -> UserBody:
        """The wire form of `account`."""
        return cls(
            id=account.id,
            username=account.username,
            email=account.email,
            first_name=account.first_name,
            last_name=account.last_name,
            role=account.role,
            created_at=account.created_at,
            updated_at=account.updated_at,
        )


class TokensBody(Struct, kw_only=True):
    """A pair of tokens. `expires_in` is the life of the access token, in seconds."""

    access: str
    refresh: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int

    @classmethod
    def of(cls, login: Login) -> TokensBody:
        """The wire form of `login`."""
        return cls(access=login.access, refresh=login.refresh, expires_in=int(login.expires_in.total_seconds()))


REGISTRATION = RegistrationForm(
    username="ada", password="correct horse battery", email="ada@example.org", first_name="Ada", last_name="Lovelace"
)
CREDENTIALS = CredentialsForm(username="ada", password="correct horse battery")
REFRESH = RefreshForm(refresh="kq1X0u7l0W1sXyJb8i2mZV4nG9dT3rHcEoPfAaYtBws")
USER = UserBody(
    id=USER_ID,
    username="ada",
    email="ada@example.org",
    first_name="Ada",
    last_name="Lovelace",
    role=Role.CUSTOMER,
    created_at=THEN,
    updated_at=THEN,
)
TOKENS = TokensBody(access="eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTlhIn0.c2ln", refresh=REFRESH.refresh, expires_in=300)
