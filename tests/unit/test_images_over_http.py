"""Pictures of products over HTTP, and in the panel, on a shop in memory whose encoder needs no real pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar.testing import TestClient

from panel_browser import ORIGIN, Browser, text_of
from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, Money, ProductDetails, Registration, Role, Shop
from shop_core.catalog.images import UPLOAD_BYTES_MAX, key_of
from shop_http.app import create_app
from shop_http.read_model import ID_BYTES, UNITS_BYTES
from shop_http.routing import App
from shop_testing import PlainEncoder

PASSWORD = "correct horse battery"
PNG = "image/png"


@dataclass
class Staff:
    """Somebody of the staff, with a product."""

    client: TestClient[App]
    shop: Shop
    token: str
    product_id: UUID

    def send(self, method: str, path: str = "", *, token: str | None = None, **request: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token if token is None else token}"} | request.pop("headers", {})
        return self.client.request(method, f"/api/v1/products/{self.product_id}{path}", headers=headers, **request)

    def upload(
        self, body: bytes = b"small\nlarge", query: str = "", media_type: str = PNG, **headers: str
    ) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"content-type": media_type}
        return self.send("POST", f"/images{query}", content=body, headers=sent)


@contextmanager
def _staff() -> Iterator[Staff]:
    shop = Shop(MemoryAdapters(image_encoder=PlainEncoder()))
    for username, role in (("grace", Role.STAFF), ("ada", Role.CUSTOMER)):
        shop.accounts.register(Registration(username, PASSWORD), actor=SYSTEM, role=role)
    product = shop.catalog.create_product(SYSTEM, ProductDetails("LAMP-1", "Lamp", Money(100, "EUR"))).product
    with TestClient(create_app(shop, threads=4)) as client:
        yield Staff(client, shop, shop.sessions.log_in("grace", PASSWORD).access, product.id)


@pytest.fixture
def staff() -> Iterator[Staff]:
    with _staff() as staff:
        yield staff


@pytest.fixture(scope="module")
def refused_staff() -> Iterator[Staff]:
    """One for all requests that change nothing."""
    with _staff() as staff:
        yield staff


def test_a_picture_is_shown_with_the_product_with_its_sizes_and_text(staff: Staff) -> None:
    made = staff.upload(query="?alt=A+lamp")
    assert (made.status_code, made.headers["location"]) == (201, f"/api/v1/products/{staff.product_id}")
    (image,) = made.json()["images"]
    small, large = (f"/media/{key_of(body)}.webp" for body in (b"small", b"large"))
    sizes = [{"url": small, "width": 10, "height": 5}, {"url": large, "width": 20, "height": 10}]
    expected = {"id": image["id"], "url": large, "width": 20, "height": 10, "alt": "A lamp", "sizes": sizes}
    assert image == expected
    assert made.json()["version"] == 2
    for shown in (staff.send("GET").json(), staff.client.get("/api/v1/products").json()["results"][0]):
        assert shown["images"] == [expected]
    changes = staff.client.get("/api/v1/catalog/changes").json()
    assert changes["results"][0]["images"] == [expected]


def test_a_product_without_pictures_says_so(staff: Staff) -> None:
    assert staff.send("GET").json()["images"] == []


def test_a_picture_gets_another_text_and_place_and_goes(staff: Staff) -> None:
    first = staff.upload(b"1", "?alt=one").json()["images"][0]["id"]
    second = staff.upload(b"2", "?alt=two&position=1").json()["images"][0]["id"]
    changed = staff.send("PATCH", f"/images/{first}", json={"alt": "uno", "position": 1})
    assert [image["alt"] for image in changed.json()["images"]] == ["uno", "two"]
    assert changed.headers["etag"].startswith('"4')
    assert staff.send("DELETE", f"/images/{second}").status_code == 204
    assert [image["alt"] for image in staff.send("GET").json()["images"]] == ["uno"]
    gone = staff.send("DELETE", f"/images/{second}")
    assert (gone.status_code, gone.json()["code"]) == (404, "image_not_found")


def test_a_file_of_a_picture_is_kept_for_good_and_runs_nothing(staff: Staff) -> None:
    url = staff.upload(b"content").json()["images"][0]["url"]
    shown = staff.client.get(url)
    assert (shown.status_code, shown.content, shown.headers["content-type"]) == (200, b"content", "image/webp")
    assert shown.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in shown.headers["content-security-policy"]
    assert shown.headers["cross-origin-resource-policy"] == "cross-origin", "pages of the shop may be elsewhere"
    assert shown.headers.get_list("cross-origin-resource-policy") == ["cross-origin"]
    etag = shown.headers["etag"]
    known = staff.client.get(url, headers={"if-none-match": etag})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", etag)
    for header in ("cross-origin-resource-policy", "content-security-policy", "cache-control"):
        assert known.headers[header] == shown.headers[header], "a cache takes over what a 304 says"
    head = staff.client.head(url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "7")
    assert staff.client.options(url).headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("name", ["0" * 64 + ".webp", "0" * 64, "x.webp", "..%2fsecret", "0" * 64 + ".webp.exe", "%00"])
def test_what_is_no_file_of_a_picture_is_not_found(refused_staff: Staff, name: str) -> None:
    assert refused_staff.client.get(f"/media/{name}").status_code == 404


def test_the_files_are_shown_without_a_login_though_the_catalog_is_not() -> None:
    """A page cannot send a token with a picture, and nobody guesses a hash."""
    adapters = MemoryAdapters(image_encoder=PlainEncoder())
    assert adapters.media
    adapters.media.put(key_of(b"1"), b"1", "image/webp")
    with TestClient(create_app(Shop(adapters), public_catalog=False, threads=2)) as client:
        assert client.get(f"/media/{key_of(b'1')}.webp").status_code == 200


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"media_type": "image/svg+xml"}, 415, "unsupported_media_type"),
        ({"media_type": "application/json"}, 415, "unsupported_media_type"),
        ({"media_type": "image/png, image/jpeg"}, 415, "unsupported_media_type"),
        ({"media_type": ""}, 415, "unsupported_media_type"),
        ({"content_encoding": "gzip"}, 415, "unsupported_media_type"),
        ({"body": b"1" * (UPLOAD_BYTES_MAX + 1)}, 413, "body_too_large"),
        ({"body": b""}, 400, "unusable_image"),
        ({"query": "?position=0"}, 400, "invalid_input"),
        ({"query": "?position=21"}, 400, "invalid_input"),
        ({"query": "?alt=" + "x" * 501}, 400, "invalid_input"),
        ({"query": "?alt=%00"}, 400, "invalid_input"),
        ({"query": "?title=x"}, 400, "invalid_input"),
        ({"if_match": '"7"'}, 412, "stale_version"),
        ({"if_none_match": "*"}, 400, "invalid_input"),
        ({"idempotency_key": "\x07"}, 400, "invalid_input"),
    ],
)
def test_an_upload_that_breaks_a_rule_is_refused_and_changes_nothing(
    refused_staff: Staff, request_: dict[str, Any], status: int, code: str
) -> None:
    refused = refused_staff.upload(**request_)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert refused_staff.send("GET").json()["images"] == []


def test_the_body_of_nobody_but_staff_is_read(staff: Staff) -> None:
    """Else anybody could fill the memory, ten MiB a request."""
    customer = staff.shop.sessions.log_in("ada", PASSWORD).access
    for token, status in (("", 401), (customer, 403)):
        refused = staff.send("POST", "/images", token=token, content=b"1", headers={"content-type": "text/html"})
        assert refused.status_code == status, "and not 415, for which the body is looked at"


def test_an_upload_that_is_sent_again_is_one_picture(staff: Staff) -> None:
    first, again = (staff.upload(idempotency_key="k") for _ in range(2))
    assert (again.status_code, again.json(), again.headers["idempotency-replayed"]) == (201, first.json(), "true")
    other = staff.upload(b"another", idempotency_key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    image_id = first.json()["images"][0]["id"]
    for method, body in (("PATCH", {"alt": "x"}), ("DELETE", None)):
        for _ in range(2):
            sent = staff.send(method, f"/images/{image_id}", json=body, headers={"idempotency-key": method})
            assert sent.is_success
        assert sent.headers["idempotency-replayed"] == "true"


def test_a_shop_without_an_encoder_says_that_it_keeps_no_pictures() -> None:
    shop = Shop(MemoryAdapters())
    shop.accounts.register(Registration("grace", PASSWORD), actor=SYSTEM, role=Role.STAFF)
    product = shop.catalog.create_product(SYSTEM, ProductDetails("LAMP-1", "Lamp", Money(100, "EUR"))).product
    with TestClient(create_app(shop, threads=2)) as client:
        staff = Staff(client, shop, shop.sessions.log_in("grace", PASSWORD).access, product.id)
        refused = staff.upload()
    assert (refused.status_code, refused.json()["code"]) == (409, "no_pictures")


def test_a_kept_page_of_the_catalog_shows_a_new_picture_at_once() -> None:
    adapters = MemoryAdapters(image_encoder=PlainEncoder())
    shop = Shop(adapters)
    product = shop.catalog.create_product(SYSTEM, ProductDetails("LAMP-1", "Lamp", Money(100, "EUR"))).product

    asked: list[int] = []

    async def ask(product_ids: bytes) -> tuple[int, int, bytes]:
        asked.append(len(product_ids))
        return adapters.snapshot(), adapters.snapshot(), bytes(len(product_ids) // ID_BYTES * UNITS_BYTES)

    with TestClient(create_app(shop, threads=2, ask_catalog=ask)) as client:
        for count in range(3):
            for _ in range(2):
                assert len(client.get(f"/api/v1/products/{product.id}").json()["images"]) == count
            shop.images.add(SYSTEM, product.id, b"%d" % count)
    assert ID_BYTES in asked, "a page was kept"


# ---- the panel


@pytest.fixture
def browser(staff: Staff) -> Browser:
    browser = Browser(staff.client)
    browser.log_in("grace", PASSWORD)
    return browser


def send_file(browser: Browser, path: str, content: bytes, **fields: str) -> httpx.Response:
    page = browser.get(path.removesuffix("/images"))
    sent = browser.form(page, path).fields | fields
    files = {"image": ("lamp.png", content, PNG)}
    return browser.client.post(f"{ORIGIN}/staff{path}", data=sent, files=files, headers={"origin": ORIGIN})


def test_staff_add_change_and_remove_pictures_in_the_panel(staff: Staff, browser: Browser) -> None:
    path = f"/products/{staff.product_id}"
    page = send_file(browser, f"{path}/images", b"1", alt="A <lamp>")
    assert "The picture is added." in text_of(page)
    assert f'src="/media/{key_of(b"1")}.webp" alt="A &lt;lamp&gt;"' in page.text
    send_file(browser, f"{path}/images", b"2", alt="Another")
    first, second = staff.shop.catalog.product(staff.product_id).product.images
    moved = browser.submit(browser.get(path), f"{path}/images/{second.id}", position="1", alt="The other")
    assert "The picture is saved." in text_of(moved)
    refused = browser.submit(browser.get(path), f"{path}/images/{first.id}", position="first")
    assert "must be a whole number, this is &#39;first&#39;" in refused.text.replace("&#x27;", "&#39;")
    gone = browser.submit(browser.get(path), f"{path}/images/{first.id}/remove")
    assert "The picture is removed." in text_of(gone)
    assert [image.alt for image in staff.shop.catalog.product(staff.product_id).product.images] == ["The other"]


def test_a_form_without_a_picture_or_from_before_a_change_says_what_is_wrong(staff: Staff, browser: Browser) -> None:
    path = f"/products/{staff.product_id}"
    page = browser.submit(browser.get(path), f"{path}/images", alt="words that stay")
    assert page.status_code in (400, 415)
    none = send_file(browser, f"{path}/images", b"", alt="words that stay")
    assert none.status_code == 400
    assert "words that stay" in none.text
    before = browser.get(path)
    (image,) = staff.shop.images.add(SYSTEM, staff.product_id, b"1").product.images
    stale = browser.get(path)
    staff.shop.images.edit(SYSTEM, staff.product_id, image.id, "by somebody else")
    overtaken = browser.submit(stale, f"{path}/images/{image.id}", alt="by me")
    assert overtaken.status_code == 412
    assert "by me" in overtaken.text
    assert before.status_code == 200


def test_a_double_click_adds_one_picture(staff: Staff, browser: Browser) -> None:
    path = f"/products/{staff.product_id}"
    sent = browser.form(browser.get(path), f"{path}/images").fields
    for _ in range(2):
        files = {"image": ("lamp.png", b"1", PNG)}
        browser.client.post(f"{ORIGIN}/staff{path}/images", data=sent, files=files, headers={"origin": ORIGIN})
    assert len(staff.shop.catalog.product(staff.product_id).product.images) == 1


def test_a_large_form_of_nobody_is_not_read(staff: Staff) -> None:
    """Whoever is not logged in gets the login form, however much they would send."""
    sent: list[int] = []

    async def run() -> None:
        async def receive() -> dict[str, Any]:
            sent.append(1)
            return {"type": "http.request", "body": b"x" * 2**20, "more_body": True}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                assert message["status"] in (200, 401, 403)

        headers = [
            (b"host", b"127.0.0.1"),
            (b"origin", ORIGIN.encode()),
            (b"content-type", b"multipart/form-data; boundary=x"),
            (b"content-length", b"%d" % UPLOAD_BYTES_MAX),
        ]
        path = f"/staff/products/{staff.product_id}/images"
        scope: Any = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
        scope |= {"headers": headers, "client": ("127.0.0.1", 1), "scheme": "http", "root_path": "", "state": {}}
        await staff.client.app(scope, receive, send)

    asyncio.run(run())
    assert len(sent) <= 5, "what is discarded so that the browser sees the answer, and no more"
