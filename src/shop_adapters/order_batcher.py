"""The order batcher: places orders and reserves units for all requests of a process, many in one transaction.

With a transaction for each order, orders of the same product would wait for each other's commits. So requests are
queued, and one thread takes all that are queued, up to a maximum, and decides, commits and answers them as one batch
(group commit). An idle batcher starts at once, so a lone order pays nothing; under load batches get larger, not slower,
and after a large one the batcher waits some milliseconds for as many (`GATHER_S`). Each process may have a batcher.

Few requests must not hold up all others. So a batch has a limited number of lines, and there are two queues, whose
batches alternate: requests with many lines, and those that need a row which somebody else keeps locked, are in the
slow queue, all others in the light one. A batch of light requests waits for rows only as long as the adapters'
`lock_s`; one of slow requests, not at all: what is busy is tried again a moment later.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID

from shop_adapters.observation import BatchObserver
from shop_core import Shop
from shop_core.batching import Request
from shop_core.errors import Busy, Refusal, Unavailable
from shop_core.idempotency import Result
from shop_core.inventory.model import LINES_MAX
from shop_core.orders.model import Order, PlacementRequest
from shop_core.ports import NewId
from shop_core.reservations.model import Reservation, ReservationRequest

Q = TypeVar("Q", bound=Request)
R = TypeVar("R")

_log = logging.getLogger(__name__)

BATCH_SIZE_MAX, WAIT_MAX_S = 64, 2.0
GATHER_S, GATHERED_MIN = 0.005, 8
"""After a batch of at least GATHERED_MIN requests, wait for as many, or half a full batch: GATHER_S at most."""
QUEUE_LENGTH_MAX, QUEUE_LINES_MAX = 5_000, 20_000
LIGHT_LINES_MAX = 100
"""A request with more lines is in the slow queue."""
LOCK_WAIT_S = 0.5
"""How long a batch should wait for rows: the `lock_s` of the adapters of its shop."""
_PAUSE_FACTOR = 3
"""After a batch with large requests, the next such batch waits for so many times as long as that one took."""
_BUSY_RETRY_S, _BUSY_S, _FAILED_S = 0.05, 1.0, 5.0
_RETRIES, _SMOOTHING = 2, 0.2


@dataclass(frozen=True, slots=True)
class _Kind(Generic[Q, R]):
    """A kind of request: how a batch is decided, and how its results are found after a lost commit."""

    decide: Callable[..., Sequence[Result[R] | Refusal]]
    find: Callable[[Sequence[Q], Sequence[UUID]], Mapping[UUID, R]]


@dataclass(slots=True, eq=False)
class _Pending(Generic[Q, R]):
    """A queued request, the id of what it may make, its lines, what the observer remembers, and its future result."""

    kind: _Kind[Q, R]
    request: Q
    id: UUID
    lines: int  # of a reservation that becomes an order they are not known here: the service bounds them
    observed: object
    future: Future[Result[R]] = field(default_factory=Future)
    queued_at: float = field(default_factory=time.monotonic)


class _Queue:
    """Queued requests, and how many lines they have together."""

    __slots__ = ("lines", "pending")

    def __init__(self) -> None:
        self.pending: deque[_Pending[Any, Any]] = deque()
        self.lines = 0

    def put(self, pending: _Pending[Any, Any], *, first: bool = False) -> None:
        (self.pending.appendleft if first else self.pending.append)(pending)
        self.lines += pending.lines

    def take(self, size_max: int, lines_max: int) -> list[_Pending[Any, Any]]:
        """The next batch, less what was cancelled: at most so many requests, and so many lines."""
        taken: list[_Pending[Any, Any]] = []
        while self.pending and len(taken) < size_max and self.pending[0].lines <= lines_max:
            pending = self.pending.popleft()
            self.lines -= pending.lines
            if pending.future.running() or pending.future.set_running_or_notify_cancel():
                taken.append(pending)
                lines_max -= pending.lines
        return taken


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
        observer: observes the batches, for traces.
    """

    def __init__(
        self,
        shop: Shop,
        new_id: NewId,
        *,
        batch_size_max: int = BATCH_SIZE_MAX,
        wait_max_s: float = WAIT_MAX_S,
        observer: BatchObserver | None = None,
    ) -> None:
        self._new_id = new_id
        self._observer = observer
        self._decide_kind = partial(self._decide_observed, observer) if observer is not None else self._decide
        self._batch_size_max = batch_size_max
        self._wait_max_s = wait_max_s
        self._orders = _Kind(shop.orders.place_all, shop.orders.find_committed)
        self._reservations = _Kind(shop.reservations.reserve_all, shop.reservations.find_committed)
        self._light, self._slow = _Queue(), _Queue()
        self._busy_retry_at = 0.0  # the earliest time of a batch of the slow queue: something in it was busy
        self._next_large_at = 0.0  # the earliest time of the next batch with large requests
        self._large_batch_s = 0.0  # how long such a batch took last time, with the pause after it
        self._failed_at = -_FAILED_S
        self._busy_until = 0.0  # until then no batch waits for rows that are locked
        self._changed = threading.Condition()
        self._notified_at = 1  # how many must be queued for the thread to be woken
        self._is_deciding, self._began_at = False, 0.0
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
            self._report.waiting = len(self._light.pending) + len(self._slow.pending)
            return self._report

    def check(self) -> None:
        """Check that orders can be placed.

        Raises:
            Unavailable: the present batch has taken longer than a request may wait, or one failed a moment ago.
        """
        now = time.monotonic()
        with self._changed:
            if self._is_deciding and now - self._began_at > self._wait_max_s:
                raise Unavailable(f"The present batch of orders has taken {now - self._began_at:.1f} seconds so far.")
            if now - self._failed_at < _FAILED_S:
                raise Unavailable("Orders failed a moment ago: the log says why.")

    def place(self, request: PlacementRequest) -> Future[Result[Order]]:
        """Queue an order. The future ends after the commit, with the result or the refusal. Cancelling it removes the
        request from the queue; once its batch has begun, the order is placed anyway.

        Raises Unavailable: the wait would be too long, or the batcher is stopping. Nothing was done.
        """
        return self._enqueue(self._orders, request)

    def reserve(self, request: ReservationRequest) -> Future[Result[Reservation]]:
        """Queue a reservation, likewise. Raises Unavailable for the same reasons."""
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
        observed = self._observer.request() if self._observer is not None else None
        pending = _Pending(kind, request, self._new_id(), len(request.units) or 1, observed)
        queue = self._light if pending.lines <= LIGHT_LINES_MAX else self._slow
        with self._changed:
            if self._is_stopping:
                raise Unavailable("The shop is closing down: send the request again.")
            if queue.pending or self._is_deciding:
                self._check_wait(queue)
            queue.put(pending)
            if len(queue.pending) == self._notified_at:
                self._changed.notify_all()
        return pending.future

    def _check_wait(self, queue: _Queue) -> None:
        """Refuse a request that would wait too long.

        The wait is the larger of two figures: the batches ahead times the usual time of a batch, and the time that the
        present batch has taken so far. A full batch hardly takes longer than one with a single request.
        """
        present_s = time.monotonic() - self._began_at if self._is_deciding else 0.0
        batches_before = max(len(queue.pending) // self._batch_size_max, queue.lines // LINES_MAX) + self._is_deciding
        wait_s = max(batches_before * self._report.batch_s, present_s)
        if queue is self._slow:
            wait_s = max(wait_s, queue.lines // LINES_MAX * self._large_batch_s)
        is_full = len(queue.pending) >= QUEUE_LENGTH_MAX or queue.lines >= QUEUE_LINES_MAX
        if wait_s > self._wait_max_s or is_full:
            self._report.refused += 1
            message = f"Too many orders are waiting: yours would take {wait_s:.1f} seconds, the limit is "
            message += f"{self._wait_max_s:g}. Nothing was done: try again later."
            raise Unavailable(message, max(1, round(wait_s)))

    def _run(self) -> None:
        while (batch := self._next_batch()) or self._slow.pending or not self._is_stopping:
            self._run_batch(batch, wait=time.monotonic() >= self._busy_until)
            if self._slow.pending:
                self._run_slow_batch()
            elif len(batch) >= GATHERED_MIN:
                self._gather(min(len(batch), self._batch_size_max // 2))

    def _gather(self, size: int) -> None:
        """Wait a little until so many requests are queued: clients that were answered just now often come again."""
        with self._changed:
            self._notified_at = size
            self._changed.wait_for(lambda: len(self._light.pending) >= size or self._is_stopping, GATHER_S)
            self._notified_at = 1

    def _next_batch(self) -> list[_Pending[Any, Any]]:
        """Take the next batch of light requests, waiting for any request; empty if there is none."""
        with self._changed:
            self._is_deciding = False
            self._changed.wait_for(lambda: self._light.pending or self._slow.pending or self._is_stopping)
            return self._take_batch(self._light)

    def _take_batch(self, queue: _Queue, lines_max: int = LINES_MAX) -> list[_Pending[Any, Any]]:
        """Take a batch of a queue."""
        batch = queue.take(self._batch_size_max, lines_max)
        self._is_deciding, self._began_at = bool(batch), time.monotonic()
        return batch

    def _run_slow_batch(self) -> None:
        """Decide a batch of the slow queue; if what is in it was busy a moment ago, wait a little or do others."""
        with self._changed:
            self._is_deciding = False
            is_large = self._slow.pending[0].lines > LIGHT_LINES_MAX
            due_at = max(self._busy_retry_at, self._next_large_at) if is_large else self._busy_retry_at
            self._changed.wait_for(lambda: self._light.pending, max(0.0, due_at - time.monotonic()))
            if self._light.pending and time.monotonic() < due_at:
                return
            is_due = time.monotonic() >= self._next_large_at
            batch = self._take_batch(self._slow, LINES_MAX if is_due else LIGHT_LINES_MAX)
        self._run_batch(batch, wait=False)
        if any(each.lines > LIGHT_LINES_MAX for each in batch):
            # Others who want the same rows come next, also those in other processes.
            now = time.monotonic()
            pause_s = _PAUSE_FACTOR * (now - self._began_at)
            self._next_large_at, self._large_batch_s = now + pause_s, now + pause_s - self._began_at

    def _run_batch(self, batch: Sequence[_Pending[Any, Any]], *, wait: bool) -> None:
        for kind in (self._orders, self._reservations):
            if of_kind := [pending for pending in batch if pending.kind is kind]:
                self._decide_kind(kind, of_kind, wait=wait)
        if not batch:
            return
        batch_s = time.monotonic() - self._began_at
        with self._changed:
            report = self._report
            report.batches += 1
            report.requests += len(batch)
            report.wait_s += sum(self._began_at - pending.queued_at for pending in batch)
            report.batch_s += (batch_s - report.batch_s) * (1 if report.batches == 1 else _SMOOTHING)

    def _decide_observed(
        self, observer: BatchObserver, kind: _Kind[Q, R], batch: Sequence[_Pending[Q, R]], *, wait: bool
    ) -> None:
        failed_before = self._report.failed
        with observer.batch([pending.observed for pending in batch], sum(each.lines for each in batch)) as fail:
            self._decide(kind, batch, wait=wait)
            if self._report.failed > failed_before:
                fail()

    def _decide(self, kind: _Kind[Q, R], batch: Sequence[_Pending[Q, R]], *, wait: bool) -> None:
        """Decide a batch and answer its requests. No exception ends the thread."""
        try:
            outcomes = kind.decide([pending.request for pending in batch], [pending.id for pending in batch], wait=wait)
        except Exception as failure:
            self._retry(kind, batch, failure, has_waited=wait)
        else:
            self._answer(batch, outcomes)

    def _answer(self, batch: Sequence[_Pending[Any, R]], outcomes: Sequence[Result[R] | Exception]) -> None:
        for pending, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Exception):
                self._refuse(pending, outcome)
            else:
                pending.future.set_result(outcome)

    def _refuse(self, pending: _Pending[Any, Any], error: Exception) -> None:
        """Refuse a request, or set it aside, if it only needs what others have locked."""
        if isinstance(error, Busy) and self._set_aside(pending):
            return
        if isinstance(error, Unavailable) and not isinstance(error, Busy):
            self._failed_at = time.monotonic()
        pending.future.set_exception(error)

    def _set_aside(self, pending: _Pending[Any, Any]) -> bool:
        """Have a request decided again that needs what others have locked; False if it has waited for long enough."""
        now = time.monotonic()
        with self._changed:
            if now - pending.queued_at > self._wait_max_s:
                self._report.refused += 1
                return False
            self._slow.put(pending, first=pending.lines <= LIGHT_LINES_MAX)
            self._busy_retry_at = now + _BUSY_RETRY_S
            if now - pending.queued_at > LOCK_WAIT_S:
                self._busy_until = now + _BUSY_S
            return True

    def _retry(self, kind: _Kind[Q, R], batch: Sequence[_Pending[Q, R]], error: Exception, *, has_waited: bool) -> None:
        """After a batch failed as a whole: find what was committed nevertheless, and decide the others one by one.

        If it is `Busy`, nothing was committed. One that has waited for a row is decided again, without what is busy.
        """
        is_busy = isinstance(error, Busy)
        if is_busy and has_waited:
            self._busy_until = time.monotonic() + _BUSY_S
            self._decide(kind, batch, wait=False)
            return
        if is_busy and len(batch) == 1:
            self._refuse(batch[0], error)
            return
        if not is_busy:
            _log.warning("a batch of %d failed (%s) and is retried one by one", len(batch), error)
            with self._changed:
                self._report.failed += 1
        found = {} if is_busy else self._find(kind, batch)
        for pending in batch:
            if found is None:
                self._refuse(pending, error)
            elif pending.id in found:
                self._answer([pending], [Result(found[pending.id])])
            else:
                self._decide_alone(kind, pending)

    def _decide_alone(self, kind: _Kind[Q, R], pending: _Pending[Q, R]) -> None:
        outcomes: Sequence[Result[R] | Exception]
        for _ in range(_RETRIES):
            try:
                outcomes = kind.decide([pending.request], [pending.id], wait=False)
                break
            except Exception as failure:
                found = None if isinstance(failure, Busy) else self._find(kind, [pending])  # if busy, nothing was done
                outcomes = [Result(found[pending.id]) if found else failure]
                if found != {} or not isinstance(failure, Unavailable):
                    break
        self._answer([pending], outcomes)

    @staticmethod
    def _find(kind: _Kind[Q, R], batch: Sequence[_Pending[Q, R]]) -> Mapping[UUID, R] | None:
        """The results of a batch that were committed; None if that is unknown."""
        for _ in range(_RETRIES):
            try:
                return kind.find([pending.request for pending in batch], [pending.id for pending in batch])
            except Exception as failure:
                _log.warning("cannot find out what was committed: %s", failure)
        return None
