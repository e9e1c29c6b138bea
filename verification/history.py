"""The requests of clients and the responses they got: the log that the checker (`verification.history_checker`) reads.

Times are nanoseconds on one clock, the one by which the store tells what is expired: on one machine `time.time_ns()`.
A call is carried out at some instant from `start_ns` to `end_ns`; one whose outcome is unknown at any instant after
`start_ns`, or never.

What `detail` may hold, by operation:

    reserve, extend   expires_ns: when the units are free again, as the answer says
    confirm           reservation_id: what became the order (`result_id`)
    release, extend   reservation_id
    expire            reservation_id: its expiry was published (an event, not a call of a client)
    cancel, edit      order_id
    place, confirm, reserve    replayed: true if the answer says that it was made before
    edit              requested: by product, the units beyond those that the order had (of a refusal)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Verb = Literal["place", "reserve", "confirm", "release", "extend", "cancel", "edit", "expire"]
Outcome = Literal["ok", "refused", "unknown"]

MAKES = frozenset({"place", "confirm", "reserve"})
"""What makes something, and can bear a key."""


@dataclass(slots=True)
class Op:
    """One call of one client.

    Args:
        client: the customer. Keys belong to one customer, and only they call for their orders and reservations.
        key: the idempotency key; a retry is another `Op` with the same key.
        wanted: units by product: what is to be had by place, reserve and edit; otherwise empty.
        outcome: `unknown` if the answer did not arrive, or said that nobody knows.
        code: of the refusal, e.g. `insufficient_stock`; empty otherwise.
        result_id: the order that was placed (place, confirm) or the reservation that was made (reserve).
        available: of an `insufficient_stock`: units that could be had, by short product.
        detail: see the module.
    """

    client: int
    op: Verb
    key: str | None
    requested: dict[str, int]
    start_ns: int
    end_ns: int
    outcome: Outcome
    code: str = ""
    result_id: str | None = None
    available: dict[str, int] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)


def save(path: Path, ops: Iterable[Op]) -> None:
    """Write a history, one operation a line, as JSON."""
    with path.open("w") as file:
        file.writelines(json.dumps(asdict(op)) + "\n" for op in ops)


def load(path: Path) -> Iterator[Op]:
    """Read what `save` wrote."""
    with path.open() as file:
        for line in file:
            yield Op(**json.loads(line))
