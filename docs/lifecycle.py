"""Makes docs/lifecycle.md of the table that the code goes by: `python docs/lifecycle.py`."""

from __future__ import annotations

from pathlib import Path

from shop_core.events import EVENT_OF
from shop_core.orders.model import HOLDS_STOCK, LIFECYCLE, OrderStatus, Step, stock_moved

PAGE = Path(__file__).with_suffix(".md")
WHO = {Step.EDIT: "owner", Step.DELETE: "owner", Step.CANCEL: "owner, staff"}


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
        ]
    )


def _units(before: OrderStatus, after: OrderStatus, step: Step) -> str:
    if step is Step.EDIT:
        return "the difference is allocated or deallocated"
    return str(stock_moved(before, after) or "stay as they are")


if __name__ == "__main__":
    PAGE.write_text(page())
