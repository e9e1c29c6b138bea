"""Every `code` of a problem, its meaning and what a client should do: a page of the app, and docs/errors.md.

The codes come from the tree of refusals and from what the transport refuses by itself, so a new one is listed at once.
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
from shop_http.validation import MalformedBody

_OURS = ("shop_core.", "shop_adapters.", "shop_http.")

_KINDS_ONLY = (Conflict, NotFound)  # only their subclasses are raised

# Advice that the kind of refusal does not give well enough.
_ADVICE = {
    "bad_request": "Fix the client: it sent something that is not valid HTTP or cannot be read in one way only.",
    "not_found": "Check the address; `/openapi.json` lists them all.",
    "method_not_allowed": "Use one of the methods in `Allow`.",
    "body_too_large": "Send at most 256 KiB; 4 KiB to `/auth`; 10 MiB as a picture.",
    "address_too_long": "Fix the client: send a shorter address.",
    "head_too_large": "Fix the client: send fewer or shorter headers.",
    "unknown_transfer_encoding": "Fix the client: send `Content-Length`, or `Transfer-Encoding: chunked`.",
    "too_many_connections": "Try again after `Retry-After` seconds, with the same `Idempotency-Key`.",
    "unsupported_media_type": "Send JSON, with `Content-Type: application/json` and no `Content-Encoding`.",
    "request_timeout": "Send the same request again, with the same `Idempotency-Key`.",
    "internal_error": "Try again later, with the same `Idempotency-Key`; report the `request_id`.",
    MalformedBody.code: "Fix the client: send JSON in UTF-8, not deeply nested.",
    "invalid_cursor": "Start again from the first page, with an empty `cursor`.",
    "unknown_product": "Remove the lines in `errors` from the basket, tell the customer, and order the rest.",
    "wrong_password": "Ask the user for their current password again.",
    "insufficient_stock": "Show `shortages`, lower the quantities or remove these lines, and try again.",
    "oversold": "Read the stock again; nothing was changed.",
    "stock_below_zero": "Read the stock again and count it; to ship, first receive or count what `detail` names.",
    "illegal_order_step": "Read the order again and offer the steps in `possible`.",
    "order_deleted": "Remove the order from the screen; order again with a new key if the customer wants to.",
    "orders_open": "Show the orders; the account can be erased once they are cancelled or shipped.",
    "total_changed": "Show the new `total`; send it as `expected_total` once the customer agrees.",
    "coupon_not_usable": "Tell the customer, and send the request again without that coupon.",
    "coupon_code_taken": "Choose another code.",
    "too_many_promotions": "Delete a promotion that has ended.",
    "family_in_use": "Move or archive the products of the family first.",
    "options_taken": "Choose other options, or edit the product that has them.",
    "category_in_use": "Move or remove what is in the category first.",
    "last_admin": "Make another user an admin first.",
    "reservation_expired": "Reserve again.",
    "reservation_resolved": "If the problem has an `order_id`, show that order; otherwise reserve again.",
    "too_much_reserved": "Confirm or release open reservations, or wait until they expire.",
    "sku_taken": "Choose another SKU, or edit the product that has it; restore `archived_product_id` if that is there.",
    "slug_taken": "Choose another slug.",
    "username_taken": "Ask the user to choose another username.",
    "category_cycle": "Choose a parent that is not below the category itself.",
    "idempotency_key_reused": "Use a new key for each new request, and send retries unchanged.",
    "login_too_old": "Ask for username and password, then send the request again with the new access token.",
    "invalid_reset_code": "Let the user ask for another mail, or an admin for another code.",
    "invalid_confirmation_code": "Let the user ask for another mail.",
    "no_mail": "Tell the user to ask an admin for a code.",
    "wrong_credentials": "Ask for username and password again.",
    "invalid_token": "Get a new access token with the refresh token; if that is refused too, log in again.",
}
_ADVICE_OF_KIND = {
    Kind.NOT_FOUND: "Remove it from the screen and read the list again.",
    Kind.CONFLICT: "Read it again, then decide.",
    Kind.STALE: "Read it again, show what changed, and send the change with the new `ETag`.",
    Kind.GONE: "Drop what you have of this list, and begin anew without a `cursor`.",
    Kind.INVALID: "Show each entry of `errors` at its field. The same request will fail again.",
    Kind.MISMATCH: "The same request will fail again.",
    Kind.UNAUTHENTICATED: "Log in, and send `Authorization: Bearer <access token>`.",
    Kind.FORBIDDEN: "Do not offer this action to this user.",
    Kind.TOO_MANY: "Wait `Retry-After` seconds, then send the same request again, with the same `Idempotency-Key`.",
    Kind.UNAVAILABLE: "Try again after `Retry-After` seconds, with the same `Idempotency-Key`.",
}


@dataclass(frozen=True, slots=True)
class Code:
    """One code.

    Args:
        name: the `code` of the problem.
        statuses: the HTTP statuses it comes with.
        title: the `title` of the problem.
        meaning: a sentence or two.
        advice: what the client should do.
    """

    name: str
    statuses: tuple[int, ...]
    title: str
    meaning: str
    advice: str


def codes() -> tuple[Code, ...]:
    """All codes, sorted by status and name."""
    found: dict[str, Code] = {}
    for refusal in _tree(Refusal):
        code, kind = refusal.code, refusal.kind
        if code in found:  # a subclass that clients need not tell apart
            continue
        meaning = " ".join(cleandoc(refusal.__doc__ or "").partition("\n\n")[0].split())
        advice = _ADVICE.get(code) or _ADVICE_OF_KIND[kind]
        found[code] = Code(code, (STATUS[kind],), refusal.title, meaning, advice)
    for status, (code, title, detail) in TRANSPORT.items():
        statuses = tuple(sorted({status, *(found[code].statuses if code in found else ())}))
        found[code] = Code(code, statuses, title, detail, _ADVICE[code])
    return tuple(sorted(found.values(), key=lambda code: (code.statuses, code.name)))


def _tree(refusal: type[Refusal]) -> Iterator[type[Refusal]]:
    """The subclasses that are raised, nearest first; tests may define others, which are left out."""
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
            "Generated from the refusals in `shop_core.errors` and `shop_http` by `python docs/errors.py`: edit those,",
            "not this page. A test compares the two.",
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
    "Every error is a problem document (RFC 9457), `application/problem+json`. Programs use its `code`, which never",
    "changes. `type` is the address of its line here, `title` and `detail` are for people, and `request_id` finds the",
    "request in the log. A refused request never did only a part of what it asked for. Browsers that meet an error",
    "outside of the API get the same as a page: whoever sends `Accept: text/html` before JSON.",
)
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "table{border-collapse:collapse}th,td{text-align:left;vertical-align:top;padding:.5rem;border-top:1px solid #8888}"
    "tr:target{outline:2px solid}"
)


def _statuses(code: Code) -> str:
    return ", ".join(map(str, code.statuses))


def _inline(markdown: str) -> str:
    """Text with `code` in it, as HTML."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(markdown, quote=False))
