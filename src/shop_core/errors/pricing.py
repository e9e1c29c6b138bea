"""Refusals about promotions and coupons."""

from __future__ import annotations

from uuid import UUID

from shop_core.errors.kinds import Conflict, NotFound


class PromotionNotFound(NotFound):
    """There is no such promotion, or it was withdrawn."""

    code = "promotion_not_found"
    title = "Promotion not found"

    def __init__(self, promotion_id: UUID) -> None:
        super().__init__(f"There is no promotion {promotion_id}. List the promotions to see what there is.")
        self.promotion_id = promotion_id


class CouponNotUsable(Conflict):
    """The coupon is unknown, does not run now, or is used up. Which of these it is stays unsaid: codes are guessed."""

    code = "coupon_not_usable"
    title = "Coupon not usable"

    def __init__(self, coupon: str) -> None:
        super().__init__(f"The coupon {coupon!r} cannot be used now. Nothing was changed: send the request without it.")
        self.coupon = coupon


class CouponCodeTaken(Conflict):
    """Another coupon has this code."""

    code = "coupon_code_taken"
    title = "Coupon code already in use"

    def __init__(self, coupon: str) -> None:
        super().__init__(
            f"There is a coupon with the code {coupon!r} already, perhaps of a promotion that was deleted. "
            "Choose another code."
        )
        self.coupon = coupon


class TooManyPromotions(Conflict):
    """The shop has as many promotions as there may be, with those that have ended."""

    code = "too_many_promotions"
    title = "Too many promotions"

    def __init__(self, promotions_max: int) -> None:
        super().__init__(
            f"There are {promotions_max} promotions, which is as many as there may be: delete one that has ended."
        )
        self.promotions_max = promotions_max
