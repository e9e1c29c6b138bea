"""Numbers as spreadsheets of many countries write them. What can be read in two ways is refused."""

from __future__ import annotations

import re

# Spaces, apostrophes and their look-alikes between groups of three digits mean nothing.
_SPACES = re.compile("(?<=[0-9])[ \u00a0\u202f\u2009'\u2019](?=[0-9]{3}(?![0-9]))")
_PLAIN = re.compile(r"-?[0-9]+(?:[.,][0-9]*)?")
_GROUPED = {
    ".": re.compile(r"-?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]*)?"),
    ",": re.compile(r"-?[1-9][0-9]{0,2}(?:\.[0-9]{3})+(?:,[0-9]*)?"),
}


def plain_number(text: str, places: int) -> str:
    """The number with a point and at most `places` decimals; what is no number comes back as it is.

    With three places, 12.500 is twelve and a half: so `Money` prints it, and exports have it.

    >>> plain_number("1.234,50", 2), plain_number("2,20", 2), plain_number("5.0", 0), plain_number("12.500", 3)
    ('1234.50', '2.20', '5', '12.500')

    Raises:
        ValueError: it can be read in two ways, such as 1,234 as a price; the message says what to do.
    """
    text = _SPACES.sub("", text.strip())
    if places and re.fullmatch(rf"-?[0-9]+\.[0-9]{{{places}}}", text):
        return text
    readings = {point: _without_grouping(text, point) for point, form in _GROUPED.items() if form.fullmatch(text)}
    if _PLAIN.fullmatch(text):
        readings["," if "," in text else "."] = text.replace(",", ".")
    cut = {_cut(reading, places) for reading in readings.values()}
    if len(cut) > 1 and places == 0:  # a number of pieces has no decimals but zeros
        cut = {one for one in cut if "." not in one}
    if len(cut) > 1:
        one, other = sorted(cut, key=lambda number: ("." in number, len(number)))
        missing = places - len(other.partition(".")[2])
        is_possible = missing >= 0  # what is printed with all decimals is read in one way
        advice = f"as {one} or as {other + '0' * missing}" if is_possible else "without separators between thousands"
        raise ValueError(f"{text!r} can be read as {one} or {other}: write it {advice}")
    return cut.pop() if cut else text


def _without_grouping(text: str, point: str) -> str:
    grouping = "," if point == "." else "."
    return text.replace(grouping, "").replace(point, ".")


def _cut(number: str, places: int) -> str:
    """Without zeros that stand behind the decimals that there can be."""
    whole, _, fraction = number.partition(".")
    kept = fraction[:places] + fraction[places:].rstrip("0")
    return f"{whole}.{kept}" if kept else whole
