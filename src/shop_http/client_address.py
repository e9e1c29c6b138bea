"""Where a request comes from: the other end of the connection, or what proxies say that we were told to believe.

Anybody can send `X-Forwarded-For`. So it is read from its end, where our own proxy wrote, and only as far as those who
wrote are proxies of ours. And only one header is read: a proxy that writes the one passes on the other as it came.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # the settings need this module, and every command needs them
    from litestar.types import HTTPScope

Header = Literal["x-forwarded-for", "forwarded"]
HEADERS: tuple[Header, ...] = ("x-forwarded-for", "forwarded")

_HOPS_MAX = 20
_KNOWN_MAX = 10_000
_LENGTH_MAX = 64
"""Of an address, with brackets, zone and port. Proxies pass on what clients send, and what is parsed is remembered."""
_IPV6_CLIENT_BITS = 64  # what one household or phone has all addresses of
_NODE = re.compile(r'for="?(?P<node>[^";]*)"?(?:;|\Z)', re.IGNORECASE)
_WITH_PORT = re.compile(r"(?P<ipv4>[\d.]+):\d{1,5}|\[(?P<ipv6>[0-9a-fA-F:.]+)\](?::\d{1,5})?", re.ASCII)


class TrustedProxies:
    """Tells where requests come from.

    Args:
        trusted: the networks of our proxies, as CIDRs or single addresses.
        header: in which those say where a request came from.

    Raises:
        ValueError: one of `trusted` is no network.
    """

    def __init__(self, trusted: Sequence[str], header: Header = "x-forwarded-for") -> None:
        self._trusted = networks(trusted)
        self._is_within = lru_cache(_KNOWN_MAX)(lambda address: any(address in each for each in self._trusted))
        self._header = header.encode()
        self._read = _nodes_of_forwarded if header == "forwarded" else _nodes

    def is_trusted(self, address: str) -> bool:
        """Whether this is the address of one of our proxies."""
        found = parsed(address)
        return found is not None and self._is_within(found)

    def address_of(self, scope: HTTPScope) -> str:
        """The address, in its shortest form; empty if the server does not know one."""
        client = scope.get("client")
        here = client[0] if client else ""
        address = parsed(here)
        for node in self._hops(scope):
            if address is None or not self._is_within(address):
                break
            if (before := parsed(node)) is None:
                break  # a proxy of ours does not know, or hides it: the proxy itself is all that we know
            address = before
        return here if address is None else str(address)

    def _hops(self, scope: HTTPScope) -> Iterator[str]:
        """What was written, the last one first."""
        header = self._header
        values = [value for name, value in scope["headers"] if name == header]
        return self._read(b",".join(values).decode("latin-1").rsplit(",", _HOPS_MAX)[::-1])


def networks(texts: Sequence[str]) -> list[IPv4Network | IPv6Network]:
    """Networks, from CIDRs or single addresses.

    Raises:
        ValueError: one is neither.
    """
    return [ip_network(text.strip()) for text in texts]


@lru_cache(_KNOWN_MAX)
def client_of(address: str) -> str:
    """Under which an address is counted: by itself, or by its network of IPv6, within which it can be any."""
    found = parsed(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((int(found) >> _IPV6_CLIENT_BITS << _IPV6_CLIENT_BITS, _IPV6_CLIENT_BITS)))
    return str(found or address)


def _nodes(hops: Sequence[str]) -> Iterator[str]:
    return (hop.strip() for hop in hops)


def _nodes_of_forwarded(hops: Sequence[str]) -> Iterator[str]:
    """The `for` of each element (RFC 7239). A comma within quotes makes an element unreadable, not another one."""
    for hop in hops:
        found = _NODE.search(hop)
        yield found["node"].strip() if found else ""


def parsed(text: str) -> IPv4Address | IPv6Address | None:
    """The address, without its port; one of IPv4 that is written as IPv6 is one of IPv4. None if it is none."""
    return _parsed(text) if len(text) <= _LENGTH_MAX else None


@lru_cache(_KNOWN_MAX)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    if match := _WITH_PORT.fullmatch(text):
        text = match["ipv4"] or match["ipv6"]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
