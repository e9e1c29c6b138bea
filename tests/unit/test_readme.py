"""README's code runs as it stands there, and the pages name only what exists."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from tools.check_claims import Claim, corrected
from tools.count_lines import count

import shop_testing

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = [page for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if page.name != "CHANGELOG.md"]
PACKAGES = "shop_core|shop_adapters|shop_http|shop_testing|verification|benchmarks|tools"


def test_the_python_of_the_readme_runs_from_top_to_bottom() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert len([line for line in blocks[0].splitlines() if line]) == 3, "README promises a shop in three lines"
    names: dict[str, object] = {}
    for block in blocks:
        if "needs a database" not in block:
            exec(block, names)
    assert "order" in names
    tests = [test for name, test in names.items() if name.startswith("test_") and callable(test)]
    assert len(tests) == 1
    for test in tests:
        test()


def test_the_machine_in_the_docstring_of_shop_testing_drives_adapters() -> None:
    block = re.search(
        r"^    from shop_adapters\.memory .*?TestCase$", shop_testing.__doc__ or "", re.DOTALL | re.MULTILINE
    )
    assert block
    names: dict[str, Any] = {}
    exec(dedent(block[0]).replace("from my_adapters import MyAdapters", "MyAdapters = MemoryAdapters"), names)
    few = settings(max_examples=2, stateful_step_count=10, deadline=None, database=None)
    run_state_machine_as_test(names["MyMachine"], settings=few)
    assert "TestMyMachine" in names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_and_module_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    links = {link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link}
    assert [link for link in links if link and not (page.parent / link).exists()] == []
    files = re.findall(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|md|csv|svg|yaml|lua))`", text)
    roots = [ROOT, ROOT / "src", page.parent]
    named = [file for file in files if "/" in file]
    assert [name for name in named if not any((root / name).exists() for root in roots)] == []
    modules = re.findall(rf"\b((?:{PACKAGES})(?:\.\w+)+)\b(?!\.py|/)", text)
    assert [name for name in modules if not is_there(name)] == []


def is_there(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    module, _, attribute = name.rpartition(".")
    path = Path(*name.split("."))
    if any((root / path).with_suffix(".py").exists() or (root / path).is_dir() for root in (ROOT, ROOT / "src")):
        return True
    return bool(module) and hasattr(importlib.import_module(module), attribute)


def test_a_wrong_figure_is_found_and_mended() -> None:
    claims = [Claim(r"(\d+) files", 28), Claim(r"about ([\d,]+) lines", 1234, step=100), Claim(r"(\d+) cats", 1)]
    text, wrong = corrected("It has 29 files and about 1,250 lines.", claims)
    assert text == "It has 28 files and about 1,250 lines."
    assert wrong == ["README says '29 files': 28 counted", "README says nothing that matches '(\\\\d+) cats'"]
    assert corrected("about 900 lines", claims[1:2])[0] == "about 1,200 lines"


def test_lines_of_code_are_without_blank_lines_comments_and_docstrings(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text('"""A docstring\nof two lines."""\n\n# a comment\nx = (\n    1,\n)\ny = "text"  # and a comment\n')
    assert count(tmp_path) == 4
