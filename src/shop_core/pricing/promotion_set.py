"""Promotions in the form in which a cart finds those that can concern it: made once, not for each cart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from uuid import UUID

from shop_core.pricing.benefits import ORDER_BENEFITS, Benefit, BuyXGetY, OrderAmount, OrderPercent, Selection
from shop_core.pricing.model import Promotion


class PromotionSet:
    """Promotions with an index of the products and categories that they need. A shop makes one of each version of its
    rules.

    Args:
        promotions: in any order, each once.

    Attributes:
        by_rank: all of them by id, also those that `only` left out: a promotion is named by its place here.
        versions: id and version of each, without those that `only` left out.
    """

    def __init__(self, promotions: Iterable[Promotion]) -> None:
        self.by_rank = sorted(promotions, key=lambda promotion: promotion.id.int)  # quicker to compare
        # Sorted by when they are applied: a cart that numbers them by this place need not sort them by their benefits.
        self._by_place = sorted(enumerate(self.by_rank), key=lambda each: (*_sequence(each[1].benefit), each[0]))
        self._places = {promotion.id: place for place, (_, promotion) in enumerate(self._by_place)}
        self._for_any_cart: set[int] = set()
        self._by_needed_id: dict[int, list[int]] = {}
        for place, (_, promotion) in enumerate(self._by_place):
            ids = _needed_ids(promotion)
            for needed_id in ids or ():
                self._by_needed_id.setdefault(needed_id, []).append(place)
            if ids is None:
                self._for_any_cart.add(place)
        self._offer(range(len(self.by_rank)))

    def __iter__(self) -> Iterator[Promotion]:
        ranks = sorted([self._by_place[place][0] for place in self._offered])
        return (self.by_rank[rank] for rank in ranks)

    def only(self, ids: Iterable[UUID]) -> PromotionSet:
        """Some of these promotions, with the same ranks and the same index."""
        some = copy(self)
        some._offer(self._places[promotion_id] for promotion_id in ids)
        return some

    def concerning(self, ids: Iterable[int]) -> Sequence[tuple[int, Promotion]]:
        """Those that can apply to a cart of these products and categories, with their ranks, in the order in which they
        are applied: to items, by rank; percents off the order, from the smallest on; amounts off the order.
        """
        by_id = self._by_needed_id
        found = {place for named_id in ids if named_id in by_id for place in by_id[named_id]} & self._offered
        if not found:
            return self._offered_to_any
        return [self._by_place[place] for place in sorted(found | self._for_any_cart & self._offered)]

    def _offer(self, places: Iterable[int]) -> None:
        self._offered = frozenset(places)
        self._offered_to_any = [self._by_place[place] for place in sorted(self._for_any_cart & self._offered)]
        self.versions = tuple((promotion.id, promotion.version) for promotion in self)


def _sequence(benefit: Benefit) -> tuple[int, int]:
    """When it is applied; the smaller comes first."""
    if isinstance(benefit, OrderPercent):
        return 1, benefit.basis_points
    return (2, 0) if isinstance(benefit, OrderAmount) else (0, 0)


def _needed_ids(promotion: Promotion) -> frozenset[int] | None:
    """Products or categories of which a cart must have one, or the promotion cannot apply; None if any will do."""
    benefit = promotion.benefit
    needed: list[Selection] = []
    if isinstance(benefit, BuyXGetY) and benefit.get_selection is not None:
        needed.append(benefit.get_selection)
    if not isinstance(benefit, ORDER_BENEFITS):
        needed.append(benefit.selection)
    if promotion.condition is not None:
        needed.append(promotion.condition.selection)
    return next((selection.ids for selection in needed if selection.ids is not None), None)
