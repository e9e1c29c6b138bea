"""Instants that people enter."""

from __future__ import annotations

from datetime import UTC, datetime

from shop_core.errors import Fault

FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def time_faults(field: str, time: datetime | None) -> list[Fault]:
    """The rules that an instant breaks, if it is given: it has an offset, and a year from 1 to 9999 in UTC, else it
    could be stored, but not be read again.
    """
    if time is None:
        return []
    if time.utcoffset() is None:
        return [Fault(field, f"{time} has no offset from UTC", "invalid_time")]
    if FIRST <= time <= _LAST:
        return []
    rule = f"must be in the years 1 to 9999 in UTC, this is {time.isoformat()}; leave it out if there is no limit"
    return [Fault(field, rule, "out_of_range")]
