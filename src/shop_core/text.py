"""What the shop accepts as text: readable, in one normal form, of bounded length."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence

from shop_core.errors import Fault, Invalid

# Cc control characters (NUL breaks PostgreSQL, others break terminals and logs), lone surrogates, and the
# bidirectional overrides and isolates with which a name can be made to read as another one (Unicode TR36).
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_FORBIDDEN_EXCEPT_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")

_SURROGATE = re.compile("[\ud800-\udfff]")
# Default-ignorable characters (Unicode, DerivedCoreProperties): nobody sees them, so with them two texts look the same.
# In names a few carry meaning: U+200C and U+200D in Persian, Hindi and emoji, variation selectors in emoji.
_MEANT_IN_NAMES = "\u200c\u200d\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef"
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2060-\u2064\u206a-\u206f\u3164\ufeff"
    "\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001"
)
_INVISIBLE = re.compile(f"[{_IGNORABLE}]")
_INVISIBLE_OR_JOINING = re.compile(f"[{_IGNORABLE}{_MEANT_IN_NAMES}]")

_ASCII_WORD = re.compile(r"[a-z0-9]+")
_ACCENTS = re.compile(
    "[\u0300-\u036f]"
)  # of Latin, Greek and Cyrillic letters; vowel signs of Hindi or Thai are letters
_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
)
"""Letters that people without them on the keyboard write so, and that Unicode does not take apart."""
# Scripts that put no space between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese.
_WITHOUT_SPACES = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]+)"
)
_WORD_LENGTH_MAX = 100
_PLURAL_LENGTH_MIN = 4


def normalized(text: str) -> str:
    """The one form in which the shop stores text: Unicode NFC, no white space around it, nothing invisible."""
    return (text if text.isascii() else unicodedata.normalize("NFC", _INVISIBLE.sub("", text))).strip()


def normalized_code(text: str) -> str:
    """The same for codes such as SKUs, in which no invisible character has a meaning."""
    return normalized(text if text.isascii() else _INVISIBLE_OR_JOINING.sub("", text))


def comparable(text: str) -> str:
    """The form in which two texts are the same word: compatibility-normalised and case-folded."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def folded(text: str) -> str:
    """The form in which texts are searched and sorted: without case, accents and invisible characters.

    >>> folded("Äpfel"), folded("L'Oréal")
    ('apfel', "l'oreal")
    """
    if text.isascii():
        return text.lower()
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", comparable(_INVISIBLE_OR_JOINING.sub("", text))))
    return unicodedata.normalize("NFKC", bare.translate(_LETTERS))


def search_words(text: str) -> tuple[str, ...]:
    """The words of a keyword, in the form in which every search compares them: see `alternatives`.

    A word is what stands between white space; its letters and digits of any script count, and a hyphen shows where
    something else stood. So no character of a keyword is special.

    >>> search_words("T-Light HOLDER, 50% off")
    ('t-light', 'holder', '50', 'off')
    """
    return tuple("-".join(parts) for parts in _words(text))


def search_terms(*texts: str) -> frozenset[str]:
    """What the texts are found by: their words, the parts of words with something in between, and beginnings in
    scripts that put no space between words.

    >>> sorted(search_terms("two T-Shirts", "茶杯"))
    ['shirt', 't', 'tshirt', 'two', '杯', '茶杯']
    """
    terms: set[str] = set()
    for text in texts:
        for parts in _words(text):
            for part in parts:
                terms.update(_pairs(part) | {part[-1]} if _WITHOUT_SPACES.match(part) else [_singular(part)])
            if len(parts) > 1 and not any(map(_WITHOUT_SPACES.match, parts)):
                terms.add(_singular("".join(parts)[:_WORD_LENGTH_MAX]))
    return frozenset(terms)


def alternatives(word: str, *, is_beginning: bool) -> list[list[tuple[str, bool]]]:
    """What a word from `search_words` finds: the texts that have all terms of one of these lists.

    Args:
        is_beginning: whether longer words that begin with it are found too.

    Returns:
        Lists of terms, each with whether it only has to be the beginning of one of `search_terms`.

    >>> alternatives("t-shirts", is_beginning=False)
    [[('t', False), ('shirt', False)], [('tshirt', False)]]
    """
    *first, last = parts = word.split("-")
    before = [term for part in first for term in _terms(part, is_beginning=False)[0]]
    found = [before + terms for terms in _terms(last, is_beginning)]
    if first and not any(map(_WITHOUT_SPACES.match, parts)):
        found += _terms("".join(parts)[:_WORD_LENGTH_MAX], is_beginning)
    return found


def is_among(word: str, terms: Collection[str], *, is_beginning: bool) -> bool:
    """Whether a text with these `search_terms` is found by a word from `search_words`."""
    return any(
        all(any(each.startswith(term) for each in terms) if is_open else term in terms for term, is_open in needed)
        for needed in alternatives(word, is_beginning=is_beginning)
    )


def _terms(part: str, is_beginning: bool) -> list[list[tuple[str, bool]]]:
    if _WITHOUT_SPACES.match(part):
        return [[(part, True)] if len(part) == 1 else [(pair, False) for pair in sorted(_pairs(part))]]
    singular = _singular(part)
    if not is_beginning:
        return [[(singular, False)]]
    return [[(part, True)]] if singular == part else [[(singular, False)], [(part, True)]]


def _words(text: str) -> Iterator[list[str]]:
    """The parts of each word: runs of letters and digits of one kind of script."""
    text = folded(text)
    if text.isascii():
        found: Iterable[list[str]] = map(_ASCII_WORD.findall, text.split())
    else:  # marks belong to their letter: without them Hindi falls to pieces
        bare = ("".join(c if c.isalnum() or is_combining_mark(c) else " " for c in word) for word in text.split())
        found = (_WITHOUT_SPACES.sub(r" \1 ", word).split() for word in bare)
    for parts in found:
        if parts:
            yield [part[:_WORD_LENGTH_MAX] for part in parts]


def _pairs(part: str) -> set[str]:
    return {part[at : at + 2] for at in range(len(part) - 1)}


def _singular(word: str) -> str:
    """The same for one and for many, as far as an `s` makes many of one."""
    is_plural = len(word) >= _PLURAL_LENGTH_MIN and word.isascii() and word[-1] == "s" and word[-2] != "s"
    return word[:-1] if is_plural and word.isalpha() else word


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


_WRITTEN_TOGETHER = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"}


def scripts_of(text: str) -> set[str]:
    """The scripts of the letters of `text`; those of East Asia, which mix with all others, are left out.

    They are told by the names that Unicode gives to letters, which begin with their script.

    >>> sorted(scripts_of("аda")), scripts_of("茶と コーヒー tea")
    (['CYRILLIC', 'LATIN'], {'LATIN'})
    """
    alphabetic = [char for char in text if unicodedata.category(char) in {"Lu", "Ll", "Lt", "Lo"}]
    return {unicodedata.name(char, "?").split(" ", 1)[0] for char in alphabetic} - _WRITTEN_TOGETHER


def is_storable(text: str) -> bool:
    """Whether a store can hold `text` at all: without NUL and lone surrogates. Nothing stored equals any other."""
    return "\0" not in text and not _SURROGATE.search(text)
