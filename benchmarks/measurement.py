"""What a measurement is: figures taken in turn, the middle of them, how far they spread, and what was hoped for."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

Measure = Callable[[], float]
"""Measures once: so many a second, or so many milliseconds."""


class CannotMeasure(Exception):
    """In one line: what is missing, and how to get it."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Figures of several rounds: the middle one, the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        """Of at least one figure."""
        return cls(statistics.median(figures), min(figures), max(figures))


def ratios(figures: Sequence[float], yardstick: Sequence[float]) -> Spread:
    """What the figures are of those of the yardstick, round by round: what slows both down is no difference."""
    return Spread.of([ours / theirs if theirs else math.inf for ours, theirs in zip(figures, yardstick, strict=True)])


class Sense(Enum):
    """On which side of the aim it is good."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


@dataclass(frozen=True, slots=True)
class Aim:
    """How far we want to go."""

    sense: Sense
    figure: float

    def is_met(self, measured: Spread) -> bool:
        """Whether the middle figure is good enough."""
        if self.sense is Sense.AT_LEAST:
            return measured.median >= self.figure
        return measured.median <= self.figure

    def reached(self, figure: float) -> float:
        """1 where the aim is met exactly, 2 where it is twice as good."""
        if self.sense is Sense.AT_LEAST:
            return figure / self.figure
        return self.figure / figure if figure else math.inf


def at_least(figure: float) -> Aim:
    """More is better."""
    return Aim(Sense.AT_LEAST, figure)


def at_most(figure: float) -> Aim:
    """Less is better."""
    return Aim(Sense.AT_MOST, figure)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table.

    Args:
        workload: what was done.
        ours: how fast, in words.
        yardstick: what it is compared with, and how fast that is; empty where there is none.
        measured: what the aim is about: a ratio, seconds, orders a second.
        unit: of that; `×` for a ratio.
        aim: None if there is none.
        checked: what was looked at to know that the answers are right.
        faults: what was wrong with them.
    """

    workload: str
    ours: str
    yardstick: str
    measured: Spread
    unit: str = "×"
    aim: Aim | None = None
    checked: str = ""
    faults: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Whether the aim is met."""
        if self.faults:
            return "WRONG"
        if self.aim is None:
            return "no aim"
        return "met" if self.aim.is_met(self.measured) else "missed"


FLAT_SLOPE_MAX = 0.05


@dataclass(frozen=True, slots=True)
class Growth:
    """What something costs as its number grows.

    Args:
        title: what is done, to how many of what.
        unit: of the costs.
        costs: of one of them, by number.
    """

    title: str
    unit: str
    costs: Mapping[int, Spread]

    @property
    def slope(self) -> float:
        """By which power the cost of one grows with their number: 0 is flat, 1 doubles with twice the number."""
        return log_slope([(number, spread.median) for number, spread in self.costs.items()])

    @property
    def verdict(self) -> str:
        """`flat`, or by how much one costs more where there are most of them than where there are fewest."""
        fewest, largest = min(self.costs), max(self.costs)
        factor = self.costs[largest].median / self.costs[fewest].median
        return "flat" if self.slope <= FLAT_SLOPE_MAX else f"{factor:.1f} × for {largest / fewest:,.0f} × as many"


@dataclass(slots=True)
class Findings:
    """All that was measured."""

    rows: list[Row] = field(default_factory=list)
    growths: list[Growth] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def log_slope(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the straight line through the points on paper with two logarithmic scales (least squares)."""
    xs, ys = zip(*((math.log(x), math.log(y)) for x, y in points), strict=True)
    return statistics.linear_regression(xs, ys).slope


def in_turn(sides: Mapping[str, Measure], rounds: int) -> dict[str, list[float]]:
    """Measure each side once a round, one after the other: A B C, A B C, ...

    Before that each is run once to warm up, which is forgotten, unless there is one round only.
    """
    if rounds > 1:
        for measure in sides.values():
            measure()
    figures: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            figures[name].append(measure())
    return figures


def shown(figure: float) -> str:
    """A figure for people, to three digits."""
    if figure == 0 or math.isinf(figure):
        return "0" if figure == 0 else "∞"
    digits = max(0, 2 - math.floor(math.log10(abs(figure))))
    return f"{figure:,.{digits}f}"


def middle(figures: Sequence[float]) -> str:
    """The median for people."""
    return shown(statistics.median(figures))
