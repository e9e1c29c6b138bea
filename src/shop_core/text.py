"""What the shop accepts as text: readable, in one normal form, of bounded length."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from shop_core.errors import Fault, Invalid

# Cc control characters (NUL breaks PostgreSQL, others break terminals and logs), lone surrogates, and the
# bidirectional overrides and isolates with which a name can be made to read as another one (Unicode TR36).
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_FORBIDDEN_EXCEPT_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")

_SURROGATE = re.compile("[\ud800-\udfff]")
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_WORD_LENGTH_MAX = 100


def normalized(text: str) -> str:
    """`text` in Unicode NFC and without surrounding white space: the one form in which the shop stores text."""
    return unicodedata.normalize("NFC", text).strip()


def comparable(text: str) -> str:
    """The form in which two texts are the same word: compatibility-normalised and case-folded."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def search_words(text: str) -> tuple[str, ...]:
    """The words of `text` in the form in which every search compares them.

    A word is a run of letters and digits of any script; everything else separates words and means nothing, so no
    character of a keyword is special. Case and compatibility forms do not matter, nor does what comes after the
    hundredth character of a word.

    >>> search_words("T-Light HOLDER, 50% off")
    ('t', 'light', 'holder', '50', 'off')
    """
    folded = comparable(text)
    if folded.isascii():
        found = _ASCII_WORD.findall(folded)
    else:  # marks belong to their letter: without them Hindi or Thai falls to pieces
        found = "".join(sign if sign.isalnum() or is_combining_mark(sign) else " " for sign in folded).split()
    return tuple(word[:_WORD_LENGTH_MAX] for word in found)


def check_words(words: Sequence[str]) -> None:
    """Let only words pass that `search_words` made: a store takes them into a query as they are.

    Raises:
        Invalid: others do.
    """
    if search_words(" ".join(words)) != tuple(words):
        raise Invalid(Fault("words", "are not as search_words makes them: give it the keyword", "not_words"))


def is_combining_mark(sign: str) -> bool:
    """Whether `sign` is a combining mark, such as a vowel sign or a tone mark."""
    return unicodedata.category(sign) in ("Mn", "Mc")


def text_faults(field: str, text: str, *, min_length: int, max_length: int, lines: bool = False) -> list[Fault]:
    """The rules that `text` breaks.

    Args:
        field: the name to report.
        text: the value, already `normal`.
        min_length: in characters.
        max_length: in characters.
        lines: whether line feeds and tabs are allowed.
    """
    if not isinstance(text, str):
        return [Fault(field, f"{text!r} is not text", "wrong_type")]
    faults = []
    if len(text) < min_length:
        rule = "must not be empty" if min_length == 1 else f"must have at least {min_length} characters"
        faults.append(Fault(field, f"{rule}, this has {len(text)}", "too_short"))
    if len(text) > max_length:
        faults.append(Fault(field, f"must have at most {max_length} characters, this has {len(text)}", "too_long"))
    if found := (_FORBIDDEN_EXCEPT_LINES if lines else _FORBIDDEN).search(text):
        faults.append(
            Fault(
                field,
                f"has the character U+{ord(found[0]):04X} at position {found.start()}, which is not allowed",
                "forbidden_character",
            )
        )
    return faults


def is_storable(text: str) -> bool:
    """Whether a store can hold `text` at all: without NUL and lone surrogates. Nothing stored equals any other."""
    return "\0" not in text and not _SURROGATE.search(text)
