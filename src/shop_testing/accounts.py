"""The contracts of accounts and of the sessions in which they stay logged in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from shop_core.accounts.model import Account, AccountQuery, Role
from shop_core.accounts.sessions import RefreshToken, Session
from shop_core.errors import UsernameTaken
from shop_core.pagination import OffsetRequest, Page
from shop_core.ports import UnitOfWork
from shop_core.text import search_words
from shop_testing.concurrency import TIMEOUT_S, in_background, second_in_line, still_waits
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures


class AccountsContract(Contract):
    """Registered users and their password hashes."""

    def test_an_account_comes_back_as_it_was_added(self, fixtures: Fixtures) -> None:
        now = fixtures.clock()
        ada = Account(
            fixtures.new_id(), "Ada.Lovelace", Role.STAFF, now, now, "ada@example.com", "Ada", "Lovelace", active=False
        )
        with fixtures.begin() as uow:
            uow.accounts.add(ada, "salted$hash")

        with fixtures.begin() as uow:
            found = uow.accounts.get(ada.id)
            assert found == ada
            assert uow.accounts.credentials("ada.lovelace") == (ada, "salted$hash")
        assert found is not None
        assert found.created_at.utcoffset() == timedelta(0)

    def test_who_is_not_registered_is_not_found(self, fixtures: Fixtures) -> None:
        fixtures.account("ada")
        with fixtures.begin() as uow:
            assert uow.accounts.get(fixtures.new_id()) is None
            assert uow.accounts.credentials("grace") is None

    @pytest.mark.parametrize("text", ["", "a\x00da", "ada\x00", "\ud800", "ada' OR ''='", "x" * 100_000])
    def test_what_nobody_can_be_called_is_not_found(self, fixtures: Fixtures, text: str) -> None:
        fixtures.account("ada")
        with fixtures.begin() as uow:
            assert uow.accounts.credentials(text) is None

    @pytest.mark.parametrize("twin", ["ada", "ADA", "ａｄａ"])
    def test_a_username_is_given_once_whatever_its_case_or_width(self, fixtures: Fixtures, twin: str) -> None:
        ada = fixtures.account("Ada")
        with pytest.raises(UsernameTaken) as refused:
            fixtures.account(twin)

        assert refused.value.username == twin
        with fixtures.begin() as uow:
            assert uow.accounts.credentials("ada") == (ada, "hash")

    def test_a_new_password_hash_replaces_the_old_one(self, fixtures: Fixtures) -> None:
        ada, grace = fixtures.account("ada"), fixtures.account("grace")
        with fixtures.begin() as uow:
            uow.accounts.set_password_hash(ada.id, "stronger")

        with fixtures.begin() as uow:
            assert uow.accounts.credentials("ada") == (ada, "stronger")
            assert uow.accounts.credentials("grace") == (grace, "hash")

    def test_an_account_that_changed_comes_back_changed_with_its_password(self, fixtures: Fixtures) -> None:
        ada, grace = fixtures.account("ada"), fixtures.account("grace")
        changed = replace(ada, email="a@b.example", first_name="Ada", role=Role.ADMIN, active=False)
        with fixtures.begin() as uow:
            uow.accounts.lock(ada.id)
            uow.accounts.update(changed)
            uow.accounts.update(replace(ada, id=fixtures.new_id(), first_name="nobody"))

        with fixtures.begin() as uow:
            assert uow.accounts.lock(ada.id) == (changed, "hash")
            assert uow.accounts.get(grace.id) == grace
            assert uow.accounts.page(AccountQuery(words=("nobody",)), OffsetRequest()) == Page((), 0)

    def test_admins_are_locked_together_with_the_one_who_is_asked_for(self, fixtures: Fixtures) -> None:
        ada, boss = fixtures.account("ada"), fixtures.account("boss", role=Role.ADMIN)
        fixtures.account("grace")
        with fixtures.begin() as uow:
            gone = replace(fixtures.account("gone", role=Role.ADMIN), active=False)
            uow.accounts.update(gone)
        with fixtures.begin() as uow:
            assert list(uow.accounts.lock_with_admins(ada.id).items()) == [(ada.id, ada), (boss.id, boss)]
            assert uow.accounts.lock_with_admins(boss.id) == {boss.id: boss}
            assert uow.accounts.lock_with_admins(gone.id) == {boss.id: boss, gone.id: gone}
            assert uow.accounts.lock_with_admins(fixtures.new_id()) == {boss.id: boss}

    def test_an_account_is_changed_by_one_at_a_time(self, fixtures: Fixtures) -> None:
        ada = fixtures.account("ada")

        def change(uow: UnitOfWork) -> None:
            uow.accounts.lock(ada.id)
            uow.accounts.set_password_hash(ada.id, "other")

        assert second_in_line(fixtures.begin, change, lambda uow: uow.accounts.lock(ada.id)) == (ada, "other")

    # ---- the list

    @pytest.mark.parametrize(
        ("search", "found"),
        [
            ("ada", ["ada", "ADA.byron", "grace"]),
            ("ADA by", ["ADA.byron"]),
            ("byron ada", ["ADA.byron"]),
            ("lovelace", ["ada"]),
            ("love example", ["ada"]),
            ("ada@example.org", ["ada"]),
            ("strasse", ["straße"]),
            ("STRAẞ", ["straße"]),
            ("under", ["x_under_score"]),
            ("zoe muller", ["zobm"]),
            ("Zoë O\u2019Brien", ["zobm"]),
            ("obrien", ["zobm"]),
            ("da", []),
            ("%", []),
            ("_", []),
            ("a%", ["ada", "ADA.byron", "grace"]),
            ("' OR x=''", []),
            ("\x00", []),
            ("x" * 5_000, []),
        ],
    )
    def test_a_search_finds_whoever_has_words_that_begin_so(
        self, fixtures: Fixtures, search: str, found: list[str]
    ) -> None:
        accounts = [
            fixtures.account("ada", email="Ada@Example.org", first_name="Ada", last_name="Lovelace"),
            fixtures.account("ADA.byron"),
            fixtures.account("grace", first_name="Ada-Grace"),
            fixtures.account("straße"),
            fixtures.account("x_under_score"),
            fixtures.account("zobm", first_name="Zoë", last_name="O'Brien-Müller"),
        ]
        with fixtures.begin() as uow:
            page = uow.accounts.page(AccountQuery(words=search_words(search)), OffsetRequest())
        expected = tuple(account for account in accounts if account.username in found)
        assert page == Page(expected, len(expected))

    @pytest.mark.parametrize("role", [None, *Role])
    @pytest.mark.parametrize("active", [None, True, False])
    def test_a_list_is_by_username_and_the_same_in_either_way_of_paging(
        self, fixtures: Fixtures, role: Role | None, active: bool | None
    ) -> None:
        names = "zoe Ada ödön grace ADA2 真鍮 ada.b _x bob".split()
        accounts = [
            fixtures.account(
                name if len(name) > 2 else name + name, role=list(Role)[number % 3], active=number % 2 == 0
            )
            for number, name in enumerate(names)
        ]
        query = AccountQuery(role=role, active=active)
        expected = sorted(filter(query.matches, accounts), key=lambda account: account.username_key)
        with fixtures.begin() as uow:
            numbered = [uow.accounts.page(query, OffsetRequest(2, offset)) for offset in range(0, 10, 2)]
        assert [account for page in numbered for account in page.items] == expected
        assert {page.count for page in numbered} == {len(expected)}
        assert fixtures.walk(lambda uow, page_request: uow.accounts.page(query, page_request), 2) == expected


class RefreshTokensContract(Contract):
    """The links of sessions."""

    def test_a_token_comes_back_as_it_was_added(self, fixtures: Fixtures) -> None:
        token = _token(fixtures)
        with fixtures.begin() as uow:
            assert uow.refresh_tokens.lock(token.digest) == token
            assert uow.refresh_tokens.lock(b"unknown".ljust(32)) is None

    def test_a_token_that_was_spent_comes_back_spent(self, fixtures: Fixtures) -> None:
        token, other = _token(fixtures), _token(fixtures)
        rotated = replace(token, rotated_at=fixtures.clock())
        with fixtures.begin() as uow:
            uow.refresh_tokens.lock(token.digest)
            uow.refresh_tokens.update(rotated)

        with fixtures.begin() as uow:
            assert uow.refresh_tokens.lock(token.digest) == rotated
        with fixtures.begin() as uow:
            assert uow.refresh_tokens.lock(other.digest) == other

    def test_rotated_tokens_of_a_session_can_be_made_to_expire_earlier_and_the_newest_stays(
        self, fixtures: Fixtures
    ) -> None:
        first, other, now = _token(fixtures), _token(fixtures), fixtures.clock()
        newest = first.successor(b"newest".ljust(32), now, timedelta(days=60))
        rotated, until = first.rotated(newest), now + timedelta(days=1)
        with fixtures.begin() as uow:
            uow.refresh_tokens.add(newest)
            uow.refresh_tokens.update(rotated)
            assert uow.refresh_tokens.lock(first.digest) == rotated
            uow.refresh_tokens.shorten(first.family_id, until + timedelta(days=90))
            assert uow.refresh_tokens.lock(first.digest) == rotated
            uow.refresh_tokens.shorten(first.family_id, until)
        for token in (replace(rotated, expires_at=until), newest, other):
            with fixtures.begin() as uow:
                assert uow.refresh_tokens.lock(token.digest) == token

    @pytest.mark.parametrize("extent", ["session", "account"])
    def test_revoking_ends_every_token_of_the_session_or_account_and_no_other(
        self, fixtures: Fixtures, extent: str
    ) -> None:
        first, other = _token(fixtures), _token(fixtures)
        second = first.successor(b"second".ljust(32), fixtures.clock())
        another_session = replace(first, digest=b"other".ljust(32), family_id=fixtures.new_id())
        early, late = fixtures.clock(), fixtures.clock()
        revoked_before = replace(first, digest=b"third".ljust(32), revoked_at=early)
        with fixtures.begin() as uow:
            for token in (second, another_session, revoked_before):
                uow.refresh_tokens.add(token)
            if extent == "session":
                uow.refresh_tokens.revoke_family(first.family_id, late)
            else:
                uow.refresh_tokens.revoke_all(first.account_id, late)
                uow.refresh_tokens.revoke_all(fixtures.new_id(), late)

        ended = [replace(token, revoked_at=late) for token in (first, second)]
        left = replace(another_session, revoked_at=None if extent == "session" else late)
        for token in (*ended, left, revoked_before, other):
            with fixtures.begin() as uow:
                assert uow.refresh_tokens.lock(token.digest) == token

    def test_the_sessions_of_an_account_are_those_that_can_be_carried_on(self, fixtures: Fixtures) -> None:
        first, now = _token(fixtures), fixtures.clock()
        account_id, day = first.account_id, timedelta(days=1)
        carried_on = first.successor(b"carried on".ljust(32), now + timedelta(hours=1))
        named: dict[str, Any] = {"is_remembered": True, "device_name": "Ada's phone"}
        other = RefreshToken.first(b"other".ljust(32), fixtures.new_id(), account_id, now, day, **named)
        revoked = replace(RefreshToken.first(b"revoked".ljust(32), fixtures.new_id(), account_id, now), revoked_at=now)
        expired = RefreshToken.first(b"expired".ljust(32), fixtures.new_id(), account_id, now - 2 * day)
        with fixtures.begin() as uow:
            uow.refresh_tokens.update(replace(first, rotated_at=now))
            for token in (carried_on, other, revoked, expired, _unsaved(fixtures)):
                uow.refresh_tokens.add(token)

        with fixtures.begin() as uow:
            assert uow.refresh_tokens.sessions(account_id, now) == [
                Session(first.family_id, first.issued_at, carried_on.issued_at, carried_on.expires_at),
                Session(other.family_id, now, now, now + day, **named),
            ]
            assert uow.refresh_tokens.sessions(account_id, now + 3 * day) == []
            assert uow.refresh_tokens.sessions(fixtures.new_id(), now) == []

    def test_sessions_that_were_ended_since_a_moment_are_told_once_each_of_all_accounts(
        self, fixtures: Fixtures
    ) -> None:
        first, early, other, going_on, now = *(_token(fixtures) for _ in range(4)), fixtures.clock()
        second = first.successor(b"second".ljust(32), now)
        with fixtures.begin() as uow:
            assert uow.refresh_tokens.revoked_since(now - timedelta(days=1)) == {}
            uow.refresh_tokens.update(replace(first, rotated_at=now))
            uow.refresh_tokens.add(second)
            uow.refresh_tokens.revoke_family(early.family_id, now)
            uow.refresh_tokens.revoke_family(first.family_id, now + timedelta(seconds=1))
            uow.refresh_tokens.revoke_all(other.account_id, now + timedelta(seconds=2))
        expected = {
            first.family_id: now + timedelta(seconds=1),
            other.family_id: now + timedelta(seconds=2),
        }
        with fixtures.begin() as uow:
            assert uow.refresh_tokens.revoked_since(now) == expected
            assert uow.refresh_tokens.revoked_since(now - timedelta(seconds=1)) == expected | {early.family_id: now}
            assert uow.refresh_tokens.revoked_since(now + timedelta(seconds=2)) == {}
            assert uow.refresh_tokens.lock(going_on.digest) == going_on

    def test_tokens_that_ended_are_forgotten_but_the_first_of_a_session_that_goes_on(self, fixtures: Fixtures) -> None:
        first, ended, now = _token(fixtures), _token(fixtures), fixtures.clock()
        second = first.successor(b"second".ljust(32), first.issued_at + timedelta(minutes=1))
        second = replace(second, rotated_at=now)
        newest = second.successor(b"newest".ljust(32), now + timedelta(hours=23))
        with fixtures.begin() as uow:
            uow.refresh_tokens.update(replace(first, rotated_at=now))
            uow.refresh_tokens.add(second)
            uow.refresh_tokens.add(newest)
        before = now + timedelta(hours=25)
        with fixtures.begin() as uow:
            assert uow.refresh_tokens.delete_expired(now, 10) == 0
            assert uow.refresh_tokens.delete_expired(before, 1) == 1
            assert uow.refresh_tokens.delete_expired(before, 10) == 1
            assert uow.refresh_tokens.delete_expired(before, 10) == 0
        with fixtures.begin() as uow:
            found = [uow.refresh_tokens.lock(token.digest) for token in (first, second, newest, ended)]
            assert found == [replace(first, rotated_at=now), None, newest, None]
            (session,) = uow.refresh_tokens.sessions(first.account_id, before)
            assert session.created_at == first.issued_at
            assert uow.refresh_tokens.delete_expired(before + timedelta(days=2), 10) == 2

    def test_one_token_is_traded_by_one_at_a_time(self, fixtures: Fixtures) -> None:
        token = _token(fixtures)
        rotated = replace(token, rotated_at=fixtures.clock())

        def trade(uow: UnitOfWork) -> None:
            uow.refresh_tokens.lock(token.digest)
            uow.refresh_tokens.update(rotated)

        assert second_in_line(fixtures.begin, trade, lambda uow: uow.refresh_tokens.lock(token.digest)) == rotated

    @pytest.mark.parametrize("extent", ["token", "session", "account"])
    def test_revoking_also_ends_the_successor_that_is_being_made_at_that_moment(
        self, fixtures: Fixtures, extent: str
    ) -> None:
        """The thief replays an old token while the owner trades the newest one: the whole session must end.

        So it must when the owner ends it, and when the account is deactivated, or gets another password.
        """
        old = _token(fixtures)
        newest = old.successor(b"newest".ljust(32), fixtures.clock())
        successor = newest.successor(b"successor".ljust(32), fixtures.clock())
        with fixtures.begin() as uow:
            uow.refresh_tokens.add(newest)
        now, arrived = fixtures.clock(), Event()

        def replay_an_old_one() -> None:
            with fixtures.begin() as uow:
                arrived.set()
                if extent == "token":
                    uow.refresh_tokens.lock(old.digest)
                if extent != "account":
                    uow.refresh_tokens.revoke_family(old.family_id, now)
                else:
                    uow.refresh_tokens.revoke_all(old.account_id, now)

        with fixtures.begin() as uow:
            uow.refresh_tokens.lock(newest.digest)
            uow.refresh_tokens.update(replace(newest, rotated_at=now))
            uow.refresh_tokens.add(successor)
            thief = in_background(replay_an_old_one)
            assert arrived.wait(TIMEOUT_S)
            still_waits(thief)  # it may wait, or be through already: what counts is what is left
        thief.result(TIMEOUT_S)

        for digest in (old.digest, newest.digest, successor.digest):
            with fixtures.begin() as uow:
                token = uow.refresh_tokens.lock(digest)
            assert token is not None
            assert token.revoked_at == now, "a token outlived its session"


def _unsaved(fixtures: Fixtures) -> RefreshToken:
    """A token of somebody else, not stored yet."""
    token = _token(fixtures)
    return replace(token, digest=b"unsaved".ljust(32), family_id=fixtures.new_id())


def _token(fixtures: Fixtures) -> RefreshToken:
    token_id = fixtures.new_id()
    account, now = fixtures.account(f"user-{token_id}"), fixtures.clock()
    token = RefreshToken.first(token_id.bytes * 2, fixtures.new_id(), account.id, now)
    with fixtures.begin() as uow:
        uow.refresh_tokens.add(token)
    return token
