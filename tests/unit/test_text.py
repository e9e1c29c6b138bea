"""Text has one normal form, and nothing in it breaks a terminal, a log line or a database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_core.text import comparable, normalized, text_faults


@given(st.text())
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    assert normalized(normalized(text)) == normalized(text)


@given(st.text())
def test_letters_that_are_the_same_stay_the_same(text: str) -> None:
    assert comparable(comparable(text)) == comparable(text)


@given(st.text(st.characters(max_codepoint=0x24F, categories=["L", "N"])))
def test_the_case_of_latin_letters_does_not_matter(text: str) -> None:
    assert comparable(text.upper()) == comparable(text.upper().lower())
    assert comparable(text.swapcase().swapcase()) == comparable(text.casefold().upper().casefold())


@pytest.mark.parametrize(
    ("one", "other"), [("Ada", "ＡＤＡ"), ("STRASSE", "straße"), ("ﬁne", "FINE"), ("é", "e\u0301")]
)
def test_these_are_the_same_letters(one: str, other: str) -> None:
    assert comparable(one) == comparable(other)


@pytest.mark.parametrize(("one", "other"), [("ada", "аdа"), ("e", "é"), ("o", "0"), ("l", "1")])
def test_these_only_look_alike(one: str, other: str) -> None:
    assert comparable(one) != comparable(other)


@given(text=st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="\ufffe\uffff"), max_size=30))
def test_readable_text_is_judged_by_its_length_alone(text: str) -> None:
    codes = [fault.code for fault in text_faults("name", text, min_length=3, max_length=10)]
    assert codes == (["too_short"] if len(text) < 3 else ["too_long"] if len(text) > 10 else [])


@pytest.mark.parametrize(
    "character",
    ["\x00", "\x1b", "\x7f", "\x85", "\ud800", "\u202e", "\u2066", "\ufffe", "\uffff", "\n", "\t"],
)
def test_a_character_that_can_do_harm_is_named_with_its_place(character: str) -> None:
    (fault,) = text_faults("name", f"ab{character}c", min_length=1, max_length=10)
    assert (fault.field, fault.code) == ("name", "forbidden_character")
    assert f"U+{ord(character):04X} at position 2" in fault.message
    fault.message.encode()  # the message itself can be sent


@pytest.mark.parametrize("character", ["\n", "\t"])
def test_line_feeds_and_tabs_are_fine_where_lines_are(character: str) -> None:
    assert text_faults("description", f"a{character}b", min_length=1, max_length=10, lines=True) == []


@pytest.mark.parametrize("character", ["\r", "\x0b", "\x00", "\u202e"])
def test_other_controls_are_not_even_there(character: str) -> None:
    assert text_faults("description", f"a{character}b", min_length=1, max_length=10, lines=True) != []


@given(st.text(st.characters(), max_size=20))
def test_text_without_faults_can_be_encoded_and_has_no_nul(text: str) -> None:
    if not text_faults("name", text, min_length=0, max_length=20):
        assert "\x00" not in text
        assert text.encode().decode() == text


@pytest.mark.parametrize("wrong", [None, 7, b"bytes"])
def test_a_value_that_is_no_text_has_the_wrong_type(wrong: object) -> None:
    (fault,) = text_faults("name", wrong, min_length=1, max_length=10)  # type: ignore[arg-type]
    assert fault.code == "wrong_type"
