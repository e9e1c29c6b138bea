"""A connection cut at every byte of what is asked and of what is answered: the retry makes no second order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from verification.client import API, Answer, Connection, Lost, request_bytes
from verification.proxy import Cut, How, Proxy, Side

ALWAYS_DUE = 8
_HEAD_BYTES_MAX = 600  # of an answer; a cut behind its end is none
_TRIES_MAX = 40


@dataclass(slots=True)
class Cuts:
    """What was cut, and what was wrong.

    Args:
        done: cuts by side.
        made_before: retries whose first attempt had done it.
    """

    done: Counter[str] = field(default_factory=Counter)
    made_before: int = 0
    findings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Job:
    cut: Cut
    path: str
    body: dict[str, object]
    key: str
    token: str


async def cut_everywhere(port: int, tokens: Sequence[str], product: str, seed: str, stride: int) -> Cuts:
    """Place and reserve single units of `product`, each time cut at another byte, and ask again until it is answered.

    Args:
        port: of the server, which nobody kills meanwhile.
        tokens: of customers, who take turns.
        stride: 1 for every byte; else every so many bytes, from one that follows from the seed.
    """
    cuts, jobs = Cuts(), list(await _jobs(port, tokens, product, Random(f"{seed}/cuts"), stride))
    waiting = iter(jobs)

    async def take() -> None:
        for job in waiting:
            await _one(port, job, cuts)

    await asyncio.gather(*(take() for _ in range(ALWAYS_DUE)))
    return cuts


async def _jobs(port: int, tokens: Sequence[str], product: str, rng: Random, stride: int) -> Iterator[_Job]:
    lines = [{"product_id": product, "quantity": 1}]
    kinds: tuple[tuple[str, dict[str, object]], ...] = (
        ("/orders", {"lines": lines}),
        ("/reservations", {"lines": lines, "ttl_seconds": 1}),
    )
    found: list[_Job] = []
    for path, body in kinds:
        connection, key = Connection(port), str(UUID(int=rng.getrandbits(128)))
        answer = await connection.ask("POST", API + path, body, token=tokens[0], headers={"Idempotency-Key": key})
        connection.close()
        asked = request_bytes("POST", API + path, body, tokens[0], {"Idempotency-Key": key})
        sides: tuple[tuple[Side, int], ...] = (("request", len(asked)), ("answer", len(answer.body) + _HEAD_BYTES_MAX))
        for side, length in sides:
            for at in range(rng.randrange(stride), length, stride):
                how: How = rng.choice(("end", "reset"))
                key = str(UUID(int=rng.getrandbits(128)))
                found.append(_Job(Cut(side, at, how), path, body, key, tokens[len(found) % len(tokens)]))
    return iter(found)


async def _one(port: int, job: _Job, cuts: Cuts) -> None:
    is_lost = False
    async with Proxy(port, lambda _: job.cut) as proxy:
        connection = Connection(proxy.port)
        try:
            first = await _ask(connection, job)
        except Lost:
            is_lost = True
            cuts.done[job.cut.side] += 1
        else:
            if first.status != 201:  # too much reserved: this cut has to be left out
                return
        finally:
            connection.close()
    connection = Connection(port)
    told = []
    for tries in range(_TRIES_MAX):
        answer = await _ask(connection, job)
        if answer.status == 201:
            told.append(answer)
            if len(told) == 2:
                break
        elif told or answer.code != "too_much_reserved" or tries == _TRIES_MAX - 1:
            cuts.findings.append(f"{job.path} cut at {job.cut}: the retry got {answer.body!r}")
            break
        else:
            await asyncio.sleep(0.1)
    connection.close()
    cuts.made_before += bool(is_lost and told and _is_replayed(told[0]))
    if len({answer.json["id"] for answer in told}) > 1 or not all(map(_is_replayed, told[1:])):
        cuts.findings.append(
            f"{job.path} cut at {job.cut}: key {job.key} made {[answer.json['id'] for answer in told]}"
        )


async def _ask(connection: Connection, job: _Job) -> Answer:
    return await connection.ask("POST", API + job.path, job.body, token=job.token, headers={"Idempotency-Key": job.key})


def _is_replayed(answer: Answer) -> bool:
    return answer.headers.get("idempotency-replayed") == "true"
