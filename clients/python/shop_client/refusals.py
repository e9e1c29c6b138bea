"""What the shop refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx

from shop_client.generated.types import Response

T = TypeVar("T")

_NOTHING_WAS_DONE = frozenset({"request_timeout", "too_many_connections"})
"""Codes of problems other than 429 that say so. After `unavailable` and `internal_error` it is not known."""


class Refused(Exception):
    """The shop said no, for a reason that `problem` has.

    Args:
        problem: what the shop said; None if that cannot be read.
        retry_after_s: when to ask again, in seconds; None: the shop did not say.
    """

    def __init__(self, problem: object, retry_after_s: int | None = None) -> None:
        super().__init__(getattr(problem, "detail", "the answer cannot be read"))
        self.problem, self.retry_after_s = problem, retry_after_s


def refused(answer: Response[Any]) -> Refused:
    """The refusal that an operation was answered with."""
    return Refused(answer.parsed, retry_after_s(answer.headers))


def expected(body: type[T], answer: Response[Any]) -> T:
    """The body of the answer to an operation. Raises Refused: it is another one."""
    if not isinstance(answer.parsed, body):
        raise refused(answer)
    return answer.parsed


def code_of(response: httpx.Response) -> str:
    """The code of the problem that it is; empty if it is none."""
    try:
        return str(response.json()["code"])
    except (ValueError, KeyError, TypeError):
        return ""


def says_nothing_was_done(response: httpx.Response) -> bool:
    """Whether the shop says so. The answer of a proxy, which is no problem document, does not."""
    is_problem = response.headers.get("content-type") == "application/problem+json"
    return is_problem and (response.status_code == 429 or code_of(response) in _NOTHING_WAS_DONE)


def retry_after_s(headers: Mapping[str, str]) -> int | None:
    """When the shop wants to be asked again, in seconds; None: it did not say."""
    sent = headers.get("retry-after", "")
    return int(sent) if re.fullmatch("[0-9]{1,9}", sent) else None
