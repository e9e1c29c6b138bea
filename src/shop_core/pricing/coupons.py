"""Coupons, the uses of promotions, and how often something may be used."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shop_core.errors import Fault, Invalid
from shop_core.pricing.benefits import range_faults

CODE_LENGTH_MAX = 64
COUPONS_MAX = 10
USES_MAX = 1_000_000_000

_CODE = re.compile(r"[0-9A-Z_-]+", re.ASCII)


def coupon_code(text: str, field: str = "code") -> str:
    """The one form in which a coupon's code is stored and looked up: case, spaces and full-width forms do not matter.

    Raises:
        Invalid: it is empty, too long, or has other characters than letters A to Z, digits, hyphens and underscores.

    >>> coupon_code(" Summer 10 ")
    'SUMMER10'
    """
    if len(text) > 4 * CODE_LENGTH_MAX:
        code = text
    else:
        code = "".join(unicodedata.normalize("NFKC", text).upper().split())
    if not 1 <= len(code) <= CODE_LENGTH_MAX:
        rule = f"must have 1 to {CODE_LENGTH_MAX} characters, this has {len(code)}"
        raise Invalid(Fault(field, rule, "wrong_length"))
    if not _CODE.fullmatch(code):
        rule = f"may have letters A to Z, digits, hyphens and underscores; {text[:CODE_LENGTH_MAX]!r} has others"
        raise Invalid(Fault(field, rule, "forbidden_character"))
    return code


def coupon_codes(texts: Iterable[str]) -> tuple[str, ...]:
    """The codes that come with an order, each once.

    Raises:
        Invalid: one of them is not a code, or there are more than ten.
    """
    codes = tuple(dict.fromkeys(coupon_code(text, f"coupons.{index}") for index, text in enumerate(texts)))
    if len(codes) > COUPONS_MAX:
        raise Invalid(Fault("coupons", f"may be {COUPONS_MAX} at most, these are {len(codes)}", "too_many"))
    return codes


@dataclass(frozen=True, slots=True)
class Coupon:
    """A code that unlocks a promotion, with limits of its own.

    Args:
        code: as `coupon_code` makes it; unique.
        uses_max: how many orders may use it; None is any number.
        customer_uses_max: how many orders of one customer may use it.

    Raises:
        Invalid: a limit breaks its rule.
    """

    id: UUID
    promotion_id: UUID
    code: str
    created_at: datetime
    uses_max: int | None = None
    customer_uses_max: int | None = None

    def __post_init__(self) -> None:
        if faults := limit_faults(self.uses_max, self.customer_uses_max):
            raise Invalid(*faults)


class Redemption(NamedTuple):
    """One use: an order that a promotion made cheaper.

    Args:
        version: of the promotion.
        coupon_id: of the coupon that unlocked it.
        given_back_at: when the order was cancelled, or edited so that the promotion does not apply any more.
    """

    customer_id: UUID
    order_id: UUID
    promotion_id: UUID
    version: int
    coupon_id: UUID | None
    at: datetime
    given_back_at: datetime | None = None

    @property
    def identity(self) -> tuple[UUID, UUID, int, UUID | None]:
        """The order, and what it uses: a version of a promotion, by a coupon or without one."""
        return self.order_id, self.promotion_id, self.version, self.coupon_id

    @property
    def used_ids(self) -> list[UUID]:
        """The promotion and, if one unlocked it, the coupon: each has a counter."""
        return [self.promotion_id] if self.coupon_id is None else [self.promotion_id, self.coupon_id]


class CouponEntry(NamedTuple):
    """A coupon as staff see it, with the orders that use it."""

    coupon: Coupon
    uses: int


def limit_faults(uses_max: int | None, customer_uses_max: int | None) -> list[Fault]:
    """The rules that limits of uses break."""
    faults = []
    for name, number in (("max_uses", uses_max), ("max_per_customer", customer_uses_max)):
        if number is not None:
            faults += range_faults(name, number, 1, USES_MAX)
    return faults
