"""A problem as a page, for who follows a link with a browser and meets one; programs get it as JSON (`problems`)."""

from __future__ import annotations

import htpy as h
from litestar.datastructures.headers import Accept

from shop_http.pages.layout import Screen, document
from shop_http.responses import API
from shop_http.schemas.problems import Problem

MEDIA_TYPE = b"text/html; charset=utf-8"

_FOR_PROGRAMS = (API.rpartition("/")[0], "/health", "/metrics", "/openapi.json")
"""What stands here and below is read by programs: a browser that looks sees what they see."""
_OFFERED = ["application/problem+json", "text/html"]  # the first for who takes anything
_ACCEPTED_MAX = 32  # a list that fills the head of a request would hold the event loop for 0.1 s

_TEXTS = {
    404: ("There is no such page", "Nothing is at this address. It may be mistyped, or what was there is gone."),
    405: ("This cannot be done here", "This address does not take what your browser sent. Nothing was done."),
    413: ("That was too large", "What you sent is larger than this page takes. Nothing was done."),
    415: ("This cannot be read", "This page takes forms only. Nothing was done."),
    429: ("Too many requests", "More was asked for from here than one may. Nothing was done."),
    500: (
        "This is a fault of the shop",
        "It is not yours. What you sent may be done or not: look before you repeat it.",
    ),
    503: (
        "The shop cannot answer now",
        "It is busy, or it starts anew. What you sent may be done or not: look before you repeat it.",
    ),
}
"""Heading and first sentence; of other statuses those of the problem."""


def is_for_people(path: str, accept: str) -> bool:
    """Whether a page is wanted: by a browser, outside of the API.

    Args:
        path: what was asked for.
        accept: the header; browsers prefer HTML. What comes after 32 items counts for nothing. If a `q` is infinite,
            nothing does.
    """
    if any(path == each or path.startswith(f"{each}/") for each in _FOR_PROGRAMS):
        return False
    try:
        accepted = Accept(",".join(accept.split(",", _ACCEPTED_MAX)[:_ACCEPTED_MAX]))
    except OverflowError:  # Litestar makes a whole number of each q
        return False
    return accepted.best_match(_OFFERED) == _OFFERED[1]


def problem_page(problem: Problem, retry_after_s: int | None) -> bytes:
    """The page, for `POLICY`.

    Args:
        retry_after_s: when one may ask again, in seconds; None: it is not known.
    """
    title, text = _TEXTS.get(problem.status, (problem.title, problem.detail))
    is_staff = problem.instance == "/staff" or problem.instance.startswith("/staff/")
    screen = Screen(
        title,
        h.p[text],
        h.p[f"Try again in {_duration(retry_after_s)}."] if retry_after_s else None,
        h.p[h.a(href="/staff")["Go to the panel"]] if is_staff else None,
        h.dl(".facts")[
            h.dt["Status"],
            h.dd[f"{problem.status} {problem.title}"],
            h.dt["Code"],
            h.dd[h.a(href=problem.type)[problem.code]],
            h.dt["Request"],
            h.dd[h.code[problem.request_id]],
        ],
        h.p["Whoever runs the shop finds the request in its log by this id."],
    )
    return str(document(screen)).encode()


def _duration(seconds: int) -> str:
    """In words: whole minutes from two of them on, never too early."""
    if seconds == 1:
        return "a second"
    return f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"
