"""Copies of orders are right in random schedules, and a mistake in the comparison is found; see `verification`."""

from __future__ import annotations

import pytest
from verification.mutants.registry import Mutant
from verification.order_copies import CHECK


@pytest.mark.parametrize("seed", range(3))
def test_a_copy_that_differs_in_nothing_is_what_the_customer_has(seed: int) -> None:
    done = CHECK.in_memory(300, seed)
    assert done["nothing differed"] > 50
    assert min(done["committed late"], done["rolled back"], done["delete"], done["edited"]) > 0


@pytest.mark.parametrize("mistake", CHECK.mistakes, ids=lambda mistake: mistake.name)
def test_a_mistake_is_found(mistake: Mutant) -> None:
    assert any(CHECK.is_found(mistake, 300, seed) for seed in range(6))
