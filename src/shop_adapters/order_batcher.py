"""The order train: carries placing and reserving from all requests of a process, many in one transaction.

One transaction an order is bounded by the one product that everybody wants: each waits for the commit before it. So
callers submit and wait, and one thread takes everything that waits, up to a cap, decides it as one batch, commits,
answers, and leaves again at once. An idle train leaves with its first passenger, so a lone order pays nothing; a busy
one is fuller, never slower. Several processes may each have a train on the same database.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from shop_core import Shop
from shop_core.errors import Refusal, Unavailable
from shop_core.idempotency import Result
from shop_core.orders.model import Order, PlacementRequest
from shop_core.ports import NewId
from shop_core.reservations.model import Reservation, ReservationRequest

Q = TypeVar("Q")
R = TypeVar("R")

_log = logging.getLogger(__name__)

BATCH_SIZE_MAX = 64
WAITING_MAX = 5_000
WAIT_MAX_S = 2.0
_REPLAYS = 2
_SMOOTHING = 0.2


@dataclass(frozen=True, slots=True)
class _Line(Generic[Q, R]):
    """What the train can carry: how a batch of it is decided, and how one is found again whose commit was lost."""

    decide: Callable[[Sequence[Q], Sequence[UUID]], Sequence[Result[R] | Refusal]]
    find: Callable[[Sequence[Q], Sequence[UUID]], Mapping[UUID, R]]


@dataclass(frozen=True, slots=True, eq=False)
class _Rider(Generic[Q, R]):
    """A request on its way, what it will be called if it makes something, and who waits for the answer."""

    line: _Line[Q, R]
    request: Q
    id: UUID
    future: Future[Result[R]] = field(default_factory=Future)
    came_at: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class BatcherReport:
    """What a train has done so far.

    Args:
        trains: departures.
        riders: requests that were carried.
        waiting: requests that wait now.
        refused: requests that were sent away at the platform.
        failed: departures that failed as a whole and were replayed one by one.
        train_s: seconds that a train takes, lately.
        waited_s: seconds that all riders together waited for their departure.
    """

    trains: int = 0
    riders: int = 0
    waiting: int = 0
    refused: int = 0
    failed: int = 0
    train_s: float = 0.0
    waited_s: float = 0.0


class OrderBatcher:
    """Carries placing and reserving. Start it once a process, and stop it at the end.

    Args:
        shop: decides and remembers.
        new_id: gives each order and each reservation its id.
        batch_size_max: how many requests one train takes.
        wait_max_s: who would have to wait longer than so many seconds is refused at once.

    >>> from shop_adapters.memory import MemoryAdapters
    >>> adapters = MemoryAdapters()
    >>> with OrderBatcher(Shop(adapters), adapters.new_id) as train:
    ...     train.report.riders
    0
    """

    def __init__(
        self, shop: Shop, new_id: NewId, *, batch_size_max: int = BATCH_SIZE_MAX, wait_max_s: float = WAIT_MAX_S
    ) -> None:
        self._new_id = new_id
        self._riders_max = batch_size_max
        self._wait_max_s = wait_max_s
        self._orders = _Line(shop.orders.place_all, shop.orders.placed)
        self._reservations = _Line(shop.reservations.reserve_all, shop.reservations.reserved)
        self._platform: deque[_Rider[Any, Any]] = deque()
        self._changed = threading.Condition()
        self._on_board = 0
        self._departed_at = 0.0
        self._is_stopping = False
        self._report = BatcherReport()
        self._thread = threading.Thread(target=self._run, name="order-train", daemon=True)

    def __enter__(self) -> OrderBatcher:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def report(self) -> BatcherReport:
        """What it has done so far."""
        with self._changed:
            self._report.waiting = len(self._platform)
            return self._report

    def place(self, request: PlacementRequest) -> Future[Result[Order]]:
        """Have an order placed. The future ends after the commit, with the answer or the refusal.

        To cancel the future takes the request off the platform; on the train, it arrives whoever still waits.

        Raises:
            Unavailable: the wait would be too long, or the train runs no more. Nothing was done.
        """
        return self._board(self._orders, request)

    def reserve(self, request: ReservationRequest) -> Future[Result[Reservation]]:
        """Have units held, likewise.

        Raises:
            Unavailable: the wait would be too long, or the train runs no more. Nothing was done.
        """
        return self._board(self._reservations, request)

    def start(self) -> None:
        """Let it run. Who boards before waits."""
        self._thread.start()

    def stop(self) -> None:
        """Let nobody board any more, and let those arrive who did."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        self._thread.join()

    def _board(self, line: _Line[Q, R], request: Q) -> Future[Result[R]]:
        rider = _Rider(line, request, self._new_id())
        with self._changed:
            if self._is_stopping:
                raise Unavailable("The shop is closing down: send the request again.")
            wait_s = self._expected_wait_s()
            if wait_s > self._wait_max_s or len(self._platform) >= WAITING_MAX:
                self._report.refused += 1
                message = (
                    f"Too many orders wait: yours would take {wait_s:.1f} seconds, we promise {self._wait_max_s:g}."
                )
                raise Unavailable(f"{message} Nothing was done: try again later.", max(1, round(wait_s)))
            self._platform.append(rider)
            if len(self._platform) == 1:
                self._changed.notify_all()
        return rider.future

    def _expected_wait_s(self) -> float:
        """How long one who comes now would wait: by the trains before his, and at least as long as this one is late.

        By trains and not by riders: a full one hardly takes longer than one with a single rider.
        """
        if not self._on_board and not self._platform:
            return 0.0
        late = time.monotonic() - self._departed_at if self._on_board else 0.0
        before = len(self._platform) // self._riders_max + bool(self._on_board)
        return max(before * self._report.train_s, late)

    def _run(self) -> None:
        while riders := self._next():
            started = time.monotonic()
            for line in (self._orders, self._reservations):
                if batch := [rider for rider in riders if rider.line is line]:
                    self._carry(line, batch)
            self._note(len(riders), time.monotonic() - started)

    def _next(self) -> list[_Rider[Any, Any]]:
        """Those who leave now; nobody once the train is to stop and the platform empty."""
        with self._changed:
            self._on_board = 0
            while True:
                self._changed.wait_for(lambda: self._platform or self._is_stopping)
                count = min(len(self._platform), self._riders_max)
                riders = [self._platform.popleft() for _ in range(count)]
                boarded = [rider for rider in riders if rider.future.set_running_or_notify_cancel()]
                if boarded or not riders:
                    self._on_board, self._departed_at = len(boarded), time.monotonic()
                    self._report.waited_s += sum(self._departed_at - rider.came_at for rider in boarded)
                    return boarded

    def _note(self, riders: int, seconds: float) -> None:
        with self._changed:
            report = self._report
            report.trains += 1
            report.riders += riders
            report.train_s += (seconds - report.train_s) * (1 if report.trains == 1 else _SMOOTHING)

    def _carry(self, line: _Line[Q, R], riders: Sequence[_Rider[Q, R]]) -> None:
        """Decide for a batch, and wake who waits for it. Nothing that happens here ends the train."""
        try:
            outcomes = line.decide([rider.request for rider in riders], [rider.id for rider in riders])
        except Exception as failure:
            if len(riders) > 1:
                _log.warning("a train of %d failed (%s) and is replayed one by one", len(riders), failure)
            with self._changed:
                self._report.failed += 1
            self._replay(line, riders, failure)
            return
        for rider, outcome in zip(riders, outcomes, strict=True):
            _answer(rider, outcome)

    def _replay(self, line: _Line[Q, R], riders: Sequence[_Rider[Q, R]], failure: Exception) -> None:
        """After a failure as a whole: find what was committed nevertheless, and carry the others one by one."""
        found = self._found(line, riders)
        for rider in riders:
            if found is None:
                _answer(rider, failure)
            elif rider.id in found:
                _answer(rider, Result(found[rider.id]))
            else:
                self._carry_alone(line, rider)

    def _carry_alone(self, line: _Line[Q, R], rider: _Rider[Q, R]) -> None:
        for _ in range(_REPLAYS):
            try:
                (outcome,) = line.decide([rider.request], [rider.id])
            except Exception as failure:
                found = self._found(line, [rider])
                if found is None or not isinstance(failure, Unavailable):
                    _answer(rider, failure)
                    return
                if rider.id in found:
                    _answer(rider, Result(found[rider.id]))
                    return
                outcome = failure
            else:
                break
        _answer(rider, outcome)

    @staticmethod
    def _found(line: _Line[Q, R], riders: Sequence[_Rider[Q, R]]) -> Mapping[UUID, R] | None:
        """What of the batch is committed; None if that cannot be found out."""
        for _ in range(_REPLAYS):
            try:
                return line.find([rider.request for rider in riders], [rider.id for rider in riders])
            except Exception as failure:
                _log.warning("cannot find out what was committed: %s", failure)
        return None


def _answer(rider: _Rider[Any, R], outcome: Result[R] | Exception) -> None:
    if isinstance(outcome, Exception):
        rider.future.set_exception(outcome)
    else:
        rider.future.set_result(outcome)
