"""The same HTTP tests on every backend: a real server process each, for the whole run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import httpx
import pytest
from sqlalchemy import Engine
from verification.shop_process import shop_with_admin

from http_client import PASSWORD, STAFF, Server, log_in, register
from http_servers import memory_serving, postgres_serving
from shop_adapters.postgres import make_engine


@pytest.fixture(scope="session")
def memory_server() -> Iterator[Server]:
    """A server whose shop lives in its memory."""
    with memory_serving() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server(migrated_database: Callable[[str], str]) -> Iterator[Server]:
    """A server whose shop lives in a database of its own."""
    with postgres_serving(migrated_database("shop_http")) as server:
        yield server


@pytest.fixture(scope="session", params=["memory", "postgres"])
def server(request: pytest.FixtureRequest) -> Server:
    """A running server, one for each backend."""
    running: Server = request.getfixturevalue(f"{request.param}_server")
    return running


@pytest.fixture
def visitor(server: Server) -> Iterator[httpx.Client]:
    """Somebody who is not logged in."""
    with server.client() as client:
        yield client


@pytest.fixture
def staff(server: Server) -> Iterator[httpx.Client]:
    """Somebody who may do everything."""
    with server.client(server.staff_token) as client:
        yield client


@pytest.fixture
def new_customer(server: Server, visitor: httpx.Client) -> Iterator[Callable[[], httpx.Client]]:
    """Makes customers: each call another one, logged in."""
    with contextlib.ExitStack() as clients:

        def new() -> httpx.Client:
            token = log_in(visitor, register(visitor)["username"])["access"]
            return clients.enter_context(server.client(token))

        yield new


@pytest.fixture
def customer(new_customer: Callable[[], httpx.Client]) -> httpx.Client:
    """A customer, logged in."""
    return new_customer()


@pytest.fixture
def own_shop(migrated_database: Callable[[str], str]) -> dict[str, str]:
    """The environment of a shop with an admin, on an empty database of its own, for servers that a test starts."""
    secret = "the secret of the tests, more than 32 bytes"
    return shop_with_admin(
        STAFF, PASSWORD, SHOP_DATABASE_URL=migrated_database("shop_of_a_test"), SHOP_SECRET_KEY=secret
    )


@pytest.fixture
def own_database(own_shop: dict[str, str]) -> Iterator[Engine]:
    """The database of that shop."""
    engine = make_engine(own_shop["SHOP_DATABASE_URL"], connections=2)
    yield engine
    engine.dispose()
