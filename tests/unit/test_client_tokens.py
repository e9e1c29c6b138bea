"""What the Python client makes of tokens that have ended."""

from __future__ import annotations

from uuid import UUID

import httpx
from shop_client import MemoryTokens, ShopClient, Tokens
from shop_client.generated.api.accounts import get_me
from shop_client.generated.api.orders import place_order
from shop_client.generated.models import LineForm, PlacementForm
from test_client_refusals import URL, problem

REFRESH = "/api/v1/auth/token/refresh"
ORDERS = "/api/v1/orders"
ORDER = PlacementForm(lines=[LineForm(UUID(int=1), 1)])
OLD = Tokens("old", "old")
ENDED = (401, "invalid_token")


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
