"""What the Python client makes of a refusal for now, such as 429, when it has no patience left."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import httpx
import pytest
from shop_client import MemoryTokens, NoAnswer, OrdersCopy, Refused, RetryingTransport, ShopClient, Tokens
from shop_client.generated.api.accounts import change_password
from shop_client.generated.api.orders import place_order
from shop_client.generated.models import LineForm, PasswordForm, PlacementForm, Problem

URL = "http://shop.example"
TOO_MANY = "too_many_requests"
REFUSALS_FOR_NOW = [(429, TOO_MANY), (429, "a_code_of_later"), (408, "request_timeout"), (503, "too_many_connections")]


def problem(status: int, code: str, retry_after_s: int = 90) -> httpx.Response:
    """As the shop refuses."""
    members = {"type": f"/docs/errors#{code}", "title": "No", "status": status, "detail": "Not now.", "code": code}
    headers = {"content-type": "application/problem+json", "retry-after": str(retry_after_s)}
    return httpx.Response(status, json=members | {"instance": "/", "request_id": "1"}, headers=headers)


def transport(*answers: httpx.Response | Exception) -> RetryingTransport:
    """Gets these answers, the last one again and again; its patience ends with a pause past 60 seconds."""
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        given = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(given, Exception):
            raise given
        return given

    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    return RetryingTransport(httpx.MockTransport(answer), now=lambda: clock[0], sleep=sleep)


def asked(method: str, answers: Iterable[httpx.Response | Exception]) -> httpx.Response:
    """The answer to a request."""
    return transport(*answers).handle_request(httpx.Request(method, f"{URL}/api/v1/orders"))


@pytest.mark.parametrize(("status", "code"), REFUSALS_FOR_NOW)
@pytest.mark.parametrize("retry_after_s", [90, 1])
def test_a_refusal_that_says_that_nothing_was_done_is_the_answer_when_patience_ends(
    status: int, code: str, retry_after_s: int
) -> None:
    unsent = [httpx.ConnectError("no line"), httpx.ConnectTimeout("no line")]
    refusal = asked("POST", [*unsent, problem(status, code, retry_after_s)])
    assert (refusal.status_code, refusal.headers["retry-after"]) == (status, str(retry_after_s))
    assert (refusal.json()["code"], refusal.json()["detail"]) == (code, "Not now.")


@pytest.mark.parametrize(
    "answers",
    [
        [problem(503, "unavailable")],
        [problem(500, "internal_error", 90)],
        [httpx.Response(429, text="<h1>Too many requests</h1>", headers={"retry-after": "90"})],
        [httpx.ReadError("the line is cut"), problem(429, TOO_MANY)],
        [problem(503, "unavailable", 1), problem(429, TOO_MANY)],
        [httpx.Response(502), problem(429, TOO_MANY)],
        [problem(429, TOO_MANY, 1), httpx.ReadError("the line is cut")],
    ],
)
def test_what_any_try_may_have_done_is_not_known(answers: list[httpx.Response | Exception]) -> None:
    with pytest.raises(NoAnswer) as caught:
        asked("POST", answers)
    assert caught.value.key


def test_a_read_does_nothing_so_that_a_refusal_is_its_answer_whatever_came_before() -> None:
    assert asked("GET", [httpx.ReadError("the line is cut"), problem(429, TOO_MANY)]).status_code == 429
    with pytest.raises(NoAnswer):
        asked("GET", [problem(429, TOO_MANY, 1), problem(503, "unavailable")])


def test_a_refused_login_and_a_refused_copy_say_why_and_when_to_ask_again() -> None:
    shop = ShopClient(URL, transport=transport(problem(429, "too_many_attempts", 1_200)))
    with pytest.raises(Refused, match="Not now") as login:
        shop.log_in("ada", "a guess")
    with pytest.raises(Refused, match="Not now") as copy:
        OrdersCopy().update(shop.api)
    for refused in (login.value, copy.value):
        assert isinstance(refused.problem, Problem)
        assert (refused.problem.code, refused.retry_after_s) == ("too_many_attempts", 1_200)
    shop.close()


def test_who_is_refused_a_refresh_or_a_log_out_for_now_stays_logged_in() -> None:
    store = MemoryTokens()
    tokens = Tokens("ended", "a refresh token", "ada")
    store.save(tokens)
    ended = problem(401, "invalid_token")
    refresh = ShopClient(URL, store=store, transport=transport(ended, problem(429, TOO_MANY)))
    order = place_order.sync(client=refresh.api, body=PlacementForm(lines=[LineForm(UUID(int=1), 1)]))
    assert isinstance(order, Problem)
    assert order.code == TOO_MANY
    log_out = ShopClient(URL, store=store, transport=transport(problem(429, TOO_MANY)))
    with pytest.raises(Refused) as refused:
        log_out.log_out()
    assert refused.value.retry_after_s == 90
    assert store.load() == tokens
    refresh.close()
    log_out.close()


@pytest.mark.parametrize("status", [520, 524, 530])
def test_an_answer_that_only_a_gateway_gives_says_nothing_about_the_order(status: int) -> None:
    gateway = httpx.Response(status, text="<h1>A timeout occurred</h1>")
    assert asked("POST", [gateway, httpx.Response(201)]).status_code == 201
    shop = ShopClient(URL, transport=transport(gateway))
    with pytest.raises(NoAnswer, match=str(status)) as caught:
        place_order.sync(client=shop.api, body=PlacementForm(lines=[LineForm(UUID(int=1), 1)]))
    assert caught.value.key
    with pytest.raises(NoAnswer, match=str(status)):
        change_password.sync_detailed(client=shop.api, body=PasswordForm("an old password", "a new password"))
    shop.close()


def test_after_a_pause_that_took_longer_than_patience_nothing_is_sent_again() -> None:
    """As on a phone that was suspended."""
    clock, sent = [0.0], []

    def lose(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        raise httpx.ReadError("the line is cut")

    def suspend(seconds: float) -> None:
        clock[0] += 3_600

    suspended = RetryingTransport(httpx.MockTransport(lose), now=lambda: clock[0], sleep=suspend)
    with pytest.raises(NoAnswer):
        suspended.handle_request(httpx.Request("POST", f"{URL}/api/v1/orders"))
    assert len(sent) == 1
