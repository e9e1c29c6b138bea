"""The command line: `shop serve`, `shop migrate`, ... Every failure is one line that says what to do next."""

from __future__ import annotations

import argparse
import getpass
import os
import platform
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

from shop_core import SYSTEM, OffsetRequest, Refusal, Registration, Role, __version__
from shop_core.outbox import QueueService
from shop_core.pagination import LIMIT_MAX
from shop_core.ports import Queued
from shop_core.ports.events import M
from shop_http.cli.audit import report
from shop_http.cli.backup import RESTORE_HELP, run_backup, run_restore
from shop_http.cli.demo_data import add_demo_data
from shop_http.cli.export import EXPORT_HELP, run_export
from shop_http.cli.product_import import (
    COLUMNS_HELP,
    KNOWN,
    PROFILES,
    OnBadRow,
    Reading,
    UnusableFile,
    import_products,
    is_known,
    time_of_count,
)
from shop_http.cli.progress import progress
from shop_http.cli.retention import RETENTION_HELP, add_options, run_retention
from shop_http.cli.users import UnknownUser, add_commands, run_list
from shop_http.server.database import EXPORTS, UNUSABLE_DATABASE, migrate_database, open_shop
from shop_http.server.settings import Settings, SettingsError, unknown_settings

DATA_DIR_HELP = "where the embedded database is (SHOP_DATA_DIR)"
_RESEND = "Publish dead letters again. Later events of the same subject may have arrived before them."
_FAMILIES_SHOWN = 20
_OURS = (SettingsError, *UNUSABLE_DATABASE, UnusableFile, UnknownUser, Refusal)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code: 0 done, 1 failed or found wrong, 2 misused."""
    parser = _parser()
    given, unknown = parser.parse_known_args(arguments)
    if unknown:  # by the parser of the command, whose usage it shows
        given.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    signal.signal(signal.SIGTERM, _end)  # so that what was started is stopped: `finally` runs on SystemExit
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
        signal.signal(signal.SIGHUP, _go_on if given.run is _serve else _end)
    try:
        settings = Settings.read(os.environ, vars(given))
        for line in unknown_settings(os.environ):
            print(f"shop: {line}", file=sys.stderr)
        code = given.run(settings, given)
    except _OURS as failure:
        _fail(str(failure))
    except FileExistsError as there:
        _fail(f"{there.filename2 or there.filename} is there already: name another file")
    except OSError as failure:
        where = f"{failure.filename}: " if failure.filename else ""
        _fail(f"{where}{failure.strerror or failure}: check that it exists, that you may use it and that disk is left")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(code)


def _end(signal_number: int, _frame: object) -> NoReturn:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a shell that ends sends a second one, into the cleanup
    sys.exit(128 + signal_number)


def _go_on(_signal_number: int, _frame: object) -> None:
    """To a server that has no workers yet: they will be new anyway."""


def _fail(line: str) -> NoReturn:
    print(f"shop: {' '.join(line.split())}", file=sys.stderr)
    sys.exit(1)


def _parser() -> argparse.ArgumentParser:
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument("--data-dir", metavar="DIR", help=DATA_DIR_HELP)
    parser = argparse.ArgumentParser(prog="shop", description="A shop backend that never oversells.")
    version = f"shop {__version__} on Python {platform.python_version()}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: object, text: str, epilog: str | None = None) -> argparse.ArgumentParser:
        raw = argparse.RawDescriptionHelpFormatter
        made = commands.add_parser(
            name, parents=[everywhere], help=text, description=text, epilog=epilog, formatter_class=raw
        )
        made.set_defaults(run=run, parser=made)
        return made

    one = command("serve", _serve, "run the server until Ctrl-C or SIGTERM")
    one.add_argument("--host", help="address to listen on (SHOP_HOST)")
    one.add_argument("--port", help="port to listen on (SHOP_PORT)")
    one.add_argument("--workers", help="processes that answer (SHOP_WORKERS)")
    one.add_argument("--demo", action="store_true", help="add demo products, if the catalog is empty")
    one = command("migrate", _migrate, "upgrade the database to the schema of this version")
    one.add_argument("--app-role", metavar="NAME", help="grant this role what `shop serve` needs, and no more")
    one = command("create-admin", _create_admin, "create an account with all rights")
    one.add_argument(
        "username", metavar="USERNAME", help="you are asked for the password, or it is read from standard input"
    )
    one = command("export-account", _export_account, "print everything that is stored about a person, as JSON")
    one.add_argument("id", metavar="ID", type=UUID, help="of the account, as the list of users and each order show it")
    command("demo-data", _demo_data, "add demo products, if the catalog is empty")
    one = command("import-products", _import_products, "create and update products from a CSV file", COLUMNS_HELP)
    one.add_argument("file", metavar="FILE.csv", type=Path)
    one.add_argument(
        "--on-bad-row",
        choices=[choice.value for choice in OnBadRow],
        default=OnBadRow.REFUSE.value,
        help="skip: import the good rows; refuse (default): import nothing if any row is bad",
    )
    one.add_argument("--dry-run", action="store_true", help="write nothing, only tell what would become of the file")
    one.add_argument(
        "--map", metavar="THEIRS=OURS", action="append", default=[], help="what a column of theirs is called here"
    )
    one.add_argument("--profile", choices=[name.lower() for name in PROFILES], help="whose export the file is")
    one.add_argument(
        "--counted-at", metavar="TIME", help="when the quantities were counted, e.g. 2026-11-27T18:00+01:00; or now"
    )
    one.add_argument("--images", metavar="DIR", type=Path, help="the folder with the files that a column images names")
    one.set_defaults(parser=one)
    command("audit", _audit, "compare stock with its ledger, and orders with their lines; exit code 1 if any differ")
    one = command("backup", run_backup, "write everything in the database to a file; the shop may go on meanwhile")
    one.add_argument("path", metavar="FILE|DIR", type=Path, help="a new file, or the folder for one named by its time")
    one = command("restore", run_restore, "bring the database to what a backup has, then audit it", RESTORE_HELP)
    one.add_argument("file", metavar="FILE", type=Path)
    one.add_argument("--replace", action="store_true", help="although the database has data, which are lost")
    one = command("export", run_export, "write products, orders, stock movements or users to a file", EXPORT_HELP)
    one.add_argument("what", choices=EXPORTS)
    one.add_argument("file", metavar="FILE", type=Path, nargs="?", help="a new file; without one, standard output")
    one.add_argument("--format", choices=["csv", "jsonl"], default="csv", help="default: csv; jsonl: an object a line")
    for name, what in (("outbox", "events that are not published yet"), ("mails", "mails that are not sent yet")):
        _add_queue(command(name, _queue, f"show {what}, and those that were given up"), name)
    add_commands(command("users", run_list, "list who may log in; set roles, help with passwords, forget somebody"))
    add_options(command("retention", run_retention, "say what is kept for too long, and delete it", RETENTION_HELP))
    catalog = command("catalog", _touch_catalog, "make every client copy the catalog anew")
    inside = catalog.add_subparsers(title="commands", required=True, metavar="COMMAND")
    one = inside.add_parser("touch", help="after rows were changed by hand: no copy goes on", description=_TOUCH)
    one.add_argument("--data-dir", metavar="DIR", default=argparse.SUPPRESS, help=DATA_DIR_HELP)
    command("settings", _settings, "show every setting: its value, its source and its meaning")
    command("version", _version, "show the version")
    return parser


_TOUCH = "End every cursor of GET /catalog/changes, so that clients that keep a copy of the catalog make it anew."


def _add_queue(one: argparse.ArgumentParser, name: str) -> None:
    """The command that shows a queue, and the one inside that tries again what was given up."""
    one.set_defaults(queue=name)
    inside = one.add_subparsers(title="commands", metavar="COMMAND")
    again = inside.add_parser("resend", help="try dead letters again", description=_RESEND)
    again.add_argument("--data-dir", metavar="DIR", default=argparse.SUPPRESS, help=DATA_DIR_HELP)
    again.add_argument("ids", metavar="ID", nargs="*", type=UUID, help=f"of the message, as `shop {name}` lists it")
    again.add_argument("--all", action="store_true", help="all of them")
    again.set_defaults(run=_resend, parser=again, queue=name)


def _serve(settings: Settings, given: argparse.Namespace) -> int:
    from shop_http.server.serve import (  # here: no other command should wait for all that a server needs
        ServeError,
        serve,
    )

    try:
        serve(settings, demo=given.demo)
    except ServeError as failure:
        _fail(str(failure))
    return 0


def _migrate(settings: Settings, given: argparse.Namespace) -> int:
    before, after = migrate_database(settings, given.app_role)
    print(
        f"The database is at revision {after}"
        + (", as it was." if before == after else f"; it was {before or 'empty'}.")
    )
    if given.app_role:
        print(f"The role {given.app_role} may serve the shop on it.")
    return 0


def _create_admin(settings: Settings, given: argparse.Namespace) -> int:
    password = _password()
    with open_shop(settings, create=True) as shop:
        account = shop.accounts.register(Registration(given.username, password), actor=SYSTEM, role=Role.ADMIN)
    print(f"Created the admin {account.username}.")
    return 0


def _password() -> str:
    if sys.stdin is None:
        _fail("no password: give it on standard input, or run the command at a terminal")
    if not sys.stdin.isatty():
        try:
            return sys.stdin.buffer.readline().decode().rstrip("\r\n")
        except UnicodeDecodeError:
            _fail("the password is not UTF-8: give it in UTF-8")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        _fail("the two passwords differ: run the command again")
    return password


def _export_account(settings: Settings, given: argparse.Namespace) -> int:
    import msgspec

    from shop_http.schemas.privacy import PersonalDataBody  # here: other commands do without the schemas

    with open_shop(settings) as shop:
        pages = [shop.privacy.data(SYSTEM, given.id)]
        while cursor := pages[-1].cursor:
            pages.append(shop.privacy.data(SYSTEM, given.id, cursor))
    whole = replace(
        pages[0],
        orders=tuple(order for page in pages for order in page.orders),
        reservations=tuple(reservation for page in pages for reservation in page.reservations),
    )
    body = msgspec.json.encode(PersonalDataBody.of(whole, SYSTEM, None))
    print(msgspec.json.format(body, indent=2).decode())
    return 0


def _demo_data(settings: Settings, _: argparse.Namespace) -> int:
    with open_shop(settings, create=True) as shop:
        added = add_demo_data(shop)
    print(f"Added {added} demo products." if added else "The catalog is not empty: nothing was added.")
    return 0


def _import_products(settings: Settings, given: argparse.Namespace) -> int:
    reading = _reading(settings, given)
    with open_shop(settings, create=not given.dry_run) as shop, progress(f"Importing {given.file.name}") as advance:
        report = import_products(
            shop,
            given.file,
            reading,
            on_bad_row=OnBadRow(given.on_bad_row),
            preview=given.dry_run,
            progress=advance,
        )
    for bad in report.bad_rows:
        print(f"{given.file}:{bad.line}: {bad.reason}", file=sys.stderr)
    if report.refused:
        _fail(f"{report.bad_row_count} bad rows: nothing was imported; mend them, or use --on-bad-row skip")
    rest = [
        (report.restored, "restored"),
        (report.pictured, "with the pictures of the file"),
        (report.left_out, "rows left out, as they are not for sale"),
    ]
    print(
        ("Nothing was written. It would be: " if given.dry_run else "")
        + f"{report.created} created, {report.updated} updated, {report.unchanged} unchanged,"
        + "".join(f" {count} {what}," for count, what in rest if count)
        + f" {report.counted} counted, {report.bad_row_count} bad rows skipped."
        + _new_families(report.new_families)
        + "".join(f" {note}" for note in report.notes)
    )
    return 1 if given.dry_run and report.bad_rows else 0


def _new_families(names: list[str]) -> str:
    rest = f" and {len(names) - _FAMILIES_SHOWN} more" if len(names) > _FAMILIES_SHOWN else ""
    return f" New families: {', '.join(names[:_FAMILIES_SHOWN])}{rest}." if names else ""


def _reading(settings: Settings, given: argparse.Namespace) -> Reading:
    """How a product file is read."""
    if given.map and given.profile:
        given.parser.error("--map and --profile cannot be combined: a profile knows the columns")
    renamed = {}
    for pair in given.map:
        theirs, _, ours = pair.rpartition("=")
        if not theirs.strip() or not (is_known(ours.strip()) or not ours.strip()):
            names = f"{', '.join(KNOWN)}, options.NAME"
            given.parser.error(f"--map {pair!r} must be THEIRS=OURS, where OURS is empty or one of {names}")
        renamed[theirs.strip().casefold()] = ours.strip()
    profile = next((one for name, one in PROFILES.items() if name.lower() == given.profile), None)
    if given.counted_at != "now":
        time_of_count(given.counted_at or "", datetime.now(UTC))  # so that a wrong one opens no database
    if given.images and not given.images.is_dir():
        given.parser.error(f"--images {str(given.images)!r} is no folder: name the one with the files of the pictures")
    return Reading(settings.currency, renamed, profile, given.counted_at or "", given.images)


def _audit(settings: Settings, _: argparse.Namespace) -> int:
    with open_shop(settings) as shop:
        return report(shop)


def _queue(settings: Settings, given: argparse.Namespace) -> int:
    with open_shop(settings) as shop:
        queue: QueueService[Any] = getattr(shop, given.queue)
        waiting, oldest = queue.waiting(SYSTEM)
        dead = _dead_messages(queue)
    print(f"{waiting} waiting" + (f", the oldest since {oldest:%Y-%m-%d %H:%M:%S} UTC." if oldest else "."))
    print(f"{len(dead)} dead" + (f": `shop {given.queue} resend` tries them again." if dead else "."))
    for message in dead:
        event = message.event
        print(f"{event.id} {event.type} of {event.subject_id} at {event.at:%Y-%m-%d %H:%M:%S} UTC: {message.error}")
    return 0


def _resend(settings: Settings, given: argparse.Namespace) -> int:
    if bool(given.ids) is given.all:
        given.parser.error("name the letters, or give --all")
    with open_shop(settings) as shop:
        queue: QueueService[Any] = getattr(shop, given.queue)
        found = [message.event.id for message in _dead_messages(queue)] if given.all else given.ids
        revived = queue.requeue(SYSTEM, found)
    print(f"{revived} dead letters will be tried again.")
    if revived < len(found):
        _fail(f"{len(found) - revived} of them are no dead letters: `shop {given.queue}` lists those there are")
    return 0


def _dead_messages(queue: QueueService[M]) -> list[Queued[M]]:
    messages: list[Queued[M]] = []
    while page := queue.dead(SYSTEM, OffsetRequest(LIMIT_MAX, len(messages))).items:
        messages += page
    return messages


def _touch_catalog(settings: Settings, _: argparse.Namespace) -> int:
    with open_shop(settings) as shop:
        shop.catalog.touch(SYSTEM)
    print("Every client copies the catalog anew when it asks next.")
    return 0


def _settings(settings: Settings, given: argparse.Namespace) -> int:
    table = settings.table(os.environ, vars(given))
    rows = [(variable, value or "(not set)", *rest) for variable, value, *rest in table]
    first, second, third = (max(len(row[index]) for row in rows) for index in range(3))
    for variable, value, source, meaning in rows:
        print(f"{variable:<{first}}  {value:<{second}}  {source:<{third}}  {meaning}")
    return 0


def _version(_: Settings, __: argparse.Namespace) -> int:
    print(f"shop {__version__} on Python {platform.python_version()}")
    return 0
