"""Debian's PostgreSQL with default settings, for one run. The embedded server has settings of its own, and hides what
a stock server does.

    python tests/stock_postgres.py COMMAND...

runs a command with SHOP_TEST_DATABASE_URL and SHOP_DATABASE_URL naming such a server.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shop_adapters.embedded.account import account_for
from shop_adapters.embedded.cluster import environment

MISSING = "Debian's PostgreSQL is not installed: apt-get install postgresql"


def find_binaries() -> Path | None:
    """The folder of the newest version that is installed, or None."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda folder: int(re.sub(r"\D", "", folder.parent.name) or 0), default=None)


@contextmanager
def serving(binaries: Path) -> Iterator[str]:
    """A server with every setting as it comes, except where it listens; PostgreSQL refuses root, so it gives root up.

    Yields the URL of a superuser.
    """
    with tempfile.TemporaryDirectory(prefix="stock-", dir="/tmp") as folder:
        home = Path(folder)
        account = account_for(home / "data")
        account.give(home)
        reach = (binaries, home)
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
        initdb = [str(binaries / "initdb"), "-D", str(home / "data"), *options]
        subprocess.run(account.command(initdb, reach), env=environment(), check=True, stdout=subprocess.DEVNULL)
        start = [str(binaries / "pg_ctl"), "-D", str(home / "data"), "-l", str(home / "log"), "--wait"]
        start += ["-o", f"-k {home} -c listen_addresses=''"]
        stop = [*start[:3], "-m", "immediate", "stop"]
        subprocess.run(
            account.command([*start, "start"], reach), env=environment(), check=True, stdout=subprocess.DEVNULL
        )
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={home}"
        finally:
            subprocess.run(account.command(stop, reach), env=environment(), check=True, stdout=subprocess.DEVNULL)


def main(command: list[str]) -> int:
    """Run the command; 0 with a reason if there is no server to be had."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that the server is stopped
    binaries = find_binaries()
    if binaries is None:
        print(f"skipped: {MISSING}")
        return 0
    with serving(binaries) as url:
        env = {**os.environ, "SHOP_TEST_DATABASE_URL": url, "SHOP_DATABASE_URL": url}
        return subprocess.run(command, env=env).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
