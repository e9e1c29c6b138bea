"""The contract of the counts of guessed passwords."""

from __future__ import annotations

from datetime import timedelta

from shop_core.accounts.guess_limits import UNRECOGNISED_DEVICES
from shop_core.accounts.service import Registration
from shop_core.errors import TooManyAttempts, WrongCredentials
from shop_core.ports import Adapters, UnitOfWork
from shop_core.shop import Shop
from shop_testing.concurrency import second_in_line, together
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures

ONE, TWO = b"one".ljust(32), b"two".ljust(32)
MINUTE = timedelta(minutes=1)


class AttemptsContract(Contract):
    """How often passwords were guessed. The adapters must go by `clock`: it stands still here."""

    moves_time = True

    def test_moments_come_back_as_they_were_put(self, fixtures: Fixtures) -> None:
        now = fixtures.clock()
        with fixtures.begin() as uow:
            assert uow.attempts.lock([ONE, TWO]) == {}
            uow.attempts.put({ONE: now, TWO: now + MINUTE})
        with fixtures.begin() as uow:
            assert uow.attempts.lock([TWO, ONE, b"unknown"]) == {ONE: now, TWO: now + MINUTE}
            uow.attempts.put({ONE: now - MINUTE})
        with fixtures.begin() as uow:
            assert uow.attempts.lock([ONE]) == {ONE: now - MINUTE}

    def test_even_the_first_two_guesses_are_counted_one_after_the_other(self, fixtures: Fixtures) -> None:
        """There is nothing to lock yet: the second must wait all the same, and see the first."""
        now = fixtures.clock()

        def guess(uow: UnitOfWork) -> None:
            uow.attempts.lock([ONE])
            uow.attempts.put({ONE: now})

        assert second_in_line(fixtures.begin, guess, lambda uow: uow.attempts.lock([ONE])) == {ONE: now}

    def test_what_is_full_is_forgotten_unless_somebody_is_at_it(self, fixtures: Fixtures) -> None:
        now = fixtures.clock()
        with fixtures.begin() as uow:
            uow.attempts.lock([ONE, TWO])
            uow.attempts.put({ONE: now - MINUTE, TWO: now + MINUTE})
        with fixtures.begin() as uow:
            uow.attempts.lock([ONE])
            with fixtures.begin() as other:
                assert other.attempts.delete_full(now, 10) == 0
        with fixtures.begin() as uow:
            assert uow.attempts.delete_full(now, 0) == 0
            assert uow.attempts.delete_full(now, 10) == 1
        with fixtures.begin() as uow:
            assert uow.attempts.lock([ONE, TWO]) == {TWO: now + MINUTE}

    def test_guesses_at_the_same_moment_do_not_slip_through_together(self, adapters: Adapters) -> None:
        """As many are looked at as would have been one after the other."""
        shop = Shop(adapters)
        shop.accounts.register(Registration("ada", "correct horse"))

        def looked_at() -> int:
            """How many of its guesses were."""
            outcomes: list[type[Exception]] = []
            for _ in range(6):
                try:
                    shop.sessions.log_in("ada", "wrong horse")
                except (WrongCredentials, TooManyAttempts) as refused:
                    outcomes.append(type(refused))
            return outcomes.count(WrongCredentials)

        counts = together(*[looked_at] * 8)
        assert sum(count for count in counts if isinstance(count, int)) == UNRECOGNISED_DEVICES.capacity
