"""Storage of promotions, coupons, their uses, and tax rates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shop_core.pagination import OffsetRequest, Page
from shop_core.pricing.coupons import Coupon, CouponEntry, Redemption
from shop_core.pricing.model import Promotion, PromotionEntry
from shop_core.pricing.rules import Rules, Uses
from shop_core.pricing.taxes import TaxRate


class Prices(Protocol):
    """What prices are made with. The uses of a promotion or coupon are one counter, which is locked after stock."""

    def rules(self, *, anew: bool = False) -> Rules:
        """What prices are made with.

        Args:
            anew: as they are now, also if offers were read before; else as they were at that time.
        """

    def lock_count(self) -> int:
        """How many promotions were not withdrawn, once no other unit of work can add one until this one ends."""

    def add_promotion(self, promotion: Promotion) -> None: ...

    def promotion(self, promotion_id: UUID) -> PromotionEntry | None:
        """The newest version; None if it was withdrawn."""

    def lock_promotion(self, promotion_id: UUID) -> PromotionEntry | None:
        """The same, read after its uses were locked until the end of this unit of work."""

    def update_promotion(self, promotion: Promotion) -> None:
        """Store its next version."""

    def withdraw_promotion(self, promotion_id: UUID) -> None:
        """Once this is committed no further order gets it; those that were priced with it keep their version."""

    def promotions(self, page_request: OffsetRequest) -> Page[PromotionEntry]:
        """Those that were not withdrawn, newest first."""

    def versions(self, ids: Iterable[tuple[UUID, int]]) -> list[Promotion]:
        """The promotions with these ids and versions, withdrawn or not."""

    def add_coupons(self, coupons: Sequence[Coupon]) -> None:
        """Store new coupons, all or none. Raises CouponCodeTaken."""

    def coupons_by_code(self, codes: Iterable[str]) -> dict[str, Coupon]:
        """Those that exist."""

    def coupons(self, promotion_id: UUID, page_request: OffsetRequest) -> Page[CouponEntry]:
        """The coupons of a promotion, newest first."""

    def coupons_added_with(self, coupon_id: UUID, count: int) -> list[CouponEntry]:
        """This coupon and the next ones, up to `count`, that were added to its promotion at the same moment, by id."""

    def uses(self, ids: Iterable[UUID], customer_ids: Iterable[UUID], *, lock: bool) -> Uses:
        """The uses of these promotions and coupons, and how many there may be.

        Args:
            customer_ids: whose own uses are counted, too.
            lock: whether they are read after they were locked until the end of this unit of work: all that it is going
                to change, in one call, as there is one order of locks.
        """

    def redeem(self, redemptions: Sequence[Redemption]) -> None:
        """Write uses, and count them: they are locked. One that was given back before counts anew."""

    def give_back(self, redemptions: Sequence[Redemption], now: datetime) -> None:
        """Write that these uses were given back, and count them no more."""

    def redeemed(self, customer_id: UUID, order_id: UUID) -> list[Redemption]:
        """The uses of an order that were not given back; the order is locked."""

    def redemptions(self, promotion_id: UUID, page_request: OffsetRequest) -> Page[Redemption]:
        """All uses of a promotion, newest first, also those that were given back."""

    def set_tax_rates(self, rates: Sequence[TaxRate]) -> None:
        """Store rates; one of the same class and instant is replaced. An order being decided may get the old one."""
