"""A thread that starts the server again when it dies while somebody uses it, as the launcher of a long-lived user."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator

from shop_adapters.embedded.errors import EmbeddedPostgresError
from shop_adapters.embedded.launcher import EmbeddedPostgres

CHECK_SECONDS = 0.1 if sys.platform == "linux" else 1.0  # elsewhere each check starts a `ps`
RETRY_SECONDS = 1.0


@contextlib.contextmanager
def kept_running(postgres: EmbeddedPostgres, report: Callable[[str], None]) -> Iterator[None]:
    """While inside the block, start the server of `postgres` again whenever it is gone, crash recovery included.

    PostgreSQL itself recovers from a crash of any of its processes but the first one: nothing watches that.

    Arguments:
        postgres: entered, and not left before the block ends.
        report: gets a line when the server was started again, or cannot be; called in another thread.
    """
    leaving = threading.Event()
    thread = threading.Thread(
        target=_keep_running, args=(postgres, report, leaving), name="postgres-restarter", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        leaving.set()
        thread.join()  # else a server that it just starts would run on after the launcher stopped the others


def _keep_running(postgres: EmbeddedPostgres, report: Callable[[str], None], leaving: threading.Event) -> None:
    pause, is_reported = CHECK_SECONDS, False
    while not leaving.wait(pause):
        pause = CHECK_SECONDS
        if postgres.is_running():
            continue
        try:
            if postgres.restart():
                report("PostgreSQL had died; it runs again.")
            else:
                pause = RETRY_SECONDS
            is_reported = False
        except (EmbeddedPostgresError, OSError) as failure:
            if not is_reported:
                report(f"PostgreSQL died and does not start; trying again: {failure}")
            pause, is_reported = RETRY_SECONDS, True
