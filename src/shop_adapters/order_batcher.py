"""The order batcher: places orders and reserves units for all requests of a process, many in one transaction.

With a transaction for each order, orders of the same product would wait for each other's commits. So requests are
queued, and one thread takes all that are queued, up to a maximum, and decides, commits and answers them as one batch
(group commit). An idle batcher starts at once, so a lone order pays nothing; under load batches get larger, not slower.
Several processes may each have a batcher on the same database.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
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
QUEUE_LENGTH_MAX = 5_000
WAIT_MAX_S = 2.0
_RETRIES = 2
_SMOOTHING = 0.2


@dataclass(frozen=True, slots=True)
class _Kind(Generic[Q, R]):
    """A kind of request: how a batch is decided, and how its results are found after a lost commit."""

    decide: Callable[[Sequence[Q], Sequence[UUID]], Sequence[Result[R] | Refusal]]
    find: Callable[[Sequence[Q], Sequence[UUID]], Mapping[UUID, R]]


class _Pending(Generic[Q, R]):
    """A queued request, the id of what it may make, and the future of its result."""

    __slots__ = ("future", "id", "kind", "queued_at", "request")

    def __init__(self, kind: _Kind[Q, R], request: Q, id_: UUID) -> None:
        self.kind, self.request, self.id = kind, request, id_
        self.future: Future[Result[R]] = Future()
        self.queued_at = time.monotonic()


@dataclass(slots=True)
class BatcherReport:
    """What a batcher has done so far.

    Args:
        batches: how many.
        requests: in all batches together.
        waiting: requests that are queued now.
        refused: requests that were refused because the wait would have been too long.
        failed: batches that failed as a whole, so that their requests were retried one by one.
        batch_s: seconds that a batch takes, lately.
        wait_s: seconds that all requests together were queued.
    """

    batches: int = 0
    requests: int = 0
    waiting: int = 0
    refused: int = 0
    failed: int = 0
    batch_s: float = 0.0
    wait_s: float = 0.0


class OrderBatcher:
    """Places and reserves in batches. Start one in each process, and stop it at the end.

    Args:
        shop: decides and stores.
        new_id: gives each order and each reservation its id.
        batch_size_max: requests in one batch.
        wait_max_s: a request that would have to wait longer is refused at once.

    >>> from shop_adapters.memory import MemoryAdapters
    >>> adapters = MemoryAdapters()
    >>> with OrderBatcher(Shop(adapters), adapters.new_id) as batcher:
    ...     batcher.report.requests
    0
    """

    def __init__(
        self, shop: Shop, new_id: NewId, *, batch_size_max: int = BATCH_SIZE_MAX, wait_max_s: float = WAIT_MAX_S
    ) -> None:
        self._new_id = new_id
        self._batch_size_max = batch_size_max
        self._wait_max_s = wait_max_s
        self._orders = _Kind(shop.orders.place_all, shop.orders.find_committed)
        self._reservations = _Kind(shop.reservations.reserve_all, shop.reservations.find_committed)
        self._queue: deque[_Pending[Any, Any]] = deque()
        self._changed = threading.Condition()
        self._is_deciding = False
        self._flushed_at = 0.0
        self._is_stopping = False
        self._report = BatcherReport()
        self._thread = threading.Thread(target=self._run, name="order-batcher", daemon=True)

    def __enter__(self) -> OrderBatcher:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def report(self) -> BatcherReport:
        """What it has done so far."""
        with self._changed:
            self._report.waiting = len(self._queue)
            return self._report

    def place(self, request: PlacementRequest) -> Future[Result[Order]]:
        """Queue an order. The future ends after the commit, with the result or the refusal.

        Cancelling it removes the request from the queue. Once its batch has begun, the order is placed anyway.

        Raises:
            Unavailable: the wait would be too long, or the batcher is stopping. Nothing was done.
        """
        return self._enqueue(self._orders, request)

    def reserve(self, request: ReservationRequest) -> Future[Result[Reservation]]:
        """Queue a reservation, likewise.

        Raises:
            Unavailable: the wait would be too long, or the batcher is stopping. Nothing was done.
        """
        return self._enqueue(self._reservations, request)

    def start(self) -> None:
        """Start the thread. Requests can be queued before."""
        self._thread.start()

    def stop(self) -> None:
        """Refuse new requests, and return after all that are queued have been answered."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        self._thread.join()

    def _enqueue(self, kind: _Kind[Q, R], request: Q) -> Future[Result[R]]:
        pending = _Pending(kind, request, self._new_id())
        with self._changed:
            if self._is_stopping:
                raise Unavailable("The shop is closing down: send the request again.")
            if self._queue or self._is_deciding:
                self._check_wait()
            self._queue.append(pending)
            if len(self._queue) == 1:
                self._changed.notify_all()
        return pending.future

    def _check_wait(self) -> None:
        """Refuse a request that would wait too long.

        The wait is the larger of two figures: the batches ahead times the usual time of a batch, and the time that the
        present batch has taken so far.

        Batches are counted, not requests: a full one hardly takes longer than one with a single request.
        """
        present_s = time.monotonic() - self._flushed_at if self._is_deciding else 0.0
        batches_before = len(self._queue) // self._batch_size_max + self._is_deciding
        wait_s = max(batches_before * self._report.batch_s, present_s)
        if wait_s > self._wait_max_s or len(self._queue) >= QUEUE_LENGTH_MAX:
            self._report.refused += 1
            message = f"Too many orders are waiting: yours would take {wait_s:.1f} seconds, the limit is "
            message += f"{self._wait_max_s:g}. Nothing was done: try again later."
            raise Unavailable(message, max(1, round(wait_s)))

    def _run(self) -> None:
        while batch := self._flush():
            started = time.monotonic()
            for kind in (self._orders, self._reservations):
                if of_kind := [pending for pending in batch if pending.kind is kind]:
                    self._decide(kind, of_kind)
            self._record(len(batch), time.monotonic() - started)

    def _flush(self) -> list[_Pending[Any, Any]]:
        """Take the next batch from the queue, waiting for one; empty once the batcher stops and the queue is empty."""
        with self._changed:
            self._is_deciding = False
            while True:
                self._changed.wait_for(lambda: self._queue or self._is_stopping)
                size = min(len(self._queue), self._batch_size_max)
                taken = [self._queue.popleft() for _ in range(size)]
                batch = [pending for pending in taken if pending.future.set_running_or_notify_cancel()]
                if batch or not taken:
                    self._is_deciding, self._flushed_at = bool(batch), time.monotonic()
                    self._report.wait_s += sum(self._flushed_at - pending.queued_at for pending in batch)
                    return batch

    def _record(self, requests: int, seconds: float) -> None:
        with self._changed:
            report = self._report
            report.batches += 1
            report.requests += requests
            report.batch_s += (seconds - report.batch_s) * (1 if report.batches == 1 else _SMOOTHING)

    def _decide(self, kind: _Kind[Q, R], batch: Sequence[_Pending[Q, R]]) -> None:
        """Decide a batch and answer its requests. No exception ends the thread."""
        try:
            outcomes = kind.decide([pending.request for pending in batch], [pending.id for pending in batch])
        except Exception as failure:
            if len(batch) > 1:
                _log.warning("a batch of %d failed (%s) and is retried one by one", len(batch), failure)
            with self._changed:
                self._report.failed += 1
            self._retry(kind, batch, failure)
            return
        for pending, outcome in zip(batch, outcomes, strict=True):
            _answer(pending, outcome)

    def _retry(self, kind: _Kind[Q, R], batch: Sequence[_Pending[Q, R]], failure: Exception) -> None:
        """After a batch failed as a whole: find what was committed nevertheless, and decide the others one by one."""
        found = self._find(kind, batch)
        for pending in batch:
            if found is None:
                _answer(pending, failure)
            elif pending.id in found:
                _answer(pending, Result(found[pending.id]))
            else:
                self._decide_alone(kind, pending)

    def _decide_alone(self, kind: _Kind[Q, R], pending: _Pending[Q, R]) -> None:
        for _ in range(_RETRIES):
            try:
                (outcome,) = kind.decide([pending.request], [pending.id])
            except Exception as failure:
                found = self._find(kind, [pending])
                if found is None or not isinstance(failure, Unavailable):
                    _answer(pending, failure)
                    return
                if pending.id in found:
                    _answer(pending, Result(found[pending.id]))
                    return
                outcome = failure
            else:
                break
        _answer(pending, outcome)

    @staticmethod
    def _find(kind: _Kind[Q, R], batch: Sequence[_Pending[Q, R]]) -> Mapping[UUID, R] | None:
        """The results of a batch that were committed; None if that is unknown."""
        for _ in range(_RETRIES):
            try:
                return kind.find([pending.request for pending in batch], [pending.id for pending in batch])
            except Exception as failure:
                _log.warning("cannot find out what was committed: %s", failure)
        return None


def _answer(pending: _Pending[Any, R], outcome: Result[R] | Exception) -> None:
    if isinstance(outcome, Exception):
        pending.future.set_exception(outcome)
    else:
        pending.future.set_result(outcome)
