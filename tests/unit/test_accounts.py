"""Accounts: who may register as what, and how a session stays alive, and how it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_adapters.memory import MemoryAdapters
from shop_adapters.passwords import ScryptPasswords
from shop_adapters.revocations import COMMITTED_WITHIN, MemoryRevocations
from shop_adapters.tokens import JwtTokens
from shop_core import NOBODY, SYSTEM, Actor, Registration, Role, Shop
from shop_core.accounts.sessions import (
    ACCESS_TOKEN_LIFE,
    RECENT_LOGIN,
    REFRESH_GRACE,
    REFRESH_TOKEN_LIFE,
    REMEMBERED_TOKEN_LIFE,
    SESSION_LIFE,
    SESSIONS_MAX,
    RefreshToken,
    SessionLives,
)
from shop_core.errors import (
    AccountNotFound,
    Forbidden,
    Invalid,
    InvalidToken,
    LoginTooOld,
    SessionNotFound,
    Unauthenticated,
    UsernameTaken,
    WrongCredentials,
)
from shop_testing import MovableClock, TokensContract

NOON = MovableClock()()
SECOND = timedelta(seconds=1)
ADA = Registration("Ada", "correct horse battery", "ada@example.com", "Ada", "Lovelace")


# ---- registering


def test_anybody_can_register_as_a_customer(shop: Shop) -> None:
    account = shop.accounts.register(ADA, actor=NOBODY)
    assert (account.username, account.role, account.email) == ("Ada", Role.CUSTOMER, "ada@example.com")
    assert shop.accounts.me(account.actor) == account


@pytest.mark.parametrize("role", [Role.STAFF, Role.ADMIN])
def test_only_an_admin_makes_staff_and_admins(shop: Shop, role: Role) -> None:
    for actor, refusal in (
        (NOBODY, Unauthenticated),
        (Actor(UUID(int=1), Role.CUSTOMER), Forbidden),
        (Actor(UUID(int=1), Role.STAFF), Forbidden),
    ):
        with pytest.raises(refusal):
            shop.accounts.register(ADA, actor=actor, role=role)
    assert shop.accounts.register(ADA, actor=Actor(UUID(int=1), Role.ADMIN), role=role).role is role


@pytest.mark.parametrize("username", ["аda", "adα", "Аda.ＬＯＶＥ", "日本аda"])
def test_a_username_that_mixes_scripts_is_refused(shop: Shop, username: str) -> None:
    with pytest.raises(Invalid, match="several scripts"):
        shop.accounts.register(replace(ADA, username=username))


@pytest.mark.parametrize("username", ["ада", "αδα", "日本のada", "コーヒー", "김ada", "zoë", "عائشة", "ada_2"])
def test_a_username_of_one_script_is_given(shop: Shop, username: str) -> None:
    assert shop.accounts.register(replace(ADA, username=username)).username == username


@pytest.mark.parametrize("twin", ["ada", "ADA", " Ada ", "ＡＤＡ"])
def test_a_username_is_given_once(shop: Shop, twin: str) -> None:
    shop.accounts.register(ADA)
    with pytest.raises(UsernameTaken):
        shop.accounts.register(replace(ADA, username=twin))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": "ab"}, "username"),
        ({"username": "x" * 151}, "username"),
        ({"username": "a b c"}, "username"),
        ({"username": "ada\x00"}, "username"),
        ({"email": "nowhere"}, "email"),
        ({"email": "a@b"}, "email"),
        ({"email": "a@b..c"}, "email"),
        ({"first_name": "x" * 151}, "first_name"),
        ({"password": "short"}, "password"),
        ({"password": "x" * 257}, "password"),
    ],
)
def test_a_broken_rule_is_named_and_no_account_is_made(shop: Shop, change: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        shop.accounts.register(replace(ADA, **change))
    assert [fault.field for fault in refused.value.faults][:1] == [field]
    with pytest.raises(WrongCredentials):
        shop.sessions.log_in(change.get("username", "Ada"), change.get("password", ADA.password))


def test_an_account_that_is_gone_is_not_found(shop: Shop) -> None:
    with pytest.raises(AccountNotFound):
        shop.accounts.me(Actor(UUID(int=1), Role.CUSTOMER))
    with pytest.raises(Unauthenticated):
        shop.accounts.me(SYSTEM)


# ---- logging in


@pytest.mark.parametrize("username", ["Ada", "ada", " ADA ", "ａｄａ"])
def test_a_login_says_who_acts(shop: Shop, username: str) -> None:
    account = shop.accounts.register(ADA)
    login = shop.sessions.log_in(username, ADA.password)
    assert shop.sessions.authenticate(login.access) == account.actor
    assert login.expires_in == ACCESS_TOKEN_LIFE


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("Ada", "correct horse batterY"),
        ("Ada", ""),
        ("Ada", "x" * 100_000),
        ("grace", ADA.password),
        (ADA.email, ADA.password),
        ("", ""),
        ("a\x00da", ADA.password),
    ],
)
def test_a_wrong_login_does_not_say_what_was_wrong(shop: Shop, username: str, password: str) -> None:
    shop.accounts.register(ADA)
    with pytest.raises(WrongCredentials) as refused:
        shop.sessions.log_in(username, password)
    assert refused.value.message == "The username or the password is wrong."


def test_an_outdated_hash_is_renewed_at_the_next_login(adapters: MemoryAdapters) -> None:
    Shop(adapters).accounts.register(ADA)
    stronger = MemoryAdapters(clock=adapters.clock, passwords=ScryptPasswords(2**5))
    with adapters.begin() as old, stronger.begin() as new:
        found = old.accounts.credentials("ada")
        assert found is not None
        new.accounts.add(*found)
    Shop(stronger).sessions.log_in("Ada", ADA.password)
    with stronger.begin() as uow:
        renewed = uow.accounts.credentials("ada")
    assert renewed is not None
    assert renewed[1] != found[1]
    assert not stronger.passwords.is_outdated(renewed[1])
    assert Shop(stronger).sessions.log_in("Ada", ADA.password)


def test_an_access_token_ends_by_itself(shop: Shop, clock: MovableClock) -> None:
    shop.accounts.register(ADA)
    login = shop.sessions.log_in("Ada", ADA.password)
    clock.move(ACCESS_TOKEN_LIFE)
    with pytest.raises(InvalidToken):
        shop.sessions.authenticate(login.access)


def test_no_secret_is_shown_where_values_are(shop: Shop) -> None:
    account = shop.accounts.register(ADA)
    login, reset = shop.sessions.log_in("Ada", ADA.password), shop.accounts.offer_reset(SYSTEM, account.id)
    shown = f"{ADA!r} {login!r} {reset!r}"
    assert account.username in shown
    for secret in (ADA.password, login.access, login.refresh, login.device, reset.code):
        assert str(secret) not in shown


# ---- staying logged in


@pytest.fixture
def refresh(shop: Shop) -> str:
    shop.accounts.register(ADA)
    return shop.sessions.log_in("Ada", ADA.password).refresh


def test_a_refresh_token_gives_the_next_pair(shop: Shop, clock: MovableClock, refresh: str) -> None:
    for _ in range(30):
        clock.move(REFRESH_TOKEN_LIFE - SECOND)
        login = shop.sessions.refresh(refresh)
        assert shop.sessions.authenticate(login.access).role is Role.CUSTOMER
        assert login.refresh != refresh
        refresh = login.refresh


def test_a_refresh_token_that_is_not_used_ends(shop: Shop, clock: MovableClock, refresh: str) -> None:
    clock.move(REFRESH_TOKEN_LIFE)
    with pytest.raises(InvalidToken):
        shop.sessions.refresh(refresh)


@pytest.mark.parametrize("later", [REFRESH_GRACE, REFRESH_GRACE + SECOND, REFRESH_TOKEN_LIFE - SECOND])
def test_a_phone_that_lost_the_answer_gets_the_same_successor_however_late_it_asks(
    shop: Shop, clock: MovableClock, refresh: str, later: timedelta
) -> None:
    clock.move(timedelta(hours=23))
    first = shop.sessions.refresh(refresh)
    clock.move(later)
    shop.sessions.delete_expired()
    assert shop.sessions.refresh(refresh).refresh == first.refresh
    assert shop.sessions.refresh(first.refresh).refresh != first.refresh


def test_a_remembered_session_may_be_idle_for_60_days_and_others_for_one(shop: Shop, clock: MovableClock) -> None:
    shop.accounts.register(ADA)
    login = shop.sessions.log_in("Ada", ADA.password, remember=True, device_name="Ada's phone")
    other = shop.sessions.log_in("Ada", ADA.password).refresh
    for _ in range(2):
        clock.move(REMEMBERED_TOKEN_LIFE - SECOND)
        shop.sessions.delete_expired()
        login = shop.sessions.refresh(login.refresh)
    with pytest.raises(InvalidToken):
        shop.sessions.refresh(other)
    (session,) = shop.sessions.sessions(shop.sessions.authenticate(login.access))
    assert (session.is_remembered, session.device_name) == (True, "Ada's phone")
    assert session.expires_at == clock() + REMEMBERED_TOKEN_LIFE
    clock.move(REMEMBERED_TOKEN_LIFE)
    with pytest.raises(InvalidToken):
        shop.sessions.refresh(login.refresh)


def test_an_operator_decides_how_long_sessions_may_be_idle(clock: MovableClock) -> None:
    shop = Shop(MemoryAdapters(clock=clock), lives=SessionLives(timedelta(days=2), remembered=timedelta(days=3)))
    shop.accounts.register(ADA)
    logins = [shop.sessions.log_in("Ada", ADA.password, remember=remember) for remember in (False, True)]
    clock.move(timedelta(days=2))
    with pytest.raises(InvalidToken):
        shop.sessions.refresh(logins[0].refresh)
    assert shop.sessions.refresh(logins[1].refresh)


def test_a_session_leaves_no_more_tokens_behind_for_being_remembered(shop: Shop, clock: MovableClock) -> None:
    """A busy phone refreshes every few minutes: its rotated tokens are kept for a day, not for 60."""
    shop.accounts.register(ADA)
    refresh = shop.sessions.log_in("Ada", ADA.password, remember=True).refresh
    for _ in range(96):
        clock.move(timedelta(hours=1))
        refresh = shop.sessions.refresh(refresh).refresh
    assert 96 - 24 - 3 <= shop.sessions.delete_expired() <= 96 - 24


@pytest.mark.parametrize("name", ["x" * 101, "a\tb", "\u202e"])
def test_the_name_of_a_device_is_plain_text(shop: Shop, name: str) -> None:
    shop.accounts.register(ADA)
    with pytest.raises(Invalid) as refused:
        shop.sessions.log_in("Ada", ADA.password, device_name=name)
    assert refused.value.faults[0].field == "device_name"


def test_a_session_is_carried_on_for_180_days_however_busy_it_is(shop: Shop, clock: MovableClock, refresh: str) -> None:
    while clock() < NOON + SESSION_LIFE - timedelta(hours=20):
        clock.move(timedelta(hours=20))
        login = shop.sessions.refresh(refresh)
        refresh = login.refresh
    (session,) = shop.sessions.sessions(shop.sessions.authenticate(login.access))
    assert (session.created_at, session.expires_at) == (NOON, NOON + SESSION_LIFE)
    clock.move(NOON + SESSION_LIFE - clock() - SECOND)
    refresh = shop.sessions.refresh(refresh).refresh
    clock.move(SECOND)
    with pytest.raises(InvalidToken):
        shop.sessions.refresh(refresh)
    assert shop.sessions.log_in("Ada", ADA.password)


@given(hours=st.lists(st.integers(0, 24), max_size=300))
def test_no_successor_outlives_its_session(hours: list[int]) -> None:
    token, now = RefreshToken.first(b"", UUID(int=1), UUID(int=2), NOON), NOON
    for each in hours:
        now += timedelta(hours=each)
        if not token.is_good(now):
            break
        token = token.successor(b"", now)
        assert now < token.expires_at == min(now + REFRESH_TOKEN_LIFE, NOON + SESSION_LIFE)


def test_beyond_a_hundred_sessions_the_one_unused_for_longest_ends(shop: Shop, clock: MovableClock) -> None:
    account = shop.accounts.register(ADA)
    first = shop.sessions.log_in("Ada", ADA.password)
    device = first.device or ""
    clock.move(SECOND)
    second = shop.sessions.log_in("Ada", ADA.password, device=device)
    clock.move(SECOND)
    first = shop.sessions.refresh(first.refresh)
    for _ in range(SESSIONS_MAX - 2):
        clock.move(SECOND)
        assert shop.sessions.log_in("Ada", ADA.password, device=device)
    assert len(shop.sessions.sessions(account.actor)) == SESSIONS_MAX
    assert shop.sessions.authenticate(second.access) == account.actor
    shop.sessions.log_in("Ada", ADA.password, device=device)
    assert len(shop.sessions.sessions(account.actor)) == SESSIONS_MAX
    for gone in (shop.sessions.refresh, shop.sessions.authenticate):
        with pytest.raises(InvalidToken):
            gone(second.refresh if gone == shop.sessions.refresh else second.access)
    assert shop.sessions.refresh(first.refresh)


def test_another_session_is_ended_by_who_logged_in_lately(shop: Shop, clock: MovableClock) -> None:
    shop.accounts.register(ADA)
    of_the_thief = shop.sessions.log_in("Ada", ADA.password)
    clock.move(timedelta(hours=1))
    thief = shop.sessions.authenticate(shop.sessions.refresh(of_the_thief.refresh).access)
    assert thief.session is not None
    owner = shop.sessions.authenticate(shop.sessions.log_in("Ada", ADA.password).access)
    assert owner.session is not None
    with pytest.raises(LoginTooOld, match="15 minutes"):
        shop.sessions.end(thief, owner.session)
    with pytest.raises(LoginTooOld):  # the actor names no session
        shop.sessions.end(replace(owner, session=None), thief.session)
    clock.move(RECENT_LOGIN)
    shop.sessions.end(owner, thief.session)
    clock.move(SECOND)
    shop.sessions.end(owner, owner.session)  # that is logging out
    shop.sessions.end(owner, thief.session)  # it has ended already
    with pytest.raises(SessionNotFound):
        shop.sessions.end(owner, UUID(int=1))


# ---- which sessions ended


@given(st.lists(st.tuples(st.integers(0, 90), st.booleans(), st.integers(0, 55)), max_size=40))
def test_a_process_that_looks_now_and_then_knows_every_session_that_ended_while_tokens_of_it_live(
    steps: list[tuple[int, bool, int]],
) -> None:
    """However late the end is seen: it is written down `hidden` seconds before others can read it."""
    ended, now = MemoryRevocations(), NOON
    stored: dict[UUID, tuple[datetime, datetime]] = {}
    for number, (seconds, looks, hidden) in enumerate(steps):
        now += seconds * SECOND
        stored[UUID(int=number)] = (now, now + hidden * SECOND)
        if looks:
            since = ended.since(now)
            found = {each: at for each, (at, seen_at) in stored.items() if at > since and seen_at <= now}
            ended.update(found, now)
            for each, (at, seen_at) in stored.items():
                if seen_at <= now < at + ACCESS_TOKEN_LIFE:
                    assert each in ended.sessions
    forgotten = now + ACCESS_TOKEN_LIFE + COMMITTED_WITHIN
    ended.update({}, forgotten)
    assert not any(each in ended.sessions for each in stored)


def test_a_process_that_never_looks_forgets_what_it_ended_too() -> None:
    ended, seconds = MemoryRevocations(), 1_000
    for number in range(seconds):
        ended.add(UUID(int=number), at=NOON + number * SECOND)
    kept = (ACCESS_TOKEN_LIFE + COMMITTED_WITHIN) // SECOND
    assert [number for number in range(seconds) if UUID(int=number) in ended.sessions] == list(
        range(seconds - kept, seconds)
    )


def test_a_stolen_token_ends_the_whole_session(shop: Shop, clock: MovableClock, refresh: str) -> None:
    of_the_owner = shop.sessions.refresh(shop.sessions.refresh(refresh).refresh).refresh
    elsewhere = shop.sessions.log_in("Ada", ADA.password).refresh
    clock.move(REFRESH_GRACE + SECOND)
    with pytest.raises(InvalidToken):  # the thief comes with the old one
        shop.sessions.refresh(refresh)
    with pytest.raises(InvalidToken):  # and now the owner is logged out too
        shop.sessions.refresh(of_the_owner)
    assert shop.sessions.refresh(elsewhere)  # but only there


@pytest.mark.parametrize("nonsense", ["", "x", "\x00", "\ud800", "é" * 50, "x" * 100_000])
def test_an_invalid_refresh_token_is_refused(shop: Shop, refresh: str, nonsense: str) -> None:
    with pytest.raises(InvalidToken):
        shop.sessions.refresh(nonsense)


# ---- the rules by themselves


@given(
    seconds=st.integers(0, 100_000),
    spent_after=st.none() | st.integers(0, 86_399),
    successor_used=st.booleans(),
    revoked=st.booleans(),
)
def test_a_token_is_good_until_it_or_its_successor_expires_and_a_reuse_once_the_successor_was_used(
    seconds: int, spent_after: int | None, successor_used: bool, revoked: bool
) -> None:
    token, now = RefreshToken.first(b"", UUID(int=1), UUID(int=2), NOON), NOON + seconds * SECOND
    successor = None
    if spent_after is not None:
        successor = token.successor(b"", NOON + spent_after * SECOND)
        token = token.rotated(successor)
        successor = replace(successor, rotated_at=now if successor_used else None)
    token = replace(token, revoked_at=NOON if revoked else None)
    assert token.is_good(now) == (not revoked and seconds < 86_400 + (spent_after or 0))
    assert token.is_reuse(successor, now) == (spent_after is not None and successor_used and seconds - spent_after > 20)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("needed", Role)
def test_each_role_includes_the_ones_before_it(role: Role, needed: Role) -> None:
    actor, ranks = Actor(UUID(int=1), role), ["customer", "staff", "admin"]
    if ranks.index(role) >= ranks.index(needed):
        actor.require(needed)
    else:
        with pytest.raises(Forbidden):
            actor.require(needed)
    assert actor.is_staff == (role is not Role.CUSTOMER)


def test_nobody_may_nothing() -> None:
    for role in Role:
        with pytest.raises(Unauthenticated):
            NOBODY.require(role)
    assert not NOBODY.is_staff


# ---- the adapters that a shop on PostgreSQL uses


class TestSignedTokens(TokensContract):
    @pytest.fixture
    def adapters(self) -> MemoryAdapters:
        return MemoryAdapters(tokens=JwtTokens(b"a secret of at least 32 bytes ok"))


def test_a_role_is_given_by_an_admin_and_not_by_forgetting_who_acts() -> None:
    accounts = Shop(MemoryAdapters()).accounts
    with pytest.raises(Unauthenticated):
        accounts.register(Registration("mallory", "correct horse"), role=Role.ADMIN)


def test_a_name_of_any_script_is_a_username_with_its_marks() -> None:
    accounts = Shop(MemoryAdapters()).accounts
    for name in ("नमिता", "நிலா", "สมชาย", "محمد"):
        assert accounts.register(Registration(name, "correct horse")).username == name
