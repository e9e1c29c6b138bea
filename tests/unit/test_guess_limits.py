"""Passwords cannot be guessed often, and who guesses holds up nobody else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from verification.schedule import Schedule

from shop_adapters.memory import MemoryAdapters
from shop_adapters.passwords import ScryptPasswords
from shop_core import Registration, Shop
from shop_core.accounts.guess_limits import Guess, guesses_of_login, return_tokens, take_tokens
from shop_core.errors import Invalid, TooManyAttempts, Unauthenticated, Unavailable, WrongCredentials, WrongPassword
from shop_core.ports import UnitOfWork
from shop_core.token_bucket import TokenBucket
from shop_testing import MovableClock

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TEN_MINUTES = timedelta(minutes=10)
PASSWORD, WRONG = "correct horse battery", "not the password"
GUESSES_MAX = 100


class Counting(ScryptPasswords):
    """Counts the passwords that are really looked at, and fails if it is told to."""

    def __init__(self) -> None:
        super().__init__(2)
        self.evaluated = 0
        self.failure: Exception | None = None

    def verify(self, password_hash: str | None, password: str) -> bool:
        """See `PasswordHasher`."""
        if self.failure:
            raise self.failure
        self.evaluated += 1
        return super().verify(password_hash, password)


@pytest.fixture
def passwords() -> Counting:
    return Counting()


@pytest.fixture
def shop(clock: MovableClock, passwords: Counting) -> Shop:
    shop = Shop(MemoryAdapters(clock=clock, passwords=passwords))
    shop.accounts.register(Registration("ada", PASSWORD))
    return shop


def guess(shop: Shop, username: str = "ada", password: str = WRONG, **how: Any) -> type[Exception] | None:
    try:
        shop.sessions.log_in(username, password, **how)
    except (Unauthenticated, TooManyAttempts) as refused:
        return type(refused)
    return None


def test_a_flood_of_guesses_from_everywhere_has_few_of_them_looked_at(
    shop: Shop, clock: MovableClock, passwords: Counting
) -> None:
    """Twenty minutes of it: in any ten no more guesses than promised, by others and with all that can be stolen."""
    stolen = shop.sessions.log_in("ada", PASSWORD)
    thief = shop.sessions.authenticate(stolen.access)
    moments: list[datetime] = []
    for second in range(1_200):
        before = passwords.evaluated
        guess(shop, client=f"198.51.100.{second % 200}")
        guess(shop, client="203.0.113.1", device="made up")
        guess(shop, device=stolen.device or "")
        with suppress(TooManyAttempts, WrongPassword):
            shop.accounts.change_password(thief, WRONG, PASSWORD)
        moments += [clock()] * (passwords.evaluated - before)
        clock.move(timedelta(seconds=1))
    highest = max(sum(start <= moment <= start + TEN_MINUTES for moment in moments) for start in moments)
    assert 50 < highest <= GUESSES_MAX


def test_refusals_do_not_tell_who_is_registered(shop: Shop) -> None:
    answers = {name: [guess(shop, name, client="x") for _ in range(15)] for name in ("ada", "nobody")}
    assert answers["ada"] == answers["nobody"] == [WrongCredentials] * 10 + [TooManyAttempts] * 5


def test_a_right_password_is_never_used_up(shop: Shop) -> None:
    assert [guess(shop, password=PASSWORD, client="home") for _ in range(100)] == [None] * 100
    assert [guess(shop, client="home") for _ in range(11)] == [WrongCredentials] * 10 + [TooManyAttempts]


@pytest.mark.parametrize("failure", [Unavailable("the database is away"), MemoryError()], ids=["503", "500"])
def test_what_the_shop_does_not_decide_uses_up_no_guesses(shop: Shop, passwords: Counting, failure: Exception) -> None:
    login = shop.sessions.log_in("ada", PASSWORD)
    ada, device = shop.sessions.authenticate(login.access), login.device or ""
    attempts: list[Callable[[], object]] = [
        lambda: shop.sessions.log_in("ada", PASSWORD, client="home"),
        lambda: shop.sessions.log_in("ada", PASSWORD, device=device),
        lambda: shop.accounts.change_password(ada, PASSWORD, "another password"),
        lambda: shop.privacy.erase_me(ada, PASSWORD),
    ]
    passwords.failure = failure
    for attempt in attempts * 40:
        with pytest.raises(type(failure)):
            attempt()
    passwords.failure = None
    for attempt in attempts[:3]:
        attempt()
    assert [guess(shop, client="home") for _ in range(11)] == [WrongCredentials] * 10 + [TooManyAttempts]


def test_a_right_password_with_a_new_one_that_is_refused_uses_up_no_guesses(shop: Shop) -> None:
    ada = shop.sessions.authenticate(shop.sessions.log_in("ada", PASSWORD).access)
    for _ in range(20):
        with pytest.raises(Invalid, match="new_password"):
            shop.accounts.change_password(ada, PASSWORD, "short")
    shop.accounts.change_password(ada, PASSWORD, "another password")


def test_guesses_from_elsewhere_do_not_lock_the_owner_out(shop: Shop) -> None:
    device = shop.sessions.log_in("ada", PASSWORD).device
    assert device
    for _ in range(40):
        guess(shop, client="attacker")
    assert guess(shop, password=PASSWORD, client="attacker") is TooManyAttempts
    assert guess(shop, password=PASSWORD, client="home") is None, "one address used up all of it"
    for number in range(100):
        guess(shop, client=f"attacker {number}")
    assert guess(shop, password=PASSWORD, client="elsewhere") is TooManyAttempts
    assert guess(shop, password=PASSWORD, device=device) is None
    assert guess(shop, password=PASSWORD, device=device) is None


def test_a_device_of_one_account_is_none_of_another(shop: Shop) -> None:
    shop.accounts.register(Registration("eve", PASSWORD))
    device = shop.sessions.log_in("eve", PASSWORD).device or ""
    assert sum(guess(shop, device=device) is WrongCredentials for _ in range(60)) == 30
    assert guess(shop, device=device) is TooManyAttempts


def test_a_login_from_a_known_device_keeps_its_device(shop: Shop) -> None:
    first = shop.sessions.log_in("ada", PASSWORD)
    assert shop.sessions.log_in("ADA", PASSWORD, device=first.device or "").device == first.device
    assert shop.sessions.log_in("ada", PASSWORD).device != first.device
    assert shop.sessions.refresh(first.refresh).device is None


def test_after_the_time_in_the_refusal_another_try_is_allowed(shop: Shop, clock: MovableClock) -> None:
    for _ in range(10):
        guess(shop, client="home")
    with pytest.raises(TooManyAttempts) as refused:
        shop.sessions.log_in("ada", PASSWORD, client="home")
    assert refused.value.retry_after_s == 60
    clock.move(timedelta(seconds=59))
    assert guess(shop, client="home") is TooManyAttempts
    clock.move(timedelta(seconds=1))
    assert guess(shop, password=PASSWORD, client="home") is None


@given(
    tries=st.integers(1, 20),
    every=st.integers(1, 60),
    steps=st.lists(st.tuples(st.integers(0, 90), st.booleans()), max_size=60),
)
def test_an_allowance_gives_no_more_than_it_says_and_no_less(
    tries: int, every: int, steps: list[tuple[int, bool]]
) -> None:
    """Beside a bucket that is counted out. A try that is given back was never taken."""
    guess = Guess(b"key", TokenBucket(tries, every))
    full_at: dict[bytes, datetime] = {}
    now, level = NOON, float(tries)
    for wait, is_right in steps:
        now += timedelta(seconds=wait)
        level = min(float(tries), level + wait / every)
        is_there = level >= 1 - 1e-9
        try:
            full_at = take_tokens([guess], full_at, now)
        except TooManyAttempts:
            assert not is_there
            continue
        assert is_there
        if is_right:
            full_at = return_tokens([guess], full_at)
        else:
            level -= 1


def test_no_two_clients_or_accounts_share_an_allowance_by_how_they_are_written() -> None:
    keys = [
        guess.key
        for account, client in [("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc"), ("\ud800", "x")]
        for guess in guesses_of_login(account, client, None)
    ]
    assert len(set(keys)) == len(keys)


# ---- the time it takes


class Steps(Schedule):
    """Writes down the steps that are taken."""

    def __init__(self) -> None:
        super().__init__()
        self.labels: list[str] = []

    def step(self, label: str) -> None:
        """See `Schedule`."""
        self.labels.append(label)


class Noted(MemoryAdapters):
    """A store that notes the steps of each unit of work."""

    def __init__(self, passwords: ScryptPasswords) -> None:
        super().__init__(passwords=passwords)
        self.steps = Steps()

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """See `Adapters`."""
        with self.steps.opens(super().begin)() as uow:
            yield uow


@pytest.fixture
def steps_of_a_guess(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, ScryptPasswords], list[str]]:
    """What the shop does when somebody guesses the password of that user; ada is registered."""

    def steps_of(username: str, passwords: ScryptPasswords) -> list[str]:
        adapters, scrypt = Noted(passwords), hashlib.scrypt
        shop = Shop(adapters)
        shop.accounts.register(Registration("ada", PASSWORD))
        adapters.steps.labels.clear()

        def noting(*args: Any, n: int, **extra: Any) -> bytes:
            adapters.steps.step(f"hash at cost {n}")
            return scrypt(*args, n=n, **extra)

        with monkeypatch.context() as patched:
            patched.setattr(hashlib, "scrypt", noting)
            assert guess(shop, username, client="home") is WrongCredentials
        return adapters.steps.labels

    return steps_of


def test_the_time_does_not_tell_an_unknown_user_from_a_wrong_password(
    steps_of_a_guess: Callable[[str, ScryptPasswords], list[str]],
) -> None:
    """The same steps of the same cost, counted and not timed: what the machine does besides plays no part."""
    steps = steps_of_a_guess("ada", ScryptPasswords(4))
    assert "hash at cost 4" in steps
    assert steps_of_a_guess("nobody", ScryptPasswords(4)) == steps


def test_without_a_hash_for_nobody_they_could_be_told_apart(
    steps_of_a_guess: Callable[[str, ScryptPasswords], list[str]],
) -> None:
    class Hasty(ScryptPasswords):
        def verify(self, password_hash: str | None, password: str) -> bool:
            return password_hash is not None and super().verify(password_hash, password)

    assert steps_of_a_guess("nobody", Hasty(4)) != steps_of_a_guess("ada", Hasty(4))
