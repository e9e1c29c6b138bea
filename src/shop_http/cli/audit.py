"""`shop audit`."""

from __future__ import annotations

from shop_core import Shop
from shop_http.cli.progress import progress


def report(shop: Shop) -> int:
    """Audit a shop and print what differs. The exit code: 1 if anything does."""
    with progress("Auditing"):
        found = shop.audit()
    for difference in found:
        print(f"{difference.what} of {difference.of}: {difference.stored} stored, {difference.expected} expected")
    print(f"{len(found)} differences." if found else "Everything adds up.")
    return 1 if found else 0
