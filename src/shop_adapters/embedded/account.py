"""The account that the server runs as when root starts it, because PostgreSQL refuses to be root.

No account is added and no mode or owner outside the server's own directories is touched. When the
account cannot reach the binaries or the data (a checkout below /root, say), the server keeps exactly
one capability, CAP_DAC_READ_SEARCH: it may pass and read any directory, and write only what is its own.
When everything is reachable without it, as usual, it keeps none.

This file is also a program: root must be given up in a process of its own, and running Python code between
fork and exec is not safe in a program that has threads:

    python account.py UID GID DIRECTORY... -- COMMAND...

becomes UID:GID for good and executes COMMAND, which needs to reach every DIRECTORY.
It imports the standard library only: it runs with `-I -S`, without site-packages.
"""

import contextlib
import ctypes
import os
import pwd
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# From linux/prctl.h, linux/securebits.h and linux/capability.h.
PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_READ_SEARCH = 2
CAP_SETPCAP = 8


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int

    def command(self, argv: Sequence[str], must_reach: Sequence[Path]) -> list[str]:
        """`argv` as this account: unchanged when we are it already."""
        if self.uid == os.geteuid():
            return list(argv)
        this_program = [sys.executable, "-I", "-S", __file__, str(self.uid), str(self.gid)]
        return [*this_program, *map(str, must_reach), "--", *argv]

    def give(self, directory: Path) -> None:
        """Make this account the owner of a directory that we just created.

        Raises OSError where that is not possible, as for the root of some containers.
        """
        if self.uid == os.geteuid():
            return
        try:
            os.chown(directory, self.uid, self.gid, follow_symlinks=False)
        except OSError as error:
            reason = f"root may not run PostgreSQL, nor give this to account {self.uid} ({error.strerror})"
            raise OSError(error.errno, reason, str(directory)) from error


def account_for(cluster: Path) -> Account:
    """The account for the server of `cluster`, which need not exist yet.

    A plain user runs it as themselves. For root it is the owner of an existing cluster, so that it never
    changes. For a new cluster it is `postgres`, an account made for this, and `nobody` only where there is
    none: other daemons may run as `nobody`, and could read the data.

    Raises LookupError when this machine has neither, or the cluster belongs to somebody else.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    accounts = service_accounts()
    if not accounts:
        raise LookupError("no account named postgres or nobody")
    owner = cluster.stat(follow_symlinks=False).st_uid if os.path.lexists(cluster) else 0
    if owner == 0:
        return accounts[0]
    for account in accounts:
        if account.uid == owner:
            return account
    raise LookupError(f"{cluster} belongs to user {owner}, who is neither postgres nor nobody")


def service_accounts() -> list[Account]:
    """The accounts that a server of root may run as. Nobody else gets a process, or a capability, from root."""
    accounts = []
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            accounts.append(Account(entry.pw_uid, entry.pw_gid))
    return accounts


def _become(uid: int, gid: int) -> None:
    """Give up root. What was permitted stays permitted, but nothing is in effect."""
    os.chdir("/")  # the caller's folder may be closed to the account
    os.setgroups([])
    os.setgid(gid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setuid(uid)


def _keep_read_search() -> bool:
    """Reduce what is permitted to CAP_DAC_READ_SEARCH and pass that on through exec; see capabilities(7)."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None)
    mask = 1 << CAP_DAC_READ_SEARCH
    return bool(
        _permit(libc, mask | 1 << CAP_SETPCAP)
        # Otherwise access(2) ignores the capabilities of everybody but root, and initdb looks with it for `postgres`.
        and libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) == 0
        and _permit(libc, mask)
        and libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0) == 0
    )


def _permit(libc: ctypes.CDLL, mask: int) -> bool:
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    # effective, permitted, inheritable; then the same three for capabilities above 31
    return bool(libc.capset(header, (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)) == 0)


def main(arguments: list[str]) -> None:
    end = arguments.index("--")
    uid, gid = int(arguments[0]), int(arguments[1])
    must_reach, command = arguments[2:end], arguments[end + 1 :]
    _become(uid, gid)
    closed = [directory for directory in must_reach if not os.access(directory, os.R_OK | os.X_OK)]
    if closed and not _keep_read_search():
        sys.exit(
            f"FATAL: root may not run PostgreSQL, and account {uid} cannot enter {closed[0]}: run as a plain user,"
            " use a folder that others may enter, or allow this container CAP_DAC_READ_SEARCH"
        )
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(f"FATAL: account {uid} cannot run {command[0]} ({error.strerror}): chmod a+x that file")


if __name__ == "__main__":
    main(sys.argv[1:])
