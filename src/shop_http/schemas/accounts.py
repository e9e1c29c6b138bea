"""Users, credentials and tokens."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from shop_core import Account, AccountStatusChange, Actor, Login, ProfileChange, Registration, Role
from shop_core.accounts.sessions import Session
from shop_http.schemas.common import Credential, PageBody, Timestamp


class RegistrationForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new user."""

    username: str
    password: Credential
    email: str = ""
    first_name: str = ""
    last_name: str = ""

    def registration(self) -> Registration:
        """As the core takes it."""
        return Registration(self.username, self.password, self.email, self.first_name, self.last_name)


class CredentialsForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A login."""

    username: Credential
    password: Credential
    device: Annotated[Credential, Meta(max_length=200, description="as an earlier login from this device gave it")] = ""
    remember: Annotated[
        bool, Meta(description="true: the session may be idle for longer, on a device of one's own")
    ] = False
    device_name: Annotated[str, Meta(description="shown in the list of sessions, e.g. Ada's phone")] = ""


class RefreshForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A refresh token: the one to exchange, or one of the session to end."""

    refresh: Credential


class ProfileForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change in your profile; fields that you leave out stay as they are."""

    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    email: str | UnsetType = UNSET

    def change(self) -> ProfileChange:
        """As the core takes it."""
        return ProfileChange(
            *(None if text is UNSET else text for text in (self.first_name, self.last_name, self.email))
        )


class PasswordForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """The present password and the new one."""

    old_password: Credential
    new_password: Credential


class EmailForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """An email address that its account has confirmed."""

    email: str


class EmailCodeForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """The code from a mail that asks to confirm its address."""

    code: Annotated[Credential, Meta(max_length=200)]


class ResetForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A code from a mail or an admin, and the new password."""

    code: Annotated[Credential, Meta(max_length=200)]
    new_password: Credential


class ResetBody(Struct, kw_only=True):
    """A code for a user who forgot their password, to be handed over to them. It works once."""

    code: str
    expires_at: Timestamp


class AccountStatusForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """The role of an account, and whether it may log in; fields that you leave out stay as they are."""

    role: Role | UnsetType = UNSET
    active: bool | UnsetType = UNSET

    def change(self) -> AccountStatusChange:
        """As the core takes it."""
        return AccountStatusChange(self.role or None, None if self.active is UNSET else self.active)


class UserBody(Struct, kw_only=True):
    """A registered user. `email_confirmed`: a mail to this address has reached them."""

    id: UUID
    username: str
    email: str
    email_confirmed: bool
    first_name: str
    last_name: str
    role: Role
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, account: Account) -> UserBody:
        """The schema of `account`."""
        return cls(
            id=account.id,
            username=account.username,
            email=account.email,
            email_confirmed=account.email_confirmed,
            first_name=account.first_name,
            last_name=account.last_name,
            role=account.role,
            created_at=account.created_at,
            updated_at=account.updated_at,
        )


class AccountBody(UserBody, kw_only=True):
    """A registered user, as staff see them."""

    active: bool

    @classmethod
    def of(cls, account: Account) -> AccountBody:
        """The schema of `account`."""
        return cls(**asdict(UserBody.of(account)), active=account.active)


class AccountPage(PageBody[AccountBody], kw_only=True):
    """A page of the list of registered users."""


class TokensBody(Struct, kw_only=True):
    """A pair of tokens. `expires_in` is the life of the access token, in seconds.

    Keep `device`, which a login gives, after log-out too, and send it with the next login from the same device.
    """

    access: str
    refresh: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    device: str | UnsetType = UNSET

    @classmethod
    def of(cls, login: Login) -> TokensBody:
        """The schema of `login`."""
        return cls(
            access=login.access,
            refresh=login.refresh,
            expires_in=int(login.expires_in.total_seconds()),
            device=login.device or UNSET,
        )


class SessionBody(Struct, kw_only=True):
    """A session. It ends at `expires_at` unless it is refreshed before.

    `remember` and `device_name` are as the login gave them. `current` is true for the session of this request.
    """

    id: UUID
    created_at: Timestamp
    used_at: Timestamp
    expires_at: Timestamp
    remember: bool
    device_name: str
    current: bool

    @classmethod
    def of(cls, session: Session, actor: Actor) -> SessionBody:
        """The schema of `session`, for its account."""
        return cls(
            id=session.id,
            created_at=session.created_at,
            used_at=session.used_at,
            expires_at=session.expires_at,
            remember=session.is_remembered,
            device_name=session.device_name,
            current=session.id == actor.session,
        )


class SessionsBody(Struct, kw_only=True):
    """Where an account is logged in."""

    results: tuple[SessionBody, ...]
