"""The picture of the benchmark: how far each aim is reached as bars, growth as lines. SVG, without any dependency."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from benchmarks.measurement import Findings, Growth, Row, shown

_WIDTH, _LEFT, _RIGHT = 960, 400, 130
_BAR, _STEP = 14, 34
_MET, _MISSED, _INK, _GREY, _PALE = "#2f7d4f", "#c2571a", "#222222", "#666666", "#d8d8d8"
_COLOURS = ("#1f6fb4", "#c2571a", "#2f7d4f", "#8a4fb0", "#b0892f", "#444444")
_REACH = (0.1, 0.25, 0.5, 1, 2, 4, 10)
_GROWTH_HEIGHT = 300
_CHARACTER = 6.2
"""About the width of a character."""


def picture(findings: Findings) -> str:
    """Bars above lines."""
    rows = [row for row in findings.rows if row.aim is not None]
    upper = _bars(rows)
    top = 70 + len(rows) * _STEP + 50
    lower = _lines(findings.growths, top) if findings.growths else []
    height = top + (_GROWTH_HEIGHT + 90 if findings.growths else 0)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            'font-family="system-ui, sans-serif" font-size="12" role="img">',
            "<title>The benchmark: aims and growth</title>",
            f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
            *upper,
            *lower,
            "</svg>\n",
        ]
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", colour: str = _INK, size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">'
        f"{escape(words)}</text>"
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width}" stroke-linecap="round"/>'
    )


def _short(words: str) -> str:
    characters = int((_LEFT - 20) / _CHARACTER)
    plain = words.replace("`", "")
    return plain if len(plain) <= characters else plain[: characters - 1] + "…"


# ---- aims


def _bars(rows: Sequence[Row]) -> list[str]:
    bottom = 60 + len(rows) * _STEP
    drawn = [_text(10, 24, "How far each aim is reached (right of the line: met)", size=16)]
    for reach in _REACH:
        x = _across(reach)
        drawn.append(_line(x, 50, x, bottom, _INK if reach == 1 else _PALE, 2 if reach == 1 else 1))
        words = "aim" if reach == 1 else f"{reach:g}×" if reach > 1 else f"{shown(reach)}"
        drawn.append(_text(x, 44, words, anchor="middle"))
    for number, row in enumerate(rows):
        drawn += _bar(row, 60 + number * _STEP)
    return drawn


def _bar(row: Row, y: float) -> list[str]:
    if row.aim is None:
        return []
    middle, low, high = (
        _across(row.aim.reached(figure)) for figure in (row.measured.median, row.measured.low, row.measured.high)
    )
    colour = _MET if row.verdict == "met" else _MISSED
    between, start = y + _BAR / 2, min(middle, _across(1))
    label = f"{shown(row.measured.median)} (aim {row.aim.sense.value} {row.aim.figure:,g})"
    yardstick = row.yardstick.partition(": ")[2]
    versus = yardstick and f"against {yardstick}"
    return [
        _text(_LEFT - 12, y + (5 if versus else 11), _short(row.workload), anchor="end"),
        _text(_LEFT - 12, y + 18, _short(versus), anchor="end", colour=_GREY, size=10),
        f'<rect x="{start:.1f}" y="{y}" width="{abs(middle - _across(1)):.1f}" height="{_BAR}" fill="{colour}"/>',
        _line(low, between, high, between, _INK, 1.5),
        f'<circle cx="{middle:.1f}" cy="{between}" r="3" fill="{colour}"/>',
        _text(_WIDTH - _RIGHT + 8, y + _BAR - 3, label, colour=colour, size=11),
    ]


def _across(reach: float) -> float:
    """Where a share of the aim is, on a logarithmic scale that ends where `_REACH` ends."""
    low, high = math.log(_REACH[0]), math.log(_REACH[-1])
    at = min(max(math.log(reach) if reach > 0 else low, low), high)
    return _LEFT + (at - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)


# ---- growth


def _lines(growths: Sequence[Growth], top: float) -> list[str]:
    """Costs by number, both logarithmic; one colour each, named at the right with what became of it."""
    numbers = [number for growth in growths for number in growth.costs]
    costs = [spread.median for growth in growths for spread in growth.costs.values()]
    left, right, upper, lower = 70.0, _WIDTH - 330.0, top + 30, top + 30 + _GROWTH_HEIGHT
    decades = (math.log10(min(numbers)), math.log10(max(numbers)))
    powers = (math.floor(math.log10(min(costs))), math.ceil(math.log10(max(costs))))

    def at(number: float, cost: float) -> tuple[float, float]:
        x = left + (math.log10(number) - decades[0]) / (decades[1] - decades[0] or 1) * (right - left)
        y = lower - (math.log10(cost) - powers[0]) / (powers[1] - powers[0] or 1) * (lower - upper)
        return x, y

    drawn = [_text(10, top + 10, "What one costs as numbers grow (milliseconds, both scales logarithmic)", size=16)]
    for power in range(powers[0], powers[1] + 1):
        y = at(min(numbers), 10.0**power)[1]
        drawn += [_line(left, y, right, y, _PALE), _text(left - 8, y + 4, f"{10.0**power:g} ms", anchor="end")]
    for decade in range(math.ceil(decades[0]), math.floor(decades[1]) + 1):
        x = at(10**decade, costs[0])[0]
        drawn += [_line(x, upper, x, lower, _PALE), _text(x, lower + 18, f"{10**decade:,}", anchor="middle")]
    for place, growth in enumerate(growths):
        colour = _COLOURS[place % len(_COLOURS)]
        points = [at(number, spread.median) for number, spread in growth.costs.items()]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        named = f"{growth.title}: {growth.verdict}"
        y = upper + 10 + place * 22
        drawn += [_line(right + 20, y - 4, right + 40, y - 4, colour, 3), _text(right + 48, y, named, colour=colour)]
    return drawn
