"""The server process: start it, find one that runs, ask whether it answers, stop it."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shop_adapters.embedded.account import Account
from shop_adapters.embedded.cluster import DATABASE, SETTINGS, SUPERUSER, environment
from shop_adapters.embedded.errors import EmbeddedPostgresError
from shop_adapters.embedded.sockets import PORT, SOCKET_NAME, is_private

POLL_SECONDS = 0.01
ANSWER_SECONDS_MAX = 15  # generous: a server that only has much to do must not be taken for a dead one
FAST_SECONDS_MAX = 60.0  # a checkpoint of much unwritten data
FORCED_SECONDS_MAX = 5.0


@dataclass(frozen=True)
class Postmaster:
    """What the server writes about itself into `postmaster.pid`."""

    pid: int
    socket_dir: Path
    status: str  # "starting", "ready", "stopping", or "" when it has not said so yet


def read_pid_file(cluster: Path) -> Postmaster | None:
    """The server of a cluster; None if the file is missing, half written, or came with a copy of another cluster."""
    try:
        lines = os.fsdecode((cluster / "postmaster.pid").read_bytes()).split("\n")
    except FileNotFoundError:
        return None
    # pid, data directory, start time, port, socket directory, address, shared memory, status
    lines += [""] * 8
    if not lines[0].isdigit():
        return None
    if lines[1] != str(cluster) and not is_running(cluster, int(lines[0])):  # if it is: moved, not copied
        return None
    return Postmaster(int(lines[0]), Path(lines[4]), lines[7].strip())


def spawn(cluster: Path, account: Account, binaries: Path, socket_dir: Path, log_file: Path, lock: int) -> int:
    """Start the server as our child and return its process id, without waiting.

    Its standard input is `lock`, an empty file: what is locked stays so until the server and its sessions have ended.
    """
    quoted = str(socket_dir).replace('"', '""')  # the setting is a list, a name in it may be quoted
    settings = SETTINGS | {"unix_socket_directories": f'"{quoted}"'}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    argv = [str(binaries / "postgres"), "-D", str(cluster), *options]
    must_reach = (binaries, binaries.parent / "share" / "postgresql", cluster, socket_dir)
    command = account.command(argv, must_reach)
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        # Not subprocess.Popen: the server may outlive us, which Popen reports as a leak.
        return os.posix_spawn(
            command[0],
            command,
            environment(),
            file_actions=[
                (os.POSIX_SPAWN_DUP2, lock, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,  # Ctrl-C in a terminal is for the users of the server, not for the server
            setsigmask=[],
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores these
        )
    finally:
        os.close(log)


def is_running(cluster: Path, pid: int) -> bool:
    """Whether `pid` is a server of this very cluster, and not a recycled number."""
    if sys.platform == "linux":
        process = Path("/proc", str(pid))
        # It works in the cluster, even when that was moved. In some containers root may not look there.
        with contextlib.suppress(OSError):
            if (process / "cwd").samefile(cluster) and (process / "exe").readlink().name == "postgres":
                return True
        try:
            arguments = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return (b"-D", os.fsencode(cluster)) in itertools.pairwise(arguments)
    listing = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True)
    return b"postgres -D " + os.fsencode(cluster) + b" " in listing.stdout


def answers(server: Postmaster, account: Account, binaries: Path) -> bool:
    """Whether the server is ready and accepts connections on its socket, which nobody else can have made."""
    if server.status != "ready" or not is_private(server.socket_dir, account):
        return False
    place = ("-h", str(server.socket_dir), "-p", str(PORT), "-U", SUPERUSER, "-d", DATABASE)
    argv = [str(binaries / "pg_isready"), "-q", "-t", str(ANSWER_SECONDS_MAX), *place]
    return subprocess.run(argv, env=environment()).returncode == 0


def remove_stale_pid_files(cluster: Path, socket_dir: Path) -> None:
    """Remove the files of a dead server whose process id now belongs to another program.

    PostgreSQL ignores such files itself unless a process with that id exists, which is common after a restart of
    a container. Call this only when the server is known not to run. Should one run all the same, its
    shared memory, which is found by the inode of the cluster, still stops a second one.
    """
    for leftover in (cluster / "postmaster.pid", socket_dir / f"{SOCKET_NAME}.lock"):
        with contextlib.suppress(FileNotFoundError, ValueError):
            pid = int(leftover.read_bytes().split(b"\n")[0])
            if _exists(pid):
                leftover.unlink()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def stop(cluster: Path, server: Postmaster, fast_seconds_max: float) -> None:
    """Stop the server if it runs: politely, then by force. Each way keeps committed data.

    Raises EmbeddedPostgresError when it survives even SIGKILL (it hangs in the disk).
    """
    if not is_running(cluster, server.pid):
        has_exited(server.pid)
        return
    ways = (
        (signal.SIGINT, fast_seconds_max),  # "fast": end sessions, write a checkpoint
        (signal.SIGQUIT, FORCED_SECONDS_MAX),  # "immediate": the next start recovers from the WAL
        (signal.SIGKILL, FORCED_SECONDS_MAX),
    )
    for how, seconds_max in ways:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server.pid, how)
        if wait_until(lambda: not is_running(cluster, server.pid), seconds_max):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(server.pid, 0)  # our child, if it is one, is past its end: no zombie stays
            return
    raise EmbeddedPostgresError(f"PostgreSQL of {cluster} does not stop: kill process {server.pid}")


def has_exited(pid: int) -> bool:
    """Whether our child `pid` has ended. Collects it, so that no zombie stays; False if it is not ours."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def wait_until(condition: Callable[[], bool], seconds_max: float) -> bool:
    """Poll `condition` until it holds or the time is over; return whether it held."""
    deadline = time.monotonic() + seconds_max
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
