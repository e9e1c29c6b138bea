"""Kills what the shop stands on, piece after piece, and measures how long it takes to stand again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from verification.processes import Process
from verification.server import ShopServer

KINDS = ("worker", "backend", "postmaster", "server", "everything")
RECOVERY_S_MAX = 180.0  # generous: only what never comes back takes so long


@dataclass(frozen=True, slots=True)
class Kill:
    """What one kill did.

    Args:
        kind: what was killed.
        back_s: until the shop said that it is ready; None if it never was.
    """

    kind: str
    back_s: float | None


class ProcessKiller:
    """Kills with `kill -9`, in an order that follows from the seed; no kind comes again before each had its turn.

    Args:
        server: whose processes, and those of its database.
        seed: of the choices.
        pause_s: shortest and longest time between a recovery and the next kill.
        kinds: what is killed.

    Attributes:
        server: as given.
        kills: what was done.
        findings: what did not come back.
    """

    def __init__(
        self,
        server: ShopServer,
        seed: str,
        pause_s: tuple[float, float] = (0.5, 2.5),
        kinds: Sequence[str] = KINDS,
    ) -> None:
        self.kills: list[Kill] = []
        self.findings: list[str] = []
        self.server = server
        self._rng = Random(f"{seed}/killer")
        self._pause_s = pause_s
        self._kinds = self._turns(kinds)

    def _turns(self, kinds: Sequence[str]) -> Iterator[str]:
        while True:
            yield from self._rng.sample(kinds, len(kinds))

    async def rage(self, until: float, kills_min: int = 0) -> None:
        """Kill until that time (of `time.monotonic`), and at least so many."""
        done = 0
        while time.monotonic() < until or done < kills_min:
            kind = next(self._kinds)
            await asyncio.sleep(self._rng.uniform(*self._pause_s))
            while not await self._kill(kind):  # it had just ended by itself, or was not there yet
                await asyncio.sleep(self._pause_s[0])
            done += 1

    async def _kill(self, kind: str) -> bool:
        act: Callable[[Random], Process | None] = getattr(self.server, f"kill_{kind}")
        postmaster, workers = self.server.postmaster_pid(), self.server.worker_pids()
        victim = await asyncio.to_thread(act, self._rng)
        if victim is None:
            return False
        struck = time.monotonic()

        def is_replaced() -> bool:
            if kind == "postmaster":
                return self.server.postmaster_pid() not in (None, postmaster)
            if kind in ("worker", "server", "everything"):
                now = self.server.worker_pids()
                return (
                    victim.pid not in now
                    and len(now) >= self.server.workers
                    and not (kind != "worker" and now & workers)
                )
            return True

        ready_at = None
        while time.monotonic() < struck + RECOVERY_S_MAX:
            await asyncio.to_thread(self.server.tend)
            if await asyncio.to_thread(self.server.is_ready):
                ready_at = ready_at or time.monotonic()
                if await asyncio.to_thread(is_replaced):
                    break
            elif kind != "worker":
                ready_at = None
            await asyncio.sleep(0.02)
        else:
            self.findings.append(f"after the kill of {kind} ({victim.command[:60]}) not everything came back")
        self.kills.append(Kill(kind, ready_at - struck if ready_at else None))
        return True


async def tended(server: ShopServer) -> None:
    """Start the server again whenever it ends, for as long as this runs."""
    while True:
        await asyncio.to_thread(server.tend)
        await asyncio.sleep(0.1)
