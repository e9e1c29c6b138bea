"""How the text of a setting is read: each rule gives the value, or raises ValueError with what the text must be."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from shop_http.client_address import networks

SECRET_BYTES_MIN = 32
CAN_BE_UNSAFE = ("fsync", "full_page_writes", "synchronous_commit")
"""As `shop_adapters.postgres.durability` needs them on; a test compares."""
WEBHOOK_SECRET_BYTES = range(24, 65)  # as the Standard Webhooks specification has it


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    """A whole number in these bounds."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and lowest <= int(text) <= highest):
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return int(text)

    return read


def matching(pattern: str, rule: str) -> Callable[[str], str]:
    """Text that matches a pattern as a whole; `rule` says to people what it must be."""

    def read(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(rule)
        return text

    return read


_HOST = r"https?://(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?"
currency = matching("[A-Z]{3}", "must be an ISO 4217 code such as EUR")
base_url = matching(_HOST, "must look like https://shop.example, without a path")
media_url = matching(
    rf"{_HOST}(?:/[\w.~-]+)*", "must look like https://pictures.example or https://pictures.example/shop"
)
rate = matching("off|[1-9][0-9]{0,6}/(second|minute|hour)", "must look like 600/minute, or be off")
webhook_url = matching("https?://[!-~]+", "must look like https://receiver.example/events")
token = matching("[!-~]{16,200}", "must be 16 to 200 visible ASCII characters: `openssl rand -hex 16` makes one")


def threshold(text: str) -> int | None:
    """A whole number, or `off`."""
    try:
        return None if text == "off" else whole(0, 1000)(text)
    except ValueError as wrong:
        raise ValueError(f"{wrong}, or off") from None


def yes_or_no(text: str) -> bool:
    """`true` or `false`."""
    if text.lower() not in ("true", "false"):
        raise ValueError("must be true or false")
    return text.lower() == "true"


def database_url(text: str) -> str:
    """The address of a PostgreSQL, for the driver that is used."""
    if not text.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        raise ValueError("must look like postgresql://user:password@host:5432/database")
    _, rest = text.split("://", 1)
    url = f"postgresql+psycopg://{rest}"
    try:
        make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError("must look like postgresql://user:password@host:5432/database") from None
    return url


def origins(text: str) -> tuple[str, ...]:
    """Origins, with commas between."""
    try:
        return tuple(base_url(origin.strip()) for origin in text.split(","))
    except ValueError:
        raise ValueError("must be origins such as https://shop.example, with commas, without a path") from None


def secret(text: str) -> bytes:
    """A secret that is long enough."""
    secret = os.fsencode(text)
    if len(secret) < SECRET_BYTES_MIN:
        raise ValueError(f"must have at least {SECRET_BYTES_MIN} bytes: `openssl rand -hex 32` makes one")
    return secret


def secrets(text: str) -> tuple[str, ...]:
    """Secrets, with commas between."""
    found = tuple(text.split(","))
    for each in found:
        if each != each.strip():
            raise ValueError("must have no white space beside its commas, or at its ends")
        secret(each)
    return found


def proxies(text: str) -> tuple[str, ...]:
    """Networks, with commas between."""
    texts = tuple(part.strip() for part in text.split(","))
    try:
        networks(texts)
    except ValueError:
        raise ValueError("must be networks such as 10.0.0.0/8,2001:db8::/32, or addresses") from None
    return texts


def one_of(*choices: str) -> Callable[[str], str]:
    """One of these words."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return read


def webhook_secret(text: str) -> str:
    """Secrets as the Standard Webhooks specification has them."""
    try:
        good = all(_is_webhook_secret(secret) for secret in text.split(" "))
    except binascii.Error:
        good = False
    if not good:
        raise ValueError(
            "must be whsec_ and 24 to 64 bytes in Base64:"
            ' `echo "whsec_$(openssl rand -base64 32)"` makes one, for the receiver too'
        )
    return text


def _is_webhook_secret(text: str) -> bool:
    secret = base64.b64decode(text.removeprefix("whsec_").encode(errors="replace"), validate=True)
    return text.startswith("whsec_") and len(secret) in WEBHOOK_SECRET_BYTES


def unsafe(text: str) -> tuple[str, ...]:
    """Some of `CAN_BE_UNSAFE`."""
    names = tuple(name.strip() for name in text.split(","))
    if unknown := [name for name in names if name not in CAN_BE_UNSAFE]:
        raise ValueError(f"must be some of {', '.join(CAN_BE_UNSAFE)}, with commas; {unknown[0]!r} is none")
    return names
