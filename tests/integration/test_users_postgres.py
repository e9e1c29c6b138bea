"""The list of users on PostgreSQL: a fixed number of statements, and an index for every filter."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from verification.databases import adapters_on

from plans import analyze, costs, statements
from shop_adapters.postgres import PostgresAdapters
from shop_core import AccountQuery, CursorRequest, OffsetRequest, Role
from shop_core.pagination import PageRequest
from shop_testing import Fixtures

MANY = 20_000
EVERYBODY = AccountQuery()
_FILL = f"""
INSERT INTO accounts (id, username, username_key, email, first_name, last_name, password_hash, created_at, updated_at,
                      role, active, search)
SELECT lpad(to_hex(n), 32, '0')::uuid, name, name, '', '', '', '', now(), now(),
       CASE WHEN n % 1000 = 7 THEN 'staff' ELSE 'customer' END, n % 500 <> 3, array_to_tsvector(ARRAY[name])
FROM generate_series(1, {MANY}) AS n, LATERAL (SELECT 'user' || lpad(n::text, 6, '0')) AS named (name)
"""


@pytest.mark.parametrize(
    ("page_request", "count"), [(OffsetRequest(200), 2), (CursorRequest(200), 1)], ids=["numbered", "by key"]
)
def test_a_page_of_users_costs_the_same_number_of_statements_however_many_are_on_it(
    postgres_adapters: PostgresAdapters, page_request: PageRequest, count: int
) -> None:
    fixtures = Fixtures(postgres_adapters)
    for number in range(30):
        with statements(postgres_adapters.engine) as sent, postgres_adapters.begin() as uow:
            assert len(uow.accounts.page(EVERYBODY, page_request).items) == number
        assert len(sent) == count
        fixtures.account(f"user{number}")


@pytest.fixture
def crowd(new_engine: Callable[[str], Engine]) -> PostgresAdapters:
    """A shop with a lot of customers, some staff, and some who are out."""
    engine = new_engine("shop_users")
    with engine.begin() as connection:
        connection.execute(text(_FILL))
    analyze(engine)
    return adapters_on(engine)


def test_no_page_of_users_reads_the_whole_table(crowd: PostgresAdapters) -> None:
    with crowd.begin() as uow:
        middle = uow.accounts.page(EVERYBODY, OffsetRequest(1, MANY // 2)).items[0].username_key
        cursor = uow.accounts.page(AccountQuery(words=(middle[:-2],)), CursorRequest(1)).cursor
    for query, index in (
        (EVERYBODY, "accounts_username_key_key"),
        (AccountQuery(role=Role.STAFF), "accounts_by_role_idx"),
        (AccountQuery(active=False), "accounts_inactive_idx"),
        (AccountQuery(words=("user000123",)), "accounts_search_idx"),
    ):
        for page_request in (CursorRequest(20), CursorRequest(20, cursor)):
            (cost,) = costs(crowd.engine, lambda query=query, page=page_request: _page(crowd, query, page))  # type: ignore[misc]
            assert index in cost.used, cost
            assert not cost.read_whole, cost


def _page(adapters: PostgresAdapters, query: AccountQuery, page_request: PageRequest) -> None:
    with adapters.begin() as uow:
        uow.accounts.page(query, page_request)
