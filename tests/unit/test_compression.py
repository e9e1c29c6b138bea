"""Which responses are compressed, how, and for whom."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import ANY

import brotli  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient

from shop_adapters.memory import MemoryAdapters
from shop_core import Registration, Shop
from shop_http.app import create_app
from shop_http.compression import COMPRESSED_BYTES_MIN, ENCODINGS, encoding_for
from shop_http.routing import App
from shop_testing import Fixtures

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PASSWORD = "a long and unusual sentence"
Client = TestClient[App]
DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": zstd.decompress,
    "br": brotli.decompress,
    "gzip": gzip.decompress,
    "identity": bytes,
}
NAMES = ["zstd", "br", "gzip"]
"""The best first."""
LONG = "/products?limit=60"
"""More than 64 KiB."""

each_encoding = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def shop() -> Shop:
    """A shop with a few products."""
    store = MemoryAdapters()
    fixtures = Fixtures(store)
    for number in range(52):
        fixtures.product(f"Chair {number}", description=f"{number}: oak " * 300)
    for number in range(6):
        fixtures.product(f"Lamp {number}", units=9)
    return Shop(store)


@contextmanager
def visiting(shop: Shop, *, compression: bool = True) -> Iterator[Client]:
    """Somebody without an account."""
    with TestClient(create_app(shop, compression=compression), base_url="http://shop.test/api/v1") as client:
        yield client


@pytest.fixture(scope="module")
def client(shop: Shop) -> Iterator[Client]:
    """Somebody without an account."""
    with visiting(shop) as client:
        yield client


def sent(client: Client, path: str, *accept: str, method: str = "GET", **headers: str) -> tuple[dict[str, str], bytes]:
    """Head and body of a response as they were sent."""
    asked = [*headers.items(), *(("Accept-Encoding", value) for value in accept)]
    with client.stream(method, path, headers=asked) as response:
        return dict(response.headers), b"".join(response.iter_raw())


def chosen(*accept: str) -> str:
    """The encoding of a response to a request with these headers."""
    encoding = encoding_for("\n".join(accept).encode("latin-1"))
    return encoding.name.decode() if encoding else "identity"


# ---- what is sent


@each_encoding
@pytest.mark.parametrize("path", ["/products?limit=6", LONG])
def test_a_list_is_compressed_for_clients_that_ask_for_it(client: Client, name: str, path: str) -> None:
    plain, content = sent(client, path, "identity")
    assert len(content) > (64 * 1024 if path == LONG else COMPRESSED_BYTES_MIN)
    assert "content-encoding" not in plain
    head, body = sent(client, path, name)
    assert DECOMPRESS[name](body) == content
    assert (head["content-encoding"], head["content-length"]) == (name, str(len(body)))
    assert len(body) < len(content) / 2
    assert head["vary"] == plain["vary"] == "Accept-Encoding"
    assert head["etag"] == f"W/{plain['etag']}"
    assert sent(client, path, name, method="HEAD") == (head | {"x-request-id": ANY}, b"")


@each_encoding
def test_a_client_that_has_a_compressed_list_is_told_that_it_is_unchanged(client: Client, name: str) -> None:
    head, _ = sent(client, "/products", name)
    for accept in (name, "gzip, br, zstd"):
        known, body = sent(client, "/products", accept, **{"If-None-Match": head["etag"]})
        assert (known["etag"], known["vary"], body) == (head["etag"], "Accept-Encoding", b"")
        assert "content-encoding" not in known


@pytest.mark.parametrize("accept", ["", "deflate", "gzip;q=0, br;q=0.00, *", "*", "identity", "x-gzip", "brotli"])
def test_a_client_that_takes_none_of_ours_gets_it_as_it_is(client: Client, accept: str) -> None:
    head, body = sent(client, "/products", accept)
    assert "content-encoding" not in head
    assert json.loads(body) == client.get("/products").json()


@each_encoding
def test_what_is_short_what_has_tokens_and_what_staff_see_in_a_browser_is_not_compressed(
    shop: Shop, client: Client, name: str
) -> None:
    """The length of something compressed says a bit of what is in it: no secret is ever compressed."""
    shop.accounts.register(Registration(f"carl_{name}", PASSWORD))
    accept = {"Accept-Encoding": name}
    paths = ["/categories", "http://shop.test/staff/login", "http://shop.test/docs"]
    found = [client.get(path, headers=accept) for path in paths]
    login = {"username": f"carl_{name}", "password": PASSWORD}
    found.append(client.post("/auth/token", json=login, headers=accept))
    assert {response.status_code for response in found} == {200}
    assert not any("content-encoding" in response.headers or "vary" in response.headers for response in found)


@each_encoding
def test_compression_can_be_left_to_a_proxy(shop: Shop, name: str) -> None:
    with visiting(shop, compression=False) as client:
        head, _ = sent(client, "/products", name)
    assert not {"content-encoding", "vary"} & head.keys()


# ---- which encoding is chosen


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        ("gzip, deflate", "gzip"),  # Python's httpx
        ("gzip", "gzip"),  # OkHttp
        ("gzip, deflate, br", "br"),  # phones of Apple before iOS 26.3
        ("gzip, deflate, br, zstd", "zstd"),  # Chrome
        ("zstd, br, gzip", "zstd"),  # OkHttp with its modules
    ],
)
def test_each_client_gets_the_best_that_it_asks_for(accept: str, name: str) -> None:
    assert chosen(accept) == name


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        ("zstd;q=0.5, gzip", "gzip"),
        ("zstd;q=0.1, br;q=0.3, gzip;q=0.2", "br"),
        ("br;q=0.5, GZIP;q=0.5", "br"),
        ("zstd;q=0.001, deflate", "zstd"),
        ("gzip;q=1.000, identity", "gzip"),
        ("gzip ; Q=0.8 ,identity; q=0.9", "identity"),
        ("zstd;q=0, br", "br"),
        ("gzip; q=0.000", "identity"),
        ("*;q=0, gzip", "gzip"),
        ("*, zstd;q=0", "identity"),
    ],
)
def test_the_encoding_that_is_wanted_most_is_taken_and_none_that_is_refused(accept: str, name: str) -> None:
    assert chosen(accept) == name


@pytest.mark.parametrize(
    "item", ["zstd;q=9", "zstd;q=-1", "zstd;q=", "zstd;q=1.5", "zstd;level=3", "zs\xe9td", "z std"]
)
def test_an_item_that_is_malformed_counts_for_nothing(item: str) -> None:
    assert [chosen(item), chosen(f"{item}, gzip;q=0.5")] == ["identity", "gzip"]


def test_a_header_may_come_several_times_and_the_lower_wish_counts(client: Client) -> None:
    assert [chosen("gzip", "br"), chosen("br", "br;q=0", "gzip"), chosen("br;q=0, gzip", "br")] == [
        "br",
        "gzip",
        "gzip",
    ]
    head, body = sent(client, "/products", "gzip", "deflate, br")
    assert head["content-encoding"] == "br"
    assert json.loads(brotli.decompress(body)) == client.get("/products").json()


def test_a_list_that_is_longer_than_any_clients_is_not_read_to_its_end() -> None:
    assert [chosen("x," * 20 + "gzip"), chosen("x," * 30_000 + "gzip")] == ["gzip", "identity"]


WISHES = st.lists(
    st.tuples(
        st.sampled_from([*NAMES, "GZIP", "Br", "identity", "*", "deflate", "unknown"]),
        st.sampled_from(["", ";q=1", ";q=0", "; q=0.0", ";q=0.5", " ; q=0.25", ";q=2", ";q=x"]),
    ),
    max_size=6,
)


@given(wishes=WISHES, separator=st.sampled_from([",", ", ", " ,", "\n"]))
def test_no_list_of_wishes_gets_what_it_does_not_name_or_refuses(
    wishes: Sequence[tuple[str, str]], separator: str
) -> None:
    name = chosen(separator.join(f"{name}{wish}" for name, wish in wishes))
    named = {(each.lower(), wish.replace(" ", "")) for each, wish in wishes}
    if name != "identity":
        assert name in {each for each, wish in named if wish not in (";q=2", ";q=x")}
        assert not {(name, ";q=0"), (name, ";q=0.0")} & named


@given(body=st.binary(max_size=3_000), repeated=st.integers(1, 40))
def test_whatever_is_compressed_is_the_same_again(body: bytes, repeated: int) -> None:
    assert [each.name.decode() for each in ENCODINGS] == NAMES
    for encoding in ENCODINGS:
        assert DECOMPRESS[encoding.name.decode()](encoding.compress(body * repeated)) == body * repeated


@given(wishes=WISHES)
def test_whatever_a_client_wishes_the_list_is_the_same(client: Client, wishes: Sequence[tuple[str, str]]) -> None:
    head, body = sent(client, "/products?limit=6", ", ".join(f"{name}{wish}" for name, wish in wishes))
    name = head.get("content-encoding", "identity")
    assert DECOMPRESS[name](body) == client.get("/products?limit=6").content
