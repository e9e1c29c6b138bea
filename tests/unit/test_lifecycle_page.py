"""docs/lifecycle.md says what the code does."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shop_core.orders.model import LIFECYCLE
from shop_core.reservations.model import RESERVATION_LIFECYCLE

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_the_page_about_the_life_of_an_order_is_up_to_date() -> None:
    made = runpy.run_path(str(DOCS / "lifecycle.py"))["page"]()
    assert (DOCS / "lifecycle.md").read_text() == made, "run: python docs/lifecycle.py"
    lifecycles: list[tuple[str, Mapping[Any, str]]] = [*LIFECYCLE.items(), *RESERVATION_LIFECYCLE.items()]
    for status, steps in lifecycles:
        for step, after in steps.items():
            assert f"    {status} --> {after}: {step}\n" in made
