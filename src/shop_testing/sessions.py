"""The contract of who may come in: deactivation, roles, passwords, and the sessions that end with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shop_core.accounts.model import SYSTEM, Account, AccountQuery, AccountStatusChange, Role
from shop_core.accounts.service import Registration
from shop_core.accounts.session_service import Login
from shop_core.accounts.sessions import REFRESH_GRACE, RefreshToken
from shop_core.errors import (
    Invalid,
    InvalidResetCode,
    InvalidToken,
    LastAdmin,
    Refusal,
    WrongCredentials,
    WrongPassword,
)
from shop_core.mail.requests import RESET_CODE_LIFE
from shop_core.pagination import OffsetRequest
from shop_core.ports import Adapters
from shop_core.shop import Shop
from shop_testing.concurrency import TIMEOUT_S, in_background, still_waits, together
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures, later

OLD, NEW = "numbers are music", "music is numbers"
OUT = AccountStatusChange(active=False)
DEMOTED = AccountStatusChange(role=Role.STAFF)


class SessionsContract(Contract):
    """Whoever is out is out: no session survives, however much happens at the same moment."""

    # ---- out at once

    def test_who_is_deactivated_can_neither_log_in_nor_stay_logged_in(self, shop: Shop) -> None:
        ada = shop.accounts.register(Registration("ada", OLD))
        sessions = [shop.sessions.log_in("ada", OLD) for _ in range(3)]
        shop.accounts.assign(SYSTEM, ada.id, OUT)
        with pytest.raises(WrongCredentials):
            shop.sessions.log_in("ada", OLD)
        for session in sessions:
            with pytest.raises(InvalidToken):
                shop.sessions.refresh(session.refresh)

    def test_who_is_let_in_again_must_log_in_again(self, shop: Shop) -> None:
        ada = shop.accounts.register(Registration("ada", OLD))
        session = shop.sessions.log_in("ada", OLD)
        shop.accounts.assign(SYSTEM, ada.id, OUT)
        shop.accounts.assign(SYSTEM, ada.id, AccountStatusChange(active=True))
        with pytest.raises(InvalidToken):
            shop.sessions.refresh(session.refresh)
        assert shop.sessions.authenticate(shop.sessions.log_in("ada", OLD).access) == ada.actor

    @pytest.mark.parametrize("role", [Role.STAFF, Role.ADMIN])
    def test_who_is_deactivated_is_out_at_once_where_that_happened(self, shop: Shop, role: Role) -> None:
        shop.accounts.register(Registration("boss", OLD), actor=SYSTEM, role=Role.ADMIN)
        ada = shop.accounts.register(Registration("ada", OLD), actor=SYSTEM, role=role)
        access = shop.sessions.log_in("ada", OLD).access
        shop.accounts.assign(SYSTEM, ada.id, OUT)
        with pytest.raises(InvalidToken):
            shop.sessions.identify(access)

    def test_staff_are_out_at_once_everywhere(self, shop: Shop, adapters: Adapters) -> None:
        shop.accounts.register(Registration("boss", OLD), actor=SYSTEM, role=Role.ADMIN)
        ada = shop.accounts.register(Registration("ada", OLD), actor=SYSTEM, role=Role.STAFF)
        access = shop.sessions.log_in("ada", OLD).access
        elsewhere = Shop(adapters)
        shop.accounts.assign(SYSTEM, ada.id, OUT)
        with pytest.raises(InvalidToken):
            elsewhere.sessions.authenticate(access)

    @pytest.mark.parametrize("how", ["out", "another password", "logged out", "ended", "reused"])
    def test_an_access_token_ends_with_its_session_and_other_processes_notice(
        self, shop: Shop, adapters: Adapters, how: str
    ) -> None:
        ada = shop.accounts.register(Registration("ada", OLD))
        login, other = shop.sessions.log_in("ada", OLD), shop.sessions.log_in("ada", OLD)
        elsewhere = Shop(adapters)
        elsewhere.sessions.refresh_revocations()
        actor = elsewhere.sessions.authenticate(login.access)
        assert actor.session is not None
        match how:
            case "out":
                shop.accounts.assign(SYSTEM, ada.id, OUT)
            case "another password":
                shop.accounts.change_password(ada.actor, OLD, NEW)
            case "logged out":
                shop.sessions.log_out(login.refresh)
            case "ended":
                shop.sessions.end(shop.sessions.authenticate(other.access), actor.session)
            case "reused":
                late = Shop(later(adapters, 2 * REFRESH_GRACE))
                shop.sessions.refresh(shop.sessions.refresh(login.refresh).refresh)
                with pytest.raises(InvalidToken):
                    late.sessions.refresh(login.refresh)
                shop.sessions.refresh_revocations()
        elsewhere.sessions.refresh_revocations()
        for noticed in (shop, elsewhere):
            with pytest.raises(InvalidToken):
                noticed.sessions.authenticate(login.access)
            if how not in ("out", "another password"):
                assert noticed.sessions.authenticate(other.access) == ada.actor

    def test_sessions_that_ended_in_quick_succession_are_all_noticed(self, shop: Shop, adapters: Adapters) -> None:
        shop.accounts.register(Registration("ada", OLD))
        elsewhere, ended = Shop(adapters), []
        for _ in range(5):
            login = shop.sessions.log_in("ada", OLD)
            shop.sessions.log_out(login.refresh)
            ended.append(login.access)
            elsewhere.sessions.refresh_revocations()
            for access in ended:
                with pytest.raises(InvalidToken):
                    elsewhere.sessions.identify(access)

    def test_a_demotion_binds_at_once_and_a_promotion_with_the_next_token(self, shop: Shop) -> None:
        boss = shop.accounts.register(Registration("boss", OLD), actor=SYSTEM, role=Role.ADMIN)
        shop.accounts.register(Registration("other", OLD), actor=SYSTEM, role=Role.ADMIN)
        session = shop.sessions.log_in("boss", OLD)
        shop.accounts.assign(SYSTEM, boss.id, AccountStatusChange(role=Role.CUSTOMER))
        assert shop.sessions.authenticate(session.access).role is Role.CUSTOMER
        session = shop.sessions.refresh(session.refresh)
        shop.accounts.assign(SYSTEM, boss.id, DEMOTED)
        assert shop.sessions.authenticate(session.access).role is Role.CUSTOMER
        assert shop.sessions.authenticate(shop.sessions.refresh(session.refresh).access).role is Role.STAFF

    # ---- the last admin

    @pytest.mark.parametrize("change", [OUT, DEMOTED, AccountStatusChange(Role.CUSTOMER, active=False)], ids=str)
    def test_the_last_active_admin_stays(self, shop: Shop, fixtures: Fixtures, change: AccountStatusChange) -> None:
        boss, other = fixtures.account("boss", role=Role.ADMIN), fixtures.account("other", role=Role.ADMIN)
        assert shop.accounts.assign(SYSTEM, other.id, OUT) == replace(
            other, active=False, updated_at=shop.accounts.account(boss.actor, other.id).updated_at
        )
        with pytest.raises(LastAdmin) as refused:
            shop.accounts.assign(SYSTEM, boss.id, change)
        assert refused.value.account_id == boss.id
        assert shop.accounts.account(boss.actor, boss.id) == boss

    @pytest.mark.parametrize("change", [OUT, DEMOTED], ids=str)
    def test_of_admins_who_are_all_put_out_at_the_same_moment_one_stays(
        self, contended: Shop, fixtures: Fixtures, change: AccountStatusChange
    ) -> None:
        admins = [fixtures.account(f"admin{number}", role=Role.ADMIN) for number in range(4)]

        def put_out(number: int) -> Account:
            return contended.accounts.assign(SYSTEM, admins[number - 1].id, change)

        results = together(*(lambda number=number: put_out(number) for number in range(4)))
        assert sorted(type(result).__name__ for result in results) == ["Account"] * 3 + ["LastAdmin"]
        left = contended.accounts.accounts(SYSTEM, AccountQuery(role=Role.ADMIN, active=True), OffsetRequest())
        assert left.count == 1

    # ---- passwords

    def test_another_password_ends_every_session_of_the_account_and_no_other(self, shop: Shop) -> None:
        ada = shop.accounts.register(Registration("ada", OLD))
        shop.accounts.register(Registration("grace", OLD))
        sessions, other = [shop.sessions.log_in("ada", OLD) for _ in range(3)], shop.sessions.log_in("grace", OLD)
        shop.accounts.change_password(ada.actor, OLD, NEW)
        for session in sessions:
            with pytest.raises(InvalidToken):
                shop.sessions.refresh(session.refresh)
        with pytest.raises(WrongCredentials):
            shop.sessions.log_in("ada", OLD)
        assert shop.sessions.log_in("ada", NEW)
        assert shop.sessions.refresh(other.refresh)

    def test_who_does_not_know_the_present_password_changes_nothing(self, shop: Shop) -> None:
        ada = shop.accounts.register(Registration("ada", OLD))
        session = shop.sessions.log_in("ada", OLD)
        for wrong in ("", NEW, OLD.upper(), "x" * 100_000):
            with pytest.raises(WrongPassword):
                shop.accounts.change_password(ada.actor, wrong, NEW)
        assert shop.sessions.refresh(session.refresh)

    def test_of_two_who_change_one_password_at_the_same_moment_one_succeeds(self, contended: Shop) -> None:
        ada = contended.accounts.register(Registration("ada", OLD))
        passwords = [f"{NEW} {number}" for number in range(4)]

        def change(new: str) -> str:
            contended.accounts.change_password(ada.actor, OLD, new)
            return new

        results = together(*(lambda new=new: change(new) for new in passwords))
        assert sorted(type(result).__name__ for result in results) == ["WrongPassword"] * 3 + ["str"]
        (new,) = (result for result in results if isinstance(result, str))
        assert contended.sessions.log_in("ada", new)

    # ---- what begins at that moment

    @pytest.mark.parametrize("cause", ["deactivated", "another password"])
    def test_a_login_that_is_under_way_is_refused(
        self, shop: Shop, fixtures: Fixtures, adapters: Adapters, cause: str
    ) -> None:
        """It has seen the right password, and an active account; then it waits for who changes one of them."""
        ada = shop.accounts.register(Registration("ada", OLD))
        password_hash = adapters.passwords.hash(NEW)
        with fixtures.begin() as uow:
            uow.accounts.lock(ada.id)
            if cause == "deactivated":
                uow.accounts.update(replace(ada, active=False))
            else:
                uow.accounts.set_password_hash(ada.id, password_hash)
            uow.refresh_tokens.revoke_all(ada.id, fixtures.clock())
            login = in_background(lambda: shop.sessions.log_in("ada", OLD))
            assert still_waits(login), "a session starts while all of them are being ended"
        with pytest.raises(WrongCredentials):
            login.result(TIMEOUT_S)

    @pytest.mark.parametrize("cause", ["deactivated", "another password"])
    def test_a_session_that_only_just_starts_ends_too(self, shop: Shop, fixtures: Fixtures, cause: str) -> None:
        ada = shop.accounts.register(Registration("ada", OLD))
        now = fixtures.clock()
        token = RefreshToken.first(b"new".ljust(32), fixtures.new_id(), ada.id, now)

        def end_all() -> None:
            if cause == "deactivated":
                shop.accounts.assign(SYSTEM, ada.id, OUT)
            else:
                shop.accounts.change_password(ada.actor, OLD, NEW)

        with fixtures.begin() as uow:
            uow.accounts.lock(ada.id)
            uow.refresh_tokens.add(token)
            ending = in_background(end_all)
            still_waits(ending)  # it may be through already: what counts is what is left
        ending.result(TIMEOUT_S)
        with fixtures.begin() as uow:
            left = uow.refresh_tokens.lock(token.digest)
        assert left is not None
        assert left.revoked_at is not None, "a session outlived its account"

    def test_no_session_survives_however_much_happens_at_once_and_nobody_waits_for_ever(self, contended: Shop) -> None:
        users = [
            contended.accounts.register(Registration(f"user{number}", OLD), actor=SYSTEM, role=Role.ADMIN)
            for number in range(3)
        ]
        contended.accounts.register(Registration("boss", OLD), actor=SYSTEM, role=Role.ADMIN)
        sessions = {user.id: [contended.sessions.log_in(user.username, OLD) for _ in range(2)] for user in users}

        def live(user: Account, what: str) -> Login | Account | None:
            first, second = sessions[user.id]
            match what:
                case "out":
                    return contended.accounts.assign(SYSTEM, user.id, OUT)
                case "in":
                    return contended.sessions.log_in(user.username, OLD)
                case "stay":
                    return contended.sessions.refresh(second.refresh)
            contended.sessions.log_out(first.refresh)
            return None

        jobs = [(user, what) for user in users for what in ("out", "in", "stay", "stay", "leave")]
        results = together(*(lambda user=user, what=what: live(user, what) for user, what in jobs))
        refusals = {type(result) for result in results if isinstance(result, Refusal)}
        assert refusals <= {InvalidToken, WrongCredentials}
        for result in results:
            if isinstance(result, Login):
                with pytest.raises(InvalidToken):
                    contended.sessions.refresh(result.refresh)

    # ---- a forgotten password

    def test_a_forgotten_password_is_replaced_with_a_code_of_an_admin(self, shop: Shop) -> None:
        ada = shop.accounts.register(Registration("ada", OLD))
        session = shop.sessions.log_in("ada", OLD)
        offered = shop.accounts.offer_reset(SYSTEM, ada.id)
        with pytest.raises(Invalid):
            shop.accounts.reset_password(offered.code, "short")
        shop.accounts.reset_password(offered.code, NEW)
        for ended in (lambda: shop.sessions.refresh(session.refresh), lambda: shop.sessions.identify(session.access)):
            with pytest.raises(InvalidToken):
                ended()
        with pytest.raises(WrongCredentials):
            shop.sessions.log_in("ada", OLD)
        assert shop.sessions.log_in("ada", NEW)
        with pytest.raises(InvalidResetCode):  # it is good once
            shop.accounts.reset_password(offered.code, OLD)

    def test_a_code_ends_when_another_password_is_set_otherwise_or_the_account_is_out(self, shop: Shop) -> None:
        ada, grace = (shop.accounts.register(Registration(name, OLD)) for name in ("ada", "grace"))
        codes = [shop.accounts.offer_reset(SYSTEM, account.id).code for account in (ada, grace)]
        shop.accounts.change_password(ada.actor, OLD, NEW)
        shop.accounts.assign(SYSTEM, grace.id, OUT)
        for code in codes:
            with pytest.raises(InvalidResetCode):
                shop.accounts.reset_password(code, "another one again")
        assert shop.sessions.log_in("ada", NEW)

    def test_a_code_is_good_for_an_hour(self, shop: Shop, adapters: Adapters) -> None:
        ada = shop.accounts.register(Registration("ada", OLD))
        code = shop.accounts.offer_reset(SYSTEM, ada.id).code
        late = Shop(later(adapters, RESET_CODE_LIFE))
        with pytest.raises(InvalidResetCode):
            late.accounts.reset_password(code, NEW)

    def test_of_two_who_use_one_code_at_the_same_moment_one_sets_a_password(self, shop: Shop) -> None:
        ada = shop.accounts.register(Registration("ada", OLD))
        code = shop.accounts.offer_reset(SYSTEM, ada.id).code
        passwords = [f"{NEW} {number}" for number in range(4)]
        results = together(*(lambda new=new: shop.accounts.reset_password(code, new) for new in passwords))
        won = [new for new, result in zip(passwords, results, strict=True) if result is None]
        assert len(won) == 1
        assert {type(result) for result in results if result is not None} == {InvalidResetCode}
        assert shop.sessions.log_in("ada", won[0])

    # ---- logging out

    def test_logging_out_ends_the_session_and_no_other_however_often(self, shop: Shop) -> None:
        shop.accounts.register(Registration("ada", OLD))
        first, other = shop.sessions.log_in("ada", OLD), shop.sessions.log_in("ada", OLD)
        second = shop.sessions.refresh(first.refresh)
        for _ in range(2):
            shop.sessions.log_out(first.refresh)  # spent already, and still of this session
        with pytest.raises(InvalidToken):
            shop.sessions.refresh(second.refresh)
        assert shop.sessions.refresh(other.refresh)

    def test_logging_out_with_an_access_token_ends_its_session_too(self, shop: Shop) -> None:
        shop.accounts.register(Registration("ada", OLD))
        login, other = shop.sessions.log_in("ada", OLD), shop.sessions.log_in("ada", OLD)
        for _ in range(2):
            shop.sessions.log_out(login.access)
        with pytest.raises(InvalidToken):
            shop.sessions.refresh(login.refresh)
        with pytest.raises(InvalidToken):
            shop.sessions.identify(login.access)
        assert shop.sessions.refresh(other.refresh)

    @pytest.mark.parametrize("nonsense", ["", "x", "\x00", "\ud800", "x" * 100_000])
    def test_logging_out_with_what_is_no_token_does_nothing(self, shop: Shop, nonsense: str) -> None:
        shop.sessions.log_out(nonsense)
