"""Accounts. By the port where a password would have to be hashed: that takes long."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from shop_core.accounts.model import SYSTEM, Account, AccountQuery, AccountStatusChange, Actor, ProfileChange, Role
from shop_core.pagination import CursorRequest, OffsetRequest
from shop_core.ports import Adapters
from shop_core.text import search_words
from shop_testing.machine.driver import Driver, page_requests, picked, picks

usernames = st.sampled_from(
    ["ada", "Ada", "ＡＤＡ", "grace", "straße", "STRASSE", "boss", "a\x00a", "\ud800ab", "x", "ada\u3164", "a\ufdfa"]
)
roles = st.none() | st.sampled_from(Role)
texts = st.none() | st.sampled_from(["", "Ada", "Lovelace-King", "50%", "\x00", "x" * 151, "真鍮"])
emails = st.none() | st.sampled_from(["", "ada@example.org", "Grace@Example.ORG", "nowhere"])
searches = st.sampled_from(["", "ada", "A", "lovel", "king ada", "example", "strasse", "50", "%", "_", "zzz"])


class AccountRules(Driver):
    """A part of `ShopMachine`."""

    @rule(username=usernames, role=st.sampled_from(Role))
    def open_account(self, username: str, role: Role) -> None:
        def opened(adapters: Adapters) -> Account:
            now = adapters.clock()
            account = Account(adapters.new_id(), username, role, now, now)
            with adapters.begin() as uow:
                uow.accounts.add(account, "hash")
            return account

        account = self.ask_ports(opened)
        if isinstance(account, Account):
            self.accounts.append(account.id)

    @rule(username=usernames)
    def look_up_credentials(self, username: str) -> None:
        def credentials(adapters: Adapters) -> tuple[Account, str] | None:
            with adapters.begin() as uow:
                return uow.accounts.credentials(username)

        self.ask_ports(credentials)

    @rule(pick=picks, role=roles, active=st.none() | st.booleans())
    def assign(self, pick: int, role: Role | None, active: bool | None) -> None:
        account_id = picked(pick, self.accounts)
        self.ask(lambda shop: shop.accounts.assign(SYSTEM, account_id, AccountStatusChange(role, active)))

    @rule(pick=picks, first_name=texts, last_name=texts, email=emails)
    def edit_a_profile(self, pick: int, first_name: str | None, last_name: str | None, email: str | None) -> None:
        actor = Actor(picked(pick, self.accounts), Role.CUSTOMER)
        self.ask(lambda shop: shop.accounts.edit_me(actor, ProfileChange(first_name, last_name, email)))

    @rule(pick=picks, claimed=st.sampled_from(Role))
    def act(self, pick: int, claimed: Role) -> None:
        """With a token that names a role which the account may not have any more."""
        account_id = picked(pick, self.accounts)
        self.ask(lambda shop: shop.sessions.recheck_staff(Actor(account_id, claimed)))

    @rule(search=st.none() | searches, role=roles, active=st.none() | st.booleans(), page_request=page_requests)
    def find_users(
        self, search: str | None, role: Role | None, active: bool | None, page_request: OffsetRequest | CursorRequest
    ) -> None:
        query = AccountQuery(None if search is None else search_words(search), role, active)
        self.ask(lambda shop: shop.accounts.accounts(SYSTEM, query, page_request))
