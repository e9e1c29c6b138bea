"""The rules of arithmetic: integers of minor units in, integers out; every half is rounded up."""

from __future__ import annotations

from collections.abc import Sequence

WHOLE = 10_000
"""100 % in basis points: percents and rates are integers of hundredths of a percent."""


def half_up(numerator: int, denominator: int) -> int:
    """The quotient of two integers, rounded to the nearest one, a half upward. The denominator is positive.

    >>> half_up(5, 2), half_up(4, 3)
    (3, 1)
    """
    return (2 * numerator + denominator) // (2 * denominator)


def percent_of(amount: int, basis_points: int) -> int:
    """A percentage of an amount that is not negative, rounded half up."""
    return half_up(amount * basis_points, WHOLE)


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide `amount` over `weights` by largest remainder; of equal ones the earlier gets more.

    Args:
        amount: from 0 to the sum of the weights, in minor units.
        weights: what each could bear, not negative.

    Returns:
        A share for each, which is never more than its weight. The shares sum up to `amount`.

    >>> spread(100, [50, 50, 50])
    [34, 33, 33]
    """
    whole = sum(weights)
    if not amount or not whole:
        return [0] * len(weights)
    shares, lost = [], []
    for place, weight in enumerate(weights):
        share, remainder = divmod(amount * weight, whole)
        shares.append(share)
        lost.append((-remainder, place))
    for _, place in sorted(lost)[: amount - sum(shares)]:
        shares[place] += 1
    return shares


def refund_share(amount: int, ordered: int, returned: int, units: int) -> int:
    """What `units` more give back of an `amount` paid for `ordered` units, of which `returned` were given back before.

    Whatever the returns of a line are, one by one or at once, they sum up to its amount. Refund the net and the tax of
    a line each by themselves: shares of the gross amount and of the tax would leave a negative net. For a service that
    pays money back: this shop has no refunds, see decision 0025.

    Raises:
        ValueError: more units would be given back than were ordered, or none.
    """
    if returned < 0 or units < 1 or returned + units > ordered:
        raise ValueError(f"{returned} of {ordered} units were given back: {units} more cannot be")
    return half_up(amount * (returned + units), ordered) - half_up(amount * returned, ordered)
