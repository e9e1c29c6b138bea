"""The rules of accounts by themselves: names, passwords, changes, and the last admin."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_adapters.memory import MemoryAdapters
from shop_core import (
    NOBODY,
    SYSTEM,
    Account,
    AccountQuery,
    AccountStatusChange,
    Actor,
    ProfileChange,
    Registration,
    Role,
    Shop,
)
from shop_core.accounts.common_passwords import COMMON_PASSWORDS
from shop_core.accounts.model import check_admin_stays
from shop_core.accounts.passwords import check_password
from shop_core.errors import AccountNotFound, Forbidden, Invalid, LastAdmin, Unauthenticated
from shop_core.pagination import OffsetRequest

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
ADA = Account(UUID(int=1), "ada", Role.CUSTOMER, NOON, NOON, "ada@example.org", "Ada", "Lovelace")


def code_of(error: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(fault.field, fault.code) for fault in error.value.faults]


# ---- usernames


@pytest.mark.parametrize(
    "username", ["ada", "x" * 150, "真鍮王", "Ödön", "ﬁona", "ada.l+shop@example-1.org", "___", "Ⅳth"]
)
def test_letters_and_digits_of_any_script_make_a_username(username: str) -> None:
    assert replace(ADA, username=username).username == username


@pytest.mark.parametrize(
    "username",
    [
        "a b",
        "ada\u00a0lovelace",
        "ada\u2003lovelace",
        "ada\u3000lovelace",
        "ada\u200blovelace",  # zero width space
        "ada\u200d",  # zero width joiner
        "ada\ufeff",
        "ada\u00ad",  # soft hyphen
        "ada\u3164",  # Hangul filler: an invisible character
        "\uffa0\uffa0\uffa0",
        "\u115f\u1160\u115f",
        "ada\u202eadmin",
        "ada\u0000",
        "ad\ufdfa",  # one character, which NFKC makes eighteen, with spaces
        "½ada",  # which NFKC makes 1⁄2ada
        "ada/../boss",
        "<ada>",
        "ada'--",
    ],
)
def test_a_name_that_looks_like_another_one_or_like_nothing_is_no_username(username: str) -> None:
    with pytest.raises(Invalid) as refused:
        replace(ADA, username=username)
    assert code_of(refused)[0][0] == "username"


def test_a_new_username_has_no_characters_that_nobody_sees() -> None:
    accounts = Shop(MemoryAdapters()).accounts
    for username in ("boss\ufe0f", "boss\U000e0100"):
        with pytest.raises(Invalid) as refused:
            accounts.register(Registration(username, "numbers are music"))
        assert code_of(refused) == [("username", "invisible_character")]
    assert replace(ADA, username="boss\ufe0f"), "who has one keeps it"


def test_a_username_is_not_longer_in_the_form_that_must_be_unique() -> None:
    with pytest.raises(Invalid) as refused:
        replace(ADA, username="ﬃ" * 51)
    assert code_of(refused) == [("username", "too_long")]
    assert len(replace(ADA, username="ﬃ" * 50).username_key) == 150


# ---- passwords


def test_the_list_has_three_thousand_passwords_that_could_be_set() -> None:
    assert len(COMMON_PASSWORDS) == 3_000
    assert all(8 <= len(password) <= 256 and password == password.casefold() for password in COMMON_PASSWORDS)
    assert {"password", "12345678", "iloveyou", "qwerty123", "trustno1"} <= COMMON_PASSWORDS


@pytest.mark.parametrize(
    "password",
    [
        *("password", "PassWord", "ｐａｓｓｗｏｒｄ", "12345678", "1234567890123", "98765432", "01234567", "00000000"),
        *("xxxxxxxxxx", "🐎🐎🐎🐎🐎🐎🐎🐎", "qwertyuiop", "poiuytre", "asdfghjk", "abcdefgh", "zyxwvuts", "qwertzui"),
        *("ada@example.org", "ADA@EXAMPLE.ORG", "lovelace.ada", "ada.ecalevol", "a.lovelace", "gro.elpmaxe@ada"),
    ],
)
def test_a_password_that_is_guessed_first_is_refused(password: str) -> None:
    email = "a.lovelace@example.org" if password == "a.lovelace" else "ada@example.org"
    with pytest.raises(Invalid) as refused:
        check_password(password, field="new_password", username="lovelace.ada", email=email)
    assert code_of(refused) == [("new_password", "common_password")]
    assert password not in refused.value.message.removeprefix("new_password").replace("passwords", "")


@pytest.mark.parametrize(
    ("password", "code"),
    [("", "too_short"), ("x" * 7, "too_short"), ("xy" * 129, "too_long"), ("nul \x00 inside", "forbidden_character")],
)
def test_a_password_has_from_8_to_256_characters_that_a_login_can_send(password: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_password(password)
    assert code_of(refused) == [("password", code)]


@pytest.mark.parametrize(
    "password",
    ["aaaaaaab", "correct horse", "        x", "12345679x", "adalovelace", "xy" * 128, "ünïcödë!", "\u0001\u0002" * 4],
)
def test_nothing_else_is_asked_of_a_password(password: str) -> None:
    check_password(password, username="ada", email="ada@example.org")
    check_password(password)


def test_characters_are_counted_as_they_are_hashed_however_a_keyboard_sends_them() -> None:
    with pytest.raises(Invalid):
        check_password("e\u0301o\u0308" * 3)  # six letters
    longest = "e\u0301o\u0308" * 128
    shop = Shop(MemoryAdapters())
    shop.accounts.register(Registration("ada", longest))
    assert shop.sessions.log_in("ada", longest)
    assert shop.sessions.log_in("ada", unicodedata.normalize("NFC", longest))


def test_a_common_password_is_refused_at_registration_and_at_a_change() -> None:
    accounts = Shop(MemoryAdapters()).accounts
    with pytest.raises(Invalid) as refused:
        accounts.register(Registration("ada", "password1"))
    assert code_of(refused) == [("password", "common_password")]
    ada = accounts.register(Registration("ada.lovelace", "numbers are music"))
    with pytest.raises(Invalid) as refused:
        accounts.change_password(ada.actor, "numbers are music", "Ada.Lovelace")
    assert code_of(refused) == [("new_password", "common_password")]


# ---- changes


def test_a_change_of_the_profile_keeps_what_it_does_not_name() -> None:
    edited = ADA.edited(ProfileChange(last_name="  King "), LATER)
    assert edited == replace(ADA, last_name="King", updated_at=LATER)
    assert ADA.edited(ProfileChange(first_name="", email=""), LATER) == replace(
        ADA, first_name="", email="", updated_at=LATER
    )


def test_a_change_that_changes_nothing_leaves_the_time_alone() -> None:
    assert ADA.edited(ProfileChange(first_name=" Ada"), LATER) is ADA
    assert ADA.edited(ProfileChange(), LATER) is ADA
    assert ADA.assigned(AccountStatusChange(Role.CUSTOMER, active=True), LATER) is ADA


@pytest.mark.parametrize(
    "change",
    [ProfileChange(email="nowhere"), ProfileChange(first_name="\0"), ProfileChange(last_name="x" * 151)],
    ids=str,
)
def test_a_change_that_breaks_a_rule_is_refused(change: ProfileChange) -> None:
    with pytest.raises(Invalid):
        ADA.edited(change, LATER)


accounts = st.builds(
    lambda number, role, active: replace(ADA, id=UUID(int=number), role=role, active=active),
    st.integers(1, 6),
    st.sampled_from(Role),
    st.booleans(),
)


@given(
    everybody=st.lists(accounts, max_size=6, unique_by=lambda account: account.id),
    pick=st.integers(0, 5),
    change=st.builds(AccountStatusChange, st.none() | st.sampled_from(Role), st.none() | st.booleans()),
)
def test_a_shop_that_has_an_active_admin_has_one_after_every_change(
    everybody: list[Account], pick: int, change: AccountStatusChange
) -> None:
    if not everybody:
        return
    before = everybody[pick % len(everybody)]
    after = before.assigned(change, LATER)
    admins = [account for account in everybody if account.active and account.role is Role.ADMIN]
    left = [admin for admin in admins if admin.id != before.id] + ([after] if after.is_active_admin else [])
    if admins and not left:
        with pytest.raises(LastAdmin):
            check_admin_stays(admins, after)
    else:
        check_admin_stays(admins, after)


# ---- who may

WHO = {"nobody": NOBODY, "customer": ADA.actor, "staff": Actor(UUID(int=7), Role.STAFF)}


@pytest.mark.parametrize(("who", "refusal"), [("nobody", Unauthenticated), ("customer", Forbidden)])
def test_only_staff_look_up_who_is_registered(who: str, refusal: type[Exception]) -> None:
    accounts = Shop(MemoryAdapters()).accounts
    ada = accounts.register(Registration("ada", "numbers are music"))
    with pytest.raises(refusal):
        accounts.accounts(WHO[who], AccountQuery(), OffsetRequest())
    for account_id in (ada.id, UUID(int=9)):  # the answer does not tell whether there is such an account
        with pytest.raises(refusal):
            accounts.account(WHO[who], account_id)
    assert accounts.account(WHO["staff"], ada.id) == ada
    assert accounts.accounts(WHO["staff"], AccountQuery(), OffsetRequest()).items == (ada,)


@pytest.mark.parametrize(
    ("who", "refusal"), [("nobody", Unauthenticated), ("customer", Forbidden), ("staff", Forbidden)]
)
def test_only_an_admin_gives_roles_and_lets_people_in_and_out(who: str, refusal: type[Exception]) -> None:
    accounts = Shop(MemoryAdapters()).accounts
    ada = accounts.register(Registration("ada", "numbers are music"))
    for account_id in (ada.id, UUID(int=9)):
        with pytest.raises(refusal):
            accounts.assign(WHO[who], account_id, AccountStatusChange(Role.ADMIN))
        with pytest.raises(refusal):
            accounts.offer_reset(WHO[who], account_id)
    with pytest.raises(AccountNotFound):
        accounts.assign(SYSTEM, UUID(int=9), AccountStatusChange(Role.ADMIN))
    with pytest.raises(AccountNotFound):
        accounts.offer_reset(SYSTEM, UUID(int=9))
    assert accounts.assign(SYSTEM, ada.id, AccountStatusChange(Role.ADMIN)).role is Role.ADMIN
