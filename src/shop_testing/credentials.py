"""The contracts of password hashes and of tokens. No store is needed for these."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shop_core.accounts.model import Actor, Role
from shop_core.errors import InvalidToken
from shop_core.ports import Adapters, PasswordHasher, Tokens
from shop_testing.contract import Contract

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LIFE = timedelta(minutes=5)


def actor_of(tokens: Tokens, token: str, now: datetime) -> Actor:
    """The actor of an access token at a time, as `SessionService.identify` finds them.

    Raises:
        InvalidToken
    """
    actor, valid_from, expires_at = tokens.read_access(token)
    if not valid_from <= now < expires_at:
        raise InvalidToken
    return actor


class PasswordsContract(Contract):
    """Slow, salted, one-way."""

    @pytest.fixture
    def passwords(self, adapters: Adapters) -> PasswordHasher:
        """The hasher under test."""
        return adapters.passwords

    @pytest.mark.parametrize(
        "password", ["correct horse", "pässwörd-ＷＩＤＥ-🐎", " spaces count ", "\x00nul\x00", "x" * 256]
    )
    def test_only_the_same_password_is_right(self, passwords: PasswordHasher, password: str) -> None:
        password_hash = passwords.hash(password)
        assert passwords.verify(password_hash, password)
        assert not passwords.verify(password_hash, password + "!")
        assert not passwords.verify(password_hash, password.swapcase() + "x")
        assert not passwords.verify(password_hash, "")

    def test_the_end_of_a_long_password_counts_too(self, passwords: PasswordHasher) -> None:
        password_hash = passwords.hash("x" * 255 + "a")
        assert not passwords.verify(password_hash, "x" * 255 + "b")

    def test_a_hash_is_salted_and_does_not_show_the_password(self, passwords: PasswordHasher) -> None:
        one, two = passwords.hash("correct horse"), passwords.hash("correct horse")
        assert one != two
        assert "correct horse" not in one

    def test_nobody_has_any_password(self, passwords: PasswordHasher) -> None:
        assert not passwords.verify(None, "")
        assert not passwords.verify(None, "correct horse")

    @pytest.mark.parametrize(
        "broken", ["", "not a hash", "$argon2id$v=19$m=1", "$argon2id$é", "$scrypt$ln=99,r=8,p=1$a$b"]
    )
    def test_a_broken_hash_lets_nobody_in(self, passwords: PasswordHasher, broken: str) -> None:
        assert not passwords.verify(broken, "correct horse")
        assert not passwords.verify(broken, "")

    def test_a_hash_made_today_is_not_outdated(self, passwords: PasswordHasher) -> None:
        assert not passwords.is_outdated(passwords.hash("correct horse"))


class TokensContract(Contract):
    """What proves a login."""

    @pytest.fixture
    def tokens(self, adapters: Adapters) -> Tokens:
        """The tokens under test."""
        return adapters.tokens

    @pytest.fixture
    def ada(self, adapters: Adapters) -> Actor:
        """Who acts."""
        return Actor(adapters.new_id(), Role.CUSTOMER)

    @pytest.mark.parametrize("role", Role)
    def test_an_access_token_says_who_acts(self, tokens: Tokens, ada: Actor, role: Role) -> None:
        actor = replace(ada, role=role)
        token = tokens.access(actor, NOW, LIFE)
        assert actor_of(tokens, token, NOW) == actor
        assert actor_of(tokens, token, NOW + LIFE - timedelta(microseconds=1)) == actor

    def test_an_access_token_says_in_which_session_if_it_was_given_out_in_one(self, tokens: Tokens, ada: Actor) -> None:
        session = UUID(int=7)
        assert actor_of(tokens, tokens.access(replace(ada, session=session), NOW, LIFE), NOW).session == session
        assert actor_of(tokens, tokens.access(ada, NOW, LIFE), NOW).session is None

    def test_an_access_token_ends(self, tokens: Tokens, ada: Actor) -> None:
        token = tokens.access(ada, NOW, LIFE)
        for later in (LIFE, LIFE + timedelta(seconds=1), timedelta(days=400)):
            with pytest.raises(InvalidToken):
                actor_of(tokens, token, NOW + later)

    def test_an_access_token_that_was_changed_is_refused(self, tokens: Tokens, ada: Actor) -> None:
        token = tokens.access(ada, NOW, LIFE)
        for index in range(0, len(token), 3):
            if token[index + 1 : index + 2] in {"", "."}:
                continue  # the last character of a part has unused bits: changed there, it decodes to the same
            changed = token[:index] + ("A" if token[index] != "A" else "B") + token[index + 1 :]
            with pytest.raises(InvalidToken):
                actor_of(tokens, changed, NOW)

    def test_parts_of_two_tokens_do_not_make_one(self, tokens: Tokens, ada: Actor) -> None:
        customer = tokens.access(ada, NOW, LIFE).split(".")
        admin = tokens.access(replace(ada, role=Role.ADMIN), NOW, LIFE).split(".")
        if len(customer) < 2:
            pytest.skip("these tokens have no parts")
        with pytest.raises(InvalidToken):
            actor_of(tokens, ".".join([*admin[:-1], customer[-1]]), NOW)

    @pytest.mark.parametrize(
        "nonsense",
        [
            *("", ".", "..", "a.b.c", "ａ.ｂ.ｃ", "Bearer x", "\x00", "\ud800", "é", "eyJhbGciOiJub25lIn0.e30."),
            *("x" * 10_000_000, "." * 4_000),
        ],
    )
    def test_what_is_no_access_token_is_refused(self, tokens: Tokens, nonsense: str) -> None:
        with pytest.raises(InvalidToken):
            actor_of(tokens, nonsense, NOW)

    def test_a_refresh_token_is_no_access_token(self, tokens: Tokens) -> None:
        with pytest.raises(InvalidToken):
            actor_of(tokens, tokens.refresh(), NOW)

    def test_refresh_tokens_are_long_and_never_alike(self, tokens: Tokens) -> None:
        made = {tokens.refresh() for _ in range(500)}
        assert len(made) == 500
        assert min(len(token) for token in made) >= 43  # 256 bits in base 64

    def test_the_successor_of_a_refresh_token_is_always_the_same(self, tokens: Tokens) -> None:
        first = tokens.refresh()
        chain = [first]
        for _ in range(5):
            chain.append(tokens.successors(chain[-1])[0])
        assert tokens.successors(first)[0] == chain[1]
        assert len(set(chain)) == 6
        assert tokens.successors(tokens.refresh())[0] != chain[1]

    def test_a_reset_code_is_good_for_its_account_its_password_and_its_time(self, tokens: Tokens, ada: Actor) -> None:
        code = tokens.reset_code(ada.account_id, "hash", NOW + LIFE)
        assert tokens.account_of_reset(code) == ada.account_id
        assert tokens.is_reset_code(code, "hash", NOW)
        assert tokens.is_reset_code(code, "hash", NOW + LIFE - timedelta(seconds=1))
        assert not tokens.is_reset_code(code, "hash", NOW + LIFE)
        assert not tokens.is_reset_code(code, "another hash", NOW)

    def test_a_reset_code_that_was_changed_is_none(self, tokens: Tokens, ada: Actor) -> None:
        code = tokens.reset_code(ada.account_id, "hash", NOW + LIFE)
        for place, sign in enumerate(code):
            changed = code[:place] + ("A" if sign != "A" else "B") + code[place + 1 :]
            assert not tokens.is_reset_code(changed, "hash", NOW), place

    @pytest.mark.parametrize("nonsense", ["", "A", "AAAA", "\x00", "\ud800", "é", "=" * 75, "A" * 72, "A" * 100_000])
    def test_what_is_no_reset_code_is_none(self, tokens: Tokens, nonsense: str) -> None:
        assert not tokens.is_reset_code(nonsense, "hash", NOW)
        assert nonsense == "A" * 72 or tokens.account_of_reset(nonsense) is None

    def test_a_digest_is_always_the_same_and_does_not_show_the_token(self, tokens: Tokens) -> None:
        one, two = tokens.refresh(), tokens.refresh()
        assert tokens.digest(one) == tokens.digest(one) != tokens.digest(two)
        assert len(tokens.digest(one)) >= 16
        assert one.encode() not in tokens.digest(one)

    @pytest.mark.parametrize("nonsense", ["", "\x00", "\ud800", "é" * 1000])
    def test_any_text_has_a_digest_and_a_successor(self, tokens: Tokens, nonsense: str) -> None:
        assert tokens.digest(nonsense) == tokens.digest(nonsense)
        assert tokens.successors(nonsense)[0] != nonsense
