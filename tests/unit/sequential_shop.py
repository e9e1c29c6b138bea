"""A shop that does one thing after the other, and clients who see only that each call took a while."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from verification.history import Op, Outcome, Verb
from verification.history_checker import Kept

LONGEST = 60


@dataclass
class Thing:
    """An order, or a reservation (which has an end)."""

    id: str
    client: int
    units: dict[str, int]
    told_at: int | None
    expires: int | None = None
    state: str = "active"


@dataclass
class SequentialShop:
    """Carries out random calls, each at one instant, and writes the history that clients could have seen."""

    random: Random
    stock: dict[str, int]
    now: int = 1_000
    ops: list[Op] = field(default_factory=list)
    orders: dict[str, Thing] = field(default_factory=dict)
    reservations: dict[str, Thing] = field(default_factory=dict)
    keys: dict[tuple[int, str], str] = field(default_factory=dict)
    made_by: dict[tuple[int, str], object] = field(default_factory=dict)

    def run(self, calls: int) -> None:
        """So many calls, one after the other."""
        for _ in range(calls):
            self.now += self.random.randrange(0, 25)
            self.random.choice([self.make, self.make, self.change, self.change, self.retry])()

    def kept(self) -> Kept:
        """What there is in the end."""
        orders = {order.id: order.units for order in self.orders.values()}
        return Kept(orders, {held.id: held.state for held in self.reservations.values()}, dict(self.keys))

    # ---- calls

    def make(self) -> None:
        """Place, reserve, or confirm."""
        client = self.random.randrange(3)
        verb: Verb = self.random.choice(["place", "reserve", "confirm"])
        wanted = {
            p: self.random.randint(1, 3) for p in self.random.sample(sorted(self.stock), self.random.randint(1, 2))
        }
        detail: dict[str, object] = {}
        if verb == "confirm":
            if (held := self._known(self.reservations)) is None:
                return
            client, wanted, detail = held.client, {}, {"reservation_id": held.id}
        key = self.random.choice([None, f"key {len(self.ops)}"])
        self._carry_out(Op(client, verb, key, wanted, self._start(detail), 0, "ok", detail=detail))

    def retry(self) -> None:
        """Send something again that has a key, or the key with another request."""
        keyed = [op for op in self.ops if op.key is not None and op.start_ns <= self.now]
        if not keyed:
            return
        op = self.random.choice(keyed)
        wanted = {"lamp": 9} if op.wanted and self.random.random() < 0.1 else op.wanted
        detail = {"reservation_id": op.detail["reservation_id"]} if op.op == "confirm" else {}
        verb: Verb = "place" if op.op == "reserve" and self.random.random() < 0.2 else op.op
        if op.op == "place" and self.random.random() < 0.2 and (held := self._known(self.reservations, op.client)):
            verb, wanted, detail = "confirm", {}, {"reservation_id": held.id}
        self._carry_out(Op(op.client, verb, op.key, wanted, self._start(detail), 0, "ok", detail=detail))

    def change(self) -> None:
        """Cancel, edit, release or extend what somebody knows that he has."""
        verb: Verb = self.random.choice(["cancel", "edit", "release", "extend"])
        is_order = verb in ("cancel", "edit")
        thing = self._known(self.orders if is_order else self.reservations)
        if thing is None:
            return
        detail: dict[str, object] = {"order_id" if is_order else "reservation_id": thing.id}
        wanted = {"lamp": self.random.randint(1, 4)} if verb == "edit" else {}
        self._carry_out(Op(thing.client, verb, None, wanted, self._start(detail), 0, "ok", detail=detail))

    # ---- what clients see

    def _known(self, things: dict[str, Thing], client: int | None = None) -> Thing | None:
        """Something that its owner was told of; of this client, if one is named."""
        told = (thing for thing in things.values() if thing.told_at is not None and thing.told_at <= self.now)
        known = [thing for thing in told if client in (None, thing.client)]
        return self.random.choice(known) if known else None

    def _start(self, detail: dict[str, object]) -> int:
        """When the call was sent: before now, but not before its client knew what he speaks of."""
        thing = self.orders.get(str(detail.get("order_id"))) or self.reservations.get(str(detail.get("reservation_id")))
        known = thing.told_at if thing is not None and thing.told_at is not None else 0
        return max(known, self.now - self.random.randrange(LONGEST))

    def _carry_out(self, op: Op) -> None:
        op.end_ns = self.now + self.random.randrange(LONGEST)
        if self.random.random() < 0.15:  # the answer is lost, and perhaps the call as well
            if self.random.random() < 0.5:
                self._do(replace(op, detail=dict(op.detail)), told_at=None)
            gave_up = self.random.randrange(op.start_ns, op.end_ns + 1)
            self.ops.append(replace(op, outcome="unknown", end_ns=gave_up))
            return
        self._do(op, told_at=op.end_ns)
        self.ops.append(op)

    # ---- what the shop does, at this instant

    def _do(self, op: Op, told_at: int | None) -> None:
        for held in self.reservations.values():
            if held.state == "active" and held.expires is not None and held.expires <= self.now:
                held.state = "expired"
        if op.key is not None and (op.client, op.key) in self.keys:
            self._replay(op, told_at)
        elif op.op in ("place", "reserve"):
            self._take(op, told_at)
        elif op.op == "confirm":
            self._end(op, "confirmed", told_at)
        elif op.op == "release":
            self._end(op, "released", told_at)
        elif op.op == "extend":
            self._extend(op)
        else:
            self._change_order(op)

    def _replay(self, op: Op, told_at: int | None) -> None:
        assert op.key is not None
        if _asked(op) != self.made_by[op.client, op.key]:
            return _refuse(op, "idempotency_key_reused")
        self._answer(op, self.keys[op.client, op.key], told_at, replayed=True)
        return None

    def _answer(self, op: Op, result_id: str, told_at: int | None, *, replayed: bool) -> None:
        op.result_id = result_id
        op.detail["replayed"] = replayed
        thing = self.orders.get(result_id) or self.reservations[result_id]
        if told_at is not None:
            thing.told_at = min(told_at, thing.told_at if thing.told_at is not None else told_at)
        if thing.expires is not None:
            op.detail["expires_ns"] = thing.expires

    def _free(self) -> dict[str, int]:
        holding = [*self.orders.values(), *(held for held in self.reservations.values() if held.state == "active")]
        return {p: units - sum(thing.units.get(p, 0) for thing in holding) for p, units in self.stock.items()}

    def _take(self, op: Op, told_at: int | None) -> None:
        free = self._free()
        if short := {product: free[product] for product, units in op.wanted.items() if free[product] < units}:
            return _refuse(op, "insufficient_stock", short)
        thing = Thing(f"{op.op} {len(self.orders) + len(self.reservations)}", op.client, dict(op.wanted), None)
        if op.op == "reserve":
            thing.expires = self.now + self.random.randrange(1, 300)
        (self.reservations if op.op == "reserve" else self.orders)[thing.id] = thing
        self._remember(op, thing, told_at)
        return None

    def _remember(self, op: Op, thing: Thing, told_at: int | None) -> None:
        if op.key is not None:
            self.keys[op.client, op.key] = thing.id
            self.made_by[op.client, op.key] = _asked(op)
        self._answer(op, thing.id, told_at, replayed=False)

    def _end(self, op: Op, state: str, told_at: int | None) -> None:
        held = self.reservations[op.detail["reservation_id"]]
        if held.state == state == "released":
            return None
        if held.state != "active":
            return _refuse(op, "reservation_expired" if held.state == "expired" else "reservation_resolved")
        held.state = state
        if state == "confirmed":
            thing = Thing(f"order {len(self.orders) + len(self.reservations)}", op.client, dict(held.units), None)
            self.orders[thing.id] = thing
            self._remember(op, thing, told_at)
        return None

    def _extend(self, op: Op) -> None:
        held = self.reservations[op.detail["reservation_id"]]
        if held.state != "active":
            return _refuse(op, "reservation_expired" if held.state == "expired" else "reservation_resolved")
        assert held.expires is not None
        held.expires = max(held.expires, self.now + self.random.randrange(1, 300))
        op.detail["expires_ns"] = held.expires
        return None

    def _change_order(self, op: Op) -> None:
        order = self.orders[op.detail["order_id"]]
        if order.state == "cancelled":
            return _refuse(op, "illegal_order_step")
        if op.op == "cancel":
            order.state, order.units = "cancelled", {}
            return None
        free, more = self._free(), {p: units - order.units.get(p, 0) for p, units in op.wanted.items()}
        if short := {product: free[product] for product, units in more.items() if 0 < units > free[product]}:
            op.detail["requested"] = {product: more[product] for product in short}
            return _refuse(op, "insufficient_stock", short)
        order.units = dict(op.wanted)
        return None


def _refuse(op: Op, code: str, available: dict[str, int] | None = None) -> None:
    outcome: Outcome = "refused"
    op.outcome, op.code, op.available = outcome, code, available or {}


def _asked(op: Op) -> object:
    return op.op, op.wanted, op.detail.get("reservation_id")
