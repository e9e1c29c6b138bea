"""Where the server listens: a Unix socket in a directory that only its owner can enter."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from shop_adapters.embedded.account import Account
from shop_adapters.embedded.errors import EmbeddedPostgresError

PORT = 5432  # not a TCP port: PostgreSQL names the socket file after it
SOCKET_NAME = f".s.PGSQL.{PORT}"
PATH_BYTES_MAX = 103  # of a socket: macOS; Linux allows 107


def make_socket_dir(data_dir: Path, account: Account) -> Path:
    """Create or reuse the directory of the socket, and return it.

    It is `run` in the data directory, unless that path is too long for a socket or has a comma, at which
    libpq splits a list of hosts. Then it is in the folder for temporary files, under a name made from the
    data directory.

    Raises EmbeddedPostgresError when it exists and somebody else could have put a socket into it.
    """
    name = "shop-pg-" + hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    candidates = (data_dir / "run", Path(tempfile.gettempdir(), name), Path("/tmp", name))
    directory = next(path for path in candidates if _is_usable(path))
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        close_to_others(directory, account)
    else:
        account.give(directory)
    if not is_private(directory, account):
        raise EmbeddedPostgresError(
            f"socket directory {directory} is not private to user {account.uid}: remove it, then start again"
        )
    return directory


def close_to_others(directory: Path, account: Account) -> None:
    """Take back what others may read or enter of a directory of `account`, such as after `chmod -R 755`.

    One that others may write to stays as it is: somebody may have put something into it.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return  # none, a link, or not ours to read
    try:
        status = os.fstat(descriptor)
        if status.st_uid == account.uid and status.st_mode & 0o077 and not status.st_mode & 0o022:
            os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & 0o700)
    finally:
        os.close(descriptor)


def is_private(directory: Path, account: Account) -> bool:
    """Whether only `account` can create a socket in `directory`."""
    try:
        status = directory.lstat()  # a link could point anywhere
    except OSError:
        return False
    is_closed = stat.S_ISDIR(status.st_mode) and status.st_mode & 0o077 == 0
    return is_closed and status.st_uid == account.uid


def _is_usable(directory: Path) -> bool:
    return len(os.fsencode(directory / SOCKET_NAME)) <= PATH_BYTES_MAX and "," not in str(directory)
