"""Promotions, coupons, their uses, and tax rates, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from shop_adapters.memory.transaction import Transaction
from shop_core.errors import CouponCodeTaken
from shop_core.pagination import OffsetRequest, Page
from shop_core.pricing.coupons import Coupon, CouponEntry, Redemption
from shop_core.pricing.model import Promotion, PromotionEntry
from shop_core.pricing.rules import Rules, Uses
from shop_core.pricing.taxes import TaxRate
from shop_core.times import FIRST

T = TypeVar("T")


class MemoryPrices:
    """`shop_core.ports.Prices`."""

    def __init__(self, transaction: Transaction, includes_tax: bool) -> None:
        self._transaction = transaction
        self._includes_tax = includes_tax

    def rules(self, *, anew: bool = False) -> Rules:
        """What prices are made with; nothing is kept here, so it is always as it is now."""
        transaction = self._transaction
        with transaction.statement():
            promotions, rates = transaction.promotions.all(), transaction.tax_rates.all()
        return Rules(
            self._includes_tax,
            tuple(sorted(promotions.values(), key=lambda promotion: promotion.id)),
            tuple(sorted(rates.values(), key=lambda rate: (rate.tax_class, rate.valid_from or FIRST))),
        )

    def lock_count(self) -> int:
        """How many were not withdrawn, once no other unit of work can add one until this one ends."""
        with self._transaction.statement():
            self._transaction.claim("number of promotions", (None,))
            return len(self._transaction.promotions.all())

    def add_promotion(self, promotion: Promotion) -> None:
        """Store a new promotion."""
        transaction = self._transaction
        with transaction.statement():
            transaction.insert(transaction.promotions, {promotion.id: promotion})
            transaction.promotion_versions.put((promotion.id, promotion.version), promotion)
            transaction.uses.put(promotion.id, 0)
            transaction.use_limits.put(promotion.id, promotion.uses_max)

    def promotion(self, promotion_id: UUID) -> PromotionEntry | None:
        """The newest version; None if it was withdrawn."""
        with self._transaction.statement():
            return self._entry(promotion_id)

    def lock_promotion(self, promotion_id: UUID) -> PromotionEntry | None:
        """The same, read after its uses were locked until the end of this unit of work."""
        self.uses([promotion_id], [], lock=True)
        return self.promotion(promotion_id)

    def update_promotion(self, promotion: Promotion) -> None:
        """Store its next version."""
        with self._transaction.statement():
            self._transaction.promotions.put(promotion.id, promotion)
            self._transaction.promotion_versions.put((promotion.id, promotion.version), promotion)
            self._transaction.use_limits.put(promotion.id, promotion.uses_max)

    def withdraw_promotion(self, promotion_id: UUID) -> None:
        """Once this is committed no further order gets it; those that were priced with it keep their version."""
        with self._transaction.statement():
            self._transaction.promotions.remove(promotion_id)

    def promotions(self, page_request: OffsetRequest) -> Page[PromotionEntry]:
        """Those that were not withdrawn, newest first."""
        with self._transaction.statement():
            entries = [entry for each in self._transaction.promotions.all() if (entry := self._entry(each))]
        return _page(sorted(entries, key=lambda entry: entry.promotion.id, reverse=True), page_request)

    def versions(self, ids: Iterable[tuple[UUID, int]]) -> list[Promotion]:
        """The promotions with these ids and versions, withdrawn or not."""
        with self._transaction.statement():
            return list(self._transaction.promotion_versions.get_all(ids).values())

    def add_coupons(self, coupons: Sequence[Coupon]) -> None:
        """Store new coupons, all or none. Raises CouponCodeTaken."""
        transaction = self._transaction
        with transaction.statement():
            for coupon in coupons:
                transaction.take_name(
                    transaction.coupon_codes, coupon.code, coupon.id, partial(CouponCodeTaken, coupon.code)
                )
                transaction.uses.put(coupon.id, 0)
                transaction.use_limits.put(coupon.id, coupon.uses_max)
            transaction.insert(transaction.coupons, {coupon.id: coupon for coupon in coupons})

    def coupons_by_code(self, codes: Iterable[str]) -> dict[str, Coupon]:
        """Those that exist."""
        transaction = self._transaction
        with transaction.statement():
            ids = transaction.coupon_codes.get_all(codes)
            coupons = transaction.coupons.get_all(ids.values())
        return {code: coupons[coupon_id] for code, coupon_id in ids.items()}

    def coupons(self, promotion_id: UUID, page_request: OffsetRequest) -> Page[CouponEntry]:
        """The coupons of a promotion, newest first."""
        with self._transaction.statement():
            uses = self._transaction.uses.all()
            coupons = [each for each in self._transaction.coupons.all().values() if each.promotion_id == promotion_id]
        coupons.sort(key=lambda coupon: coupon.id, reverse=True)
        return _page([CouponEntry(coupon, uses[coupon.id]) for coupon in coupons], page_request)

    def coupons_added_with(self, coupon_id: UUID, count: int) -> list[CouponEntry]:
        """This coupon and the next ones, up to `count`, that were added to its promotion at the same moment, by id."""
        with self._transaction.statement():
            uses, coupons = self._transaction.uses.all(), self._transaction.coupons.all()
        first = coupons[coupon_id]
        moment = first.promotion_id, first.created_at
        together = [each for each in coupons.values() if (each.promotion_id, each.created_at) == moment]
        together = sorted([each for each in together if each.id >= coupon_id], key=lambda coupon: coupon.id)
        return [CouponEntry(coupon, uses[coupon.id]) for coupon in together[:count]]

    def uses(self, ids: Iterable[UUID], customer_ids: Iterable[UUID], *, lock: bool) -> Uses:
        """The uses of these promotions and coupons; read after they were locked, if they are to be."""
        transaction = self._transaction
        ids = transaction.lock_order.enter("uses", ids) if lock else list(ids)
        by_customer: Counter[tuple[UUID, UUID]] = Counter()
        with transaction.statement():
            transaction.claim("uses", ids if lock else ())
            for customer_id in customer_ids:
                for order_id in transaction.orders_of.of(customer_id):
                    for redemption in transaction.redemptions.get(order_id) or ():
                        if redemption.given_back_at is None:
                            by_customer.update((customer_id, used_id) for used_id in redemption.used_ids)
            limits = transaction.use_limits.get_all(ids).items()
            limited = {used_id: uses_max for used_id, uses_max in limits if uses_max is not None}
            return Uses(transaction.uses.get_all(ids), by_customer, limited)

    def redeem(self, redemptions: Sequence[Redemption]) -> None:
        """Write uses, and count them. One that was given back before counts anew."""
        self._write(redemptions, +1)

    def give_back(self, redemptions: Sequence[Redemption], now: datetime) -> None:
        """Write that these uses were given back, and count them no more."""
        self._write([redemption._replace(given_back_at=now) for redemption in redemptions], -1)

    def redeemed(self, customer_id: UUID, order_id: UUID) -> list[Redemption]:
        """The uses of an order that were not given back."""
        with self._transaction.statement():
            uses = self._transaction.redemptions.get(order_id) or ()
        return [redemption for redemption in uses if redemption.given_back_at is None]

    def redemptions(self, promotion_id: UUID, page_request: OffsetRequest) -> Page[Redemption]:
        """All uses of a promotion, newest first, also those that were given back."""
        with self._transaction.statement():
            everything = self._transaction.redemptions.all().values()
        found = [redemption for uses in everything for redemption in uses if redemption.promotion_id == promotion_id]
        return _page(sorted(found, key=lambda redemption: redemption.order_id, reverse=True), page_request)

    def set_tax_rates(self, rates: Sequence[TaxRate]) -> None:
        """Store rates; one of the same class and instant is replaced."""
        stored = {(rate.tax_class, rate.valid_from): rate for rate in rates}
        with self._transaction.statement():
            self._transaction.claim("tax rates", stored)
            self._transaction.tax_rates.put_all(stored)

    def _entry(self, promotion_id: UUID) -> PromotionEntry | None:
        promotion = self._transaction.promotions.get(promotion_id)
        return PromotionEntry(promotion, self._transaction.uses.get(promotion_id) or 0) if promotion else None

    def _write(self, redemptions: Sequence[Redemption], uses: int) -> None:
        transaction = self._transaction
        counted = Counter(used_id for redemption in redemptions for used_id in redemption.used_ids)
        ids = transaction.lock_order.enter("uses", counted)
        with transaction.statement():
            transaction.claim("uses", ids)
            for used_id, number in counted.items():
                transaction.uses.put(used_id, (transaction.uses.get(used_id) or 0) + uses * number)
            for redemption in redemptions:
                kept = transaction.redemptions.get(redemption.order_id) or ()
                others = [each for each in kept if each.promotion_id != redemption.promotion_id]
                transaction.redemptions.put(redemption.order_id, (*others, redemption))


def _page(items: Sequence[T], page_request: OffsetRequest) -> Page[T]:
    return Page(tuple(items[page_request.offset : page_request.offset + page_request.limit]), count=len(items))
