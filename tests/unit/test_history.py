"""The history checker accuses what cannot be, and nothing else. `verification.mutants` runs it on sound shops too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from verification.history import Op, Verb, load, save
from verification.history_checker import Kept, check

STOCK = {"lamp": 2, "chair": 5}
LAMP = {"lamp": 1}
BOTH = {"lamp": 2}


def place(client: int, at: tuple[int, int], requested: dict[str, int] | None = None, **fields: object) -> Op:
    """An order that was placed in that time."""
    return done(
        client, "place", at, requested=requested or LAMP, result_id=fields.pop("result_id", f"order {client}"), **fields
    )


def reserve(client: int, at: tuple[int, int], until: int = 10_000, requested: dict[str, int] | None = None) -> Op:
    """A reservation that lasts `until`."""
    result_id = f"reservation {client}"
    return done(client, "reserve", at, requested=requested or LAMP, result_id=result_id, detail={"expires_ns": until})


def on(held: Op, verb: Verb, at: tuple[int, int], **fields: Any) -> Op:
    """Something that its owner did with a reservation or an order."""
    name = "reservation_id" if held.op == "reserve" else "order_id"
    detail = {name: held.result_id, **fields.pop("detail", {})}
    return done(held.client, verb, at, detail=detail, **fields)


def done(client: int, verb: Verb, at: tuple[int, int], **fields: object) -> Op:
    known: dict[str, Any] = {"key": None, "requested": {}, "outcome": "ok", **fields}
    return Op(client=client, op=verb, start_ns=at[0], end_ns=at[1], **known)


def refused(client: int, at: tuple[int, int], requested: dict[str, int] | None = None, **available: int) -> Op:
    """An order that was refused for lack of stock."""
    code = "insufficient_stock"
    return done(client, "place", at, requested=requested or LAMP, outcome="refused", code=code, available=available)


def lost(op: Op) -> Op:
    """The same call, but its answer never came."""
    op.outcome, op.result_id = "unknown", None
    op.detail.pop("expires_ns", None)
    return op


def rules(*ops: Op, kept: Kept | None = None) -> set[str]:
    """Which promises these break."""
    return {anomaly.rule for anomaly in check(ops, STOCK, kept, skew_ns=0)}


RESERVED = reserve(1, (10, 20), until=100)
PLACED = place(1, (10, 20), BOTH)
CANCELLED = on(PLACED, "cancel", (30, 40))
LOST_CANCEL = lost(on(PLACED, "cancel", (30, 40)))
EDITED = on(PLACED, "edit", (30, 40), requested=LAMP)
RELEASED = on(RESERVED, "release", (30, 40))
EXTENDED = on(RESERVED, "extend", (90, 95), detail={"expires_ns": 200})
REUSED = "idempotency_key_reused"


@pytest.mark.parametrize(
    "ops",
    [
        pytest.param([PLACED], id="one order"),
        pytest.param([PLACED, refused(2, (21, 30), lamp=0)], id="the shelf is empty"),
        pytest.param([PLACED, refused(2, (15, 16), lamp=0)], id="perhaps it was empty just then"),
        pytest.param([PLACED, CANCELLED, place(2, (35, 36))], id="cancelled meanwhile"),
        pytest.param([PLACED, CANCELLED, refused(2, (35, 50), lamp=0)], id="not yet cancelled"),
        pytest.param([PLACED, LOST_CANCEL, refused(2, (90, 91), lamp=0)], id="lost cancel"),
        pytest.param([PLACED, LOST_CANCEL, place(2, (90, 91))], id="the lost cancel came in"),
        pytest.param([lost(place(1, (10, 20), BOTH)), refused(2, (90, 91), lamp=0)], id="a lost order came in late"),
        pytest.param([PLACED, EDITED, place(2, (31, 32))], id="fewer by an edit"),
        pytest.param([RESERVED, place(2, (101, 110), BOTH)], id="sold at once after it expired"),
        pytest.param([RESERVED, refused(2, (99, 110), BOTH, lamp=1)], id="not yet expired"),
        pytest.param([RESERVED, RELEASED, on(RESERVED, "release", (50, 60))], id="twice"),
        pytest.param([RESERVED, on(RESERVED, "expire", (105, 106), detail={"event_id": "e"})] * 1, id="it expired"),
        pytest.param(
            [RESERVED, EXTENDED, refused(2, (150, 160), BOTH, lamp=1)],
            id="held for longer",
        ),
        pytest.param(
            [lost(place(1, (10, 20), key="k")), place(1, (30, 40), key="k", detail={"replayed": True})],
            id="a retry that is told the first answer",
        ),
        pytest.param([place(1, (10, 20), key="k"), place(1, (10, 25), key="k", detail={"replayed": True})], id="twins"),
        pytest.param(
            [place(1, (10, 20), key="k"), place(2, (10, 25), key="k")], id="two clients may have the same key"
        ),
        pytest.param(
            [
                place(1, (10, 20), key="k"),
                done(1, "place", (30, 40), key="k", requested=BOTH, outcome="refused", code=REUSED),
            ],
            id="a key for something else",
        ),
        pytest.param(
            [
                RESERVED,
                place(1, (10, 20), key="k"),
                on(RESERVED, "confirm", (30, 40), key="k", outcome="refused", code=REUSED),
                on(RESERVED, "release", (50, 60)),
            ],
            id="the key of an order confirms no reservation",
        ),
    ],
)
def test_a_possible_history_is_accepted(ops: list[Op]) -> None:
    assert check(ops, STOCK, skew_ns=0) == []


CONFIRMED = done(1, "confirm", (50, 60), result_id="order 1", detail={"reservation_id": "reservation 1"})


@pytest.mark.parametrize(
    ("rule", "ops"),
    [
        pytest.param("never oversell", [PLACED, place(2, (5, 15))], id="both have the last one"),
        pytest.param("never oversell", [PLACED, place(2, (30, 40)), on(PLACED, "cancel", (50, 60))], id="freed later"),
        pytest.param("never oversell", [reserve(1, (1, 2), 90, BOTH), place(2, (50, 60))], id="sold what is held"),
        pytest.param("never oversell", [reserve(1, (1, 2), 90, BOTH), CONFIRMED, place(2, (95, 99))], id="confirmed"),
        pytest.param("never oversell", [PLACED, on(PLACED, "edit", (30, 40), requested={"lamp": 3})], id="by an edit"),
        pytest.param(
            "never oversell", [PLACED, EDITED, place(2, (50, 60), BOTH)], id="an edit gave back more than it should"
        ),
        pytest.param(
            "never oversell",
            [place(1, (1, 90), BOTH, key="k"), place(1, (1, 20), BOTH, key="k"), place(2, (30, 40))],
            id="the first answer to a key counts",
        ),
        pytest.param("no false refusal", [refused(1, (1, 2), lamp=0)], id="nobody had it"),
        pytest.param("no false refusal", [refused(1, (1, 2))], id="nobody had it, and nobody says how many there are"),
        pytest.param("no false refusal", [PLACED, refused(2, (30, 40), {"chair": 1, **LAMP}, chair=0)], id="not that"),
        pytest.param("no false refusal", [RESERVED, refused(2, (101, 110), BOTH, lamp=1)], id="it was expired"),
        pytest.param(
            "no false refusal", [PLACED, CANCELLED, refused(2, (41, 50), lamp=0)], id="a cancelled order gives back"
        ),
        pytest.param("no false refusal", [RESERVED, RELEASED, refused(2, (41, 50), BOTH)], id="released"),
        pytest.param(
            "no false refusal",
            [place(1, (10, 20)), refused(2, (30, 40), {"lamp": 3}, lamp=0)],
            id="the refusal names fewer than were free",
        ),
        pytest.param(
            "available", [PLACED, refused(2, (30, 40), {"lamp": 3}, lamp=2)], id="the refusal names more than was free"
        ),
        pytest.param(
            "one result a key",
            [place(1, (10, 20), key="k"), place(1, (30, 40), key="k", result_id="another")],
            id="a key with two orders",
        ),
        pytest.param(
            "one result a key",
            [
                place(1, (10, 20), key="k", detail={"replayed": False}),
                place(1, (30, 40), key="k", detail={"replayed": False}),
            ],
            id="carried out twice",
        ),
        pytest.param(
            "one key a result",
            [place(1, (10, 20)), place(2, (30, 40), result_id="order 1")],
            id="the order of another customer",
        ),
        pytest.param(
            "one key a result",
            [place(1, (10, 20), key="k"), place(1, (30, 40), key="other", result_id="order 1")],
            id="two keys",
        ),
        pytest.param(
            "one request a key", [place(1, (10, 20), key="k"), place(1, (30, 40), BOTH, key="k")], id="not asked for"
        ),
        pytest.param(
            "one request a key",
            [done(1, "place", (1, 2), key="k", requested=LAMP, outcome="refused", code=REUSED)],
            id="nobody used the key",
        ),
        pytest.param("replay", [place(1, (10, 20), key="k", detail={"replayed": True})], id="of what"),
        pytest.param("one end", [RESERVED, CONFIRMED, on(RESERVED, "release", (50, 60))], id="confirmed and released"),
        pytest.param("one end", [RESERVED, CONFIRMED, on(RESERVED, "expire", (110, 111))], id="confirmed and expired"),
        pytest.param(
            "one end",
            [RESERVED, CONFIRMED, on(RESERVED, "confirm", (50, 60), result_id="order 2")],
            id="two orders of one reservation",
        ),
        pytest.param(
            "one end",
            [RESERVED, RELEASED, on(RESERVED, "extend", (50, 60), detail={"expires_ns": 200})],
            id="extended after it was released",
        ),
        pytest.param(
            "one end",
            [RESERVED, on(RESERVED, "release", (30, 40), outcome="refused", code="reservation_resolved")],
            id="nobody ended it",
        ),
        pytest.param(
            "one end",
            [RESERVED, *(on(RESERVED, "expire", (110, 111), detail={"event_id": event}) for event in "ab")],
            id="expired twice",
        ),
        pytest.param(
            "expired is expired",
            [RESERVED, done(1, "confirm", (150, 160), result_id="o", detail={"reservation_id": "reservation 1"})],
            id="confirmed too late",
        ),
        pytest.param("expired is expired", [RESERVED, on(RESERVED, "release", (150, 160))], id="released too late"),
        pytest.param(
            "not expired early",
            [RESERVED, on(RESERVED, "extend", (50, 60), outcome="refused", code="reservation_expired")],
            id="refused as expired before its time",
        ),
        pytest.param("not expired early", [RESERVED, on(RESERVED, "expire", (50, 60))], id="swept before its time"),
        pytest.param(
            "nothing vanishes",
            [PLACED, on(PLACED, "cancel", (30, 40), outcome="refused", code="order_not_found")],
            id="the order is gone",
        ),
        pytest.param(
            "nothing vanishes",
            [RESERVED, on(RESERVED, "release", (30, 40), outcome="refused", code="reservation_not_found")],
            id="the reservation is gone",
        ),
    ],
)
def test_an_impossible_history_is_rejected(rule: str, ops: list[Op]) -> None:
    assert rule in rules(*ops)


def test_an_acknowledged_order_is_there_in_the_end_as_it_was_last_changed() -> None:
    edited = EDITED
    assert rules(PLACED, kept=Kept({"order 1": BOTH})) == set()
    assert rules(PLACED, kept=Kept({})) == {"nothing vanishes"}
    assert rules(PLACED, edited, kept=Kept({"order 1": LAMP})) == set()
    assert rules(PLACED, edited, kept=Kept({"order 1": BOTH})) == {"nothing vanishes"}
    assert rules(PLACED, CANCELLED, kept=Kept({"order 1": {}})) == set()
    assert rules(PLACED, CANCELLED, kept=Kept({"order 1": BOTH})) == {"nothing vanishes"}


def test_an_order_that_is_there_in_the_end_was_asked_for_once() -> None:
    asked = lost(place(1, (10, 20), BOTH, key="k"))
    assert rules(asked, kept=Kept({"order 7": BOTH})) == set()
    assert rules(asked, kept=Kept({})) == set()
    assert rules(asked, kept=Kept({"order 7": BOTH, "order 8": BOTH})) == {"nothing doubled"}
    assert rules(asked, kept=Kept({"order 7": LAMP})) == {"nothing doubled"}  # half of it


def test_the_stored_keys_show_that_a_lost_request_never_arrived() -> None:
    asked, late = lost(place(1, (10, 20), BOTH, key="k")), refused(2, (90, 91), lamp=0)
    assert rules(asked, late) == set()
    assert rules(asked, late, kept=Kept({}, keys={})) == {"no false refusal"}
    assert rules(place(1, (10, 20), key="k"), kept=Kept({"order 1": LAMP}, keys={})) == {"one result a key"}


def test_a_history_is_kept_in_a_file(tmp_path: Path) -> None:
    ops = [PLACED, RESERVED, CONFIRMED, refused(2, (1, 2), lamp=0)]
    save(tmp_path / "history.jsonl", ops)
    assert list(load(tmp_path / "history.jsonl")) == ops
