"""The read model: never older than the request, the same bytes as without it, and bounded."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient

from http_client import wait_until
from shop_adapters.memory import MemoryAdapters
from shop_core import (
    SYSTEM,
    AccountStatusChange,
    Actor,
    CategoryChanges,
    Money,
    PlacementRequest,
    Product,
    ProductChanges,
    ProductDetails,
    Registration,
    Role,
    Shop,
)
from shop_core.inventory.model import LineRequest
from shop_http import read_model
from shop_http.app import create_app
from shop_http.read_model import ID_BYTES, CatalogText, Current, ReadModel
from shop_http.responses import Response
from shop_http.routing import App
from shop_testing import Fixtures

PASSWORD = "a long and unusual sentence"
Client = TestClient[App]
MISSING = UUID("01930000-0000-7000-8000-000000000001")


class Counting(MemoryAdapters):
    """A store that counts units of work, and is asked as the database is.

    Attributes:
        asked: of how many products each question was.
        token: of the catalog, held still; an exception is raised instead.
        before_answer: runs before a question is answered.
    """

    def __init__(self) -> None:
        super().__init__()
        self.begun = 0
        self.asked: list[int] = []
        self.token: Hashable | Exception | None = None
        self.before_answer: Callable[[], object] = lambda: None

    def begin(self) -> Any:
        self.begun += 1
        return super().begin()

    async def ask(self, product_ids: bytes) -> Current:
        """The token of the catalog, all that there is as the snapshot, and the units of products."""
        self.before_answer()
        if isinstance(self.token, Exception):
            raise self.token
        with self._store.mutex:
            ids = [UUID(bytes=product_ids[at : at + 16]) for at in range(0, len(product_ids), 16)]
            stock = self._store.stock
            catalog = [dict(table) for table in (self._store.products, self._store.categories, self._store.families)]
            units = [stock[id_].available if id_ in stock else -1 for id_ in ids]
            snapshot = self.token, str(catalog), str(stock)
        self.asked.append(len(units))
        return self.token or str(catalog), snapshot, packed(units)


def packed(units: Sequence[int]) -> bytes:
    """As the database gives them."""
    return struct.pack(f">{len(units)}i", *units)


class Stand:
    """A shop, and clients of it, with and without the read model."""

    def __init__(self) -> None:
        self.store = Counting()
        self.shop, self.fixtures = Shop(self.store), Fixtures(self.store)

    @contextmanager
    def client(self, *, is_kept: bool = True, read_model_mb: int = 50, **options: Any) -> Iterator[Client]:
        """A client of the shop."""
        ask = self.store.ask if is_kept else None
        app = create_app(self.shop, ask_catalog=ask, read_model_mb=read_model_mb, threads=2, **options)
        with TestClient(app, base_url="http://shop.test/api/v1") as client:
            yield client

    def buy(self, product: Product) -> None:
        """Sell one."""
        self.shop.orders.place(PlacementRequest(self.store.new_id(), (LineRequest(product.id, 1),)))

    def log_in(self, name: str, role: Role = Role.CUSTOMER) -> tuple[Actor, dict[str, str]]:
        """A registered user, and the header that proves it."""
        account = self.shop.accounts.register(Registration(name, PASSWORD), actor=SYSTEM, role=role)
        token = self.shop.sessions.log_in(name, PASSWORD).access
        return Actor(account.id, role), {"Authorization": f"Bearer {token}"}

    def works(self, read: Callable[[], object]) -> int:
        """How many units of work it takes."""
        before = self.store.begun
        read()
        return self.store.begun - before


@pytest.fixture(scope="module")
def stand() -> Stand:
    """A shop."""
    return Stand()


@pytest.fixture(scope="module")
def client(stand: Stand) -> Iterator[Client]:
    """A client of it."""
    with stand.client() as client:
        yield client


@pytest.fixture
def lamp(stand: Stand) -> Product:
    """A product of which there are three, the newest."""
    stand.store.token = None
    return stand.fixtures.product("Lamp", units=3)


def test_a_page_is_worked_out_once_and_sales_change_its_units_alone(
    client: Client, stand: Stand, lamp: Product
) -> None:
    path = f"/products/{lamp.id}"
    assert stand.works(lambda: [client.get("/products"), client.get(path)]) == 2
    for left in (3, 2, 1, 0):
        page, product = client.get("/products"), client.get(path)
        assert (page.json()["results"][0], product.json()["quantity_in_stock"]) == (product.json(), left)
        assert re.fullmatch(rf'"1\.[0-9a-f]{{8}}\.{left}"', product.headers["etag"])
        assert stand.works(lambda: [client.get("/products"), client.get(path)]) == 0
        if left:
            stand.buy(lamp)


def test_every_answer_is_the_same_as_without_the_read_model() -> None:
    """Twice each, so that the second one is made of what is kept; again after a sale, edits, renames and a removal."""
    stand = Stand()
    lamp = stand.fixtures.product("Lamp", units=3)
    shop, shelf = stand.shop, stand.shop.catalog.create_category(SYSTEM, "Lamps").category
    family = shop.families.create(SYSTEM, "Lantern", ("quantity_in_stock", "size"))
    nasty = 'Say "quantity_in_stock":7, \\"quantity_in_stock\\":8, 50 % %d %%s, é真\N{LINE SEPARATOR}'
    for number, text in enumerate((nasty, '{"quantity_in_stock":9}', "plain")):
        options = (("quantity_in_stock", str(number)), ("size", nasty[:50]))
        details = ProductDetails(f"S{number}", f"Lamp {number}", Money(100, shop.currency), text, shelf.id)
        product = shop.catalog.create_product(SYSTEM, details).product
        shop.catalog.edit_product(SYSTEM, product.id, ProductChanges(family_id=family.id, options=options))
    paths = (
        *(
            "/products",
            "/products?limit=2",
            "/products?limit=2&page=2",
            "/products?limit=1&cursor=",
            f"/products/{lamp.id}",
        ),
        *(f"/products?category={shelf.id}", "/products?keyword=lamp", f"/products?ids={product.id},{MISSING}"),
        *("/products?in_stock=true", f"/products/{product.id}"),
        *("/categories", "/categories?nested=true", "/categories?slug=lamps", f"/categories/{shelf.id}"),
        *("/families", f"/families/{family.id}", f"/products/{MISSING}", "/products?page=0"),
    )
    changes: tuple[Callable[[], object], ...] = (
        lambda: stand.buy(lamp),
        lambda: shop.catalog.edit_product(SYSTEM, product.id, ProductChanges(name="Torch")),
        lambda: shop.catalog.edit_category(SYSTEM, shelf.id, CategoryChanges(name="Lights")),
        lambda: shop.families.edit(SYSTEM, family.id, name="Lanterns"),
        lambda: shop.catalog.remove_product(SYSTEM, product.id),
    )
    _, staff = stand.log_in("sam", Role.STAFF)
    with stand.client() as kept, stand.client(is_kept=False) as plain:
        for change in changes:
            change()
            for path in paths:
                expected = _essence(plain.get(path))
                assert [_essence(kept.get(path)) for _ in range(2)] == [expected] * 2, path
                etag = expected[1].get("etag", "*")
                for ask, known, who in (
                    *(("HEAD", None, {}), ("HEAD", etag, {}), ("GET", etag, {}), ("GET", '"other"', {})),
                    *(("GET", None, staff), ("GET", f'"other", W/{etag}', staff)),
                ):
                    headers = who | ({"If-None-Match": known} if known else {})
                    theirs, ours = (_essence(each.request(ask, path, headers=headers)) for each in (plain, kept))
                    assert ours == theirs, (ask, path, known)
                    assert known != etag or ours[0] == 304 or "etag" not in expected[1], (ask, path)
                assert _essence(kept.get(path, headers=staff)) == expected, path


@pytest.mark.parametrize("encoding", ["zstd", "br", "gzip"])
def test_a_kept_page_is_compressed_to_the_same_bytes(encoding: str) -> None:
    stand = Stand()
    for number in range(6):
        stand.fixtures.product(f"Lamp {number}", units=number)
    with stand.client() as kept, stand.client(is_kept=False) as plain:
        kept.get("/products")
        found = list[tuple[dict[str, str], bytes]]()
        assert stand.works(lambda: found.append(_as_sent(kept, encoding))) == 0
        assert found == [_as_sent(plain, encoding)]
        assert found[0][0]["content-encoding"] == encoding


def _as_sent(client: Client, encoding: str) -> tuple[dict[str, str], bytes]:
    """Head and body of the list of products, not decoded."""
    with client.stream("GET", "/products", headers={"Accept-Encoding": encoding}) as response:
        headers = {name: value for name, value in response.headers.items() if name != "x-request-id"}
        return headers, b"".join(response.iter_raw())


def _essence(response: Any) -> tuple[int, dict[str, str], bytes]:
    """All of a response that is no accident of its request."""
    headers = {name: value for name, value in response.headers.items() if name != "x-request-id"}
    body = response.content
    if response.status_code >= 400 and body:
        body = body.replace(response.headers["x-request-id"].encode(), b"")
        headers.pop("content-length")
    return response.status_code, headers, body


def test_a_change_while_an_answer_is_worked_out_is_not_missed(client: Client, stand: Stand, lamp: Product) -> None:
    """The token is from before the store was read: text that is newer than its token is merely kept in vain."""
    path = f"/products/{lamp.id}"
    stand.store.token = "before"
    client.get(path)
    stand.shop.catalog.edit_product(SYSTEM, lamp.id, ProductChanges(name="Torch"))
    stand.store.token = "after"
    assert client.get(path).json()["name"] == "Torch"


def test_after_a_restore_a_lower_token_is_another_catalog(client: Client, stand: Stand, lamp: Product) -> None:
    stand.store.token = 5
    assert [client.get("/products").status_code for _ in range(2)] == [200, 200]
    for token in (7, 5, 7):
        stand.store.token = token
        assert stand.works(lambda: client.get("/products")) == 1
        assert stand.works(lambda: client.get("/products")) == 0


def test_a_client_that_has_a_product_is_told_that_its_family_has_another_name(client: Client, stand: Stand) -> None:
    stand.store.token = None
    family = stand.shop.families.create(SYSTEM, "Shirts", ["colour"])
    shirt = stand.fixtures.product("Shirt", family_id=family.id, options=(("colour", "red"),))
    known = client.get(f"/products/{shirt.id}")
    stand.shop.families.edit(SYSTEM, family.id, "T-shirts")
    again = client.get(f"/products/{shirt.id}", headers={"If-None-Match": known.headers["etag"]})
    assert (again.status_code, again.json()["family"]["name"]) == (200, "T-shirts")
    assert again.json()["version"] == known.json()["version"]


def test_who_knows_the_answer_is_told_so_without_a_unit_of_work(client: Client, stand: Stand, lamp: Product) -> None:
    for path in (f"/products/{lamp.id}", "/products"):
        etag = [client.get(path).headers["etag"] for _ in range(2)][-1]
        begun = stand.store.begun
        known = client.get(path, headers={"If-None-Match": etag})
        assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", etag)
        assert stand.store.begun == begun
    stand.buy(lamp)
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 200


def test_without_an_answer_everything_is_forgotten_and_worked_out(client: Client, stand: Stand, lamp: Product) -> None:
    client.get("/products")
    stand.store.token = OSError("the store does not say")
    assert [stand.works(lambda: client.get("/products")) for _ in range(2)] == [1, 1]
    stand.store.token = None
    wait_until(lambda: not stand.works(lambda: client.get("/products")))


def test_lists_by_units_and_refusals_are_not_kept(client: Client, stand: Stand, lamp: Product) -> None:
    for path in ("/products?in_stock=true", "/products?min_quantity=1", f"/products/{MISSING}"):
        assert [stand.works(lambda path=path: client.get(path)) for _ in range(2)] == [1, 1]  # type: ignore[misc]


def test_a_product_that_is_gone_takes_the_ordinary_path(client: Client, stand: Stand, lamp: Product) -> None:
    path = f"/products/{lamp.id}"
    stand.store.token = "still"
    client.get(path)
    with stand.store._store.mutex:
        level = stand.store._store.stock.pop(lamp.id)
    assert client.get(path).status_code == 404
    with stand.store._store.mutex:
        stand.store._store.stock[lamp.id] = level


def test_a_catalog_that_needs_a_login_is_shown_to_nobody_else(stand: Stand) -> None:
    (_, ada_in), (sam, sam_in) = stand.log_in("ada"), stand.log_in("sam", Role.STAFF)
    with stand.client(public_catalog=False) as client:
        for _ in range(2):
            assert [client.get("/products", headers=who).status_code for who in (ada_in, sam_in)] == [200, 200]
            assert client.get("/products").status_code == 401
        stand.shop.accounts.assign(SYSTEM, sam.account_id, AccountStatusChange(active=False))
        assert client.get("/products", headers=sam_in).status_code == 401


@pytest.mark.usefixtures("lamp")
def test_whatever_host_is_asked_one_text_is_kept_and_links_have_the_address_of_the_shop(stand: Stand) -> None:
    stand.fixtures.product("Chair")
    for base_url in ("", "https://shop.example"):
        with stand.client(base_url=base_url) as client:
            for host in ("one.example", "evil.example"):
                page = client.get("/products?limit=1", headers={"Host": host}).json()
                assert page["next"] == f"{base_url}/api/v1/products?limit=1&page=2"


# ---- one question for all who wait


class Asked:
    """A database that answers when it is told to, and what it was asked."""

    def __init__(self) -> None:
        self.questions: list[int] = []
        self.units = 0
        self.go = asyncio.Semaphore(0)

    async def ask(self, product_ids: bytes) -> Current:
        """As the read model asks."""
        self.questions.append(len(product_ids) // ID_BYTES)
        units = self.units  # as of now, whenever the answer comes
        await self.go.acquire()
        return "token", units, packed([units] * (len(product_ids) // ID_BYTES))


class Request:
    """What the read model looks at of a request."""

    def __init__(self, path: str) -> None:
        self.scope = {"path": path, "query_string": b""}
        self.loop = asyncio.get_running_loop()


async def make(_: Any) -> Response:
    """Works out the response `<units>`."""
    return Response(b"<>", text=CatalogText(b"<%d>", MISSING.bytes, "tag"))


def test_all_who_wait_share_a_question_and_nobody_gets_the_answer_to_one_from_before_they_came() -> None:
    database = Asked()

    async def run() -> list[bytes]:
        model: Any = ReadModel(database.ask, 10**6)

        def read() -> asyncio.Task[Response]:
            return asyncio.ensure_future(model.response(Request("/"), make))

        database.go.release()
        await read()
        early = read()
        while len(database.questions) < 2:
            await asyncio.sleep(0)
        database.units = 1  # a sale, after which these come
        late = [read() for _ in range(5)]
        await asyncio.sleep(0)
        database.go.release()
        await early
        for _ in range(2):
            database.go.release()
        return [response.body for response in await asyncio.gather(early, *late)]

    assert asyncio.run(run()) == [b"<0>", *[b"<1>"] * 5]
    assert database.questions == [0, 1, 0, 1], "first whether anything has changed, then the units of one text for all"


def test_units_are_asked_for_again_only_after_something_has_changed() -> None:
    database = Asked()

    async def run() -> list[list[bytes]]:
        model: Any = ReadModel(database.ask, 10**6)

        async def read(*paths: str) -> list[bytes]:
            for _ in range(2):
                database.go.release()
            responses = [model.response(Request(path), make) for path in paths]
            return [response.body for response in await asyncio.gather(*responses)]

        await read("/one"), await read("/two"), await read("/one"), await read("/two")
        database.questions.clear()
        same = await read("/one", "/two"), await read("/two")
        assert database.questions == [0, 0]
        database.units = 1
        changed = [await read("/one"), await read("/one", "/two")]
        assert database.questions == [0, 0, 0, 1, 1]
        database.units = 2
        return [*same, *changed, await read("/two", "/three"), await read("/one", "/two", "/three")]

    assert asyncio.run(run()) == [[b"<0>"] * 2, [b"<0>"], [b"<1>"], [b"<1>"] * 2, [b"<2>", b"<>"], [b"<2>"] * 3]


def test_nobody_waits_for_a_database_that_does_not_answer_and_it_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(read_model, "ANSWER_S", 0.01)
    monkeypatch.setattr(read_model, "RETRY_S", 0.0)
    database = Asked()

    async def run() -> list[bytes]:
        model: Any = ReadModel(database.ask, 10**6)
        made = [await model.response(Request("/"), make) for _ in range(3)]  # the first one waits, the others do not
        assert len(database.questions) == 1
        while model._is_failing:
            database.go.release()
            await asyncio.sleep(0)
        for _ in range(2):
            database.go.release()
        return [response.body for response in (*made, *[await model.response(Request("/"), make) for _ in range(2)])]

    assert asyncio.run(run()) == [b"<>"] * 4 + [b"<0>"]
    assert [record.message for record in caplog.records] == [
        "the catalog cannot be sent from memory: TimeoutError: the database does not answer within 0.01 s"
    ]


def test_who_came_while_a_question_hung_does_not_wait_until_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next question is asked only after that, and psycopg takes seconds to cancel one."""
    monkeypatch.setattr(read_model, "ANSWER_S", 0.01)
    monkeypatch.setattr(read_model, "RETRY_S", 0.0)
    database = Asked()

    async def run() -> list[bytes]:
        is_cancelled = asyncio.Event()

        async def ask(product_ids: bytes) -> Current:
            try:
                return await database.ask(product_ids)
            except asyncio.CancelledError:
                await is_cancelled.wait()
                raise

        model: Any = ReadModel(ask, 10**6)
        first = asyncio.create_task(model.response(Request("/first"), make))
        while not database.questions:
            await asyncio.sleep(0)
        made = [*await asyncio.gather(first, model.response(Request("/second"), make))]
        assert len(database.questions) == 1
        is_cancelled.set()
        while len(database.questions) < 3:  # the second one hangs, too, and is given up all the same
            made.append(await model.response(Request("/third"), make))
            await asyncio.sleep(0)
        return [response.body for response in made]

    assert set(asyncio.run(asyncio.wait_for(run(), 10))) == {b"<>"}


def test_an_answer_that_came_while_the_event_loop_stood_still_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_model, "ANSWER_S", 0.001)
    ours, theirs = socket.socketpair()

    async def ask(product_ids: bytes) -> Current:
        loop = asyncio.get_running_loop()
        arrived = loop.create_future()
        loop.add_reader(ours, arrived.set_result, None)
        theirs.send(b"1")
        time.sleep(0.01)  # the loop stands still until the time is over, and then finds the answer, too
        await arrived
        loop.remove_reader(ours)
        ours.recv(1)
        return "token", "snapshot", packed([5] * (len(product_ids) // ID_BYTES))

    async def run() -> list[bytes]:
        model: Any = ReadModel(ask, 10**6)
        return [(await model.response(Request("/"), make)).body for _ in range(3)]

    with ours, theirs:
        assert asyncio.run(run()) == [b"<>", b"<5>", b"<5>"]


def test_what_is_kept_is_bounded_and_the_least_wanted_goes_first() -> None:
    made: list[str] = []

    async def count(request: Any) -> Response:
        made.append(request.scope["path"])
        return await make(request)

    async def run() -> None:
        async def ask(product_ids: bytes) -> Current:
            return "token", "snapshot", packed([1] * (len(product_ids) // ID_BYTES))

        model: Any = ReadModel(ask, 50_000)
        for number in range(40):
            for path in ("/wanted", f"/{number}/{'x' * 1_000}"):
                assert (await model.response(Request(path), count)).body in (b"<>", b"<1>")
        assert made.count("/wanted") == 1
        await model.response(Request(made[-1]), count)
        await model.response(Request(made[1]), count)

    asyncio.run(run())
    assert made[-1] == made[1], "the oldest had to go: an address takes memory, too"
    assert len(made) == 42
