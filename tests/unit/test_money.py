"""Money is a whole number of minor units: what is written as a decimal comes back as the same decimal."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shop_core.errors import Invalid
from shop_core.money import MINOR_MAX, Money, decimals, format_minor

currencies = st.sampled_from(["EUR", "JPY", "KWD", "USD"])
amounts = st.integers(-MINOR_MAX, MINOR_MAX)
readable = st.integers(-(10**17), 10**17)


@given(minor=readable, currency=currencies)
@example(minor=-1, currency="EUR")
@example(minor=-5, currency="KWD")
def test_a_formatted_amount_is_parsed_to_the_same_amount(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.parse(str(money), currency) == money


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
@pytest.mark.parametrize("minor", [MINOR_MAX, -MINOR_MAX])
def test_the_largest_amount_is_parsed_too(minor: int, currency: str) -> None:
    assert Money.parse(str(Money(minor, currency)), currency).minor == minor


@given(minor=amounts, places=st.integers(0, 4))
def test_a_formatted_amount_has_all_its_decimals_and_no_more(minor: int, places: int) -> None:
    whole, point, fraction = format_minor(minor, places).partition(".")
    assert (len(fraction), point) == (places, "." if places else "")
    assert int(whole + fraction) == minor
    assert whole.lstrip("-") == "0" or not whole.lstrip("-").startswith("0")


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("2.20", "EUR", 220),
        ("2", "EUR", 200),
        ("2.2", "EUR", 220),
        ("0", "EUR", 0),
        ("-0.05", "EUR", -5),
        ("-0", "EUR", 0),
        ("120", "JPY", 120),
        ("1.234", "KWD", 1_234),
    ],
)
def test_a_plain_decimal_is_an_amount(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency).minor == minor


@pytest.mark.parametrize(
    "text",
    [
        *("", " 1", "1 ", "1\n", "+1", "1e2", "1,5", "1_000", "01", ".5", "1.", "--1", "NaN", "Infinity"),
        *("\u0663", "1.\u0663", "\x00", "0x1"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        Money.parse(text, "EUR", field="price")
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [("price", "not_a_decimal")]


@pytest.mark.parametrize(("text", "currency"), [("2.201", "EUR"), ("2.200", "EUR"), ("2.0", "JPY"), ("1.2345", "KWD")])
def test_more_decimals_than_the_currency_has_are_refused_not_rounded(text: str, currency: str) -> None:
    with pytest.raises(Invalid) as refused:
        Money.parse(text, currency)
    assert refused.value.faults[0].code == "too_many_decimals"


@given(text=st.text(max_size=30), currency=currencies)
def test_any_text_is_parsed_or_refused(text: str, currency: str) -> None:
    try:
        money = Money.parse(text, currency)
    except Invalid:
        return
    assert Money.parse(str(money), currency) == money


@given(one=st.integers(-(10**9), 10**9), other=st.integers(-(10**9), 10**9), times=st.integers(0, 10**6))
def test_sums_and_products_are_exact(one: int, other: int, times: int) -> None:
    assert (Money(one, "EUR") + Money(other, "EUR")).minor == one + other
    assert ((Money(one, "EUR") + Money(other, "EUR")) * times).minor == one * times + other * times


def test_two_currencies_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="cannot add USD to EUR"):
        Money(1, "EUR") + Money(1, "USD")


@pytest.mark.parametrize("minor", [MINOR_MAX + 1, -MINOR_MAX - 1])
def test_an_amount_that_no_column_holds_is_refused(minor: int) -> None:
    with pytest.raises(Invalid):
        Money(minor, "EUR")
    with pytest.raises(Invalid):
        Money(MINOR_MAX, "EUR") * 2


@pytest.mark.parametrize("currency", ["", "eur", "EU", "EURO", "ÄÖÜ", "€", "123"])
def test_an_invalid_currency_code_is_refused(currency: str) -> None:
    with pytest.raises(Invalid) as refused:
        Money(1, currency)
    assert refused.value.faults[0].code == "invalid_currency"


@pytest.mark.parametrize("currency", ["A1B", "E R", "E-R"])
def test_three_characters_that_are_not_all_letters_are_no_currency_code(currency: str) -> None:
    with pytest.raises(Invalid):
        Money(1, currency)


@pytest.mark.parametrize(("currency", "places"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("ISK", 0), ("USD", 2)])
def test_a_currency_has_the_decimals_of_iso_4217(currency: str, places: int) -> None:
    assert decimals(currency) == places


@pytest.mark.parametrize(("currency", "example"), [("EUR", "2.20"), ("JPY", "22"), ("KWD", "2.200")])
def test_a_refusal_shows_an_amount_that_the_currency_can_have(currency: str, example: str) -> None:
    with pytest.raises(Invalid, match=f'such as "{example}"'):
        Money.parse("x", currency)
