"""What the Python client makes of tokens that have ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import httpx
import pytest
from shop_client import LoggedOut, MemoryTokens, NoAnswer, OrdersCopy, RetryingTransport, ShopClient, Tokens
from shop_client.generated.api.accounts import get_me
from shop_client.generated.api.orders import place_order
from shop_client.generated.models import LineForm, PlacementForm
from test_client_refusals import URL, problem, transport

REFRESH = "/api/v1/auth/token/refresh"
ORDERS = "/api/v1/orders"
ORDER = PlacementForm(lines=[LineForm(UUID(int=1), 1)])
OLD = Tokens("old", "old", "ada")
GRACE = Tokens("Grace's", "Grace's", "grace")
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


class ShopOfTwo:
    """Ada is logged in, and Grace can log in.

    Args:
        answers: by the end of the path.
        sleep: in the pauses between tries.
    """

    def __init__(
        self, answers: dict[str, Callable[[], httpx.Response]], sleep: Callable[[float], None] = lambda _: None
    ) -> None:
        self.store, self.answers = MemoryTokens(), answers
        self.store.save(OLD)
        self.tokens_of_orders: list[str] = []
        retrying = RetryingTransport(httpx.MockTransport(self._answer), now=lambda: 0, sleep=sleep)
        self.client = ShopClient(URL, store=self.store, transport=retrying)

    def log_in_grace(self) -> None:
        """Grace logs in on the same phone."""
        self.client.log_in("Grace", "a long enough password")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        end = request.url.path.rpartition("/")[2]
        if end == "token":
            pair = {"access": GRACE.access, "refresh": GRACE.refresh}
            return httpx.Response(200, json=pair | {"expires_in": 300, "device": "d", "token_type": "Bearer"})
        if end == "orders":
            self.tokens_of_orders.append(request.headers["authorization"])
        return self.answers[end]()


@pytest.mark.parametrize(
    ("first", "error"), [(problem(429, "too_many_requests", 1), LoggedOut), (problem(503, "unavailable", 1), NoAnswer)]
)
def test_an_order_is_never_sent_with_the_tokens_of_somebody_else_who_logged_in_while_it_waited(
    first: httpx.Response, error: type[Exception]
) -> None:
    answers = [first, problem(*ENDED)]
    shop = ShopOfTwo({"orders": lambda: answers.pop(0)}, sleep=lambda _: shop.log_in_grace())
    with pytest.raises(error):
        place_order.sync(client=shop.client.api, body=ORDER)
    assert shop.tokens_of_orders == ["Bearer old", "Bearer old"]
    assert shop.store.load() == GRACE


@pytest.mark.parametrize("answer", [NEW, problem(*ENDED)])
def test_a_refresh_that_ends_late_leaves_the_tokens_of_who_logged_in_meanwhile(answer: httpx.Response) -> None:
    def late() -> httpx.Response:
        shop.log_in_grace()
        return answer

    shop = ShopOfTwo({"orders": lambda: problem(*ENDED), "refresh": late})
    with pytest.raises(LoggedOut):
        place_order.sync(client=shop.client.api, body=ORDER)
    assert shop.store.load() == GRACE


@pytest.mark.parametrize("refusal", [problem(503, "unavailable", 1), problem(429, "too_many_requests", 1)])
def test_a_refresh_is_not_repeated_after_a_pause_in_which_another_process_refreshed_the_tokens(
    refusal: httpx.Response,
) -> None:
    """Its token is used by then: to send it again would end the session."""
    refreshes = [refusal]
    orders = [problem(*ENDED), problem(409, "key_reused")]
    shop = ShopOfTwo(
        {"orders": lambda: orders.pop(0), "refresh": lambda: refreshes.pop()},
        sleep=lambda _: shop.store.save(Tokens("new", "new", "ada")),
    )
    assert place_order.sync_detailed(client=shop.client.api, body=ORDER).status_code == 409
    assert shop.tokens_of_orders == ["Bearer old", "Bearer new"]


def test_a_log_out_that_ends_late_leaves_the_tokens_of_who_logged_in_meanwhile() -> None:
    def late() -> httpx.Response:
        shop.log_in_grace()
        return httpx.Response(204)

    shop = ShopOfTwo({"logout": late})
    shop.client.log_out()
    assert shop.store.load() == GRACE


def test_all_who_wait_for_a_refresh_get_the_result_of_that_one() -> None:
    """They would each try for a minute, one after another."""
    callers = 5
    looks, refreshes = threading.Semaphore(0), []

    class Counting(MemoryTokens):
        def load(self) -> Tokens | None:
            looks.release()
            return super().load()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path != REFRESH:
            return problem(*ENDED)
        refreshes.append(request)
        for _ in range(2 * callers):  # each looks at the tokens before its request and before it waits for the refresh
            assert looks.acquire(timeout=5)
        raise LOST

    store = Counting()
    store.save(OLD)
    impatient = RetryingTransport(httpx.MockTransport(answer), patience_s=0)
    shop = ShopClient(URL, store=store, transport=impatient)
    with ThreadPoolExecutor(callers) as pool:
        calls = [pool.submit(place_order.sync, client=shop.api, body=ORDER) for _ in range(callers)]
    errors = [call.exception() for call in calls]
    assert [type(error) for error in errors] == callers * [NoAnswer]
    assert len({error.key for error in errors if isinstance(error, NoAnswer)}) == callers
    assert len(refreshes) == 1
    shop.close()
