"""The contract of who may come in: deactivation, roles, passwords, and the sessions that end with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shop_core.accounts.model import SYSTEM, Account, AccountQuery, RefreshToken, Role, StandingChange
from shop_core.accounts.service import AccountService, Login, Registration
from shop_core.errors import InvalidToken, LastAdmin, Refusal, WrongCredentials, WrongPassword
from shop_core.pagination import Numbered
from shop_core.ports import Adapters
from shop_core.shop import Shop
from shop_core.testing.contract import Contract
from shop_core.testing.scene import Scene
from shop_core.testing.threads import TIMEOUT_S, Meeting, in_background, still_waits, together

OLD, NEW = "numbers are music", "music is numbers"
OUT = StandingChange(active=False)
DEMOTED = StandingChange(role=Role.STAFF)


class StandingContract(Contract):
    """Whoever is out is out: no session survives, however much happens at the same moment."""

    @pytest.fixture
    def accounts(self, shop: Shop) -> AccountService:
        """The service under test."""
        return shop.accounts

    @pytest.fixture
    def crowded_accounts(self, adapters: Adapters) -> AccountService:
        """The same, in which use cases that no lock keeps apart always get in each other's way."""
        return AccountService(
            adapters.begin, Meeting(adapters.clock), adapters.new_id, adapters.passwords, adapters.tokens
        )

    # ---- out at once

    def test_who_is_deactivated_can_neither_log_in_nor_stay_logged_in(self, accounts: AccountService) -> None:
        ada = accounts.register(Registration("ada", OLD))
        sessions = [accounts.log_in("ada", OLD) for _ in range(3)]
        accounts.assign(SYSTEM, ada.id, OUT)
        with pytest.raises(WrongCredentials):
            accounts.log_in("ada", OLD)
        for session in sessions:
            with pytest.raises(InvalidToken):
                accounts.refresh(session.refresh)

    def test_who_is_let_in_again_must_log_in_again(self, accounts: AccountService) -> None:
        ada = accounts.register(Registration("ada", OLD))
        session = accounts.log_in("ada", OLD)
        accounts.assign(SYSTEM, ada.id, OUT)
        accounts.assign(SYSTEM, ada.id, StandingChange(active=True))
        with pytest.raises(InvalidToken):
            accounts.refresh(session.refresh)
        assert accounts.authenticate(accounts.log_in("ada", OLD).access) == ada.actor

    @pytest.mark.parametrize("role", [Role.STAFF, Role.ADMIN])
    def test_staff_are_out_at_once_and_customers_when_their_access_token_ends(
        self, accounts: AccountService, role: Role
    ) -> None:
        accounts.register(Registration("boss", OLD), actor=SYSTEM, role=Role.ADMIN)
        grace, ada = (
            accounts.register(Registration("grace", OLD), actor=SYSTEM, role=role),
            accounts.register(Registration("ada", OLD)),
        )
        tokens = [accounts.log_in(name, OLD).access for name in ("grace", "ada")]
        for account in (grace, ada):
            accounts.assign(SYSTEM, account.id, OUT)
        with pytest.raises(InvalidToken):
            accounts.authenticate(tokens[0])
        assert accounts.authenticate(tokens[1]) == ada.actor

    def test_a_demotion_binds_at_once_and_a_promotion_with_the_next_token(self, accounts: AccountService) -> None:
        boss = accounts.register(Registration("boss", OLD), actor=SYSTEM, role=Role.ADMIN)
        accounts.register(Registration("other", OLD), actor=SYSTEM, role=Role.ADMIN)
        session = accounts.log_in("boss", OLD)
        accounts.assign(SYSTEM, boss.id, StandingChange(role=Role.CUSTOMER))
        assert accounts.authenticate(session.access).role is Role.CUSTOMER
        session = accounts.refresh(session.refresh)
        accounts.assign(SYSTEM, boss.id, DEMOTED)
        assert accounts.authenticate(session.access).role is Role.CUSTOMER
        assert accounts.authenticate(accounts.refresh(session.refresh).access).role is Role.STAFF

    # ---- the last admin

    @pytest.mark.parametrize("change", [OUT, DEMOTED, StandingChange(Role.CUSTOMER, active=False)], ids=str)
    def test_the_last_active_admin_stays(self, accounts: AccountService, scene: Scene, change: StandingChange) -> None:
        boss, other = scene.account("boss", role=Role.ADMIN), scene.account("other", role=Role.ADMIN)
        assert accounts.assign(boss.actor, other.id, OUT) == replace(
            other, active=False, updated_at=accounts.account(boss.actor, other.id).updated_at
        )
        with pytest.raises(LastAdmin) as refused:
            accounts.assign(boss.actor, boss.id, change)
        assert refused.value.account_id == boss.id
        assert accounts.account(boss.actor, boss.id) == boss

    @pytest.mark.parametrize("change", [OUT, DEMOTED], ids=str)
    def test_admins_who_put_each_other_out_at_the_same_moment_leave_one(
        self, crowded_accounts: AccountService, scene: Scene, change: StandingChange
    ) -> None:
        admins = [scene.account(f"admin{number}", role=Role.ADMIN) for number in range(4)]

        def put_out(number: int) -> Account:
            return crowded_accounts.assign(admins[number].actor, admins[number - 1].id, change)

        results = together(*(lambda number=number: put_out(number) for number in range(4)))
        assert sorted(type(result).__name__ for result in results) == ["Account"] * 3 + ["LastAdmin"]
        left = crowded_accounts.accounts(SYSTEM, AccountQuery(role=Role.ADMIN, active=True), Numbered())
        assert left.count == 1

    # ---- passwords

    def test_another_password_ends_every_session_of_the_account_and_no_other(self, accounts: AccountService) -> None:
        ada = accounts.register(Registration("ada", OLD))
        accounts.register(Registration("grace", OLD))
        sessions, other = [accounts.log_in("ada", OLD) for _ in range(3)], accounts.log_in("grace", OLD)
        accounts.change_password(ada.actor, OLD, NEW)
        for session in sessions:
            with pytest.raises(InvalidToken):
                accounts.refresh(session.refresh)
        with pytest.raises(WrongCredentials):
            accounts.log_in("ada", OLD)
        assert accounts.log_in("ada", NEW)
        assert accounts.refresh(other.refresh)

    def test_who_does_not_know_the_present_password_changes_nothing(self, accounts: AccountService) -> None:
        ada = accounts.register(Registration("ada", OLD))
        session = accounts.log_in("ada", OLD)
        for wrong in ("", NEW, OLD.upper(), "x" * 100_000):
            with pytest.raises(WrongPassword):
                accounts.change_password(ada.actor, wrong, NEW)
        assert accounts.refresh(session.refresh)

    def test_of_two_who_change_one_password_at_the_same_moment_one_succeeds(
        self, crowded_accounts: AccountService
    ) -> None:
        ada = crowded_accounts.register(Registration("ada", OLD))
        wanted = [f"{NEW} {number}" for number in range(4)]

        def change(new: str) -> str:
            crowded_accounts.change_password(ada.actor, OLD, new)
            return new

        results = together(*(lambda new=new: change(new) for new in wanted))
        assert sorted(type(result).__name__ for result in results) == ["WrongPassword"] * 3 + ["str"]
        (new,) = (result for result in results if isinstance(result, str))
        assert crowded_accounts.log_in("ada", new)

    # ---- what begins at that moment

    @pytest.mark.parametrize("cause", ["deactivated", "another password"])
    def test_a_login_that_is_under_way_is_refused(
        self, accounts: AccountService, scene: Scene, adapters: Adapters, cause: str
    ) -> None:
        """It has seen the right password, and an active account; then it waits for who changes one of them."""
        ada = accounts.register(Registration("ada", OLD))
        password_hash = adapters.passwords.hash(NEW)
        with scene.begin() as work:
            work.accounts.lock(ada.id)
            if cause == "deactivated":
                work.accounts.update(replace(ada, active=False))
            else:
                work.accounts.set_password_hash(ada.id, password_hash)
            work.refresh_tokens.revoke_all(ada.id, scene.clock())
            login = in_background(lambda: accounts.log_in("ada", OLD))
            assert still_waits(login), "a session starts while all of them are being ended"
        with pytest.raises(WrongCredentials):
            login.result(TIMEOUT_S)

    @pytest.mark.parametrize("cause", ["deactivated", "another password"])
    def test_a_session_that_only_just_starts_ends_too(self, accounts: AccountService, scene: Scene, cause: str) -> None:
        ada = accounts.register(Registration("ada", OLD))
        now = scene.clock()
        token = RefreshToken(b"new".ljust(32), scene.new_id(), ada.id, now, now + timedelta(days=1))

        def end_all() -> None:
            if cause == "deactivated":
                accounts.assign(SYSTEM, ada.id, OUT)
            else:
                accounts.change_password(ada.actor, OLD, NEW)

        with scene.begin() as work:
            work.accounts.lock(ada.id)
            work.refresh_tokens.add(token)
            ending = in_background(end_all)
            still_waits(ending)  # he may be through already: what counts is what is left
        ending.result(TIMEOUT_S)
        with scene.begin() as work:
            left = work.refresh_tokens.lock(token.digest)
        assert left is not None
        assert left.revoked_at is not None, "a session outlived its account"

    def test_no_session_survives_however_much_happens_at_once_and_nobody_waits_for_ever(
        self, crowded_accounts: AccountService
    ) -> None:
        users = [
            crowded_accounts.register(Registration(f"user{number}", OLD), actor=SYSTEM, role=Role.ADMIN)
            for number in range(3)
        ]
        crowded_accounts.register(Registration("boss", OLD), actor=SYSTEM, role=Role.ADMIN)
        sessions = {user.id: [crowded_accounts.log_in(user.username, OLD) for _ in range(2)] for user in users}

        def live(user: Account, what: str) -> Login | Account | None:
            first, second = sessions[user.id]
            match what:
                case "out":
                    return crowded_accounts.assign(SYSTEM, user.id, OUT)
                case "in":
                    return crowded_accounts.log_in(user.username, OLD)
                case "stay":
                    return crowded_accounts.refresh(second.refresh)
            crowded_accounts.log_out(first.refresh)
            return None

        jobs = [(user, what) for user in users for what in ("out", "in", "stay", "stay", "leave")]
        results = together(*(lambda user=user, what=what: live(user, what) for user, what in jobs))
        refusals = {type(result) for result in results if isinstance(result, Refusal)}
        assert refusals <= {InvalidToken, WrongCredentials}
        for result in results:
            if isinstance(result, Login):
                with pytest.raises(InvalidToken):
                    crowded_accounts.refresh(result.refresh)

    # ---- logging out

    def test_logging_out_ends_the_session_and_no_other_however_often(self, accounts: AccountService) -> None:
        accounts.register(Registration("ada", OLD))
        first, other = accounts.log_in("ada", OLD), accounts.log_in("ada", OLD)
        second = accounts.refresh(first.refresh)
        for _ in range(2):
            accounts.log_out(first.refresh)  # spent already, and still of this session
        with pytest.raises(InvalidToken):
            accounts.refresh(second.refresh)
        assert accounts.refresh(other.refresh)

    @pytest.mark.parametrize("nonsense", ["", "x", "\x00", "\ud800", "x" * 100_000])
    def test_logging_out_with_what_is_no_token_does_nothing(self, accounts: AccountService, nonsense: str) -> None:
        accounts.log_out(nonsense)
