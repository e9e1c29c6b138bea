"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[2] / "src"
WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")
    for path in SRC.rglob("*.py")
    if "\n    >>> " in path.read_text() or "\n>>> " in path.read_text()
)


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_a_module_are_true(module: str) -> None:
    tried = doctest.testmod(importlib.import_module(module))
    assert tried.attempted > 0
    assert tried.failed == 0


def test_the_examples_of_the_page_about_prices_are_true() -> None:
    tried = doctest.testfile(str(SRC.parent / "docs" / "pricing.md"), module_relative=False)
    assert tried.attempted > 10
    assert tried.failed == 0


def test_there_are_examples() -> None:
    assert len(WITH_EXAMPLES) > 5
