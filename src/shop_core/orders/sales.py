"""What was ordered, day by day."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class DaySales(NamedTuple):
    """What was ordered on one day.

    Args:
        day: in UTC.
        orders: how many that were not cancelled.
        total: what they come to, in minor units.
    """

    day: date
    orders: int
    total: int
