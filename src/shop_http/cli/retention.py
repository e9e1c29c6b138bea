"""`shop retention`: what is kept for too long, and its deletion."""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from shop_core import SYSTEM, Kept, RetentionAges
from shop_core.errors import Invalid
from shop_http.server.database import open_shop
from shop_http.server.settings import Settings

RETENTION_HELP = """\
reasons   the words that say why an order was cancelled, after --reasons days; the timeline stays
mails     that were given up, after --messages days
events    that were given up, likewise: they are not published any more
accounts  of customers whom nobody has used for --accounts days: no order, no reservation, no change of the profile
          and no session since. They are erased as by `shop users forget`; their orders stay, without a person.
          Staff stay, and customers with orders that are not shipped. A log-in leaves no trace once its session is
          over: whoever only logs in and looks, and does nothing else, counts as not using the account.

Orders, the ledger, ended reservations and idempotency keys are the books, and stay. What ends by itself, such as
sessions and codes, needs no command. It may run while the shop does, be stopped, and be started again at any time."""

_LINES = {
    Kept.REASONS: ("from before", "erased"),
    Kept.MAILS: ("given up, from before", "deleted"),
    Kept.EVENTS: ("given up, from before", "deleted"),
    Kept.ACCOUNTS: ("not used since", "erased"),
}

_OPTIONS = {"accounts": "--accounts", "reasons": "--reasons", "dead_messages": "--messages"}
"""Which option gives which of `RetentionAges`."""


def add_options(retention: argparse.ArgumentParser) -> None:
    """The ages, and whether to delete."""
    for name, option in _OPTIONS.items():
        age = getattr(RetentionAges(), name)
        text = f"how long they are kept; default: {age.days}"
        retention.add_argument(option, dest=name, metavar="DAYS", type=_days, default=age, help=text)
    retention.add_argument("--delete", action="store_true", help="delete it; without that, it is only counted")


def run_retention(settings: Settings, given: argparse.Namespace) -> int:
    """A line for each kind; with `--delete`, another one once it is gone."""
    try:
        ages = RetentionAges(**{name: getattr(given, name) for name in _OPTIONS})
    except Invalid as wrong:
        raise Invalid(*(replace(fault, field=_OPTIONS[fault.field]) for fault in wrong.faults)) from None
    with open_shop(settings) as shop:
        found = shop.retention.overdue(SYSTEM, ages)
        for overdue in found:
            which, done = _LINES[overdue.kind]
            oldest = f", the oldest of {overdue.oldest:%Y-%m-%d}" if overdue.oldest else ""
            print(f"{overdue.kind}: {overdue.count:,} {which} {overdue.before:%Y-%m-%d}{oldest}", flush=True)
            if given.delete and overdue.count:
                print(f"{overdue.kind}: {shop.retention.delete(SYSTEM, overdue, _erased):,} {done}", flush=True)
    if not given.delete and any(overdue.count for overdue in found):
        print("Nothing was deleted: `shop retention --delete` does it.")
    return 0


def _erased(account_id: UUID) -> None:
    print(f"account erased: {account_id}", flush=True)


def _days(text: str) -> timedelta:
    try:
        return timedelta(days=int(text))
    except (ValueError, OverflowError) as wrong:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days") from wrong
