"""Copies of the catalog are right in random schedules, and a mistake in the feed is found; see `verification`."""

from __future__ import annotations

import pytest
from verification.catalog_feed import CHECK
from verification.mutants.registry import Mutant


@pytest.mark.parametrize("seed", range(3))
def test_a_complete_copy_is_what_the_shop_shows(seed: int) -> None:
    done = CHECK.in_memory(400, seed)
    assert done["complete"] > 100
    assert min(done["committed late"], done["rolled back"], done["removed"], done["forgot"]) > 0


@pytest.mark.parametrize("mistake", CHECK.mistakes, ids=lambda mistake: mistake.name)
def test_a_mistake_is_found(mistake: Mutant) -> None:
    assert any(CHECK.is_found(mistake, 500, seed) for seed in range(3))
