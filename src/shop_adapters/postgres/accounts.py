"""Accounts and refresh tokens in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Select,
    Text,
    Uuid,
    bindparam,
    cast,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from shop_adapters.listing import ACCOUNTS
from shop_adapters.postgres.errors import UNIQUE, refusing
from shop_adapters.postgres.schema import accounts, refresh_tokens
from shop_adapters.postgres.transaction import AnyRow, PreparedStatement, Transaction
from shop_core.accounts.model import Account, AccountQuery, Role
from shop_core.accounts.sessions import RefreshToken, Session
from shop_core.errors import UsernameTaken
from shop_core.pagination import CursorRequest, Page, PageRequest
from shop_core.text import is_storable

_ACCOUNT = select(
    accounts.c.id,
    accounts.c.username,
    accounts.c.role,
    accounts.c.created_at,
    accounts.c.updated_at,
    accounts.c.email,
    accounts.c.first_name,
    accounts.c.last_name,
    accounts.c.active,
)
_WITH_HASH = _ACCOUNT.add_columns(accounts.c.password_hash)
_BY_ID = PreparedStatement(_ACCOUNT.where(accounts.c.id == bindparam("account_id")))
_BY_NAME = PreparedStatement(_WITH_HASH.where(accounts.c.username_key == bindparam("username_key")))
_LOCK = PreparedStatement(_WITH_HASH.where(accounts.c.id == bindparam("account_id")).with_for_update(key_share=True))
_KEEPS_THE_SHOP = (accounts.c.role == Role.ADMIN) & accounts.c.active
_SEARCH = cast(bindparam("search", type_=Text), TSVECTOR)
_TOKEN = PreparedStatement(select(*refresh_tokens.c).where(refresh_tokens.c.digest == bindparam("digest")))
_ADD_TOKEN = PreparedStatement(insert(refresh_tokens))
_FAMILY = select(refresh_tokens.c.family_id).where(refresh_tokens.c.digest == bindparam("digest")).scalar_subquery()
_LOCK_SESSION = PreparedStatement(
    select(refresh_tokens.c.digest)
    .where(refresh_tokens.c.family_id == _FAMILY)
    .order_by(refresh_tokens.c.issued_at, refresh_tokens.c.digest)
    .limit(1)
    .with_for_update(key_share=True)
)
"""The first token of a session stands for all of it: whoever trades or revokes any of them holds this row. Locking
only the token in hand would let a revocation miss the successor that is being written at that moment."""
_LOCK_FAMILY = PreparedStatement(
    select(refresh_tokens.c.digest)
    .where(refresh_tokens.c.family_id == bindparam("family_id"))
    .order_by(refresh_tokens.c.issued_at, refresh_tokens.c.digest)
    .limit(1)
    .with_for_update(key_share=True)
)
"""The same, for who knows the session and no token of it."""
_EARLIER = refresh_tokens.alias("earlier")
_LOCK_SESSIONS = PreparedStatement(
    select(refresh_tokens.c.digest)
    .where(
        refresh_tokens.c.account_id == bindparam("account_id"),
        refresh_tokens.c.revoked_at.is_(None),
        ~exists().where(
            _EARLIER.c.family_id == refresh_tokens.c.family_id,
            tuple_(_EARLIER.c.issued_at, _EARLIER.c.digest)
            < tuple_(refresh_tokens.c.issued_at, refresh_tokens.c.digest),
        ),
    )
    .order_by(refresh_tokens.c.family_id)
    .with_for_update(key_share=True, of=refresh_tokens)
)
"""The same token of every session of an account that has not ended."""
_SESSIONS = PreparedStatement(
    select(
        refresh_tokens.c.family_id,
        refresh_tokens.c.began_at,
        refresh_tokens.c.issued_at,
        refresh_tokens.c.expires_at,
    )
    .where(
        refresh_tokens.c.account_id == bindparam("account_id"),
        refresh_tokens.c.spent_at.is_(None),
        refresh_tokens.c.revoked_at.is_(None),
        refresh_tokens.c.expires_at > bindparam("now"),
    )
    .order_by(refresh_tokens.c.issued_at.desc(), refresh_tokens.c.family_id.desc())
)
_ENDED_SINCE = PreparedStatement(
    select(refresh_tokens.c.family_id, refresh_tokens.c.revoked_at).where(
        refresh_tokens.c.spent_at.is_(None), refresh_tokens.c.revoked_at > bindparam("moment")
    )
)
"""One token of each session: there is always one that is not spent."""
_ENDED = (
    select(refresh_tokens.c.digest)
    .where(
        refresh_tokens.c.expires_at < bindparam("before"),
        or_(
            exists().where(
                _EARLIER.c.family_id == refresh_tokens.c.family_id,
                tuple_(_EARLIER.c.issued_at, _EARLIER.c.digest)
                < tuple_(refresh_tokens.c.issued_at, refresh_tokens.c.digest),
            ),
            ~exists().where(
                _EARLIER.c.family_id == refresh_tokens.c.family_id, _EARLIER.c.expires_at >= bindparam("before")
            ),
        ),
    )
    .order_by(refresh_tokens.c.expires_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=refresh_tokens)
    .cte("ended")  # looked for once, and not for each row that it is compared with, or more than `most` are found
)
"""The first token of a session that goes on stays: it is the lock of all of it. A session of which every token has
expired cannot go on, so nobody needs that lock any more."""
_FORGET_ENDED = delete(refresh_tokens).where(refresh_tokens.c.digest.in_(select(_ENDED.c.digest)))


class PostgresAccounts:
    """See `shop_core.ports.Accounts`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, account: Account, password_hash: str) -> None:
        taken = UsernameTaken(account.username)
        with refusing(lambda state, _: taken if state == UNIQUE else None):
            self._transaction.execute(
                insert(accounts).values(search=_SEARCH),
                {
                    "id": account.id,
                    "username": account.username,
                    "username_key": account.username_key,
                    "email": account.email,
                    "first_name": account.first_name,
                    "last_name": account.last_name,
                    "role": account.role,
                    "active": account.active,
                    "password_hash": password_hash,
                    "search": _tsvector(account),
                    "created_at": account.created_at,
                    "updated_at": account.updated_at,
                },
            )

    def get(self, account_id: UUID) -> Account | None:
        row = self._transaction.one(_BY_ID, {"account_id": account_id})
        return _account(row) if row else None

    def credentials(self, username_key: str) -> tuple[Account, str] | None:
        if not is_storable(username_key):
            return None
        row = self._transaction.one(_BY_NAME, {"username_key": username_key})
        return (_account(row), row.password_hash) if row else None

    def lock(self, account_id: UUID) -> tuple[Account, str] | None:
        row = self._transaction.one(_LOCK, {"account_id": account_id})
        return (_account(row), row.password_hash) if row else None

    def lock_with_admins(self, account_id: UUID) -> dict[UUID, Account]:
        found = _ACCOUNT.where(or_(accounts.c.id == account_id, _KEEPS_THE_SHOP)).order_by(accounts.c.id)
        rows = self._transaction.execute(found.with_for_update(key_share=True))
        return {row.id: _account(row) for row in rows}

    def update(self, account: Account) -> None:
        self._transaction.execute(
            update(accounts).where(accounts.c.id == account.id).values(search=_SEARCH),
            {
                "email": account.email,
                "first_name": account.first_name,
                "last_name": account.last_name,
                "role": account.role,
                "active": account.active,
                "updated_at": account.updated_at,
                "search": _tsvector(account),
            },
        )

    def page(self, query: AccountQuery, page_request: PageRequest) -> Page[Account]:
        matching = _matching(query)
        key = (matching.selected_columns.username_key, matching.selected_columns.id)
        found = matching.order_by(*key)
        if isinstance(page_request, CursorRequest):
            if page_request.cursor is not None:
                username_key, account_id = ACCOUNTS.read(page_request.cursor)
                found = found.where(tuple_(*key) > tuple_(literal(username_key), literal(UUID(str(account_id)), Uuid)))
            rows = self._transaction.execute(found.limit(page_request.limit + 1))
            return ACCOUNTS.page([_account(row) for row in rows], page_request.limit)
        rows = self._transaction.execute(found.limit(page_request.limit).offset(page_request.offset))
        items = tuple(map(_account, rows))
        count = self._transaction.execute(select(func.count()).select_from(matching.subquery())).scalar_one()
        return Page(items, count)

    def set_password_hash(self, account_id: UUID, password_hash: str) -> None:
        self._transaction.execute(
            update(accounts).where(accounts.c.id == account_id).values(password_hash=password_hash)
        )


def _matching(query: AccountQuery) -> Select[Any]:
    matching = _ACCOUNT.add_columns(accounts.c.username_key)
    if query.role is not None:
        matching = matching.where(accounts.c.role == query.role)
    if query.active is not None:
        matching = matching.where(accounts.c.active if query.active else ~accounts.c.active)  # as the index has it
    if query.words is None:
        return matching
    beginnings = " & ".join(f"'{word}':*" for word in query.words)  # letters and digits: nothing to escape
    is_found = accounts.c.search.op("@@", is_comparison=True)(cast(beginnings, TSQUERY)) if query.words else false()
    # First all that are found, then the page of them: left to itself PostgreSQL walks through everybody by username,
    # in the hope of soon having enough.
    found = matching.where(is_found).cte("found").prefix_with("MATERIALIZED")
    return select(*found.c)


def _tsvector(account: Account) -> str:
    return " ".join(f"'{word}'" for word in sorted(account.words))


def _account(row: AnyRow) -> Account:
    return Account(
        row.id,
        row.username,
        Role(row.role),
        row.created_at,
        row.updated_at,
        row.email,
        row.first_name,
        row.last_name,
        row.active,
    )


class PostgresRefreshTokens:
    """See `shop_core.ports.RefreshTokens`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, token: RefreshToken) -> None:
        self._transaction.run(
            _ADD_TOKEN,
            {
                "digest": token.digest,
                "family_id": token.family_id,
                "account_id": token.account_id,
                "began_at": token.began_at,
                "issued_at": token.issued_at,
                "expires_at": token.expires_at,
                "spent_at": token.spent_at,
                "revoked_at": token.revoked_at,
            },
        )

    def lock(self, digest: bytes) -> RefreshToken | None:
        self._transaction.run(_LOCK_SESSION, {"digest": digest})
        row = self._transaction.one(_TOKEN, {"digest": digest})
        return RefreshToken(*row) if row else None

    def update(self, token: RefreshToken) -> None:
        self._transaction.execute(
            update(refresh_tokens)
            .where(refresh_tokens.c.digest == token.digest)
            .values(spent_at=token.spent_at, revoked_at=token.revoked_at)
        )

    def revoke_family(self, family_id: UUID, now: datetime) -> None:
        # The update alone would wait for whoever is making a successor, and then not see it: its snapshot is older.
        self._transaction.run(_LOCK_FAMILY, {"family_id": family_id})
        self._transaction.execute(
            update(refresh_tokens)
            .where(refresh_tokens.c.family_id == family_id, refresh_tokens.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )

    def revoke_all(self, account_id: UUID, now: datetime) -> None:
        self._transaction.run(_LOCK_SESSIONS, {"account_id": account_id})
        self._transaction.execute(
            update(refresh_tokens)
            .where(refresh_tokens.c.account_id == account_id, refresh_tokens.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )

    def sessions(self, account_id: UUID, now: datetime) -> list[Session]:
        rows = self._transaction.run(_SESSIONS, {"account_id": account_id, "now": now})
        return [Session(*row) for row in rows]

    def revoked_since(self, moment: datetime) -> dict[UUID, datetime]:
        rows = self._transaction.run(_ENDED_SINCE, {"moment": moment})
        return {row.family_id: row.revoked_at for row in rows}

    def delete_expired(self, before: datetime, limit: int) -> int:
        return self._transaction.execute(_FORGET_ENDED, {"before": before, "most": limit}).rowcount
