"""SECURITY.md names tests that exist, and counts what it lists."""

from __future__ import annotations

import ast
import re
from collections import Counter
from itertools import chain
from pathlib import Path

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
