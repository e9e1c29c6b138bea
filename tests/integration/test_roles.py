"""The shop runs as a role that can do what the shop does, and cannot unmake what happened. On PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import ProgrammingError
from verification.shop_process import environment, shop

from http_client import PASSWORD, Server, log_in, new_order, new_product, order_of, register
from http_servers import serving
from shop_adapters.postgres import make_engine
from shop_adapters.postgres.migrate import SchemaError
from shop_adapters.postgres.roles import ADDED_TO, grant_application_role

ROLE = f"shop_app_{uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def databases(new_database: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """A migrated database: the URL of its owner, and that of the application."""
    owner = new_database("shop_roles")
    env = environment(SHOP_DATABASE_URL=owner, SHOP_SECRET_KEY="x" * 36)
    for _ in range(2):  # once to make it, once more as an upgrade does
        done = shop("migrate", "--app-role", ROLE, env=env)
        assert done.returncode == 0, done.stderr
        assert f"The role {ROLE} may serve the shop on it." in done.stdout
    admin = make_engine(owner, connections=1)
    with admin.begin() as connection:
        connection.execute(text(f"ALTER ROLE {ROLE} PASSWORD 'of the tests'"))
    app = make_url(owner).set(username=ROLE, password="of the tests").render_as_string(hide_password=False)
    yield owner, app
    with admin.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {ROLE}"))
        connection.execute(text(f"DROP ROLE {ROLE}"))
    admin.dispose()


@pytest.fixture
def app(databases: tuple[str, str]) -> Iterator[Engine]:
    """Connections as the application."""
    engine = make_engine(databases[1], connections=1)
    yield engine
    engine.dispose()


def test_the_shop_does_all_its_work_as_that_role(databases: tuple[str, str]) -> None:
    env = environment(SHOP_DATABASE_URL=databases[1], SHOP_SECRET_KEY="x" * 36, SHOP_EVENTS="log")
    assert shop("create-admin", "boss", env=env, stdin=f"{PASSWORD}\n").returncode == 0
    with serving(env=env) as (url, _):
        server = Server(url, "boss", PASSWORD)
        with server.client() as visitor:
            tokens, leaver = log_in(visitor, register(visitor)["username"]), register(visitor)
            assert visitor.post("/auth/token/refresh", json={"refresh": tokens["refresh"]}).status_code == 200
        with server.client(server.staff_token) as staff, server.client(tokens["access"]) as customer:
            assert staff.delete(f"/users/{leaver['id']}").status_code == 204
            product = new_product(staff, stock=9)
            order = new_order(customer, (product, 1))
            edited = customer.put(f"/orders/{order['id']}", json=order_of((product, 2)))
            assert edited.status_code == 200, edited.text
            assert staff.post(f"/orders/{order['id']}/cancel").status_code == 200
            held = customer.post("/reservations", json=order_of((product, 1))).json()
            assert customer.post("/orders", json={"reservation_id": held["id"]}).status_code == 201
            category = staff.post("/categories", json={"name": "Cups", "slug": uuid4().hex}).json()
            assert staff.delete(f"/categories/{category['id']}").status_code == 204
            assert staff.delete(f"/products/{new_product(staff)['id']}").status_code == 204
    assert shop("audit", env=env).stdout == "Everything adds up.\n"


def test_what_is_kept_for_too_long_is_deleted_as_that_role(databases: tuple[str, str]) -> None:
    env = environment(SHOP_DATABASE_URL=databases[1], SHOP_SECRET_KEY="x" * 36, SHOP_EVENTS="log")
    assert shop("create-admin", "keeper", env=env, stdin=f"{PASSWORD}\n").returncode == 0
    with serving(env=env) as (url, _):
        server = Server(url, "keeper", PASSWORD)
        with server.client() as visitor:
            tokens, lonely = log_in(visitor, register(visitor)["username"]), register(visitor)
        with server.client(server.staff_token) as staff, server.client(tokens["access"]) as customer:
            order = new_order(customer, (new_product(staff, stock=1), 1))
            cancelled = customer.post(f"/orders/{order['id']}/cancel", json={"reason": "too dear"})
            assert cancelled.status_code == 200, cancelled.text
    owner = make_engine(databases[0], connections=1)
    with owner.begin() as connection:  # years later
        connection.execute(text("UPDATE order_events SET at = at - interval '9 years' WHERE reason IS NOT NULL"))
        aged = "created_at = created_at - interval '9 years', updated_at = updated_at - interval '9 years'"
        connection.execute(text(f"UPDATE accounts SET {aged} WHERE id = :id"), {"id": lonely["id"]})
    owner.dispose()
    done = shop("retention", "--delete", env=env)
    assert done.returncode == 0, done.stderr
    assert {"reasons: 1 erased", "accounts: 1 erased"} <= set(done.stdout.splitlines()), done.stdout
    assert shop("audit", env=env).stdout == "Everything adds up.\n"


@pytest.mark.parametrize("table", sorted(ADDED_TO))
@pytest.mark.parametrize("change", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}"])
def test_history_cannot_be_changed(app: Engine, table: str, change: str) -> None:
    column = "product_id" if table == "stock_movements" else "id"
    assert _refusal(app, change.format(table).replace("id = id", f"{column} = {column}"))


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE mine (id int)",
        "ALTER TABLE orders ADD COLUMN mine int",
        "ALTER TABLE stock_levels DROP CONSTRAINT stock_levels_pkey",
        "DROP TABLE orders",
        "TRUNCATE orders",
        "UPDATE shop_facts SET value = 'USD'",
        "DELETE FROM alembic_version",
        "CREATE ROLE other",
    ],
)
def test_the_schema_cannot_be_changed(app: Engine, change: str) -> None:
    assert _refusal(app, change)


def _refusal(app: Engine, statement: str) -> bool:
    """Whether PostgreSQL refuses it for lack of rights."""
    with pytest.raises(ProgrammingError) as refused, app.begin() as connection:
        connection.execute(text(statement))
    return isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


def test_nobody_becomes_the_application_who_can_do_everything(databases: tuple[str, str]) -> None:
    owner = make_engine(databases[0], connections=1)
    user = make_url(databases[0]).username
    assert user is not None
    with pytest.raises(SchemaError, match="can do everything: choose another name"):
        grant_application_role(owner, user)
    with pytest.raises(SchemaError, match="cannot be the application role"):
        grant_application_role(owner, 'shop"; DROP TABLE orders; --')
    owner.dispose()
