"""Accounts in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    Uuid,
    bindparam,
    cast,
    false,
    func,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from shop_adapters.listing import ACCOUNTS
from shop_adapters.postgres.database import UNIQUE, Row, Transaction
from shop_adapters.postgres.schema import accounts
from shop_adapters.postgres.search import account_search, word_query
from shop_core.accounts.model import Account, AccountQuery, Role
from shop_core.errors import UsernameTaken
from shop_core.pagination import CursorRequest, Page, PageRequest
from shop_core.text import is_storable

_ADD = text("""
INSERT INTO accounts (id, username, username_key, email, first_name, last_name, role, active, password_hash,
                      created_at, updated_at, search, confirmed_email)
VALUES (:id, :username, :username_key, :email, :first_name, :last_name, :role, :active, :password_hash,
        :created_at, :updated_at, CAST(:search AS tsvector), :confirmed_email)
""")
_GET = text("""
SELECT id, username, role, created_at, updated_at, email, first_name, last_name, active, confirmed_email
FROM accounts
WHERE id = :account_id
""")
_GET_BY_USERNAME = text("""
SELECT id, username, role, created_at, updated_at, email, first_name, last_name, active, confirmed_email,
       password_hash
FROM accounts
WHERE username_key = :username_key
""")
_CONFIRMED = text("""
SELECT id, username, role, created_at, updated_at, email, first_name, last_name, active, confirmed_email,
       password_hash
FROM accounts
WHERE confirmed_email = :email_key AND confirmed_email <> '' AND active
ORDER BY id
""")
_LOCK = text("""
SELECT id, username, role, created_at, updated_at, email, first_name, last_name, active, confirmed_email,
       password_hash
FROM accounts
WHERE id = :account_id
FOR NO KEY UPDATE
""")
_LOCK_WITH_ADMINS = text("""
SELECT id, username, role, created_at, updated_at, email, first_name, last_name, active, confirmed_email
FROM accounts
WHERE id = :account_id OR (role = 'admin' AND active)
ORDER BY id
FOR NO KEY UPDATE
""")
_UPDATE = text("""
UPDATE accounts
SET email = :email, first_name = :first_name, last_name = :last_name, role = :role, active = :active,
    updated_at = :updated_at, search = CAST(:search AS tsvector), confirmed_email = :confirmed_email
WHERE id = :id
""")
_SET_PASSWORD_HASH = text("""
UPDATE accounts SET password_hash = :password_hash WHERE id = :account_id
""")

_REMOVE = text("""
DELETE FROM accounts WHERE id = :account_id
""")


class PostgresAccounts:
    """See `shop_core.ports.Accounts`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, account: Account, password_hash: str) -> None:
        taken = UsernameTaken(account.username)
        values = {
            **_changing_columns(account),
            "username": account.username,
            "username_key": account.username_key,
            "password_hash": password_hash,
            "created_at": account.created_at,
        }
        self._transaction.run(_ADD, values, lambda state, _: taken if state == UNIQUE else None)

    def get(self, account_id: UUID) -> Account | None:
        row = self._transaction.one(_GET, {"account_id": account_id})
        return _account(row) if row else None

    def credentials(self, username_key: str) -> tuple[Account, str] | None:
        if not is_storable(username_key):
            return None
        row = self._transaction.one(_GET_BY_USERNAME, {"username_key": username_key})
        return (_account(row), row.password_hash) if row else None

    def confirmed(self, email_key: str, limit: int) -> list[tuple[Account, str]]:
        rows = self._transaction.run(_CONFIRMED, {"email_key": email_key})  # also of those that have another one by now
        found = [(account, row.password_hash) for row in rows if (account := _account(row)).email_confirmed]
        return found[:limit]

    def lock(self, account_id: UUID) -> tuple[Account, str] | None:
        row = self._transaction.one(_LOCK, {"account_id": account_id})
        return (_account(row), row.password_hash) if row else None

    def lock_with_admins(self, account_id: UUID) -> dict[UUID, Account]:
        return {row.id: _account(row) for row in self._transaction.run(_LOCK_WITH_ADMINS, {"account_id": account_id})}

    def update(self, account: Account) -> None:
        self._transaction.run(_UPDATE, _changing_columns(account))

    def page(self, query: AccountQuery, page_request: PageRequest) -> Page[Account]:
        filters, values = _filters_of(query), _values_of(query)
        if isinstance(page_request, CursorRequest):
            values |= {"limit": page_request.limit + 1, "offset": 0}
            if page_request.cursor is not None:
                username_key, account_id = ACCOUNTS.read(page_request.cursor)
                values |= {"after_username_key": username_key, "after_id": UUID(str(account_id))}
            rows = self._transaction.run(account_list(filters, is_after="after_id" in values), values)
            return ACCOUNTS.page([_account(row) for row in rows], page_request.limit)
        values |= {"limit": page_request.limit, "offset": page_request.offset}
        rows = self._transaction.run(account_list(filters, is_after=False), values)
        return Page(tuple(map(_account, rows)), self._transaction.value(account_count(filters), values))

    def set_password_hash(self, account_id: UUID, password_hash: str) -> None:
        self._transaction.run(_SET_PASSWORD_HASH, {"account_id": account_id, "password_hash": password_hash})

    def remove(self, account_id: UUID) -> None:
        self._transaction.run(_REMOVE, {"account_id": account_id})


def _changing_columns(account: Account) -> dict[str, object]:
    return {
        "id": account.id,
        "email": account.email,
        "first_name": account.first_name,
        "last_name": account.last_name,
        "role": account.role,
        "active": account.active,
        "updated_at": account.updated_at,
        "confirmed_email": account.confirmed_email,
        "search": account_search(account.username, account.email, account.first_name, account.last_name),
    }


def _account(row: Row) -> Account:
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
        row.confirmed_email,
    )


# ---- lists, composed by what they filter

_ACCOUNT = select(
    *(accounts.c.id, accounts.c.username, accounts.c.role, accounts.c.created_at, accounts.c.updated_at),
    *(accounts.c.email, accounts.c.first_name, accounts.c.last_name, accounts.c.active, accounts.c.username_key),
    accounts.c.confirmed_email,
)
FILTERS: Mapping[str, ColumnElement[bool]] = {
    "role": accounts.c.role == bindparam("role", type_=Text),
    "active": accounts.c.active,  # as the index has it
    "inactive": ~accounts.c.active,
    "words": accounts.c.search.op("@@", is_comparison=True)(cast(bindparam("words", type_=Text), TSQUERY)),
    "no word": false(),
}
"""The conditions that a list of accounts can have, by name."""


def _filters_of(query: AccountQuery) -> frozenset[str]:
    filters = set()
    if query.role is not None:
        filters.add("role")
    if query.active is not None:
        filters.add("active" if query.active else "inactive")
    if query.words is not None:
        filters.add("words" if query.words else "no word")
    return frozenset(filters)


def _values_of(query: AccountQuery) -> dict[str, Any]:
    return {"role": query.role, "words": word_query(query.words or (), all_begin=True)}


def _matching(filters: frozenset[str]) -> Select[Any]:
    matching = _ACCOUNT.where(*(FILTERS[name] for name in sorted(filters)))
    if filters.isdisjoint({"words", "no word"}):
        return matching
    # First all that are found, then the page of them: left to itself PostgreSQL walks through everybody by username,
    # in the hope of soon having enough.
    found = matching.cte("found").prefix_with("MATERIALIZED")
    return select(*found.c)


@lru_cache(64)
def account_list(filters: frozenset[str], *, is_after: bool) -> Select[Any]:
    """A page of accounts by username; by number, or by key if it `is_after` one."""
    matching = _matching(filters)
    key = (matching.selected_columns.username_key, matching.selected_columns.id)
    page = matching.order_by(*key).limit(bindparam("limit", type_=Integer))
    if is_after:
        after = tuple_(bindparam("after_username_key", type_=Text), bindparam("after_id", type_=Uuid))
        return page.where(tuple_(*key) > after)
    return page.offset(bindparam("offset", type_=Integer))


@lru_cache(64)
def account_count(filters: frozenset[str]) -> Select[Any]:
    """How many accounts match."""
    return select(func.count()).select_from(_matching(filters).subquery())
