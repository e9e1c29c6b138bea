"""A real PostgreSQL for people who have none: from the binaries of a wheel, in one directory.

    with EmbeddedPostgres(Path("data")) as postgres:
        engine = create_engine(postgres.url())

In the directory are `postgres/` (the cluster), `postgres.log`, `run/` (the socket) and two lock files.
Every process that is inside holds a shared lock on `users.lock`; the one that can turn it into an exclusive
lock is the last, and stops the server. Starting and stopping happen one at a time, under `start.lock`.
The kernel drops the locks of a process that is killed, so they are never wrong; a server that nobody could
stop any more is adopted by the next user.

A server that dies while somebody is inside is started by the next who enters; who stays inside for long keeps it
running, with `kept_running`.

No signal handler is installed: a program that wants SIGTERM to stop the server turns it into an exception,
`signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))`.

For Linux and macOS. Standard library only.
"""

from shop_adapters.embedded.errors import EmbeddedPostgresError
from shop_adapters.embedded.keeper import kept_running
from shop_adapters.embedded.launcher import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "kept_running"]
