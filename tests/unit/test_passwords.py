"""Passwords are hashed, checked, and told apart in no other way."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shop_adapters.passwords import Argon2Passwords, ScryptPasswords
from shop_core.errors import Unavailable
from shop_core.ports import PasswordHasher
from shop_testing import PasswordsContract

CHEAP: dict[str, PasswordHasher] = {"argon2": Argon2Passwords(memory_kib=8, passes=1), "scrypt": ScryptPasswords(n=2)}


@pytest.fixture(params=CHEAP)
def hasher(request: pytest.FixtureRequest) -> PasswordHasher:
    return CHEAP[request.param]


class TestArgon2(PasswordsContract):
    """The contract of the adapters in memory and on PostgreSQL holds scrypt to the same."""

    @pytest.fixture
    def passwords(self) -> PasswordHasher:
        return CHEAP["argon2"]


def test_no_hash_costs_as_much_work_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: both ways run the slow function once, with the same cost."""
    import hashlib

    costs: list[int] = []
    scrypt = hashlib.scrypt

    def counted(*args: Any, n: int, **kwargs: Any) -> bytes:
        costs.append(n)
        return scrypt(*args, n=n, **kwargs)

    monkeypatch.setattr(hashlib, "scrypt", counted)
    hasher = ScryptPasswords(n=4)
    stored = hasher.hash("correct horse")
    costs.clear()
    hasher.verify(stored, "wrong")
    hasher.verify(None, "wrong")
    hasher.verify("no hash", "wrong")
    assert costs == [4, 4, 4]


def test_argon2_checks_a_dummy_hash_with_the_same_parameters_for_nobody() -> None:
    hasher = Argon2Passwords(memory_kib=16, passes=3)
    assert hasher._nobody.split("$")[1:4] == hasher.hash("anything").split("$")[1:4]


def test_composed_and_decomposed_letters_are_one_password(hasher: PasswordHasher) -> None:
    composed = "Zoë-café"
    assert hasher.verify(hasher.hash(composed), unicodedata.normalize("NFD", composed))


@given(password=st.text(st.characters(codec=None)) | st.just("\ud800") | st.just("\0" * 9))
@settings(max_examples=50)
def test_any_text_can_be_a_password(password: str) -> None:
    for hasher in CHEAP.values():
        assert hasher.verify(hasher.hash(password), password)
        assert not hasher.verify(hasher.hash(password), password + "x")


def test_argon2_uses_what_owasp_recommends() -> None:
    assert Argon2Passwords().hash("correct horse").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_hash_of_lower_cost_or_of_another_kind_is_outdated() -> None:
    argon2, scrypt = CHEAP["argon2"], CHEAP["scrypt"]
    assert not argon2.is_outdated(argon2.hash("x"))
    assert Argon2Passwords(memory_kib=16, passes=1).is_outdated(argon2.hash("x"))
    assert argon2.is_outdated(scrypt.hash("x"))
    assert not scrypt.is_outdated(scrypt.hash("x"))
    assert not scrypt.is_outdated(ScryptPasswords(n=4).hash("x"))
    assert ScryptPasswords(n=4).is_outdated(scrypt.hash("x"))
    assert scrypt.is_outdated(argon2.hash("x"))


def test_a_dearer_scrypt_hash_of_yesterday_is_still_recognised() -> None:
    assert ScryptPasswords(n=2).verify(ScryptPasswords(n=2**15).hash("correct horse"), "correct horse")


@pytest.mark.parametrize("n", [0, 1, 3, -2, 2**25])
def test_scrypt_takes_only_powers_of_two_as_its_cost(n: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        ScryptPasswords(n)


def test_running_out_of_memory_is_not_a_wrong_password() -> None:
    hasher = CHEAP["argon2"]
    impossible = hasher.hash("x").replace("m=8,", "m=4294967295,")
    with pytest.raises(Unavailable):
        hasher.verify(impossible, "x")
