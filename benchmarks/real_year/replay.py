"""Replay a year of a real shop against a running one, over HTTP, as its customers and staff would.

    python -m benchmarks.real_year.replay online-retail.csv.xz --serve
    python -m benchmarks.real_year.replay online-retail.csv.xz --url http://127.0.0.1:8000 --data-dir DIR

`events.py` says what the rows of the file become, `requests.py` makes it happen: products are created and the stock
that the year needs is received, customers register and log in, then orders, cancellations and stock corrections follow
in the order of the year. `--clients` connections work at once; what one customer does stays in order.

Every answer is checked (lines and total of each order), then the stock that the shop shows against what must be left,
then `shop audit`. The tool asks for nothing that the documented rules forbid, so any refusal is news. Exit status: 0 if
all is as it must be, 1 if not, 2 if it could not start.
"""

from __future__ import annotations

import argparse
import getpass
import lzma
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from verification.shop_process import CannotStart, is_ready

from benchmarks.real_year.client import Connection, Login, Refused
from benchmarks.real_year.events import Cancellation, Correction, Order, Tally, Year, read_rows, year_of
from benchmarks.real_year.requests import Replay
from benchmarks.real_year.shop_command import audit, make_admin, served

PASSWORD_VARIABLE = "SHOP_REPLAY_PASSWORD"


# ---- report


def say(text: str = "") -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


def show_tally(title: str, tally: Tally) -> None:
    """A table of reasons with how often and one example each."""
    if tally.counts:
        say(f"\n{title}")
        for reason, count in tally.counts.most_common():
            say(f"{count:>9,}  {reason}   (e.g. {tally.examples[reason]})")


def show_year(year: Year) -> None:
    """What the file has, and what it becomes."""
    kinds = Counter(type(event) for event in year.events)
    say(
        f"{year.invoices:,} invoices with {year.rows:,} rows, {len(year.goods):,} products: {kinds[Order]:,} orders of "
        f"{len(year.customers):,} customers, {kinds[Cancellation]:,} cancellations, {kinds[Correction]:,} stock "
        f"corrections; {year.invoices_left_out.total:,} invoices left out"
    )
    show_tally("invoices left out", year.invoices_left_out)
    show_tally("rows left out", year.rows_left_out)
    say()


def show_replay(replay: Replay) -> None:
    """Times, speed, and what went wrong."""
    say()
    for phase in replay.phases.values():
        rate = phase.done / phase.seconds if phase.seconds else 0
        say(f"{phase.title:>9}: {phase.done:,} in {phase.seconds:,.1f} s, {rate:,.0f}/s")
    seconds = replay.phases["orders"].seconds or 1
    rows = sum(order.rows for _, order in replay.placed.values())
    say(f"{len(replay.placed) / seconds:,.0f} orders/s, {rows / seconds:,.0f} order rows/s")
    show_tally("refused or wrong", replay.problems)
    done = ", ".join(f"{count:,} {what}" for what, count in replay.done.items())
    say(f"\nof {replay.year.invoices:,} invoices: {done}, {replay.year.invoices_left_out.total:,} left out")


def faults_of(replay: Replay) -> list[str]:
    """Everything that is not as it must be."""
    year = replay.year
    faults = year.faults()
    missing = year.invoices - year.invoices_left_out.total - sum(replay.done.values())
    if missing:
        faults.append(f"{missing:,} invoices did not get into the shop")
    if replay.problems.total:
        faults.append(f"{replay.problems.total:,} requests were refused or answered wrongly")
    differences = replay.stock_differences()
    if differences:
        faults.append(f"{len(differences):,} products have another stock than they must, e.g. {differences[0]}")
    return faults


# ---- command line


def arguments_of(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.real_year.replay",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the Online Retail data set as .csv or .csv.xz")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", default="http://127.0.0.1:8000", help="the running shop (default: %(default)s)")
    where.add_argument("--serve", action="store_true", help="start a shop for this, and stop it at the end")
    parser.add_argument("--data-dir", metavar="DIR", help="of that shop; with --serve by default a temporary one")
    parser.add_argument(
        "--clients", type=int, default=8, metavar="N", help="connections at once (default: %(default)s)"
    )
    parser.add_argument("--limit-invoices", type=int, metavar="N", help="only the first N invoices of the year")
    parser.add_argument(
        "--admin",
        metavar="USER",
        help=f"this account instead of a new one; password from {PASSWORD_VARIABLE} or asked for",
    )
    arguments = parser.parse_args(argv)
    if arguments.clients < 1 or (arguments.limit_invoices is not None and arguments.limit_invoices < 1):
        parser.error("--clients and --limit-invoices must be at least 1")
    return arguments


def address_of(text: str) -> SplitResult:
    """The address of the shop."""
    try:
        url = urlsplit(text)
        usable = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise CannotStart(f"{text!r} is no address: give one such as http://127.0.0.1:8000.")
    return url


def log_in(arguments: argparse.Namespace, url: SplitResult) -> Login:
    """The staff session: of a new admin, or of the account that was given."""
    if arguments.admin:
        username = arguments.admin
        password = os.environ.get(PASSWORD_VARIABLE) or getpass.getpass(f"password of {username}: ")
    else:
        username, password = make_admin(arguments.data_dir)
    try:
        return Login(Connection(url), username, password)
    except Refused as refused:
        raise CannotStart(f"{username} cannot log in at {url.geturl()}: {refused}") from None


def run(arguments: argparse.Namespace) -> int:
    """Replay, check, report."""
    try:
        year = year_of(read_rows(arguments.file), invoices_max=arguments.limit_invoices)
    except (OSError, ValueError, EOFError, lzma.LZMAError) as error:
        raise CannotStart(f"Cannot read {arguments.file}: {error}") from None
    show_year(year)
    with ExitStack() as stack:
        if arguments.serve:
            arguments.data_dir = arguments.data_dir or stack.enter_context(
                tempfile.TemporaryDirectory(prefix="replay-")
            )
            arguments.url = stack.enter_context(served(arguments.data_dir))
        url = address_of(arguments.url)
        if not is_ready(url.geturl()):
            start = "start one with `shop serve --data-dir DIR` and give the same --data-dir, or use --serve"
            raise CannotStart(f"No shop is ready at {arguments.url}: {start}.")
        replay = Replay(year, url, log_in(arguments, url), arguments.clients)
        replay.everything()
        show_replay(replay)
        faults = faults_of(replay)
        if arguments.admin and not arguments.data_dir:
            say("audit: left out, --data-dir was not given")
        elif not audit(arguments.data_dir):
            faults.append("shop audit found differences")
    for fault in faults:
        say(f"FAULT: {fault}")
    say("Every invoice is accounted for, and all adds up." if not faults else "It does not add up.")
    return 1 if faults else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run, with a last line for people whatever happens."""
    try:
        return run(arguments_of(argv))
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 2
    except Refused as refused:
        print(f"The shop stopped answering: {refused}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
