"""The clients in `clients/`: made from the API as it is, and phones that live with them on a line that cuts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import httpx
import pytest
from shop_client import LoggedOut, MemoryTokens, NoAnswer, Refused, RetryingTransport, ShopClient, Tokens
from shop_client.generated.api.accounts import get_me
from shop_client.generated.api.catalog import list_products
from shop_client.generated.api.orders import place_order
from shop_client.generated.models import LineForm, OrderStatus, PlacementForm, Problem, ProductPage
from verification.phone_life import Clerk, Phone, cutting
from verification.proxy import Cut

from http_client import PASSWORD, STAFF, Server, unique

WITHIN_THE_FIRST_ANSWER = Cut("answer", 60, "end")
WITHIN_THE_SECOND_ANSWER = Cut("answer", 1_400, "reset")


@pytest.fixture
def clerk(memory_server: Server) -> Iterator[Clerk]:
    """Staff with a line that holds."""
    with closing(Clerk(memory_server.url, STAFF, PASSWORD)) as someone:
        yield someone


@pytest.fixture
def lamp(clerk: Clerk) -> UUID:
    """A product of which there is enough."""
    return clerk.new_lamp(unique("LAMP"))


@pytest.fixture
def shop(memory_server: Server) -> Iterator[ShopClient]:
    """A client on a line that holds."""
    client = ShopClient(memory_server.url)
    yield client
    client.close()


def test_each_wish_of_a_phone_happens_once_though_the_answers_to_it_are_lost(
    memory_server: Server, clerk: Clerk, lamp: UUID
) -> None:
    with cutting(int(memory_server.url.rpartition(":")[2]), _each_answer) as line:
        phone = Phone(f"http://127.0.0.1:{line.port}", lamp, "a phone")
        life = phone.live(30)
    assert life.failed == []
    assert sum(line.cuts.values()) > 10
    assert clerk.differences(life) == []


def test_the_comparison_finds_orders_that_were_placed_without_a_key(
    memory_server: Server, clerk: Clerk, lamp: UUID
) -> None:
    with cutting(int(memory_server.url.rpartition(":")[2]), _each_answer) as line:
        phone = Phone(f"http://127.0.0.1:{line.port}", lamp, "a phone", _WithoutKeys())
        life = phone.live(10)
    assert any("the phone has None" in difference for difference in clerk.differences(life))


def _each_answer(connection: int) -> Cut:
    return WITHIN_THE_SECOND_ANSWER if connection % 2 else WITHIN_THE_FIRST_ANSWER


class _WithoutKeys(httpx.HTTPTransport):
    """Places orders as a client would that makes no keys."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it."""
        headers = httpx.Headers(request.headers)
        if request.url.path == "/api/v1/orders":
            del headers["idempotency-key"]
        bare = httpx.Request(
            request.method, request.url, headers=headers, stream=request.stream, extensions=request.extensions
        )
        return super().handle_request(bare)


def test_what_takes_no_key_and_may_have_happened_is_not_repeated() -> None:
    sent = []

    def lose(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.path)
        raise httpx.ReadError("the line is cut")

    transport = RetryingTransport(
        httpx.MockTransport(lose), patience_s=1, now=lambda: 10 * len(sent), sleep=lambda _: None
    )
    for path in ("/api/v1/users/me/password", "/api/v1/orders"):
        with pytest.raises(NoAnswer, match="the line is cut") as caught:
            transport.handle_request(httpx.Request("POST", f"http://shop.example{path}"))
        assert (caught.value.key is None) is path.endswith("password")
    assert sent.count("/api/v1/users/me/password") == 1


def test_a_client_waits_as_long_as_the_shop_says_and_asks_with_the_same_key() -> None:
    keys, pauses = [], []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        return httpx.Response(201) if len(keys) == 3 else httpx.Response(503, headers={"retry-after": "2"})

    transport = RetryingTransport(httpx.MockTransport(answer), now=lambda: 0, sleep=pauses.append)
    response = transport.handle_request(httpx.Request("POST", "http://shop.example/api/v1/orders"))
    assert response.status_code == 201
    assert len(set(keys)) == 1
    assert all(2 <= pause <= 5 for pause in pauses)


def test_tokens_that_have_ended_are_refreshed_once_and_a_session_that_has_ended_says_so(
    memory_server: Server, lamp: UUID
) -> None:
    store = MemoryTokens()
    shop = ShopClient(memory_server.url, store=store)
    shop.log_in(STAFF, PASSWORD)
    first = store.load()
    assert first is not None
    store.save(Tokens("ended", first.refresh))
    form = PlacementForm(lines=[LineForm(lamp, 1)])
    assert place_order.sync_detailed(client=shop.api, body=form).status_code == 201
    assert store.load() not in (None, first)
    shop.log_out()
    assert store.load() is None
    store.save(first)
    shop.close()
    ended = ShopClient(memory_server.url, store=store)
    store.save(Tokens("ended", "none of the shop's"))
    with pytest.raises(LoggedOut):
        get_me.sync(client=ended.api)
    ended.close()


def test_a_refusal_is_the_problem_that_it_is(shop: ShopClient) -> None:
    with pytest.raises(Refused) as refused:
        shop.log_in(unique("nobody"), PASSWORD)
    assert isinstance(refused.value.problem, Problem)
    assert refused.value.problem.code == "wrong_credentials"


def test_an_enum_value_that_came_later_is_shown_as_it_is(shop: ShopClient, lamp: UUID) -> None:
    assert OrderStatus("sent back") == "sent back"
    assert OrderStatus("placed") is OrderStatus.PLACED
    assert isinstance(list_products.sync(client=shop.api, limit=1), ProductPage)
