"""SECURITY.md names tests that exist, and counts what it lists."""

from __future__ import annotations

import ast
import re
from collections import Counter
from itertools import chain
from pathlib import Path

from verification import crowding, heavy_requests, hostile_clients

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "SECURITY.md").read_text()
NAMED = sorted(set(re.findall(r"`((?:tests|src/shop_testing)[\w/]*\.py)::(\w+)`", PAGE)))


def test_every_test_that_the_page_names_exists() -> None:
    assert len(NAMED) > 50
    missing = [f"{file}::{name}" for file, name in NAMED if name not in _tests(ROOT / file)]
    assert missing == []


def _tests(file: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_requirement_is_listed_once_and_the_counts_are_true() -> None:
    sections = dict(re.findall(r"### (.+?)\n(.*?)(?=\n### |\Z)", PAGE, re.DOTALL))
    rows = {name: re.findall(r"^\| (\d[\d., ]*\d) \|(.*)\|$", text, re.MULTILINE) for name, text in sections.items()}
    listed = {name: [one for ids, _ in found for one in ids.split(", ")] for name, found in rows.items()}
    assert [one for one, count in Counter(chain(*listed.values())).items() if count > 1] == []
    counts = [int(number) for number in re.findall(r"(\d+) (?:requirements|met|not met|left|about)\b", PAGE)]
    assert counts == [sum(map(len, listed.values())), *map(len, listed.values())]


def test_every_requirement_called_met_has_a_test() -> None:
    met = re.findall(r"^\| \d.*\|$", PAGE.partition("### Met")[2].partition("### ")[0], re.MULTILINE)
    assert met
    assert [row for row in met if "::test_" not in row] == []


def test_the_bounds_of_attacks_are_those_that_the_plays_hold() -> None:
    heavy, flood = heavy_requests, hostile_clients.WHOLE
    kept = [f"others: {limit:g} s" for limit in (heavy.P99_S_MAX, crowding.P99_S_MAX)]
    bounds = [
        (
            f"h: {flood.idle + flood.writers + flood.readers:,} connec",
            f"check takes {hostile_clients.HEALTH_S_MAX:g} s",
        ),
        ("h: a log", f"{hostile_clients.LOGGED_REQUESTS:,} requests"),
        (
            f"h: {heavy.HOSTS} clients with `Host` headers of {heavy.HOST_BYTES:,}",
            f"{heavy.HOSTS_MIB_MAX:.0f} MiB more",
        ),
        (f"h: {heavy.BODIES_A_SECOND} bodies", f"others: {heavy.BODIES_P99_S_MAX:g} s"),
        (f"h: {heavy.SEARCHERS} clients search", kept[0]),
        (
            f"h: {heavy.PAGES_AT_ONCE} clients",
            f"{heavy.PAGE_BYTES_MAX:,} bytes, the workers take"
            f" {heavy.PAGES_MIB_MAX:.0f} MiB more; others: {heavy.PAGES_P99_S_MAX:g} s",
        ),
        ("c: 200 reservations", kept[1]),
        (f"c: a row of a product is locked for {crowding.LOCKED_S:g} s", kept[1]),
        ("c: four customers", kept[1]),
    ]
    rows = re.findall(r"^\| ([hc]: .+?) \| .+? \| (.+?) \| .+ \|$", PAGE, re.MULTILINE)
    assert len(rows) == len(bounds)
    for (attack, bound), (begins, has) in zip(rows, bounds, strict=True):
        assert (attack.startswith(begins), has in bound) == (True, True), (attack, bound)
