"""A thread that brings the server back when it dies while somebody is inside, as the launcher of a long-lived user."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator

from shop_adapters.embedded.errors import EmbeddedPostgresError
from shop_adapters.embedded.launcher import EmbeddedPostgres

LOOK_SECONDS = 0.1 if sys.platform == "linux" else 1.0  # elsewhere each look starts a `ps`
AGAIN_SECONDS = 1.0


@contextlib.contextmanager
def kept_running(postgres: EmbeddedPostgres, say: Callable[[str], None]) -> Iterator[None]:
    """While inside the block, start the server of `postgres` again whenever it is gone, crash recovery included.

    PostgreSQL itself starts again after a crash of any of its processes but the first one: nobody watches that.

    Arguments:
        postgres: entered, and not left before the block ends.
        say: gets a line when the server was brought back, or cannot be; called in another thread.
    """
    leaving = threading.Event()
    keeper = threading.Thread(target=_keep, args=(postgres, say, leaving), name="postgres-keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        leaving.set()
        keeper.join()  # one that starts a server would otherwise meet the end that stops it


def _keep(postgres: EmbeddedPostgres, say: Callable[[str], None], leaving: threading.Event) -> None:
    pause, is_told = LOOK_SECONDS, False
    while not leaving.wait(pause):
        pause = LOOK_SECONDS
        if postgres.is_seen():
            continue
        try:
            if postgres.requeue():
                say("PostgreSQL had died; it runs again.")
            else:
                pause = AGAIN_SECONDS
            is_told = False
        except (EmbeddedPostgresError, OSError) as failure:
            if not is_told:
                say(f"PostgreSQL died and does not start, trying on: {failure}")
            pause, is_told = AGAIN_SECONDS, True
