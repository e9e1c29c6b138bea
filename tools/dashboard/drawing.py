"""Panels as SVG, in the grid of the dashboard, without any dependency."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import accumulate

from tools.dashboard.panels import STEP_S, Panel, Series

_COLUMN, _ROW, _MARGIN, _GAP = 50, 30, 16, 6
"""Of the grid, in pixels."""
_HEAD, _LINE_OF_LEGEND, _AXIS_LEFT, _AXIS_BELOW = 112, 15, 74, 20
_INK, _GREY, _PALE, _BACK, _CARD = "#222222", "#666666", "#e2e2e2", "#f4f5f5", "#ffffff"
_COLOURS = ("#2f7d4f", "#b0892f", "#1f6fb4", "#c2571a", "#b3372f", "#5b8fd9", "#8a4fb0", "#444444")
_CHARACTER = 6.0
"""About the width of one of the legend."""


def picture(drawn: Sequence[tuple[Panel, Sequence[Series]]], seconds: float, notes: Sequence[str]) -> str:
    """The dashboard.

    Args:
        drawn: each panel with its lines.
        seconds: how long the time is that they show.
        notes: what is said above them, a line each: three at most.
    """
    width = 24 * _COLUMN + 2 * _MARGIN
    height = _HEAD + max(panel.y + panel.height for panel, _ in drawn) * _ROW + _MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'font-family="system-ui, sans-serif" font-size="11" role="img">',
            "<title>The dashboard of the shop, in a busy hour</title>",
            f'<rect width="{width}" height="{height}" fill="{_BACK}"/>',
            _text(_MARGIN, 34, "Shop", size=20),
            *(_text(_MARGIN, 56 + 18 * line, note, colour=_GREY, size=13) for line, note in enumerate(notes)),
            *(line for panel, lines in drawn for line in _panel(panel, lines, seconds)),
            "</svg>\n",
        ]
    )


def _panel(panel: Panel, lines: Sequence[Series], seconds: float) -> list[str]:
    left, top = _MARGIN + panel.x * _COLUMN, _HEAD + panel.y * _ROW
    width, height = panel.width * _COLUMN - _GAP, panel.height * _ROW - _GAP
    if not panel.queries:
        return ["<g>", _name(panel), _text(left, top + 20, panel.title, size=15), "</g>"]
    legend = _rows_of_legend([line.name for line in lines], width - 24)
    bottom = top + height - _AXIS_BELOW - _LINE_OF_LEGEND * len(legend) - 6
    plot = _Plot(left + _AXIS_LEFT, left + width - 14, top + 34, bottom, seconds, panel)
    return [
        "<g>",
        _name(panel),
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="3" fill="{_CARD}" stroke="{_PALE}"/>',
        _text(left + 12, top + 20, panel.title, size=13),
        *plot.lines(lines),
        *_legend(legend, left + 12, bottom + _AXIS_BELOW + 14),
        "</g>",
    ]


def _name(panel: Panel) -> str:
    """What the panel is called, and what it asks: a test compares both with the dashboard."""
    asked = "\n".join(query.expression for query in panel.queries)
    return f"<title>{escape(panel.title)}</title>" + (f"<desc>{escape(asked)}</desc>" if asked else "")


class _Plot:
    """The space for the lines of a panel, with its scales."""

    def __init__(self, left: float, right: float, top: float, bottom: float, seconds: float, panel: Panel) -> None:
        self._left, self._right, self._top, self._bottom = left, right, top, bottom
        self._seconds, self._unit, self._is_stacked = seconds, panel.unit, panel.is_stacked
        self._limit = 1.0

    def lines(self, lines: Sequence[Series]) -> list[str]:
        heights = _stacked(lines) if self._is_stacked else [line.figures for line in lines]
        greatest = max((figure for line in heights for figure in line.values()), default=0.0)
        step = _round_step(greatest / 4) if greatest else (0.25 if self._unit != "s" else 0.0025)
        self._limit = max(step * math.ceil(greatest / step * 0.999), step * (4 if not greatest else 1))
        drawn = self._grid(step)
        for number, figures in reversed(list(enumerate(heights))):  # the lowest of a stack is drawn last
            drawn += self._line(figures, _COLOURS[number % len(_COLOURS)])
        return drawn

    def _at(self, second: float, figure: float) -> tuple[float, float]:
        x = self._left + second / self._seconds * (self._right - self._left)
        return x, self._bottom - figure / self._limit * (self._bottom - self._top)

    def _grid(self, step: float) -> list[str]:
        drawn = []
        for number in range(round(self._limit / step) + 1):
            y = self._at(0, number * step)[1]
            drawn += [
                f'<line x1="{self._left:.1f}" y1="{y:.1f}" x2="{self._right:.1f}" y2="{y:.1f}" stroke="{_PALE}"/>',
                _text(self._left - 6, y + 4, _figure(number * step, self._unit), anchor="end", colour=_GREY, size=10),
            ]
        for minute in range(int(self._seconds / 60) + 1):
            x = self._at(minute * 60, 0)[0]
            drawn.append(_text(x, self._bottom + 14, f"{minute}:00", anchor="middle", colour=_GREY, size=10))
        return drawn

    def _line(self, figures: Mapping[float, float], colour: str) -> list[str]:
        return [drawn for part in _without_gaps(figures) for drawn in self._part(part, colour)]

    def _part(self, figures: Mapping[float, float], colour: str) -> list[str]:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self._at(*point) for point in figures.items()))
        first, last = (self._at(second, 0)[0] for second in (min(figures), max(figures)))
        below = f"{first:.1f},{self._bottom:.1f} {points} {last:.1f},{self._bottom:.1f}"
        # What is stacked hides what is drawn before, which it stands on; other lines let each other show through.
        fill = f'fill="{_pale(colour)}"' if self._is_stacked else f'fill="{colour}" fill-opacity="0.08"'
        return [
            f'<polygon points="{below}" {fill}/>',
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.4" stroke-linejoin="round"/>',
        ]


def _without_gaps(figures: Mapping[float, float]) -> list[dict[float, float]]:
    """The parts of a line between which there are no figures, such as those of a server that was down."""
    parts: list[dict[float, float]] = []
    before = -math.inf
    for second, figure in figures.items():
        if second - before > 1.5 * STEP_S:
            parts.append({})
        parts[-1][second] = figure
        before = second
    return parts


def _pale(colour: str) -> str:
    """The colour, half as strong."""
    return "#" + "".join(f"{(int(colour[at : at + 2], 16) + 255) // 2:02x}" for at in (1, 3, 5))


def _stacked(lines: Sequence[Series]) -> list[Mapping[float, float]]:
    """Each line on top of those before it."""
    seconds = sorted({second for line in lines for second in line.figures})
    sums = [list(accumulate(line.figures.get(second, 0.0) for line in lines)) for second in seconds]
    return [{second: upto[number] for second, upto in zip(seconds, sums, strict=True)} for number in range(len(lines))]


def _round_step(at_least: float) -> float:
    """The smallest of 1, 2, 2.5 and 5, by a power of ten, that is not below."""
    power = 10.0 ** math.floor(math.log10(at_least))
    return next(power * digit for digit in (1, 2, 2.5, 5, 10) if power * digit >= at_least * 0.999)


def _figure(figure: float, unit: str) -> str:
    """A figure of an axis, with its unit."""
    if unit == "s":
        return f"{figure:g} s" if figure >= 1 or not figure else f"{figure * 1000:g} ms"
    return f"{figure:g}" + {"reqps": " req/s", "ops": " ops/s"}.get(unit, "")


def _rows_of_legend(names: Sequence[str], width: float) -> list[list[tuple[float, int, str]]]:
    """Names with their number and how far from the left they are, in as many rows as they need."""
    rows: list[list[tuple[float, int, str]]] = [[]]
    x = 0.0
    for number, name in enumerate(names):
        needed = 30 + len(name) * _CHARACTER
        if rows[-1] and x + needed > width:
            rows.append([])
            x = 0.0
        rows[-1].append((x, number, name))
        x += needed
    return rows


def _legend(rows: Sequence[Sequence[tuple[float, int, str]]], left: float, top: float) -> list[str]:
    drawn = []
    for row, named in enumerate(rows):
        y = top + row * _LINE_OF_LEGEND
        for x, number, name in named:
            colour = _COLOURS[number % len(_COLOURS)]
            drawn += [
                f'<rect x="{left + x:.1f}" y="{y - 6:.1f}" width="12" height="3" fill="{colour}"/>',
                _text(left + x + 17, y, name),
            ]
    return drawn


def _text(x: float, y: float, words: str, *, anchor: str = "start", colour: str = _INK, size: int = 11) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">'
        f"{escape(words)}</text>"
    )
