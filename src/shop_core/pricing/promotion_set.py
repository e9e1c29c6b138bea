"""Promotions in the form in which a cart finds those that can concern it: made once, not for each cart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from uuid import UUID

from shop_core.pricing.benefits import ORDER_BENEFITS, Benefit, BuyXGetY
from shop_core.pricing.model import Promotion


class PromotionSet:
    """Promotions with an index of what they discount. A shop makes one of each version of its rules.

    Args:
        promotions: in any order, each once.

    Attributes:
        by_rank: all of them by id, also those that `only` left out: a promotion is named by its place here.
        versions: id and version of each, without those that `only` left out.
    """

    def __init__(self, promotions: Iterable[Promotion]) -> None:
        self.by_rank = sorted(promotions, key=lambda promotion: promotion.id.int)  # quicker to compare
        self._ranks = {promotion.id: rank for rank, promotion in enumerate(self.by_rank)}
        self._everywhere: list[int] = []
        self._by_named_id: dict[int, list[int]] = {}
        for rank, promotion in enumerate(self.by_rank):
            ids = _discounted_ids(promotion.benefit)
            for named_id in ids or ():
                self._by_named_id.setdefault(named_id, []).append(rank)
            if ids is None:
                self._everywhere.append(rank)
        self._offer(range(len(self.by_rank)))

    def __iter__(self) -> Iterator[Promotion]:
        return (self.by_rank[rank] for rank in sorted(self._offered))

    def only(self, ids: Iterable[UUID]) -> PromotionSet:
        """Some of these promotions, with the same ranks and the same index."""
        some = copy(self)
        some._offer(self._ranks[promotion_id] for promotion_id in ids)
        return some

    def concerning(self, ids: Iterable[int]) -> list[int]:
        """The ranks of those that discount the whole order, or one of these products and categories."""
        ranks = set(self._everywhere)
        for named_id in ids if self._by_named_id else ():
            ranks.update(self._by_named_id.get(named_id, ()))
        return sorted(ranks & self._offered)

    def _offer(self, ranks: Iterable[int]) -> None:
        self._offered = frozenset(ranks)
        self.versions = tuple((promotion.id, promotion.version) for promotion in self)


def _discounted_ids(benefit: Benefit) -> frozenset[int] | None:
    """The products or categories that it discounts; None if it may be any."""
    if isinstance(benefit, ORDER_BENEFITS):
        return None
    if isinstance(benefit, BuyXGetY) and benefit.get_selection is not None:
        return benefit.get_selection.ids
    return benefit.selection.ids
