"""The item stage: which units take part in which promotion. A unit takes part in one at most, bought or discounted.

Percents, amounts and fixed prices do not compete: each unit takes the best of them. Promotions of the kind "buy X get
Y" compete for units. Of those that overlap in the cart, each sequence of each subset is tried, up to `TRIED_MAX` of
them. If there are more, the best next one is taken, again and again, of the `CONSIDERED_MAX` that save most alone.
Each makes as many groups as the units allow, of the cheapest ones; `_is_best` says when nothing else can save more.
Units are counted, never handled one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from shop_core.pricing.benefits import ORDER_BENEFITS, BuyXGetY
from shop_core.pricing.cart import Cart
from shop_core.pricing.model import Promotion
from shop_core.pricing.rounding import percent_of

TRIED_MAX = 4
"""How many overlapping promotions are tried in every sequence: 4 have 64 sequences, 5 have 325."""

CONSIDERED_MAX = 12
"""How many overlapping promotions are considered at all: a bound for the time that a cart can take."""

Part = tuple[int, int, int]
"""A discount: the number of the line, the rank of the promotion, and the amount in minor units. None is 0."""


class Candidate(NamedTuple):
    """A promotion whose condition holds in this cart.

    Args:
        rank: its place among all promotions by id; ties go to the smaller one.
        bought: the lines whose units count as bought.
        discounted: the lines whose units can get the discount.
    """

    rank: int
    promotion: Promotion
    bought: frozenset[int]
    discounted: frozenset[int]


def item_discounts(cart: Cart, candidates: Iterable[Candidate]) -> tuple[list[Part], bool]:
    """The discounts of the item stage, and whether it is certain that no other ones would save more."""
    unit_offers: dict[int, _UnitOffer] = {}
    competitors = []
    for candidate in candidates:
        benefit = candidate.promotion.benefit
        if isinstance(benefit, BuyXGetY):
            competitor = _Competitor(candidate, benefit, cart)
            if competitor.groups(cart.units):  # it may save something only after another one
                competitors.append(competitor)
        elif not isinstance(benefit, ORDER_BENEFITS):
            for number in candidate.discounted:
                off = benefit.off(cart.prices[number])
                if off > (unit_offers[number].off if number in unit_offers else 0):
                    unit_offers[number] = _UnitOffer(off, candidate.rank)
    parts: list[Part] = []
    is_best_price = True
    for numbers, overlapping in _components(competitors):
        inside = {number: unit_offers.pop(number) for number in numbers if number in unit_offers}
        is_small = len(overlapping) <= TRIED_MAX
        parts += (_best_sequence if is_small else _best_next)(overlapping, cart.units, inside)
        is_best_price &= _is_best(overlapping, cart.units, inside)
    for number, (off, rank) in unit_offers.items():
        parts.append((number, rank, off * cart.units[number]))
    return parts, is_best_price


def group_count(benefit: BuyXGetY, bought: int, discounted: int, both: int) -> int:
    """How many groups these units make.

    Args:
        bought: units that only count as bought.
        discounted: units that can only be discounted.
        both: units that can be either.
    """
    buy, get = benefit.buy, benefit.get
    groups = min((bought + both) // buy, (discounted + both) // get, (bought + discounted + both) // (buy + get))
    return groups if benefit.times_max is None else min(groups, benefit.times_max)


class _UnitOffer(NamedTuple):
    """The best that a single unit of a line can get."""

    off: int
    rank: int


class _Taken(NamedTuple):
    """What a promotion takes: the discount of each line, their sum, and the units left of each line."""

    discounts: list[tuple[int, int]]
    saved: int
    left: list[int]


class _Competitor:
    """A "buy X get Y" promotion in this cart.

    Attributes:
        numbers: the lines it touches.
    """

    def __init__(self, candidate: Candidate, benefit: BuyXGetY, cart: Cart) -> None:
        self.rank, self._benefit = candidate.rank, benefit
        bought, discounted = candidate.bought, candidate.discounted
        self.numbers = bought | discounted
        cheapest_first = cart.cheapest_first(self.numbers)
        self._only_bought = [number for number in cheapest_first if number not in discounted]
        self._both = [number for number in cheapest_first if number in bought and number in discounted]
        self._discounted = [
            (number, number in bought, percent_of(cart.prices[number], benefit.basis_points))
            for number in cheapest_first
            if number in discounted
        ]

    def groups(self, left: Sequence[int]) -> int:
        """How many groups these units make."""
        return group_count(self._benefit, *self._free(left))

    def has_choice(self, units: Sequence[int]) -> bool:
        """Whether its lines have more units than one group takes."""
        return sum([units[number] for number in self.numbers]) > self._benefit.buy + self._benefit.get

    def take(self, left: Sequence[int]) -> _Taken | None:
        """Make as many groups as the units allow. The cheapest are discounted, never leaving the bought ones short.

        Args:
            left: the units of each line that are free.

        Returns:
            None if no unit gets a discount.
        """
        only_bought, only_discounted, both = self._free(left)
        groups = group_count(self._benefit, only_bought, only_discounted, both)
        if not groups:
            return None
        to_buy, to_discount = groups * self._benefit.buy, groups * self._benefit.get
        both_to_discount = both - max(0, to_buy - only_bought)
        discounts, saved, rest = [], 0, list(left)
        for number, is_both, off in self._discounted:
            if not to_discount:
                break
            units = min(rest[number], to_discount, both_to_discount) if is_both else min(rest[number], to_discount)
            if units:
                rest[number] -= units
                to_discount -= units
                both_to_discount -= units * is_both
                if off:
                    discounts.append((number, off * units))
                    saved += off * units
        if not saved:
            return None
        for number in (*self._only_bought, *self._both):  # a unit of both may still serve another promotion
            if not to_buy:
                break
            units = min(rest[number], to_buy)
            rest[number] -= units
            to_buy -= units
        return _Taken(discounts, saved, rest)

    def _free(self, left: Sequence[int]) -> tuple[int, int, int]:
        """The units that only count as bought, that can only be discounted, and that can be either."""
        both = sum([left[number] for number in self._both])
        discounted = sum([left[number] for number, _, _ in self._discounted])
        return sum([left[number] for number in self._only_bought]), discounted - both, both


class _Arrangement:
    """The use of some units: what promotions took in sequence, then the best single offers for the units left.

    Args:
        left: the units of each line that no promotion took.
        parts: the discounts that promotions gave.
        saved: their sum.
        unit_offers: for the lines of this component.
    """

    __slots__ = ("_offers", "left", "parts", "saved", "total")

    def __init__(self, left: list[int], parts: list[Part], saved: int, unit_offers: dict[int, _UnitOffer]) -> None:
        self.left, self.parts, self.saved, self._offers = left, parts, saved, unit_offers
        self.total = saved + sum([offer.off * left[number] for number, offer in unit_offers.items()])

    def after(self, competitor: _Competitor) -> _Arrangement | None:
        """With one promotion more; None if it gives nothing."""
        taken = competitor.take(self.left)
        if taken is None:
            return None
        parts = self.parts + [(number, competitor.rank, off) for number, off in taken.discounts]
        return _Arrangement(taken.left, parts, self.saved + taken.saved, self._offers)

    def finished(self) -> list[Part]:
        """All discounts."""
        left = self.left
        return self.parts + [
            (number, rank, off * left[number]) for number, (off, rank) in self._offers.items() if left[number]
        ]

    def beats(self, other: _Arrangement) -> bool:
        """Whether it saves more; if both save as much: by fewer promotions, then by those with smaller ids."""
        return self.total > other.total or (self.total == other.total and self._tie() < other._tie())

    def _tie(self) -> tuple[int, list[int], list[Part]]:
        parts = self.finished()
        ranks = sorted({rank for _, rank, _ in parts})
        return len(ranks), ranks, sorted(parts)


def _components(competitors: Iterable[_Competitor]) -> list[tuple[frozenset[int], list[_Competitor]]]:
    """Those that share lines, even over others, are in one component: its lines, and its members by rank."""
    components: list[tuple[frozenset[int], list[_Competitor]]] = []
    for competitor in competitors:
        numbers, members, apart = competitor.numbers, [competitor], []
        for component in components:
            if component[0] & numbers:
                numbers |= component[0]
                members += component[1]
            else:
                apart.append(component)
        components = [*apart, (numbers, sorted(members, key=_rank))]
    return components


def _is_best(competitors: Sequence[_Competitor], units: list[int], offers: dict[int, _UnitOffer]) -> bool:
    """Whether it is certain that no other use of these units saves more.

    Each group is made of the cheapest units, and there are as many groups as the units allow. Where others want the
    same units, fewer groups or other units can save more, and these are not tried.
    """
    first, *others = competitors
    if not others and (not offers or len(first.numbers) == 1):
        return True  # each group of equal units saves the same: as many as possible are best, or none
    return len(competitors) <= TRIED_MAX and not any(each.has_choice(units) for each in competitors)


def _best_sequence(competitors: Sequence[_Competitor], units: list[int], offers: dict[int, _UnitOffer]) -> list[Part]:
    """Every sequence of every subset is tried; sequences that begin alike share their beginning."""
    best = _Arrangement(units, [], 0, offers)
    open_ends: list[tuple[_Arrangement, tuple[_Competitor, ...]]] = [(best, ())]
    while open_ends:
        arrangement, sequence = open_ends.pop()
        for competitor in competitors:
            if competitor not in sequence and (following := arrangement.after(competitor)):
                open_ends.append((following, (*sequence, competitor)))
                if following.beats(best):
                    best = following
    return best.finished()


def _best_next(competitors: Sequence[_Competitor], units: list[int], offers: dict[int, _UnitOffer]) -> list[Part]:
    """The promotion after which most is saved comes next, as long as one saves more."""
    nothing = best = _Arrangement(units, [], 0, offers)
    remaining = _most_saving(competitors, nothing)
    while True:
        following: tuple[_Arrangement, _Competitor] | None = None
        for competitor in remaining:
            arrangement = best.after(competitor)
            if arrangement and (following is None or arrangement.beats(following[0])):
                following = arrangement, competitor
        if following is None or not following[0].beats(best):
            return best.finished()
        best = following[0]
        remaining.remove(following[1])


def _most_saving(competitors: Sequence[_Competitor], nothing: _Arrangement) -> list[_Competitor]:
    def saved(competitor: _Competitor) -> tuple[int, int]:
        single = nothing.after(competitor)
        return -(single.total if single else 0), competitor.rank

    return sorted(sorted(competitors, key=saved)[:CONSIDERED_MAX], key=_rank)


def _rank(competitor: _Competitor) -> int:
    return competitor.rank
