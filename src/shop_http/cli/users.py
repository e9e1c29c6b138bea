"""`shop users`: who may log in, and as what."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from shop_core import SYSTEM, Account, AccountQuery, AccountStatusChange, CursorRequest, Role, Shop
from shop_core.pagination import LIMIT_MAX
from shop_http.server.database import open_shop
from shop_http.server.settings import Settings


def add_commands(users: argparse.ArgumentParser) -> None:
    """The commands inside `shop users`; without one it lists."""
    inside = users.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        made = inside.add_parser(name, help=text, description=text)
        data_dir = "where the embedded database is (SHOP_DATA_DIR)"
        made.add_argument("--data-dir", metavar="DIR", default=argparse.SUPPRESS, help=data_dir)
        if name != "list":
            made.add_argument("username", metavar="USERNAME")
        made.set_defaults(run=run, parser=made)
        return made

    command("list", run_list, "list all users: name, role, whether they may log in, since when, email address")
    role = command("role", _run_role, "make somebody a customer, staff or an admin")
    role.add_argument("role", choices=[role.value for role in Role])
    command("activate", _run_activate, "let somebody log in again")
    command("deactivate", _run_deactivate, "end all sessions of a user, who cannot log in any more")
    command("reset", _run_reset, "make a code with which a user sets another password")


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


def _named(shop: Shop, given: argparse.Namespace) -> Account:
    """The account of the name that was given; the process ends if there is none."""
    name = given.username.casefold()
    account = next((account for account in _all(shop) if account.username.casefold() == name), None)
    if account is None:
        given.parser.error(f"there is no user {given.username!r}: `shop users` lists them")
    assert account
    return account


def _all(shop: Shop) -> Iterator[Account]:
    cursor = None
    while True:
        page = shop.accounts.accounts(SYSTEM, AccountQuery(), CursorRequest(LIMIT_MAX, cursor))
        yield from page.items
        if (cursor := page.cursor) is None:
            return
