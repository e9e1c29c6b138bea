"""The prices of a batch of orders: each is priced with the uses that the ones before it left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shop_core.catalog.model import Offer
from shop_core.errors import CouponNotUsable
from shop_core.pricing.cart import CartLine
from shop_core.pricing.coupons import Coupon, Redemption
from shop_core.pricing.evaluation import Pricing, price
from shop_core.pricing.model import Promotion
from shop_core.pricing.promotion_set import PromotionSet
from shop_core.pricing.rules import Rules, Uses


class OrderPrice(NamedTuple):
    """The price of one order.

    Args:
        promotions: those that it could use: that ran, had uses left, and needed no coupon or were unlocked by one. They
            stay with the order, used or not.
        redemptions: the uses that it takes.
        coupons: the code and the promotion of each coupon that came with it.
    """

    pricing: Pricing
    promotions: PromotionSet
    redemptions: tuple[Redemption, ...]
    coupons: tuple[tuple[str, UUID], ...]


class OrderPricer:
    """Prices the orders of a batch, in one attempt to decide it.

    Args:
        rules: as they are under the locks of `uses`; for a quote, as they were read.
        coupons: those that exist of the codes that the orders name, and of those that an edited order has.
        uses: of what `possibly_used` lists.
        now: when the orders are placed.
        keeps_categories: whether new lines keep their categories.

    Attributes:
        includes_tax: whether prices are gross.
        has_automatic: whether a promotion runs that needs no coupon.
    """

    def __init__(
        self,
        rules: Rules,
        coupons: Mapping[str, Coupon],
        uses: Uses,
        now: datetime,
        *,
        keeps_categories: bool = True,
    ) -> None:
        self.includes_tax, self._keeps_categories = rules.includes_tax, keeps_categories
        self._rules, self._coupons, self._now = rules, coupons, now
        self._limits = {of.int: number for of, number in uses.limits.items()}
        self._used = Counter({of.int: number for of, number in uses.total.items()})
        self._used_by = Counter({(who.int, of.int): number for (who, of), number in uses.by_customer.items()})
        self._newest = {each.id.int: each for each in rules.promotions}
        self._running = {of: each for of, each in self._newest.items() if each.is_running(now)}
        automatic = [each for each in self._running.values() if not each.needs_coupon]
        self._counted = {each.id.int for each in self._running.values() if each.customer_uses_max is not None}
        self._counted |= {each.id.int for each in coupons.values() if each.customer_uses_max is not None}
        self._counted |= self._limits.keys()
        self._unlimited = [each.id for each in automatic if each.id.int not in self._counted]
        self._limited = [each for each in automatic if each.id.int in self._counted]
        self.has_automatic = bool(automatic)
        self._sets: dict[tuple[int, ...], PromotionSet] = {}
        self._rates: dict[str, int] = {}

    def tax_and_categories(self, offer: Offer) -> tuple[int, tuple[UUID, ...]]:
        """Those that a new line gets today."""
        rate = self._rates.get(offer.tax_class)
        if rate is None:
            rate = self._rates[offer.tax_class] = self._rules.tax_rate(offer.tax_class, self._now)
        return rate, offer.category_ids if self._keeps_categories else ()

    def price_order(
        self,
        customer_id: UUID | None,
        order_id: UUID,
        lines: Sequence[CartLine],
        codes: Sequence[str] = (),
        kept: Sequence[Promotion] | None = None,
        redeemed: Sequence[Redemption] = (),
        kept_codes: Sequence[str] = (),
    ) -> OrderPrice:
        """Price one order. Nothing is used up yet: see `take`.

        Args:
            customer_id: None for a quote to somebody unknown.
            codes: coupons that come with it, as `coupon_code` makes them.
            kept: for an edit: the versions that the order was priced with; None: what runs now.
            redeemed: for an edit: the uses that the order has already. They count as left.
            kept_codes: for an edit: the coupons that the order has already, used or not.

        Raises:
            CouponNotUsable: there is no such coupon, it does not run now, or it is used up.
        """
        own = {used_id.int for redemption in redeemed for used_id in redemption.used_ids} if redeemed else ()
        coupons = [self._unlocked(customer_id, code, own) for code in codes]
        old_coupons = [self._coupons[code] for code in kept_codes]
        coupon_of = {each.promotion_id.int: each for each in (*old_coupons, *coupons)}  # the last one of each promotion
        if kept is None:
            promotions = usable = self._usable(customer_id, coupons)
        else:
            unlocked = {coupon.promotion_id.int: self._running[coupon.promotion_id.int] for coupon in coupons}
            promotions = PromotionSet(({each.id.int: each for each in kept} | unlocked).values())
            usable = promotions.only(
                each.id
                for each in promotions
                if self._has_uses(customer_id, each, own)
                and self._has_uses(customer_id, coupon_of.get(each.id.int, each), own)
            )
        pricing = price(lines, usable, includes_tax=self.includes_tax)
        redemptions: tuple[Redemption, ...] = ()
        if customer_id is not None:
            coupon_ids = {promotion: coupon.id for promotion, coupon in coupon_of.items()}
            redemptions = tuple(
                [
                    Redemption(customer_id, order_id, each.id, each.version, coupon_ids.get(each.id.int), self._now)
                    for each in pricing.used
                ]
            )
        return OrderPrice(pricing, promotions, redemptions, tuple([(each.code, each.promotion_id) for each in coupons]))

    def take(self, redemptions: Sequence[Redemption]) -> None:
        """Count what a granted order uses of limited promotions and coupons: the orders after it find fewer left."""
        for redemption in redemptions:
            for used_id in redemption.used_ids:
                if used_id.int in self._counted:
                    self._used[used_id.int] += 1
                    self._used_by[redemption.customer_id.int, used_id.int] += 1

    def _usable(self, customer_id: UUID | None, coupons: Sequence[Coupon]) -> PromotionSet:
        """What runs without a coupon or was unlocked by one, and has uses left; one set for all that find the same."""
        ids = [each.id for each in self._limited if self._has_uses(customer_id, each)]
        ids += [coupon.promotion_id for coupon in coupons]
        key = tuple([each.int for each in ids])
        if (usable := self._sets.get(key)) is None:
            usable = self._sets[key] = self._rules.promotion_set.only([*self._unlimited, *ids])
        return usable

    def _unlocked(self, customer_id: UUID | None, code: str, own: Collection[int]) -> Coupon:
        coupon = self._coupons.get(code)
        promotion = self._running.get(coupon.promotion_id.int) if coupon else None
        if coupon is None or promotion is None or not promotion.needs_coupon:
            raise CouponNotUsable(code)
        if not (self._has_uses(customer_id, promotion, own) and self._has_uses(customer_id, coupon, own)):
            raise CouponNotUsable(code)
        return coupon

    def _has_uses(self, customer_id: UUID | None, of: Promotion | Coupon, own: Collection[int] = ()) -> bool:
        mine = of.id.int in own
        uses_max = self._limits.get(of.id.int)  # limits are those of now: `of` may be an older version
        customer_uses_max = self._newest.get(of.id.int, of).customer_uses_max
        if uses_max is not None and self._used[of.id.int] - mine >= uses_max:
            return False
        if customer_uses_max is None or customer_id is None:
            return True
        return self._used_by[customer_id.int, of.id.int] - mine < customer_uses_max


def possibly_used(rules: Rules, coupons: Iterable[Coupon], kept: Iterable[Promotion] = ()) -> list[Promotion | Coupon]:
    """The promotions and coupons that orders may use, if they run, apply and have uses left; for an edit, also all that
    need no coupon and that it does not use. Their uses are locked, all at once, before orders are priced.

    Also those without a limit: which of them an order uses is known only when limited ones are locked already, and to
    lock them after those would break the order of locks.

    Args:
        coupons: those that the orders name, and those that an edited one has.
        kept: for an edit: the versions that the order was priced with.
    """
    coupons, kept = list(coupons), list(kept)
    named = {coupon.promotion_id for coupon in coupons} | {each.id for each in kept}
    promotions = [each for each in rules.promotions if not each.needs_coupon or each.id in named]
    return [*coupons, *promotions, *kept]
