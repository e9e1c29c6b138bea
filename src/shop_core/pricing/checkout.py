"""The prices of a batch of orders: each is priced with the uses that the ones before it left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shop_core.errors import CouponNotUsable
from shop_core.pricing.cart import CartLine
from shop_core.pricing.coupons import Coupon, Redemption
from shop_core.pricing.evaluation import Pricing, price
from shop_core.pricing.model import Promotion
from shop_core.pricing.rules import Rules, Uses


@dataclass(frozen=True, slots=True)
class Checked:
    """The price of one order.

    Args:
        promotions: those that it was priced with, used or not. They stay with the order.
        redemptions: the uses that it takes.
        coupons: the code and the promotion of each coupon that came with it.
    """

    pricing: Pricing
    promotions: tuple[Promotion, ...]
    redemptions: tuple[Redemption, ...]
    coupons: tuple[tuple[str, UUID], ...]


class Checkout:
    """One attempt to price the orders of a batch.

    Args:
        rules: as they were read.
        coupons: those that exist of the codes that the orders name.
        uses: of what `usable_of` lists.
        now: when the orders are placed.
    """

    def __init__(self, rules: Rules, coupons: Mapping[str, Coupon], uses: Uses, now: datetime) -> None:
        self.includes_tax = rules.includes_tax
        self._rules, self._coupons, self._now = rules, coupons, now
        self._used: Counter[UUID] = Counter(uses.total)
        self._used_by: Counter[tuple[UUID, UUID]] = Counter(uses.by_customer)
        self._running = {promotion.id: promotion for promotion in rules.promotions if promotion.is_running(now)}
        self._automatic = [promotion for promotion in self._running.values() if not promotion.needs_coupon]
        self._rates: dict[str, int] = {}

    def agree(self, tax_class: str, category_id: UUID | None) -> tuple[int, tuple[UUID, ...]]:
        """The tax rate and the categories that are agreed today for a new line."""
        rate = self._rates.get(tax_class)
        if rate is None:
            rate = self._rates[tax_class] = self._rules.tax_rate(tax_class, self._now)
        return rate, self._rules.category_path(category_id)

    def check(
        self,
        customer_id: UUID | None,
        order_id: UUID,
        lines: Sequence[CartLine],
        codes: Sequence[str] = (),
        agreed: Sequence[Promotion] | None = None,
        redeemed: Sequence[Redemption] = (),
    ) -> Checked:
        """Price one order. Nothing is used up yet: see `take`.

        Args:
            customer_id: None for a quote to somebody unknown.
            codes: coupons that come with it, as `coupon_code` makes them.
            agreed: for an edit: the versions that the order was priced with; None takes what runs now.
            redeemed: for an edit: the uses that the order has already. They count as left.

        Raises:
            CouponNotUsable: there is no such coupon, it does not run now, or it is used up.
        """
        own = {used_id for redemption in redeemed for used_id in redemption.used_ids}
        coupons = [self._unlocked(customer_id, code, own) for code in codes]
        unlocked = {coupon.promotion_id: self._running[coupon.promotion_id] for coupon in coupons}
        known = [each for each in (self._automatic if agreed is None else agreed) if each.id not in unlocked]
        known += unlocked.values()
        usable = [each for each in known if not each.is_limited or self._has_uses(customer_id, each, own)]
        pricing = price(lines, usable, includes_tax=self.includes_tax)
        coupon_of = {redemption.promotion_id: redemption.coupon_id for redemption in redeemed}
        coupon_of |= {coupon.promotion_id: coupon.id for coupon in coupons}
        redemptions: list[Redemption] = []
        if customer_id is not None:
            for used_id, version in {each.promotion_id: each.version for each in pricing.discounts}.items():
                redemptions.append(
                    Redemption(customer_id, order_id, used_id, version, coupon_of.get(used_id), self._now)
                )
        kept = usable if agreed is None else known
        return Checked(
            pricing, tuple(kept), tuple(redemptions), tuple((each.code, each.promotion_id) for each in coupons)
        )

    def take(self, redemptions: Sequence[Redemption]) -> None:
        """Count the uses of an order that is granted; the orders after it find fewer left."""
        for redemption in redemptions:
            for used_id in redemption.used_ids:
                self._used[used_id] += 1
                self._used_by[redemption.customer_id, used_id] += 1

    def _unlocked(self, customer_id: UUID | None, code: str, own: Collection[UUID]) -> Coupon:
        coupon = self._coupons.get(code)
        promotion = self._running.get(coupon.promotion_id) if coupon else None
        if coupon is None or promotion is None or not promotion.needs_coupon:
            raise CouponNotUsable(code)
        if not (self._has_uses(customer_id, promotion, own) and self._has_uses(customer_id, coupon, own)):
            raise CouponNotUsable(code)
        return coupon

    def _has_uses(self, customer_id: UUID | None, of: Promotion | Coupon, own: Collection[UUID]) -> bool:
        mine = of.id in own
        if of.uses_max is not None and self._used[of.id] - mine >= of.uses_max:
            return False
        if of.customer_uses_max is None or customer_id is None:
            return True
        return self._used_by[customer_id, of.id] - mine < of.customer_uses_max


def usable_of(rules: Rules, coupons: Iterable[Coupon], agreed: Iterable[Promotion] = ()) -> list[Promotion | Coupon]:
    """The promotions and coupons that orders may use: their uses are locked, all at once, before orders are priced.

    Also those without a limit: which of them an order uses is known only when limited ones are locked already, and to
    lock them after those would break the order of locks.

    Args:
        coupons: those that the orders name.
        agreed: for an edit: the versions that the order was priced with.
    """
    coupons = list(coupons)
    named = {coupon.promotion_id for coupon in coupons}
    automatic = [p for p in rules.promotions if not p.needs_coupon or p.id in named]
    return [*coupons, *automatic, *agreed]
