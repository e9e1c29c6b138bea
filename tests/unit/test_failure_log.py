"""An event or mail that does not arrive leaves a line in the log, and a receiver that is down does not flood it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import cast

import pytest

from shop_adapters.background import Repeating
from shop_adapters.memory import MemoryAdapters
from shop_adapters.publishers.failure_log import LINES_MAX, WINDOW_S, FailureLog
from shop_core import Registration, Shop
from shop_core.events import Event
from shop_core.mail.model import MailMessage
from shop_core.outbox import ATTEMPTS_MAX, retry_delay
from shop_core.ports import Adapters, Undelivered
from shop_http.server.composition import _jobs
from shop_testing import Fixtures, MovableClock
from shop_testing.fixtures import Altered, request


class Refusing:
    """Takes no event and no mail."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def publish(self, event: Event) -> None:
        self.ids.append(str(event.id))
        raise Undelivered("hooks.example:443 answered 503 Service Unavailable")

    def send(self, message: MailMessage) -> None:
        raise Undelivered(f"450 <{message.to.upper()}> is busy")


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What was logged since the last call."""
    caplog.set_level(logging.WARNING, "shop.background")

    def new_lines() -> list[str]:
        found = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return found

    return new_lines


def run_once(job: object) -> None:
    """As its thread does, until there is nothing to do."""
    assert isinstance(job, Repeating)
    job._wait = lambda _: True
    job.run()


def test_each_attempt_for_an_event_that_fails_is_one_line_in_the_log(
    shop: Shop, fixtures: Fixtures, clock: MovableClock, lines: Callable[[], list[str]]
) -> None:
    receiver = Refusing()
    shop.orders.place(request(fixtures.customer(), (fixtures.product(units=9), 1)))
    for attempt in range(1, ATTEMPTS_MAX + 1):
        run_once(_jobs(shop, receiver, None, int)[-1])
        due_at = clock() + retry_delay(attempt)
        then = f"next try at {due_at:%Y-%m-%dT%H:%M:%SZ}" if attempt < ATTEMPTS_MAX else "given up"
        why = "hooks.example:443 answered 503 Service Unavailable"
        assert lines() == [
            f"event {receiver.ids[0]} did not arrive, attempt {attempt} of {ATTEMPTS_MAX}: {why}; {then}"
        ]
        clock.move(retry_delay(attempt))


def test_a_mail_that_fails_is_in_the_log_without_its_address(
    adapters: MemoryAdapters, lines: Callable[[], list[str]]
) -> None:
    shop = Shop(cast(Adapters, Altered(adapters, has_mail=True)))
    shop.accounts.register(Registration("ada", "numbers are music", "ada@example.org"))
    run_once(_jobs(shop, None, Refusing(), int)[-1])
    (line,) = lines()
    assert line.startswith("mail ")
    assert f"did not arrive, attempt 1 of {ATTEMPTS_MAX}: 450 ... is busy; next try at " in line


def test_a_receiver_that_is_down_gets_few_lines_which_say_how_many_were_left_out(
    shop: Shop, fixtures: Fixtures, clock: MovableClock, lines: Callable[[], list[str]]
) -> None:
    time_s = 100.0
    log = FailureLog("event", lambda: time_s)
    lamp = fixtures.product(units=99)
    for _ in range(3 * LINES_MAX):
        shop.orders.place(request(fixtures.customer(), (lamp, 1)))
    shop.outbox.relay(Refusing(), on_failure=log)
    assert len(lines()) == LINES_MAX
    time_s += WINDOW_S
    clock.move(timedelta(seconds=WINDOW_S))
    shop.outbox.relay(Refusing(), on_failure=log)
    first, *rest = lines()
    assert first.endswith(f" ({2 * LINES_MAX} more failures before it)")
    assert len(rest) == LINES_MAX - 1
    assert not any("before it" in line for line in rest)
