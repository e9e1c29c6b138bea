"""The clients in `clients/`: made from the API as it is, and phones that live with them on a line that cuts."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from shop_client import (
    CatalogCopy,
    LoggedOut,
    MemoryTokens,
    NoAnswer,
    OrdersCopy,
    Refused,
    RetryingTransport,
    ShopClient,
    Tokens,
)
from shop_client.generated.api.accounts import get_me, register
from shop_client.generated.api.catalog import list_products
from shop_client.generated.api.orders import cancel_order, delete_order, place_order
from shop_client.generated.models import (
    LineForm,
    OrderBody,
    OrderStatus,
    PlacementForm,
    Problem,
    ProductPage,
    RegistrationForm,
)
from verification.phone_life import Clerk, Phone, cutting
from verification.proxy import Cut

from http_client import PASSWORD, STAFF, Server, unique
from http_servers import memory_serving

WITHIN_THE_FIRST_ANSWER = Cut("answer", 60, "end")
WITHIN_THE_SECOND_ANSWER = Cut("answer", 1_400, "reset")
AFTER_SOME_ANSWERS = Cut("answer", 10_000, "end")
"""Lists are longer than one answer to a wish: they must get through at some time."""


@pytest.fixture(scope="module")
def memory_server() -> Iterator[Server]:
    """A server of its own, with few products: a page of all those of the other tests would be cut each time."""
    with memory_serving() as server:
        yield server


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
        life = phone.live(50)
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
    if connection % 5 == 4:
        return AFTER_SOME_ANSWERS
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
    keys: list[str] = []
    pauses: list[float] = []

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
    store.save(replace(first, access="ended"))
    form = PlacementForm(lines=[LineForm(lamp, 1)])
    assert place_order.sync_detailed(client=shop.api, body=form).status_code == 201
    assert store.load() not in (None, first)
    shop.log_out()
    assert store.load() is None
    store.save(first)
    shop.close()
    ended = ShopClient(memory_server.url, store=store)
    store.save(replace(first, access="ended", refresh="none of the shop's"))
    with pytest.raises(LoggedOut):
        get_me.sync(client=ended.api)
    ended.close()


def test_guesses_of_others_do_not_make_an_owner_wait_who_logged_in_from_this_device_before(
    memory_server: Server, shop: ShopClient
) -> None:
    name, store = unique("ada"), MemoryTokens()
    register.sync(client=shop.api, body=RegistrationForm(name, PASSWORD))
    owner = ShopClient(memory_server.url, store=store)
    owner.log_in(name, PASSWORD)
    owner.log_out()
    owner.close()
    impatient = RetryingTransport(httpx.HTTPTransport(), patience_s=0)
    others = ShopClient(memory_server.url, transport=impatient)
    for _ in range(10):
        with pytest.raises(Refused, match="password"):
            others.log_in(name, "a wrong guess")
    with pytest.raises(Refused) as refused:
        others.log_in(name, PASSWORD)
    assert isinstance(refused.value.problem, Problem)
    assert refused.value.problem.code == "too_many_attempts"
    assert refused.value.retry_after_s is not None
    back = ShopClient(memory_server.url, store=store, transport=impatient)
    back.log_in(f" {name.title()}", PASSWORD)
    with pytest.raises(Refused):
        back.log_in(name, "a guess of the owner's")
    back.log_in(name, PASSWORD)
    back.close()
    others.close()


def test_a_refusal_is_the_problem_that_it_is(shop: ShopClient) -> None:
    with pytest.raises(Refused) as refused:
        shop.log_in(unique("nobody"), PASSWORD)
    assert isinstance(refused.value.problem, Problem)
    assert refused.value.problem.code == "wrong_credentials"


def test_an_enum_value_that_came_later_is_shown_as_it_is(shop: ShopClient, lamp: UUID) -> None:
    assert OrderStatus("sent back") == "sent back"
    assert OrderStatus("placed") is OrderStatus.PLACED
    assert isinstance(list_products.sync(client=shop.api, limit=1), ProductPage)


def test_a_body_that_is_a_stream_is_sent_whole_each_time(memory_server: Server) -> None:
    """Tried again after an answer that was lost, after `not now`, and after a refresh of the tokens."""
    seen: list[tuple[str, bytes]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.path, request.read()))
        if request.url.path == "/api/v1/auth/token/refresh":
            return httpx.Response(200, json={"access": "new", "refresh": "new"})
        if len(seen) == 1:
            raise httpx.WriteError("the line is cut")
        if len(seen) == 2:
            return httpx.Response(503)
        is_old = request.headers["authorization"] == "Bearer old"
        return httpx.Response(401, json={"code": "invalid_token"}) if is_old else httpx.Response(201)

    store = MemoryTokens()
    store.save(Tokens("old", "old", "ada"))
    transport = RetryingTransport(httpx.MockTransport(answer), now=lambda: 0, sleep=lambda _: None)
    shop = ShopClient("http://shop.example", store=store, transport=transport)
    http = shop.api.get_httpx_client()
    bodies = {"/file": io.BytesIO(b"a picture"), "/stream": iter([b"a ", b"picture"])}
    for path, body in bodies.items():
        seen.clear()
        store.save(Tokens("old", "old", "ada"))
        assert http.post(path, content=body).status_code == 201
        assert [sent for asked, sent in seen if asked == path] == [b"a picture"] * 4
    seen.clear()
    store.save(Tokens("old", "old", "ada"))
    assert http.post("/form", files={"picture": ("lamp.png", io.BytesIO(b"a picture"))}).status_code == 201
    forms = {sent for asked, sent in seen if asked == "/form"}
    assert len(forms) == 1
    assert b"a picture" in forms.pop()
    shop.close()


def test_copies_follow_the_catalog_and_the_orders(memory_server: Server, clerk: Clerk, shop: ShopClient) -> None:
    lamps = [clerk.new_lamp(unique("LAMP")) for _ in range(3)]
    catalog, orders = CatalogCopy(), OrdersCopy()
    catalog.update(shop.api)
    assert set(lamps) <= set(catalog.products)
    clerk.http.delete(f"/products/{lamps[0]}").raise_for_status()
    category = clerk.http.post("/categories", json={"name": unique("Lamps")}).json()["id"]
    catalog.update(shop.api)
    assert lamps[0] not in catalog.products
    assert UUID(category) in catalog.categories
    catalog.cursor = "MDAw"  # as after a restore of the shop
    with pytest.raises(Refused):
        catalog.update(shop.api)

    name = unique("ada")
    register.sync(client=shop.api, body=RegistrationForm(name, PASSWORD))
    shop.log_in(name, PASSWORD)
    form = PlacementForm(lines=[LineForm(lamps[1], 1), LineForm(lamps[2], 1)])
    answers = [place_order.sync(client=shop.api, body=form) for _ in range(3)]
    placed = [each for each in answers if isinstance(each, OrderBody)]
    orders.update(shop.api)
    assert orders.orders == {each.id: each for each in placed}
    cancel_order.sync(placed[0].id, client=shop.api)
    delete_order.sync_detailed(placed[1].id, client=shop.api)
    orders.update(shop.api)
    assert {id_: each.status for id_, each in orders.orders.items()} == {
        placed[0].id: "cancelled",
        placed[2].id: "placed",
    }
    stored = replace(orders, orders={id_: OrderBody.from_dict(each.to_dict()) for id_, each in orders.orders.items()})
    stored.update(shop.api)
    assert stored == orders


def test_lists_of_ids_are_one_parameter(shop: ShopClient, clerk: Clerk) -> None:
    lamps = {clerk.new_lamp(unique("LAMP")) for _ in range(2)}
    page = list_products.sync(client=shop.api, ids=sorted(lamps))
    assert isinstance(page, ProductPage)
    assert {product.id for product in page.results} == lamps


def test_the_block_in_the_readme_runs_as_it_is(
    memory_server: Server, lamp: UUID, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path("clients/README.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(block.replace("http://localhost:8000", memory_server.url), "clients/README.md", "exec"), {})
    said = capsys.readouterr().out
    assert "placed" in said
    assert re.search(r"[1-3] orders", said)
