"""EmbeddedPostgres: starts the server for its first user, and stops it after the last one."""

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from shop_adapters.embedded import cluster, postmaster, sockets
from shop_adapters.embedded.account import Account, account_for, service_accounts
from shop_adapters.embedded.errors import EmbeddedPostgresError

START_LOCK = "start.lock"  # also the mark of a directory that is ours
USERS_LOCK = "users.lock"
SERVER_LOCK = "server.lock"  # held by the server and its sessions, so that it tells of them in other containers, too
LOG_BYTES_MAX = 10_000_000  # a longer log moves to postgres.log.1 at the next start
START_SECONDS_MAX = 300  # replaying much WAL after a crash takes time, and must not be cut short
ORPHANS_SECONDS_MAX = 10


class EmbeddedPostgres:
    """A PostgreSQL in `data_dir`, shared by every process that enters it.

    The first process to enter starts it, the last one to leave stops it. Enter an instance once at a time; other
    instances for the same directory are other users, in the same process or not.

    Arguments:
        data_dir: a directory that this made before, an empty one, or one to create.
        create: whether to make a cluster where there is none; else that is an error, and leaves no trace.

    Attributes:
        data_dir: the same, absolute and without symbolic links.
        binaries: the folder with `psql`, `pgbench` and the others.
        log_file: what the server said.
        major_version: of PostgreSQL: 18.

    Raises EmbeddedPostgresError when the wheel with the binaries is missing.
    """

    major_version = cluster.MAJOR_VERSION

    def __init__(self, data_dir: Path, *, create: bool = True) -> None:
        self.data_dir = data_dir.resolve()
        self.binaries = cluster.find_binaries()
        self.log_file = self.data_dir / "postgres.log"
        self._cluster = self.data_dir / "postgres"
        self._creates = create
        self._server: postmaster.Postmaster | None = None
        self._start_lock = -1
        self._users_lock = -1
        self._entered_by = -1

    def __enter__(self) -> "EmbeddedPostgres":
        """Start the server or join the one that runs; return when it answers.

        Raises EmbeddedPostgresError when that is not possible, in one line with the next step.
        """
        if self._server is not None:
            raise RuntimeError(f"already inside {self.data_dir}: use one instance for each user")
        try:
            self._claim_directory()
            self._enter()
        except OSError as refusal:
            place = refusal.filename or self.data_dir
            raise EmbeddedPostgresError(
                f"cannot use data directory {self.data_dir}: {place}: {refusal.strerror}:"
                " change its owner or mode, choose another directory, or start as another user"
            ) from refusal
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave; stop the server if nobody else is inside.

        Raises EmbeddedPostgresError when the server does not stop.
        """
        self._leave()

    def url(self, database: str = cluster.DATABASE) -> str:
        """A URL for SQLAlchemy with psycopg 3, as the superuser `shop`, while inside.

        Arguments:
            database: a name on this server; `shop` exists from the start.
        """
        if self._server is None:
            raise RuntimeError(f"not inside {self.data_dir}: enter it with `with` first")
        host = quote(str(self._server.socket_dir), safe="")
        name = quote(database, safe="")
        return f"postgresql+psycopg://{cluster.SUPERUSER}@/{name}?host={host}&port={sockets.PORT}"

    def is_running(self) -> bool:
        """Whether the process of the server exists, while inside. It may exist and not answer."""
        return self._server is not None and postmaster.is_running(self._cluster, self._server.pid)

    def restart(self) -> bool:
        """Start the server again after it died, or join one that another process started; return when it answers.

        The address stays the same. `restarter.kept_running` calls this when it is due.

        Returns whether the server is another process now. It is the same if it never died: one in another container
        on the same volume answers, although its process cannot be seen from here.

        Raises EmbeddedPostgresError when it does not start, or the cluster is gone: an empty one in its place would
        look like a shop that lost everything. Raises OSError when its files cannot be used.
        """
        if self._server is None:
            raise RuntimeError(f"not inside {self.data_dir}: enter it with `with` first")
        with self._starting_or_stopping():
            postmaster.has_exited(self._server.pid)  # no zombie stays
            account = account_for(self._cluster)
            if not cluster.check_cluster(self._cluster, account):
                raise EmbeddedPostgresError(f"the cluster {self._cluster} is gone: put it back, or start anew")
            before = self._server.pid
            self._server = self._adopted(account) or self._started(account)
        return self._server.pid != before

    # Entering and leaving

    def _claim_directory(self) -> None:
        """Make the directory if need be, see that it is ours, and open the lock files."""
        if self.data_dir.exists() and not self.data_dir.is_dir():
            raise EmbeddedPostgresError(f"data directory {self.data_dir} is a file: choose another path")
        if not self._creates and not self._cluster.exists():
            raise EmbeddedPostgresError(
                f"there is no shop in {self.data_dir}: choose the directory of one (--data-dir or SHOP_DATA_DIR),"
                " or make one with `shop serve`"
            )
        self._check_owners()
        # Root's server runs as another account. Let that pass, so that it needs no capability to get in;
        # what is inside is closed to everybody else all the same.
        self.data_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        entries = set(os.listdir(self.data_dir)) - {"lost+found"}  # of a disk of its own
        if entries and START_LOCK not in entries:
            raise EmbeddedPostgresError(
                f"data directory {self.data_dir} is not empty and was not made by Shop: choose an empty or new one"
            )
        server = postmaster.read_pid_file(self._cluster)
        if server and postmaster.is_running(self._cluster, server.pid) and USERS_LOCK not in os.listdir(self.data_dir):
            raise EmbeddedPostgresError(  # those who have it open would not be seen, and their server be stopped
                f"{self.data_dir / USERS_LOCK} was removed while PostgreSQL runs (process {server.pid}):"
                f" stop the shop, or if none runs `kill -INT {server.pid}`, then start again"
            )
        # Python opens files with O_CLOEXEC: no child process holds a lock for longer than we do.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        self._start_lock = os.open(self.data_dir / START_LOCK, flags, 0o600)
        try:
            self._users_lock = os.open(self.data_dir / USERS_LOCK, flags, 0o600)
        except BaseException:
            self._close_locks()
            raise

    def _check_owners(self) -> None:
        """Root writes only where nobody else can place a link or another directory, now or later: see sshd(8),
        StrictModes.
        """
        if os.geteuid() != 0:
            return
        owners = {0, *(account.uid for account in service_accounts())}
        for place in filter(Path.exists, (self.data_dir, *self.data_dir.parents)):
            status = place.stat(follow_symlinks=False)
            whose = "" if place == self.data_dir else f"{place}, above "
            if status.st_uid not in owners:
                raise EmbeddedPostgresError(
                    f"{whose}data directory {self.data_dir} belongs to user {status.st_uid}, and you are root:"
                    " start the shop as that user, or choose a directory of root's"
                )
            if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
                raise EmbeddedPostgresError(
                    f"{whose}data directory {self.data_dir} can be written to by other users, and you are root:"
                    f" chmod go-w {place}, or choose another directory"
                )

    def _enter(self) -> None:
        self._entered_by = os.getpid()
        try:
            with self._starting_or_stopping():
                fcntl.flock(self._users_lock, fcntl.LOCK_SH)  # free: only the last user's way out is exclusive
                self._server = self._running_server()
        except BaseException:
            self._leave()  # stops what was started, unless others are inside
            raise

    def _leave(self) -> None:
        try:
            if self._entered_by != os.getpid():
                return  # a fork of the user: the user is still inside
            try:
                self._stop_if_last()
            except (KeyboardInterrupt, SystemExit):
                # An impatient Ctrl-C, or a signal handler that exits, must not leave the server behind.
                self._stop_if_last()
                raise
        finally:
            self._server = None
            self._close_locks()

    def _stop_if_last(self) -> None:
        with self._starting_or_stopping():
            try:
                fcntl.flock(self._users_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            # Ours may not have written its file yet, and another user may have started a new one since we entered.
            for server in (self._server, postmaster.read_pid_file(self._cluster)):
                if server is not None:
                    postmaster.stop(self._cluster, server, postmaster.FAST_SECONDS_MAX)

    @contextlib.contextmanager
    def _starting_or_stopping(self) -> Iterator[None]:
        fcntl.flock(self._start_lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._start_lock, fcntl.LOCK_UN)

    def _close_locks(self) -> None:
        for descriptor in (self._users_lock, self._start_lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._users_lock = self._start_lock = -1

    # Under the start lock

    def _running_server(self) -> postmaster.Postmaster:
        """The server that runs and answers; if there is none, a new one."""
        try:
            account = account_for(self._cluster)
        except LookupError as missing:
            raise EmbeddedPostgresError(f"root may not run PostgreSQL, and {missing}: run as a plain user") from None
        cluster.remove_unfinished(self.data_dir)
        if not cluster.check_cluster(self._cluster, account):
            cluster.create_cluster(self._cluster, account, self.binaries)
        return self._adopted(account) or self._started(account)

    def _adopted(self, account: Account) -> postmaster.Postmaster | None:
        """The server that runs already, because others use it or a killed user left it; None if there is none.

        One that does not answer is stopped, but never while others use it: what keeps us out may not trouble them.

        Raises EmbeddedPostgresError when others use one that does not answer us.
        """
        server = postmaster.read_pid_file(self._cluster)
        if server is None:
            return None
        if server.status != "ready" and postmaster.is_running(self._cluster, server.pid):
            server = self._settled(server)
        sockets.close_to_others(server.socket_dir, account)
        # What answers on a socket that only our account can make is ours. Ask that first, not for its process:
        # it may run in another container on the same volume.
        if postmaster.answers(server, account, self.binaries):
            return server
        if postmaster.is_running(self._cluster, server.pid) and self._is_used_by_others():
            raise EmbeddedPostgresError(
                f"PostgreSQL in {self.data_dir} (process {server.pid}) is used by others and does not answer here:"
                f" see that socket directory {server.socket_dir} is there with mode 0700, or stop the others first"
            )
        postmaster.stop(self._cluster, server, postmaster.FORCED_SECONDS_MAX)
        return None

    def _is_used_by_others(self) -> bool:
        """Whether another user is inside. Under the start lock, so that nobody enters or leaves meanwhile."""
        try:
            fcntl.flock(self._users_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            fcntl.flock(self._users_lock, fcntl.LOCK_SH)  # also after a failure, which may have dropped it
        return False

    def _settled(self, server: postmaster.Postmaster) -> postmaster.Postmaster:
        """Wait for a server that is starting or stopping, because whoever did that was killed meanwhile."""

        def is_settled() -> bool:
            latest = postmaster.read_pid_file(self._cluster)
            return latest is None or latest.status == "ready" or not postmaster.is_running(self._cluster, latest.pid)

        postmaster.wait_until(is_settled, START_SECONDS_MAX)
        return postmaster.read_pid_file(self._cluster) or server

    def _has_ended(self) -> bool:
        """Whether no process of a server is left, in this container or another one on the same volume."""
        with self._server_lock() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    def _is_ready(self) -> bool:
        server = postmaster.read_pid_file(self._cluster)
        return server is not None and server.status == "ready" and postmaster.is_running(self._cluster, server.pid)

    @contextlib.contextmanager
    def _server_lock(self) -> Iterator[int]:
        """The lock file of the server, open. What is locked stays so for a child that inherits it."""
        lock = os.open(self.data_dir / SERVER_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            yield lock
        finally:
            os.close(lock)

    def _started(self, account: Account) -> postmaster.Postmaster:
        """Start a server and wait until it is ready.

        Raises EmbeddedPostgresError when one runs that cannot be seen: a second one would destroy the data.
        """
        # Sessions of a killed server end a moment after it; and a server whose starter was killed gets ready.
        postmaster.wait_until(lambda: self._has_ended() or self._is_ready(), ORPHANS_SECONDS_MAX)
        if not self._has_ended():
            if server := self._adopted(account):
                return server
            raise EmbeddedPostgresError(
                f"PostgreSQL in {self.data_dir} is used by others, perhaps in another container, and does not answer"
                " here: try again in a moment, or stop the others first"
            )
        socket_dir = sockets.make_socket_dir(self.data_dir, account)
        if self._cluster.stat().st_mode & 0o007:  # PostgreSQL would refuse it; its group may read, for backups
            sockets.close_to_others(self._cluster, account)
        postmaster.remove_stale_pid_files(self._cluster, socket_dir)
        if self._log_bytes() > LOG_BYTES_MAX:
            self.log_file.replace(self.log_file.with_name("postgres.log.1"))
        orphans_deadline = time.monotonic() + ORPHANS_SECONDS_MAX
        while True:
            log_start = self._log_bytes()
            with self._server_lock() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH)
                pid = postmaster.spawn(self._cluster, account, self.binaries, socket_dir, self.log_file, lock)
            self._server = postmaster.Postmaster(pid, socket_dir, "starting")  # so that Ctrl-C from here on stops it
            if server := self._outcome(pid):
                return server
            output = self.log_file.read_bytes()[log_start:].decode(errors="replace")
            # Sessions of a killed server end a moment after it; until then its memory is in use.
            if "pre-existing shared memory block" not in output or time.monotonic() > orphans_deadline:
                raise cluster.failure("PostgreSQL did not start", self.data_dir, output, self.log_file)
            time.sleep(0.1)

    def _outcome(self, child: int) -> postmaster.Postmaster | None:
        """Wait for our child to be ready, or to end; None if it ended.

        When the process that was starting a server is killed, that server and ours meet. One of them gets
        `postmaster.pid`; either is right.
        """

        def is_decided() -> bool:
            server = postmaster.read_pid_file(self._cluster)
            if server and postmaster.is_running(self._cluster, server.pid):
                return server.status == "ready"
            return postmaster.has_exited(child)

        if not postmaster.wait_until(is_decided, START_SECONDS_MAX):
            raise EmbeddedPostgresError(
                f"PostgreSQL in {self.data_dir} is not ready after {START_SECONDS_MAX} s: read {self.log_file}"
            )
        server = postmaster.read_pid_file(self._cluster)
        return server if server and postmaster.is_running(self._cluster, server.pid) else None

    def _log_bytes(self) -> int:
        return self.log_file.stat().st_size if self.log_file.exists() else 0
