"""What the check of fresh reads calls stale; see `verification.fresh_reads`, which lets processes write and read."""

from __future__ import annotations

import pytest
from verification.fresh_reads import UNITS, Known, Shown, stale

BEFORE = [Known(100, 5, 0), Known(200, 5, 0)]


def test_an_answer_that_was_right_at_some_time_of_the_request_is_fresh() -> None:
    after = [Known(101, 6, 0), Known(200, 6, 0)]
    for price, units in ((100, UNITS - 5), (101, UNITS - 6)):
        assert stale({0: (price, units), 1: (200, units)}, [0, 1], BEFORE, after) == []


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        ({0: (99, UNITS - 5)}, "product 0: the price is 99, must be 100 to 100"),
        ({0: (101, UNITS - 5)}, "product 0: the price is 101, must be 100 to 100"),
        ({0: (100, UNITS - 4)}, "product 0: sold are 4, must be 5 to 5"),
        ({0: (100, UNITS - 5), 1: (200, UNITS - 6)}, "product 0: 999995 units, the other one of the pair has 999994"),
        ({}, "product 0 is not shown, and is there"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_from_before_or_from_nowhere_is_stale(shown: Shown, says: str) -> None:
    assert stale(shown, [0], BEFORE, BEFORE)[0] == says


def test_what_is_archived_all_the_while_must_not_be_shown_and_what_turns_meanwhile_may_be() -> None:
    archived = [Known(100, 5, 1)]
    assert stale({}, [0], archived, archived) == []
    assert stale({0: (100, UNITS - 5)}, [0], archived, archived) == ["product 0 is shown, and was archived"]
    for shown in ({}, {0: (100, UNITS - 5)}):
        assert stale(shown, [0], archived, [Known(100, 5, 2)]) == []
