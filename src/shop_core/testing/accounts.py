"""The contracts of accounts and of the sessions in which they stay logged in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest

from shop_core.accounts.model import Account, RefreshToken, Role
from shop_core.errors import UsernameTaken
from shop_core.testing.contract import Contract
from shop_core.testing.scene import Scene
from shop_core.testing.threads import TIMEOUT_S, Meeting, in_background, still_waits, together


class AccountsContract(Contract):
    """Registered users and their password hashes."""

    def test_an_account_comes_back_as_it_was_added(self, scene: Scene) -> None:
        now = scene.clock()
        ada = Account(
            scene.new_id(), "Ada.Lovelace", Role.STAFF, now, now, "ada@example.com", "Ada", "Lovelace", active=False
        )
        with scene.begin() as work:
            work.accounts.add(ada, "salted$hash")

        with scene.begin() as work:
            found = work.accounts.get(ada.id)
            assert found == ada
            assert work.accounts.credentials("ada.lovelace") == (ada, "salted$hash")
        assert found is not None
        assert found.created_at.utcoffset() == timedelta(0)

    def test_who_is_not_registered_is_not_found(self, scene: Scene) -> None:
        scene.account("ada")
        with scene.begin() as work:
            assert work.accounts.get(scene.new_id()) is None
            assert work.accounts.credentials("grace") is None

    @pytest.mark.parametrize("text", ["", "a\x00da", "ada\x00", "\ud800", "ada' OR ''='", "x" * 100_000])
    def test_what_nobody_can_be_called_is_not_found(self, scene: Scene, text: str) -> None:
        scene.account("ada")
        with scene.begin() as work:
            assert work.accounts.credentials(text) is None

    @pytest.mark.parametrize("twin", ["ada", "ADA", "ａｄａ"])
    def test_a_username_is_given_once_whatever_its_case_or_width(self, scene: Scene, twin: str) -> None:
        ada = scene.account("Ada")
        with pytest.raises(UsernameTaken) as refused:
            scene.account(twin)

        assert refused.value.username == twin
        with scene.begin() as work:
            assert work.accounts.credentials("ada") == (ada, "hash")

    def test_of_those_who_register_one_username_at_the_same_moment_one_gets_it(self, scene: Scene) -> None:
        now, meeting = scene.clock(), Meeting(scene.clock)

        def register() -> Account:
            account = Account(scene.new_id(), "ada", Role.CUSTOMER, now, now)
            with scene.begin() as work:
                work.accounts.add(account, "hash")
                meeting()  # added, and not committed yet
            return account

        results = together(*[register] * 6)
        assert sorted(type(result).__name__ for result in results) == ["Account"] + ["UsernameTaken"] * 5

    def test_a_new_password_hash_replaces_the_old_one(self, scene: Scene) -> None:
        ada, grace = scene.account("ada"), scene.account("grace")
        with scene.begin() as work:
            work.accounts.set_password_hash(ada.id, "stronger")

        with scene.begin() as work:
            assert work.accounts.credentials("ada") == (ada, "stronger")
            assert work.accounts.credentials("grace") == (grace, "hash")


class RefreshTokensContract(Contract):
    """The links of sessions."""

    def test_a_token_comes_back_as_it_was_added(self, scene: Scene) -> None:
        token = _token(scene)
        with scene.begin() as work:
            assert work.refresh_tokens.lock(token.digest) == token
            assert work.refresh_tokens.lock(b"unknown".ljust(32)) is None

    def test_a_token_that_was_spent_comes_back_spent(self, scene: Scene) -> None:
        token, other = _token(scene), _token(scene)
        spent = token.spent(scene.clock())
        with scene.begin() as work:
            work.refresh_tokens.lock(token.digest)
            work.refresh_tokens.update(spent)

        with scene.begin() as work:
            assert work.refresh_tokens.lock(token.digest) == spent
        with scene.begin() as work:
            assert work.refresh_tokens.lock(other.digest) == other

    def test_revoking_ends_every_token_of_the_session_and_no_other(self, scene: Scene) -> None:
        first, stranger = _token(scene), _token(scene)
        second = first.successor(b"second".ljust(32), scene.clock())
        early, late = scene.clock(), scene.clock()
        revoked_before = replace(first, digest=b"third".ljust(32), revoked_at=early)
        with scene.begin() as work:
            work.refresh_tokens.add(second)
            work.refresh_tokens.add(revoked_before)
            work.refresh_tokens.revoke_family(first.family_id, late)

        for token in (replace(first, revoked_at=late), replace(second, revoked_at=late), revoked_before, stranger):
            with scene.begin() as work:
                assert work.refresh_tokens.lock(token.digest) == token

    def test_one_token_is_traded_by_one_at_a_time(self, scene: Scene) -> None:
        token = _token(scene)
        spent = token.spent(scene.clock())
        arrived = Event()

        def trade_too() -> RefreshToken | None:
            with scene.begin() as work:
                arrived.set()
                return work.refresh_tokens.lock(token.digest)

        with scene.begin() as work:
            work.refresh_tokens.lock(token.digest)
            work.refresh_tokens.update(spent)
            second = in_background(trade_too)
            assert arrived.wait(TIMEOUT_S)
            assert still_waits(second), "two trade one token at the same time"
        assert second.result(TIMEOUT_S) == spent

    def test_revoking_also_ends_the_successor_that_is_being_made_at_that_moment(self, scene: Scene) -> None:
        """The thief replays an old token while the owner trades the newest one: the whole session must end."""
        old = _token(scene)
        newest = old.successor(b"newest".ljust(32), scene.clock())
        successor = newest.successor(b"successor".ljust(32), scene.clock())
        with scene.begin() as work:
            work.refresh_tokens.add(newest)
        now, arrived = scene.clock(), Event()

        def replay_an_old_one() -> None:
            with scene.begin() as work:
                arrived.set()
                work.refresh_tokens.lock(old.digest)
                work.refresh_tokens.revoke_family(old.family_id, now)

        with scene.begin() as work:
            work.refresh_tokens.lock(newest.digest)
            work.refresh_tokens.update(newest.spent(now))
            work.refresh_tokens.add(successor)
            thief = in_background(replay_an_old_one)
            assert arrived.wait(TIMEOUT_S)
            still_waits(thief)  # he may wait, or be through already: what counts is what is left
        thief.result(TIMEOUT_S)

        for digest in (old.digest, newest.digest, successor.digest):
            with scene.begin() as work:
                token = work.refresh_tokens.lock(digest)
            assert token is not None
            assert token.revoked_at == now, "a token outlived its session"


def _token(scene: Scene) -> RefreshToken:
    token_id = scene.new_id()
    account, now = scene.account(f"user-{token_id}"), scene.clock()
    token = RefreshToken(token_id.bytes * 2, scene.new_id(), account.id, now, now + timedelta(days=1))
    with scene.begin() as work:
        work.refresh_tokens.add(token)
    return token
