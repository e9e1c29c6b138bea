"""`shop users`: who may log in, and as what."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID

from shop_core import SYSTEM, Account, AccountQuery, AccountStatusChange, CursorRequest, Role, Shop
from shop_core.pagination import LIMIT_MAX
from shop_core.text import comparable, normalized
from shop_http.server.database import open_shop
from shop_http.server.settings import Settings


class UnknownUser(Exception):
    """There is no such user, or it cannot be told which one is meant: one line."""


def add_commands(users: argparse.ArgumentParser) -> None:
    """The commands inside `shop users`; without one it lists."""
    inside = users.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        made = inside.add_parser(name, help=text, description=text)
        data_dir = "where the embedded database is (SHOP_DATA_DIR)"
        made.add_argument("--data-dir", metavar="DIR", default=argparse.SUPPRESS, help=data_dir)
        if name != "list":
            made.add_argument("user", metavar="USERNAME|ID", help="as `shop users` or an order show it")
        made.set_defaults(run=run, parser=made)
        return made

    command("list", run_list, "list all users: name, role, whether they may log in, since when, email address")
    role = command("role", _run_role, "make somebody a customer, staff or an admin")
    role.add_argument("role", choices=[role.value for role in Role])
    command("activate", _run_activate, "let somebody log in again")
    command("deactivate", _run_deactivate, "end all sessions of a user, who cannot log in any more")
    command("reset", _run_reset, "make a code with which a user sets another password")
    command("forget", _run_forget, "erase a person for good; their orders stay, without a person")


def run_list(settings: Settings, _: argparse.Namespace) -> int:
    """A line for each."""
    with open_shop(settings) as shop:
        for account in _all(shop):
            may = "active" if account.active else "inactive"
            since = f"{account.created_at:%Y-%m-%d}"
            print(f"{account.username:<24} {account.role:<10} {may:<10} {since:<12} {account.email}".rstrip())
    return 0


def _run_role(settings: Settings, given: argparse.Namespace) -> int:
    return _assign(settings, given, AccountStatusChange(role=Role(given.role)))


def _run_activate(settings: Settings, given: argparse.Namespace) -> int:
    return _assign(settings, given, AccountStatusChange(active=True))


def _run_deactivate(settings: Settings, given: argparse.Namespace) -> int:
    return _assign(settings, given, AccountStatusChange(active=False))


def _assign(settings: Settings, given: argparse.Namespace, change: AccountStatusChange) -> int:
    with open_shop(settings) as shop:
        account = shop.accounts.assign(SYSTEM, _named(shop, given).id, change)
    print(f"{account.username} is {account.role}, and may {'' if account.active else 'not '}log in.")
    return 0


def _run_reset(settings: Settings, given: argparse.Namespace) -> int:
    with open_shop(settings) as shop:
        offer = shop.accounts.offer_reset(SYSTEM, _named(shop, given).id)
    print(
        f"{offer.code}\nGood once, until {offer.expires_at:%Y-%m-%d %H:%M} UTC: docs/operations.md says how to use it."
    )
    return 0


def _run_forget(settings: Settings, given: argparse.Namespace) -> int:
    with open_shop(settings) as shop:
        account = _named(shop, given)
        shop.privacy.erase(SYSTEM, account.id)
    print(f"account erased: {account.id}\nBackups have the person until you delete them.")
    return 0


def _named(shop: Shop, given: argparse.Namespace) -> Account:
    """The account of the username or id that was given.

    Raises:
        UnknownUser: there is none; or there are two, as a username may look like the id of somebody else.
    """
    key, account_id = comparable(normalized(given.user)), None
    with suppress(ValueError):
        account_id = UUID(given.user)
    found = [account for account in _all(shop) if account.username_key == key or account.id == account_id]
    if not found:
        raise UnknownUser(f"there is no user {given.user!r}: `shop users` lists them")
    if len(found) > 1:
        raise UnknownUser(f"{given.user!r} is the username of one user and the id of another: name the other one")
    return found[0]


def _all(shop: Shop) -> Iterator[Account]:
    cursor = None
    while True:
        page = shop.accounts.accounts(SYSTEM, AccountQuery(), CursorRequest(LIMIT_MAX, cursor))
        yield from page.items
        if (cursor := page.cursor) is None:
            return
