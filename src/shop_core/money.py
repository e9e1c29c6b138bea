"""Money: a whole number of minor units (cents) of one currency. No floats, no rounding."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from shop_core.errors import Fault, Invalid

# ISO 4217: the currencies whose minor unit is not a hundredth. Every other three-letter code has two decimals.
_DECIMALS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
_DECIMAL = re.compile(r"(-?)(0|[1-9][0-9]{0,18})(?:\.([0-9]{1,9}))?", re.ASCII)

MINOR_MAX = 9_000_000_000_000_000_000
"""The largest amount in minor units: what fits a signed 64-bit column."""


@lru_cache(256)
def _is_code(currency: str) -> bool:
    return len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()


def decimals(currency: str) -> int:
    """How many decimals an amount in `currency` (ISO 4217 code) has."""
    return _DECIMALS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency.

    Args:
        minor: the amount in minor units, e.g. 220 for 2.20 EUR; may be negative (a discount).
        currency: ISO 4217 code, three capital letters.

    Raises:
        Invalid: the amount does not fit, or the currency is not a code.

    >>> str(Money.parse("2.20", "EUR") * 3)
    '6.60'
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise Invalid(Fault("amount", f"{self.minor!r} is not a whole number of minor units", "wrong_type"))
        if not -MINOR_MAX <= self.minor <= MINOR_MAX:
            raise Invalid(Fault("amount", f"{self.minor} minor units is more than can be counted", "too_large"))
        if not _is_code(self.currency):
            raise Invalid(Fault("currency", f"{self.currency!r} is not an ISO 4217 code", "invalid_currency"))

    @classmethod
    def parse(cls, text: str, currency: str, *, field: str = "amount") -> Money:
        """The amount written as a plain decimal: digits, at most as many decimals as the currency has.

        Args:
            text: e.g. `"2.20"`, `"2"`; no exponent, no thousands separator, no surrounding space.
            currency: ISO 4217 code.
            field: the name to report when it is refused.

        Raises:
            Invalid: it is not such a decimal, or it has too many decimals.
        """
        places = decimals(currency)
        match = _DECIMAL.fullmatch(text)
        if match is None:
            example = format_minor(22 * 10 ** max(places - 1, 0), places)
            raise Invalid(Fault(field, f'{text[:40]!r} is not a decimal number such as "{example}"', "not_a_decimal"))
        sign, whole, fraction = match[1], match[2], match[3] or ""
        if len(fraction) > places:
            raise Invalid(
                Fault(field, f"{text!r} has more than the {places} decimals of {currency}", "too_many_decimals")
            )
        minor = int(whole) * 10**places + int(fraction.ljust(places, "0") or "0")
        if minor > MINOR_MAX:
            raise Invalid(Fault(field, f"{text} is more than can be counted", "too_large"))
        return cls(-minor if sign else minor, currency)

    def __str__(self) -> str:
        """The plain decimal that `parse` reads, with all decimals of the currency."""
        return format_minor(self.minor, decimals(self.currency))

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.minor + other.minor, self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(self.minor * times, self.currency)


@lru_cache(10_000)  # prices come again and again
def format_minor(minor: int, places: int) -> str:
    """`minor` units as a plain decimal with `places` decimals: `format_minor(-5, 2) == "-0.05"`."""
    if not places:
        return str(minor)
    digits = f"{abs(minor):0{places + 1}d}"
    return f"{'-' if minor < 0 else ''}{digits[:-places]}.{digits[-places:]}"
