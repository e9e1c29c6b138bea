"""The benchmark's own arithmetic and drawing."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest
from benchmarks.__main__ import arguments_of, main
from benchmarks.measurement import Findings, Growth, Row, Spread, at_least, at_most, in_turn, log_slope, ratios, shown
from benchmarks.page import growth_table, table
from benchmarks.picture import picture
from benchmarks.placement import faults_of
from benchmarks.wrk import Load

SVG = "{http://www.w3.org/2000/svg}"


def row(figure: float, **fields: object) -> Row:
    given = {"workload": "place", "ours": "400/s", "yardstick": "200/s: SQL & <sons>", "aim": at_least(1)} | fields
    return Row(measured=Spread.of([figure]), **given)  # type: ignore[arg-type]


def test_a_spread_has_the_middle_figure_not_the_mean() -> None:
    assert Spread.of([1, 100, 2]) == Spread(2, 1, 100)


def test_a_ratio_is_taken_round_by_round_so_that_what_slows_both_down_does_not_count() -> None:
    assert ratios([100, 10, 200], [50, 5, 100]) == Spread(2, 2, 2)


def test_a_yardstick_that_measured_nothing_makes_no_failure_of_it() -> None:
    assert ratios([1], [0]).median == math.inf


def test_the_sides_take_turns_after_a_warm_up_that_does_not_count() -> None:
    calls: list[str] = []

    def side(name: str) -> float:
        calls.append(name)
        return len(calls)

    figures = in_turn({"a": lambda: side("a"), "b": lambda: side("b")}, 2)
    assert "".join(calls) == "ababab"
    assert figures == {"a": [3, 5], "b": [4, 6]}


@pytest.mark.parametrize(
    ("aim", "good", "bad"), [(at_least(4), 4.0, 3.9), (at_most(1.2), 1.2, 1.3), (at_least(0.5), 9.0, 0.1)]
)
def test_an_aim_is_met_by_the_middle_figure(aim: object, good: float, bad: float) -> None:
    assert (row(good, aim=aim).verdict, row(bad, aim=aim).verdict) == ("met", "missed")


def test_twice_as_good_as_the_aim_is_reached_twice_whichever_side_is_good() -> None:
    assert at_least(2).reached(4) == at_most(4).reached(2) == 2


def test_a_wrong_answer_is_worse_than_any_aim_missed() -> None:
    assert row(9, faults=("1,001 orders of 1,000",)).verdict == "WRONG"


def test_a_figure_without_an_aim_has_no_verdict() -> None:
    assert row(9, aim=None).verdict == "no aim"


@pytest.mark.parametrize("power", [0.0, 1.0, 1.05, 2.0])
def test_the_slope_is_the_power_by_which_the_cost_grows(power: float) -> None:
    assert log_slope([(n, 3 * n**power) for n in (1, 10, 100, 1000)]) == pytest.approx(power)


def test_only_a_line_that_does_not_climb_is_called_flat() -> None:
    flat = Growth("a page", "ms", {n: Spread(2, 2, 2) for n in (1_000, 100_000)})
    climbs = Growth("a search", "ms", {1_000: Spread(2, 2, 2), 100_000: Spread(3, 3, 3)})
    assert [line.rsplit("|", 3)[1:3] for line in growth_table([flat, climbs])[2:]] == [
        [" 0.00 ", " flat "],
        [" 0.09 ", " 1.5 × for 100 × as many "],
    ]


@pytest.mark.parametrize(
    ("figure", "words"), [(0, "0"), (0.0294, "0.0294"), (1, "1.00"), (12.345, "12.3"), (5432.1, "5,432")]
)
def test_figures_are_shown_to_three_digits(figure: float, words: str) -> None:
    assert shown(figure) == words


def test_the_table_tells_figure_spread_aim_and_verdict() -> None:
    found = Row("place", "400/s", "200/s: SQL", Spread(2, 1.5, 2.5), "×", at_least(1))
    assert table([found])[2] == "| place | 400/s | 200/s: SQL | **2.00** × (1.50 to 2.50) | ≥ 1 | met |"


def test_the_picture_has_a_bar_for_each_aim_and_a_line_for_each_growth() -> None:
    growth = Growth("a page", "ms", {n: Spread(2, 2, 2) for n in (1_000, 10_000)})
    drawn = ElementTree.fromstring(picture(Findings([row(2), row(0.4), row(7, aim=None)], [growth])))
    colours = [bar.get("fill") for bar in drawn.findall(f"{SVG}rect")]
    assert colours == ["white", "#2f7d4f", "#c2571a"]  # the paper, met, missed; nothing for figures without an aim
    assert len(drawn.findall(f"{SVG}polyline")) == 1
    assert any("SQL & <sons>" in (text.text or "") for text in drawn.findall(f"{SVG}text"))


@pytest.mark.parametrize("figure", [0.0, 1e-9, 1.0, 1e9, math.inf])
def test_no_figure_leaves_the_picture(figure: float) -> None:
    drawn = ElementTree.fromstring(picture(Findings([row(figure)])))
    width = float(drawn.get("viewBox", "").split()[2])
    for bar in drawn.findall(f"{SVG}rect"):
        assert 0 <= float(bar.get("x", "0")) <= float(bar.get("x", "0")) + float(bar.get("width", "")) <= width


def test_without_a_load_client_one_line_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["--tiny", "--only", "core"]) == 2
    assert capsys.readouterr().err == (
        "wrk is not installed: `apt-get install wrk`, or your system's package of that name.\n"
    )


def test_an_unknown_group_is_refused_with_the_ones_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments_of(["--only", "place,plaice"])
    assert "no group 'plaice': choose from start, core, place" in capsys.readouterr().err


def placed(*, unanswered: int = 0, broken: int = 0, **statuses: int) -> Load:
    """A load of orders, with so many answers of each status."""
    by_status = {int(name.removeprefix("s")): count for name, count in statuses.items()}
    return Load(2.0, sum(by_status.values()), unanswered, broken, by_status, 0, 1.0, 2.0)


@pytest.mark.parametrize(("in_database", "is_right"), [(99, False), (100, True), (101, False)])
def test_each_order_that_was_acknowledged_must_be_in_the_database_and_no_other(
    in_database: int, is_right: bool
) -> None:
    assert (faults_of(placed(s201=100), in_database) == []) is is_right


def test_an_order_whose_answer_nobody_read_may_be_there_or_not() -> None:
    assert [faults_of(placed(s201=100, unanswered=1), count) for count in (100, 101)] == [[], []]
    assert faults_of(placed(s201=100, unanswered=1), 102) == ["100 orders acknowledged, 102 in the database"]


def test_a_request_that_shall_come_later_is_no_fault_and_any_other_answer_is() -> None:
    assert faults_of(placed(s201=9, s503=1), 9) == []
    assert faults_of(placed(s201=9, s409=1), 9) == ["1 answers of status 409"]
    assert faults_of(placed(s201=9, broken=2), 9) == ["2 requests broken or late"]


def test_a_rate_is_of_good_answers_only() -> None:
    assert placed(s201=10, s503=90).rate(201) == 5
