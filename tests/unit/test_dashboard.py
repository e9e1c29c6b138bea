"""docs/dashboard.svg shows the panels that deploy/grafana/shop.json has now."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tools.dashboard.drawing import picture
from tools.dashboard.panels import Query, Series, panels, prometheus

PICTURE = Path(__file__).parent.parent.parent / "docs" / "dashboard.svg"
SVG = "{http://www.w3.org/2000/svg}"


def test_the_picture_has_every_panel_with_lines_of_what_it_asks_now() -> None:
    drawn = ElementTree.parse(PICTURE).getroot().findall(f"{SVG}g")
    shown = [(panel.findtext(f"{SVG}title"), panel.findtext(f"{SVG}desc", "").split("\n")) for panel in drawn]
    expected = [(panel.title, [query.expression for query in panel.queries] or [""]) for panel in panels()]
    assert shown == expected, "run: python -m tools.dashboard"
    for one, panel in zip(drawn, panels(), strict=True):
        assert bool(panel.queries) == (one.find(f"{SVG}polyline") is not None), panel.title
        assert panel.title in [words.text for words in one.findall(f"{SVG}text")]


def test_a_line_ends_where_its_figures_do_and_begins_again() -> None:
    panel = next(panel for panel in panels() if panel.title == "HTTP connections")
    figures = {float(second): 5.0 for second in range(0, 60, 2) if not 20 <= second < 30}
    drawn = ElementTree.fromstring(picture([(panel, [Series("one", figures)])], 60, []))
    assert len(drawn.findall(f".//{SVG}polyline")) == 2


@pytest.mark.skipif(not shutil.which("prometheus"), reason="Prometheus is not installed")
def test_prometheus_answers_the_queries_of_every_panel_and_names_one_that_it_refuses(tmp_path: Path) -> None:
    now = float(int(time.time()))
    queries = [query for panel in panels() for query in panel.queries]
    with prometheus(tmp_path, []) as scraper:
        for query in queries:
            scraper.answers(query, now - 60, now)
        broken = replace(queries[0], expression="sum by (status) (rate(shop_requests_total))")
        with pytest.raises(RuntimeError, match="range vector"):
            scraper.answers(broken, now - 60, now)
        assert scraper.answers(Query("vector(2) > 1", "two"), now, now) == [Series("two", {0.0: 2.0})]
