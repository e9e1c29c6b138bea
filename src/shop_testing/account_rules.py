"""The part of the machine that keeps and reads the accounts."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from shop_core.accounts.model import SYSTEM, Account, AccountQuery, AccountStatusChange, Actor, ProfileChange, Role
from shop_core.errors import AccountNotFound, Invalid, LastAdmin, Refusal, UsernameTaken
from shop_core.pagination import CursorRequest, OffsetRequest, Page
from shop_core.ports import Adapters
from shop_core.shop import Shop
from shop_core.text import search_words
from shop_testing.catalog_rules import picked, picks
from shop_testing.driver import Driver, is_one_of

usernames = st.sampled_from(
    ["ada", "Ada", "ＡＤＡ", "grace", "straße", "STRASSE", "boss", "a\x00a", "\ud800ab", "x", "ada\u3164", "a\ufdfa"]
)
roles = st.none() | st.sampled_from(Role)
texts = st.none() | st.sampled_from(["", "Ada", "Lovelace-King", "50%", "\x00", "x" * 151, "真鍮"])
emails = st.none() | st.sampled_from(["", "ada@example.org", "Grace@Example.ORG", "nowhere"])
searches = st.sampled_from(["", "ada", "A", "lovel", "king ada", "example", "strasse", "50", "%", "_", "zzz"])


class AccountRules(Driver):
    """Accounts; a part of `ShopMachine`. By the port where a password would have to be hashed: that takes long."""

    @rule(username=usernames, role=st.sampled_from(Role))
    def open_account(self, username: str, role: Role) -> None:
        account = self.ask_ports(lambda adapters: _open_account(adapters, username, role))
        keys = {known.username_key for known in self.expected.accounts.values()}
        if isinstance(account, Account):
            assert account.username_key not in keys
            self.expected.accounts[account.id] = account
        else:
            assert is_one_of(account, [Invalid, UsernameTaken])

    @rule(username=usernames)
    def look_up_credentials(self, username: str) -> None:
        found = self.ask_ports(lambda adapters: _credentials(adapters, username))
        expected = [known for known in self.expected.accounts.values() if known.username_key == username]
        assert found == ((expected[0], "hash") if expected else None)

    @rule(pick=picks, role=roles, active=st.none() | st.booleans())
    def assign(self, pick: int, role: Role | None, active: bool | None) -> None:
        account_id = self.account(pick)
        account = self.ask(lambda shop: shop.accounts.assign(SYSTEM, account_id, AccountStatusChange(role, active)))
        before = self.expected.accounts.get(account_id)
        if before is None:
            assert isinstance(account, AccountNotFound)
            return
        after = replace(before, role=role or before.role, active=before.active if active is None else active)
        others = [other for other in self.expected.accounts.values() if other.id != account_id]
        if _is_admin(before) and not any(map(_is_admin, [*others, after])):
            assert isinstance(account, LastAdmin)
        else:
            self._changed(after, account)

    @rule(pick=picks, first_name=texts, last_name=texts, email=emails)
    def edit_a_profile(self, pick: int, first_name: str | None, last_name: str | None, email: str | None) -> None:
        account_id = self.account(pick)
        actor, change = Actor(account_id, Role.CUSTOMER), ProfileChange(first_name, last_name, email)
        account = self.ask(lambda shop: shop.accounts.edit_me(actor, change))
        before = self.expected.accounts.get(account_id)
        if before is None:
            assert isinstance(account, AccountNotFound)
        elif isinstance(account, Refusal):
            assert isinstance(account, Invalid)
        else:
            wanted = {"first_name": first_name, "last_name": last_name, "email": email}
            said = {name: text for name, text in wanted.items() if text is not None}
            self._changed(replace(before, **said), account)  # type: ignore[arg-type]

    @rule(pick=picks, says=st.sampled_from(Role))
    def act(self, pick: int, says: Role) -> None:
        """With a token that says a role which may not be his any more."""
        account_id = self.account(pick)
        actor = self.ask(lambda shop: shop.sessions.confirm(Actor(account_id, says)))
        account = self.expected.accounts.get(account_id)
        if says is Role.CUSTOMER:
            assert actor == Actor(account_id, says)
        else:
            is_in = account is not None and account.active
            assert actor == Actor(account_id, account.role) if account and is_in else isinstance(actor, Refusal)

    @rule(search=st.none() | searches, role=roles, active=st.none() | st.booleans(), limit=st.integers(1, 3))
    def find_users(self, search: str | None, role: Role | None, active: bool | None, limit: int) -> None:
        query = AccountQuery(None if search is None else search_words(search), role, active)
        everything = self.ask(lambda shop: shop.accounts.accounts(SYSTEM, query, OffsetRequest(200)))
        expected = sorted(
            (account for account in self.expected.accounts.values() if query.matches(account)),
            key=lambda account: account.username_key,
        )
        assert everything == Page(tuple(expected), len(expected))
        walked: list[Account] = []
        page_request: CursorRequest | None = CursorRequest(limit)
        while page_request:
            found = self.ask(partial(_accounts, query, page_request))
            assert isinstance(found, Page)
            walked += found.items
            page_request = CursorRequest(limit, found.cursor) if found.cursor else None
        assert walked == expected

    def account(self, pick: int) -> UUID:
        """One of the accounts, or an unknown one."""
        return picked(pick, list(self.expected.accounts))

    def _changed(self, after: Account, answer: Account | Refusal) -> None:
        assert isinstance(answer, Account)
        assert answer == replace(after, updated_at=answer.updated_at)
        assert self.ask(lambda shop: shop.accounts.account(SYSTEM, after.id)) == answer
        self.expected.accounts[after.id] = answer


def _is_admin(account: Account) -> bool:
    return account.role is Role.ADMIN and account.active


def _open_account(adapters: Adapters, username: str, role: Role) -> Account:
    now = adapters.clock()
    account = Account(adapters.new_id(), username, role, now, now)
    with adapters.begin() as uow:
        uow.accounts.add(account, "hash")
    return account


def _credentials(adapters: Adapters, username_key: str) -> tuple[Account, str] | None:
    with adapters.begin() as uow:
        return uow.accounts.credentials(username_key)


def _accounts(query: AccountQuery, page_request: CursorRequest, shop: Shop) -> Page[Account]:
    return shop.accounts.accounts(SYSTEM, query, page_request)
