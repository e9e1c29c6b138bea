"""A log that nobody reads holds up nothing; what cannot wait any longer is dropped and counted."""

from __future__ import annotations

import os
import threading

from shop_http.server.log import LINES_BYTES_MAX, QueuedLines
from shop_testing.concurrency import TIMEOUT_S

LINE = b"x" * 999 + b"\n"


def test_appending_to_a_log_that_nobody_reads_does_not_wait_and_the_oldest_lines_are_dropped() -> None:
    reading, writing = os.pipe()
    try:
        log = QueuedLines(writing, max_count=100)
        for number in range(1_000):  # a pipe takes 64 KiB
            log.append(b"%d\n" % number + LINE)
        writer = threading.Thread(target=log.write)
        writer.start()
        log.limit()
        for number in range(1_000):
            log.append(b"%d\n" % number + LINE)
        log.limit()
        assert log.dropped > 1_500
        with os.fdopen(reading, "rb", closefd=False) as file:
            lines = 0
            while lines < 2 * (2_000 - log.dropped):
                assert file.readline()
                lines += 1
        writer.join(TIMEOUT_S)
        assert not writer.is_alive()
    finally:
        os.close(reading)
        os.close(writing)


def test_lines_come_out_whole_and_in_order() -> None:
    reading, writing = os.pipe()
    log = QueuedLines(writing)
    for number in range(30):
        log.append(b"%d\n" % number)
    log.write()
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        assert file.read().split() == [b"%d" % number for number in range(30)]


def test_few_long_lines_are_bounded_too() -> None:
    log, line = QueuedLines(-1), b"x" * (LINES_BYTES_MAX // 8)
    for _ in range(12):
        log.append(line)
    log.limit()
    assert log.dropped == 4
