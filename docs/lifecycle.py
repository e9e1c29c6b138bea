"""Writes docs/lifecycle.md from the tables that the code uses: `python docs/lifecycle.py`."""

from __future__ import annotations

from pathlib import Path

from shop_core.events import EVENT_OF
from shop_core.inventory.model import MovementKind
from shop_core.orders.model import HOLDS_STOCK, LIFECYCLE, OrderStatus, Step, stock_moved
from shop_core.reservations.model import RESERVATION_LIFECYCLE, RETURN_MOVEMENT, ReservationState, ReservationStep

PAGE = Path(__file__).with_suffix(".md")
WHO = {Step.EDIT: "owner, staff", Step.DELETE: "owner", Step.CANCEL: "owner, staff"}
WHO_RESERVED = {
    ReservationStep.EXTEND: "owner, staff",
    ReservationStep.CONFIRM: "owner, by placing the order",
    ReservationStep.RELEASE: "owner, staff",
    ReservationStep.EXPIRE: "time",
}


def page() -> str:
    """The page, as it must be."""
    arrows = [
        f"    {status} --> {after}: {step}" for status, steps in LIFECYCLE.items() for step, after in steps.items()
    ]
    ends = [f"    {status} --> [*]" for status, steps in LIFECYCLE.items() if steps.keys() <= {Step.DELETE}]
    rows = [
        f"| {status} | {step} | {WHO.get(step, 'staff')} | {after} | {_units(status, after, step)} | {EVENT_OF[step]} |"
        for status, steps in LIFECYCLE.items()
        for step, after in steps.items()
    ]
    allocated = ", ".join(f"*{status}*" for status in OrderStatus if status in HOLDS_STOCK)
    return "\n".join(
        [
            "# The life of an order",
            "",
            "Generated from `LIFECYCLE` in `shop_core.orders.model` by `python docs/lifecycle.py`: edit that table,",
            "not this page. A test compares the two.",
            "",
            "```mermaid",
            "stateDiagram-v2",
            "    [*] --> placed: place",
            *arrows,
            *ends,
            "```",
            "",
            "| an order that is | can | by | and is then | its units | timeline |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            f"The units of an order are allocated while it is {allocated}. Every other step is refused with 409; the",
            "response names the state and the steps that you may take in it. Deleting cancels an order, where that is",
            "still possible, and takes it out of the customer's history: from then on the customer gets 404, and the",
            "order takes no further step. Staff, ledger and timeline keep it, with `deleted_at`.",
            "",
            "No step takes goods back: staff receive them as stock, with the order's number as the reason, and the",
            "customer is not told ([0025](decisions/0025-the-panel-shows-what-the-core-does.md)).",
            "",
            *_reservation(),
        ]
    )


def _reservation() -> list[str]:
    """The part about reservations."""
    steps = [(state, step, after) for state, steps in RESERVATION_LIFECYCLE.items() for step, after in steps.items()]
    arrows = [f"    {state} --> {after}: {step}" for state, step, after in steps]
    ends = [f"    {state} --> [*]" for state in ReservationState if not RESERVATION_LIFECYCLE[state]]
    rows = [
        f"| {state} | {step} | {WHO_RESERVED[step]} | {after} | {_held_units(step)} |" for state, step, after in steps
    ]
    return [
        "# The life of a reservation",
        "",
        "Generated from `RESERVATION_LIFECYCLE` in `shop_core.reservations.model` in the same way.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> active: reserve",
        *arrows,
        *ends,
        "```",
        "",
        "| a reservation that is | can | by | and is then | its units |",
        "|---|---|---|---|---|",
        *rows,
        "",
        "From `expires_at` on, on the clock of the database, only expiry is possible, whether it was recorded yet or",
        "not: every other step is refused with `reservation_expired`. The units can be had by others from that instant",
        "on. The sweeper gives back the rest within a second and publishes `reservation.expired`. A confirmed or",
        "released reservation refuses every step with `reservation_resolved`, which names the state and the order;",
        "only releasing it once more is not refused. Confirming moves the units from reserved to allocated in one line",
        "of the ledger, so they are never free in between. Extending never shortens, and a reservation ends 24 hours",
        "after it was made in any case.",
        "",
    ]


def _held_units(step: ReservationStep) -> str:
    if step is ReservationStep.CONFIRM:
        return str(MovementKind.CONFIRMED)
    return str(RETURN_MOVEMENT.get(step, "stay as they are"))


def _units(before: OrderStatus, after: OrderStatus, step: Step) -> str:
    if step is Step.EDIT:
        return "the difference is allocated or deallocated"
    return str(stock_moved(before, after) or "stay as they are")


if __name__ == "__main__":
    PAGE.write_text(page())
