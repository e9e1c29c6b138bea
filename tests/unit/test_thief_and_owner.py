"""Stolen refresh tokens end in revocation, and flaky phones are not logged out: whatever the order of things."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_adapters.memory import MemoryAdapters
from shop_adapters.passwords import ScryptPasswords
from shop_core import Registration, Shop
from shop_core.accounts.sessions import REFRESH_GRACE
from shop_core.errors import InvalidToken
from shop_testing import MovableClock

GRACE_S = int(REFRESH_GRACE.total_seconds())
SECONDS = st.integers(0, 3 * GRACE_S) | st.integers(0, 40_000)  # two of them are less than a token lives


class Session:
    """A session of one login, and what should become of it."""

    def __init__(self) -> None:
        self.clock = MovableClock(datetime(2026, 11, 21, 12, tzinfo=UTC))
        self.shop = Shop(MemoryAdapters(clock=self.clock, passwords=ScryptPasswords(2)))
        self.shop.accounts.register(Registration("ada", "numbers are music"))
        self.first = self.shop.sessions.log_in("ada", "numbers are music").refresh
        self.rotated_at: dict[str, datetime] = {}
        self.successor: dict[str, str] = {}
        self.has_ended = False

    def wait(self, seconds: int) -> None:
        self.clock.move(timedelta(seconds=seconds))

    def trade(self, token: str) -> str:
        """The token after this one, or the same one if the session has ended, as it then should have."""
        rotated_at = self.rotated_at.setdefault(token, self.clock())
        was_used = self.successor.get(token) in self.rotated_at
        self.has_ended |= was_used and self.clock() > rotated_at + REFRESH_GRACE
        if self.has_ended:
            with pytest.raises(InvalidToken):
                self.shop.sessions.refresh(token)
            return token
        successor = self.shop.sessions.refresh(token).refresh
        assert self.successor.setdefault(token, successor) == successor
        return successor


@given(st.lists(st.tuples(SECONDS, st.lists(SECONDS, max_size=4))))
def test_a_phone_that_loses_answers_is_never_logged_out(trades: list[tuple[int, list[int]]]) -> None:
    """It asks again with the same token, however late, until it gets an answer; only then it has the next one."""
    session = Session()
    token = session.first
    for seconds, retries in trades:
        session.wait(seconds)
        answers, since_s = [session.trade(token)], 0
        for retry_s in sorted(retries):
            session.wait(retry_s - since_s)
            since_s = retry_s
            answers.append(session.trade(token))
        (token,) = set(answers)
    assert not session.has_ended


@given(st.lists(st.tuples(st.sampled_from(["owner", "thief"]), SECONDS)))
def test_a_stolen_token_ends_the_session_as_soon_as_one_has_used_two_and_the_other_comes_with_the_first(
    steps: list[tuple[str, int]],
) -> None:
    """Before that nothing tells one from the other, and nobody is logged out."""
    session = Session()
    held = {"owner": session.first, "thief": session.first}
    for who, seconds in [*steps, *((who, GRACE_S + 1) for who in ("owner", "owner", "owner", "thief"))]:
        session.wait(seconds)
        held[who] = session.trade(held[who])
    assert session.has_ended
    for token in {session.first, *session.successor, *session.successor.values()}:
        with pytest.raises(InvalidToken):
            session.shop.sessions.refresh(token)
