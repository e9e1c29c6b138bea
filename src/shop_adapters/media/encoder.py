"""Making the files of a picture, each time in a process of its own: see `renditions`."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import IO, Any

from shop_core.catalog.images import Rendition
from shop_core.errors import Busy, Fault, UnusableImage

PROGRAM = Path(__file__).with_name("renditions.py")
DONE_WITHIN_S = 20.0
WAIT_S_MAX = 5.0
AT_ONCE = 2
"""Processes at once, of each of which 200 MiB of memory may be in use."""

_logger = logging.getLogger("shop.pictures")


class PictureProcess:
    """`shop_core.ports.ImageEncoder`, by Pillow. Threads share one.

    Args:
        at_once: how many pictures are worked on at the same time.
        wait_s: how long others wait for that, in seconds.
        done_within_s: how long one may take, in seconds.

    Attributes:
        memory_kib_max: the most that one has had in use so far, as far as they could tell.
    """

    def __init__(
        self, at_once: int = AT_ONCE, *, wait_s: float = WAIT_S_MAX, done_within_s: float = DONE_WITHIN_S
    ) -> None:
        self._places = BoundedSemaphore(at_once)
        self._wait_s, self._done_within_s = wait_s, done_within_s
        self.memory_kib_max = 0

    def renditions(self, body: bytes) -> Sequence[Rendition]:
        """See `shop_core.ports.ImageEncoder`."""
        if not self._places.acquire(timeout=self._wait_s):
            raise Busy("Too many pictures are being made. Nothing was done: send it again shortly.")
        try:
            with _file_with(body) as upload, tempfile.TemporaryFile() as made:
                head = self._run(upload, made)
                if "code" in head:
                    raise UnusableImage(Fault("image", head["rule"], head["code"]))
                return [Rendition(width, height, made.read(size)) for width, height, size in head["files"]]
        finally:
            self._places.release()

    def _run(self, upload: IO[bytes], made: IO[bytes]) -> dict[str, Any]:
        """The first line of the result; what stands behind it is left in `made`."""
        command = [sys.executable, "-I", str(PROGRAM)]  # isolated: no variable and no folder changes what it imports
        try:
            done = subprocess.run(
                command, stdin=upload, stdout=made, stderr=subprocess.PIPE, env={}, timeout=self._done_within_s
            )
        except subprocess.TimeoutExpired:
            rule = f"takes more than {self._done_within_s:g} s to decode: save it anew, or smaller"
            raise UnusableImage(Fault("image", rule, "too_slow_to_decode")) from None
        made.seek(0)
        head = made.readline()
        if done.returncode != 0 or not head.endswith(b"\n"):
            # Killed by its bounds, or a fault of a decoder: either way the upload did it, and another one will do.
            last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:300]
            _logger.warning("a picture was refused: its process ended with %d: %s", done.returncode, last)
            rule = "takes too much to decode: save it anew, as a JPEG, PNG or WebP"
            raise UnusableImage(Fault("image", rule, "not_decodable"))
        found: dict[str, Any] = json.loads(head)
        self.memory_kib_max = max(self.memory_kib_max, found["memory_kib"])
        return found


@contextmanager
def _file_with(body: bytes) -> Any:
    """A file without a name: the process reads from it what it needs, and keeps no copy in its memory."""
    with tempfile.TemporaryFile() as file:
        file.write(body)
        file.seek(0)
        yield file
