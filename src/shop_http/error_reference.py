"""Every `code` of a problem, what it means and what a client should do: a page of the app, and docs/errors.md.

Read off the tree of refusals and off what the transport refuses by itself, so a new one is listed by being there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from inspect import cleandoc

from shop_core.errors import Conflict, Kind, NotFound, Refusal
from shop_http.problems import STATUS, TRANSPORT
from shop_http.requests import MalformedBody

_OURS = ("shop_core.", "shop_adapters.", "shop_http.")

_KINDS_ONLY = (Conflict, NotFound)  # what they have in common; only their special cases are raised

# What to do, where the kind of refusal does not say it well enough.
_ADVICE = {
    "bad_request": "Mend the client: no server should get this.",
    "not_found": "Check the address; `/openapi.json` lists them all.",
    "method_not_allowed": "Use one of the methods in `Allow`.",
    "body_too_large": "Send less: 256 KiB at most, 4 KiB to `/auth`.",
    "unsupported_media_type": "Send JSON, with `Content-Type: application/json` and no `Content-Encoding`.",
    "internal_error": "Try again later, with the same `Idempotency-Key`; report the `request_id`.",
    MalformedBody.code: "Mend the client: send JSON in UTF-8, not nested deeply.",
    "invalid_cursor": "Start again from the first page, with an empty `cursor`.",
    "unknown_product": "Take the lines in `errors` out of the basket, tell the customer, and order the rest.",
    "wrong_password": "Ask the user for the present password again.",
    "insufficient_stock": "Show `shortages`; lower the quantities or take these lines out, then try again.",
    "oversold": "Read the stock again; nothing was changed.",
    "stock_below_zero": "Read the stock again, and count it: nothing was changed.",
    "illegal_order_step": "Read the order again and offer the steps in `possible`.",
    "total_changed": "Show the new `total`; send it as `expected_total` once the customer agrees.",
    "category_in_use": "Move or remove what is in the category first.",
    "last_admin": "Make somebody else an admin first.",
    "reservation_expired": "Reserve again.",
    "reservation_resolved": "If `order_id` is there, show that order; else reserve again.",
    "too_much_reserved": "Confirm or release what is held, or wait until it expires.",
    "sku_taken": "Choose another SKU, or edit the product that has it.",
    "slug_taken": "Choose another slug.",
    "username_taken": "Have the user choose another username.",
    "category_cycle": "Choose a parent that is not below the category itself.",
    "idempotency_key_reused": "Make a new key for each new request; send a retry unchanged.",
    "login_too_old": "Ask for username and password, and send it again with the new access token.",
    "invalid_reset_code": "Have the user ask for another code.",
    "wrong_credentials": "Ask for username and password again.",
    "invalid_token": "Get a new access token with the refresh token, else log in again.",
}
_ADVICE_OF_KIND = {
    Kind.NOT_FOUND: "Take it off the screen; read the list again.",
    Kind.CONFLICT: "Read it again, then decide.",
    Kind.STALE: "Read it again, show what changed, and send the change with the new `ETag`.",
    Kind.INVALID: "Show each entry of `errors` at its field; do not send the same again.",
    Kind.MISMATCH: "Do not send the same again.",
    Kind.UNAUTHENTICATED: "Log in, and send `Authorization: Bearer <access token>`.",
    Kind.FORBIDDEN: "Do not offer this to this user.",
    Kind.UNAVAILABLE: "Try again after `Retry-After` seconds, with the same `Idempotency-Key`.",
}
_ADVICE_ELSE = "Show the `detail`."


@dataclass(frozen=True, slots=True)
class Code:
    """One code.

    Args:
        name: as problems have it.
        statuses: with which it is answered.
        title: as problems have it.
        meaning: a sentence or two.
        advice: what the client should do.
    """

    name: str
    statuses: tuple[int, ...]
    title: str
    meaning: str
    advice: str


def codes() -> tuple[Code, ...]:
    """All of them, by status and name."""
    found: dict[str, Code] = {}
    for refusal in _tree(Refusal):
        code, kind = refusal.code, refusal.kind
        if code in found:  # a special case that clients need not tell apart
            continue
        meaning = " ".join(cleandoc(refusal.__doc__ or "").partition("\n\n")[0].split())
        advice = _ADVICE.get(code) or _ADVICE_OF_KIND.get(kind, _ADVICE_ELSE)
        found[code] = Code(code, (STATUS[kind],), refusal.title, meaning, advice)
    for status, (code, title, detail) in TRANSPORT.items():
        statuses = tuple(sorted({status, *(found[code].statuses if code in found else ())}))
        found[code] = Code(code, statuses, title, detail, _ADVICE.get(code, _ADVICE_ELSE))
    return tuple(sorted(found.values(), key=lambda code: (code.statuses, code.name)))


def _tree(refusal: type[Refusal]) -> Iterator[type[Refusal]]:
    """The refusals below this one that somebody raises, those nearer to the root first, and none of a test's own."""
    for below in sorted(refusal.__subclasses__(), key=lambda known: known.__name__):
        if below.__module__.startswith(_OURS):
            if below not in _KINDS_ONLY:
                yield below
            yield from _tree(below)


def markdown() -> str:
    """The page as docs/errors.md."""
    rows = [
        f'| <a id="{code.name}"></a>`{code.name}` | {_statuses(code)} | {code.title} | {code.meaning} | {code.advice} |'
        for code in codes()
    ]
    return "\n".join(
        [
            "# Errors",
            "",
            "Made from the refusals in `shop_core.errors` and `shop_http` by `python docs/errors.py`: edit those, not",
            "this page. A test compares the two.",
            "",
            *_INTRODUCTION,
            "",
            "| code | status | title | meaning | what to do |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


@cache
def html() -> bytes:
    """The page as the app serves it."""
    rows = "".join(
        f'<tr id="{code.name}"><td><a href="#{code.name}"><code>{code.name}</code></a></td><td>{_statuses(code)}</td>'
        f"<td><b>{_inline(code.title)}.</b> {_inline(code.meaning)}</td><td>{_inline(code.advice)}</td></tr>\n"
        for code in codes()
    )
    introduction = _inline(" ".join(_INTRODUCTION))
    head = "<tr><th>code</th><th>status</th><th>meaning</th><th>what to do</th></tr>"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Shop API: errors</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<h1>Errors</h1>\n<p>{introduction}</p>\n<table>\n{head}\n{rows}</table>\n<p><a href="/docs">The API</a></p>\n'
        "</body>\n</html>\n"
    ).encode()


_INTRODUCTION = (
    "Every error is a problem document (RFC 9457), `application/problem+json`. Programs go by its `code`, which stays",
    "as it is; `type` is the address of its line here; `title` and `detail` are for people, and `request_id` finds it",
    "in the log. An answer that is no never did half of what was asked for.",
)
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "table{border-collapse:collapse}th,td{text-align:left;vertical-align:top;padding:.5rem;border-top:1px solid #8888}"
    "tr:target{outline:2px solid}"
)


def _statuses(code: Code) -> str:
    return ", ".join(map(str, code.statuses))


def _inline(markdown: str) -> str:
    """Text with `code` in it as HTML."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(markdown, quote=False))
