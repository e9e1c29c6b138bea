"""Where a request comes from: nobody can make it up, except those whom we were told to believe."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_http.client_address import HEADERS, Header, TrustedProxies, client_of

PROXIES = ("10.0.0.0/8", "2001:db8:ffff::/48")
PROXY, INNER, CLIENT, LIAR = "10.0.0.1", "10.9.9.9", "203.0.113.7", "198.51.100.66"


def address(
    peer: str,
    *values: str,
    name: Header = "x-forwarded-for",
    trusted: tuple[str, ...] = PROXIES,
    read: Header | None = None,
) -> str:
    headers = [(name.encode(), value.encode("latin-1", "replace")) for value in values]
    scope: Any = {"client": (peer, 1234) if peer else None, "headers": headers}
    return TrustedProxies(trusted, read or name).address_of(scope)


@pytest.mark.parametrize(
    ("peer", "values", "expected"),
    [
        (CLIENT, [], CLIENT),
        (CLIENT, [LIAR], CLIENT),
        (PROXY, [], PROXY),
        (PROXY, [CLIENT], CLIENT),
        (PROXY, [f"{LIAR}, {CLIENT}"], CLIENT),
        (PROXY, [LIAR, CLIENT], CLIENT),
        (PROXY, [f"{LIAR}, {CLIENT}, {INNER}"], CLIENT),
        (PROXY, [f"{PROXY}, {CLIENT}"], CLIENT),
        (PROXY, [f"{PROXY}, {INNER}"], PROXY),
        (PROXY, [f"{LIAR}, not an address"], PROXY),
        (PROXY, [f"{LIAR}, "], PROXY),
        (PROXY, [f"{LIAR}, unknown, {INNER}"], INNER),
        (PROXY, [f"{CLIENT}:4711"], CLIENT),
        (PROXY, ["[2001:db8::1]:4711"], "2001:db8::1"),
        (PROXY, ["2001:DB8:0::1"], "2001:db8::1"),
        ("::ffff:10.0.0.1", [CLIENT], CLIENT),
        ("2001:db8:ffff::2", [CLIENT], CLIENT),
        (PROXY, ["::ffff:" + CLIENT], CLIENT),
        ("", [LIAR], ""),
    ],
)
def test_a_forwarded_address_is_believed_as_far_as_our_proxies_wrote_it(
    peer: str, values: list[str], expected: str
) -> None:
    assert address(peer, *values) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"for={CLIENT}", CLIENT),
        (f"for={LIAR}, for={CLIENT};proto=https;by=10.0.0.1", CLIENT),
        (f'for={LIAR}, For="[2001:db8::1]:4711"', "2001:db8::1"),
        (f"for={LIAR}, for=_hidden", PROXY),
        (f"for={LIAR}, for=unknown", PROXY),
        (f"for={LIAR}, proto=https", PROXY),
        (f'for={LIAR}, for="{CLIENT}', CLIENT),
        (CLIENT, PROXY),
    ],
)
def test_forwarded_is_read_as_rfc_7239_has_it(value: str, expected: str) -> None:
    assert address(PROXY, value, name="forwarded") == expected


def test_only_the_header_that_our_proxy_writes_is_read() -> None:
    """The other one comes from the client as it is."""
    assert address(PROXY, f"for={LIAR}", name="forwarded", read="x-forwarded-for") == PROXY
    assert address(PROXY, LIAR, name="x-forwarded-for", read="forwarded") == PROXY


def test_without_proxies_nothing_is_believed() -> None:
    assert address(PROXY, LIAR, trusted=()) == PROXY


@given(
    peer=st.sampled_from([CLIENT, PROXY, ""]),
    values=st.lists(st.text(max_size=60), max_size=4),
    name=st.sampled_from(HEADERS),
)
def test_no_header_breaks_the_reading(peer: str, values: list[str], name: Header) -> None:
    found = address(peer, *values, name=name)
    assert found == peer or peer == PROXY
    client_of(found)


def test_a_very_long_list_is_not_read_to_its_beginning() -> None:
    assert address(PROXY, ",".join([CLIENT, *[INNER] * 1_000_000])) == INNER


@pytest.mark.parametrize(
    ("one", "other", "is_one"),
    [
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("", "unix:", False),
    ],
)
def test_a_client_is_an_address_or_a_network_of_ipv6(one: str, other: str, is_one: bool) -> None:
    assert (client_of(one) == client_of(other)) == is_one


@pytest.mark.parametrize("wrong", ["10.0.0.0/33", "10.0.0.1/8", "proxy.example", "", "*"])
def test_an_invalid_network_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError):
        TrustedProxies([wrong])
