"""A real PostgreSQL for people who have none installed: from the binaries of a wheel, in one directory.

    with EmbeddedPostgres(Path("data")) as postgres:
        engine = create_engine(postgres.url())

The directory holds `postgres/` (the cluster), `postgres.log`, `run/` (the socket) and three lock files.
Every process that uses the server has a shared lock on `users.lock`. The process that can turn its lock into an
exclusive one is the last user, and stops the server. Servers are started and stopped one at a time, under `start.lock`.
The kernel drops the locks of a process that is killed, so the locks are never wrong. A server that a killed process
left behind is adopted by the next user.

Containers may share the directory, as a volume on one machine. None sees the processes of another, so a server holds a
lock on `server.lock` itself: as long as it does, nobody starts a second one.

A server that dies while it is used is started again by the next process that enters. A process that stays inside for
long uses `kept_running` for that.

No signal handler is installed: a program that wants SIGTERM to stop the server turns it into an exception,
`signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))`.

For Linux and macOS. Standard library only.
"""

from shop_adapters.embedded.errors import EmbeddedPostgresError
from shop_adapters.embedded.launcher import EmbeddedPostgres
from shop_adapters.embedded.restarter import kept_running

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "kept_running"]
