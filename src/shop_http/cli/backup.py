"""`shop backup` and `shop restore`."""

from __future__ import annotations

import argparse
import os
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from shop_http.cli.audit import report
from shop_http.cli.progress import progress
from shop_http.server.database import back_up_database, open_shop, restore_database
from shop_http.server.settings import Settings

RESTORE_HELP = """\
The settings say where to: an empty database, or with --replace one whose data may be lost. Stop its servers first. The
backup comes back whole or not at all; one of an older version is brought to the schema of this one. At the end the shop
is audited. Pictures and `secret_key` are not in a backup; with another secret everybody has to log in again."""


def run_backup(settings: Settings, given: argparse.Namespace) -> int:
    """Write the file beside its place, and give it its name when it is whole."""
    path: Path = given.path
    if path.is_dir():
        path /= f"shop-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip"
    if path.exists():
        given.parser.error(f"{path} is there already: name another file")
    with tempfile.NamedTemporaryFile(prefix=f"{path.name}.", dir=path.parent, delete=False) as file:  # mode 0600
        try:
            with progress("Backing up") as advance:
                manifest = back_up_database(settings, file, advance)
            file.flush()
            os.fsync(file.fileno())
            try:
                os.link(file.name, path)  # refuses to replace a file that was made meanwhile
            except FileExistsError:
                raise
            except OSError:  # no links can be made there
                path.open("x").close()
                os.replace(file.name, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(file.name)
    size_mb = path.stat().st_size / 1e6
    print(f"{path} has {manifest.rows:,} rows of {len(manifest.tables)} tables, {size_mb:,.1f} MB.")
    return 0


def run_restore(settings: Settings, given: argparse.Namespace) -> int:
    """Restore, then audit."""
    with given.file.open("rb") as file, progress("Restoring") as advance:
        manifest = restore_database(settings, file, advance, replace=given.replace)
    print(f"Restored {manifest.rows:,} rows, as they were at {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC.")
    with open_shop(settings) as shop:
        return report(shop)
