"""What the Python client makes of tokens that have ended."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest
from shop_client import LoggedOut, MemoryTokens, NoAnswer, OrdersCopy, ShopClient, Tokens
from shop_client.generated.api.accounts import get_me
from shop_client.generated.api.orders import place_order
from shop_client.generated.models import LineForm, PlacementForm
from test_client_refusals import URL, problem, transport

REFRESH = "/api/v1/auth/token/refresh"
ORDERS = "/api/v1/orders"
ORDER = PlacementForm(lines=[LineForm(UUID(int=1), 1)])
OLD = Tokens("old", "old")
ENDED = (401, "invalid_token")
LOST = httpx.ReadError("the line is cut")
NEW = httpx.Response(200, json={"access": "new", "refresh": "new"})


def test_a_refresh_waits_no_longer_for_an_answer_than_the_request_that_needs_it() -> None:
    store, waits = MemoryTokens(), {}
    store.save(OLD)

    def answer(request: httpx.Request) -> httpx.Response:
        waits[request.url.path] = request.extensions.get("timeout")
        if request.url.path == REFRESH:
            return httpx.Response(200, json={"access": "new", "refresh": "new"})
        return problem(*ENDED) if request.headers["authorization"] == "Bearer old" else problem(404, "not_found")

    shop = ShopClient(URL, store=store, transport=httpx.MockTransport(answer), timeout_s=7)
    get_me.sync(client=shop.api)
    assert waits[REFRESH] == waits["/api/v1/users/me"] == httpx.Timeout(7).as_dict()
    shop.close()


def test_a_transport_that_sends_once_gets_keys_and_retries_and_its_answers_are_read() -> None:
    store, keys = MemoryTokens(), []
    store.save(OLD)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == REFRESH:
            return httpx.Response(200, json={"access": "new", "refresh": "new"})
        keys.append(request.headers.get("idempotency-key"))
        is_old = request.headers["authorization"] == "Bearer old"
        refusal = problem(*ENDED) if is_old else problem(409, "key_reused")
        unread = iter([refusal.content])  # as from the connections of httpx
        return httpx.Response(refusal.status_code, headers=refusal.headers, content=unread)

    shop = ShopClient(URL, store=store, transport=httpx.MockTransport(answer))
    assert place_order.sync_detailed(client=shop.api, body=ORDER).status_code == 409
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert keys[0] is not None
    shop.close()


@pytest.mark.parametrize(
    "answers_after_the_refusal",
    [
        [problem(401, "invalid_token")],
        [problem(429, "too_many_requests")],
        [LOST],
        [NEW, problem(429, "too_many_requests")],
        [NEW, LOST],
        [NEW, problem(401, "invalid_token")],
    ],
)
def test_an_order_that_may_have_been_placed_keeps_its_key_whatever_becomes_of_the_refresh(
    answers_after_the_refusal: list[httpx.Response | Exception],
) -> None:
    store = MemoryTokens()
    store.save(OLD)
    answers = transport(LOST, problem(*ENDED), *answers_after_the_refusal)
    shop = ShopClient(URL, store=store, transport=answers)
    with pytest.raises(NoAnswer, match=f"POST {ORDERS}") as caught:
        place_order.sync(client=shop.api, body=ORDER, idempotency_key="my order")
    assert caught.value.key == "my order"
    shop.close()


def test_what_has_not_happened_is_refused_as_it_is_when_the_session_has_ended() -> None:
    for answers in ([problem(*ENDED)], [httpx.ConnectError("no line"), problem(*ENDED)]):
        store = MemoryTokens()
        store.save(OLD)
        shop = ShopClient(URL, store=store, transport=transport(*answers))
        with pytest.raises(LoggedOut):
            place_order.sync(client=shop.api, body=ORDER)
        shop.close()


def test_a_copy_of_the_orders_says_that_the_session_has_ended_also_after_an_answer_was_lost() -> None:
    store = MemoryTokens()
    store.save(OLD)
    shop = ShopClient(URL, store=store, transport=transport(LOST, problem(*ENDED)))
    with pytest.raises(LoggedOut):
        OrdersCopy().update(shop.api)
    shop.close()
