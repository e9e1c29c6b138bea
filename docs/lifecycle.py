"""Makes docs/lifecycle.md of the table that the code goes by: `python docs/lifecycle.py`."""

from __future__ import annotations

from pathlib import Path

from shop_core.events import EVENT_OF
from shop_core.inventory.model import MovementKind
from shop_core.orders.model import HOLDS_STOCK, LIFECYCLE, OrderStatus, Step, stock_moved
from shop_core.reservations.model import GIVES_BACK, RESERVATION_LIFECYCLE, ReservationState, ReservationStep

PAGE = Path(__file__).with_suffix(".md")
WHO = {Step.EDIT: "owner", Step.DELETE: "owner", Step.CANCEL: "owner, staff"}
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
    holding = ", ".join(f"*{status}*" for status in OrderStatus if status in HOLDS_STOCK)
    return "\n".join(
        [
            "# The life of an order",
            "",
            "Made from `LIFECYCLE` in `shop_core.orders.model` by `python docs/lifecycle.py`: edit that table, not",
            "this page. A test compares the two.",
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
            f"The units of an order are allocated while it is {holding}. Every other step is refused with 409, which",
            "names the state and the steps that are possible in it. To delete is to cancel, where that is still",
            "possible, and to leave the customer's history: the order is 404 for him from then on and takes no step",
            "any more; staff, ledger and timeline keep it, with `deleted_at`.",
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
        "Made from `RESERVATION_LIFECYCLE` in `shop_core.reservations.model`, likewise.",
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
        "From `expires_at` on, on the clock of the database, nothing but expiry is possible, whether or not anybody",
        "has written it down yet: every other step is refused with `reservation_expired`. Whoever needs the units",
        "gets them from that instant on; a sweep gives back the rest within a second and tells it as",
        "`reservation.expired`. One that was confirmed or released refuses every step with `reservation_resolved`,",
        "which names the state and the order; only to release it once more is no refusal. Confirming moves the units",
        "from reserved to allocated in one line of the ledger, so they are never free in between. To extend is never",
        "to shorten, and 24 hours after it was made a reservation ends in any case.",
        "",
    ]


def _held_units(step: ReservationStep) -> str:
    if step is ReservationStep.CONFIRM:
        return str(MovementKind.CONFIRMED)
    return str(GIVES_BACK.get(step, "stay as they are"))


def _units(before: OrderStatus, after: OrderStatus, step: Step) -> str:
    if step is Step.EDIT:
        return "the difference is allocated or deallocated"
    return str(stock_moved(before, after) or "stay as they are")


if __name__ == "__main__":
    PAGE.write_text(page())
