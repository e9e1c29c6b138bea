"""Promotions, coupons and tax rates, as staff manage them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.errors import Fault, Invalid, PromotionNotFound, TooManyPromotions, Versions, check_version
from shop_core.idempotency import Key, fields_of, made_before
from shop_core.money import Money
from shop_core.pagination import OffsetRequest, Page
from shop_core.ports import Begin, Clock, NewId, UnitOfWork
from shop_core.pricing.benefits import AmountEach, BuyXGetY, FixedPrice, OrderAmount, OrderPercent, Selection
from shop_core.pricing.coupons import Coupon, CouponEntry, Redemption, coupon_code
from shop_core.pricing.model import Promotion, PromotionDetails, PromotionEntry
from shop_core.pricing.taxes import TaxRate

PROMOTIONS_MAX = 100
"""How many promotions there may be at once, with those that have ended: each cart is compared with all that run, and
the others are read with them."""

COUPONS_AT_ONCE_MAX = 1_000

_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that people misread
_CODE_LENGTH = 12


class PricingService:
    """Promotions, coupons and tax rates. All of it is for staff."""

    def __init__(self, begin: Begin, clock: Clock, new_id: NewId, currency: str) -> None:
        self._begin = begin
        self._clock = clock
        self._new_id = new_id
        self._currency = currency

    def create_promotion(self, actor: Actor, details: PromotionDetails, *, key: Key = None) -> PromotionEntry:
        """Add a promotion.

        Args:
            key: makes a retry safe; see `IdempotencyKey`. The same for the methods below.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            Invalid: a field breaks its rule, names a product or category that is not there, or another currency.
            TooManyPromotions
            KeyReused: the key was used for another request, or for a promotion that is not there any more.
        """
        actor.require(Role.STAFF)
        promotion = details.new(self._new_id())
        asked = ("create promotion", *fields_of(details))
        with self._begin() as uow:
            if key and key.claim(uow.keys.claim, actor.account_id, *asked, result_id=promotion.id):
                return made_before(uow.prices.promotion(key.result_id), key)
            self._check(uow, promotion)
            if uow.prices.lock_count() >= PROMOTIONS_MAX:
                raise TooManyPromotions(PROMOTIONS_MAX)
            uow.prices.add_promotion(promotion)
        return PromotionEntry(promotion, 0)

    def promotion(self, actor: Actor, promotion_id: UUID) -> PromotionEntry:
        """A promotion in its newest version.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            PromotionNotFound: there is none, or it was withdrawn.
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            return _found(uow.prices.promotion(promotion_id), promotion_id)

    def promotions(self, actor: Actor, page_request: OffsetRequest) -> Page[PromotionEntry]:
        """All promotions that were not withdrawn, newest first.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            return uow.prices.promotions(page_request)

    def edit_promotion(
        self,
        actor: Actor,
        promotion_id: UUID,
        details: PromotionDetails,
        versions: Versions = None,
        *,
        key: Key = None,
    ) -> PromotionEntry:
        """Change a promotion: it gets a next version. Orders that were placed keep theirs, those after it get the next.

        Args:
            versions: the change is refused unless one of these is the newest; None: any. If nothing would change, any.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            PromotionNotFound, Stale, KeyReused
            Invalid: as in `create_promotion`; or it was used more often than it may be used now.
        """
        actor.require(Role.STAFF)
        asked = ("edit promotion", str(promotion_id), *fields_of(details))
        with self._begin() as uow:
            is_replay = key is not None and key.claim(uow.keys.claim, actor.account_id, *asked)
            promotion, uses = _found(uow.prices.lock_promotion(promotion_id), promotion_id)
            edited = promotion if is_replay else details.edited(promotion)
            if edited is not promotion:
                check_version(promotion.version, versions)
                self._check(uow, edited, promotion)
                if edited.uses_max is not None and edited.uses_max < uses:
                    rule = f"must be at least {uses}, as often as it was used; this is {edited.uses_max}"
                    raise Invalid(Fault("max_uses", rule, "out_of_range"))
                uow.prices.update_promotion(edited)
        return PromotionEntry(edited, uses)

    def withdraw_promotion(
        self, actor: Actor, promotion_id: UUID, versions: Versions = None, *, key: Key = None
    ) -> None:
        """Delete a promotion: no further order gets it. Those that were placed with it stay as they are, also when they
        are edited.

        Args:
            versions: it is refused unless one of these is the newest; None: any.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            PromotionNotFound, Stale, KeyReused
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            if key and key.claim(uow.keys.claim, actor.account_id, "delete promotion", promotion_id):
                return
            entry = _found(uow.prices.lock_promotion(promotion_id), promotion_id)
            check_version(entry.promotion.version, versions)
            uow.prices.withdraw_promotion(promotion_id)

    def create_coupons(
        self,
        actor: Actor,
        promotion_id: UUID,
        *,
        code: str | None = None,
        count: int = 1,
        uses_max: int | None = None,
        customer_uses_max: int | None = None,
        key: Key = None,
    ) -> list[CouponEntry]:
        """Add a coupon with a code of your choice, or some with random codes of twelve characters.

        Args:
            promotion_id: a promotion that needs a coupon.
            code: None makes up codes.
            count: how many, from 1 to 1,000; 1 with a code.
            uses_max: how many orders may use each; None is any number.
            customer_uses_max: how many orders of one customer may use each.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            PromotionNotFound, CouponCodeTaken, KeyReused
            Invalid: a field breaks its rule, or the promotion applies without a coupon.
        """
        actor.require(Role.STAFF)
        if not 1 <= count <= (1 if code is not None else COUPONS_AT_ONCE_MAX):
            rule = "must be 1 with a code" if code is not None else f"must be from 1 to {COUPONS_AT_ONCE_MAX}"
            raise Invalid(Fault("count", f"{rule}, this is {count}", "out_of_range"))
        codes = [coupon_code(code)] if code is not None else [_random_code(self._new_id()) for _ in range(count)]
        now = self._clock()
        coupons = [Coupon(self._new_id(), promotion_id, each, now, uses_max, customer_uses_max) for each in codes]
        with self._begin() as uow:
            asked = ("create coupons", promotion_id, code, count, uses_max, customer_uses_max)
            if key and key.claim(uow.keys.claim, actor.account_id, *asked, result_id=coupons[0].id):
                return uow.prices.coupons_added_with(key.result_id, count)
            promotion, _ = _found(uow.prices.promotion(promotion_id), promotion_id)
            if not promotion.needs_coupon:
                rule = "the promotion applies without a coupon: set needs_coupon to true first"
                raise Invalid(Fault("needs_coupon", rule, "coupon_not_needed"))
            uow.prices.add_coupons(coupons)
        return [CouponEntry(coupon, 0) for coupon in coupons]

    def coupons(self, actor: Actor, promotion_id: UUID, page_request: OffsetRequest) -> Page[CouponEntry]:
        """The coupons of a promotion, newest first.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            PromotionNotFound
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            _found(uow.prices.promotion(promotion_id), promotion_id)
            return uow.prices.coupons(promotion_id, page_request)

    def redemptions(self, actor: Actor, promotion_id: UUID, page_request: OffsetRequest) -> Page[Redemption]:
        """The uses of a promotion, newest first, also those that were given back.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            PromotionNotFound
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            _found(uow.prices.promotion(promotion_id), promotion_id)
            return uow.prices.redemptions(promotion_id, page_request)

    def tax_rates(self, actor: Actor) -> Sequence[TaxRate]:
        """All tax rates, by class and instant.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            return uow.prices.rules().tax_rates

    def set_tax_rates(self, actor: Actor, rates: Sequence[TaxRate], *, key: Key = None) -> Sequence[TaxRate]:
        """Add tax rates; one of the same class and instant is replaced. No order that was placed changes; one that is
        being decided at that moment may get the rate before.

        Returns:
            All tax rates, by class and instant.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            Invalid: two of `rates` are of the same class and instant.
            KeyReused
        """
        actor.require(Role.STAFF)
        if len({(rate.tax_class, rate.valid_from) for rate in rates}) < len(rates):
            raise Invalid(Fault("rates", "name the same class and instant twice", "duplicate"))
        asked = [part for rate in rates for part in fields_of(rate)]
        with self._begin() as uow:
            if not (key and key.claim(uow.keys.claim, actor.account_id, "set tax rates", *asked)):
                uow.prices.set_tax_rates(rates)
            return uow.prices.rules().tax_rates

    def _check(self, uow: UnitOfWork, promotion: Promotion, before: Promotion | None = None) -> None:
        """Check what a promotion cannot know of itself: the currency of the shop, and what is in its catalog.

        What an edited one named already may have left the catalog.
        """
        faults = [
            Fault(field, f"must be in {self._currency}, the currency of this shop", "wrong_currency")
            for field, amount in _amounts(promotion)
            if amount.currency != self._currency
        ]
        selections = list(_selections(promotion))
        selected_before = [each for _, each in _selections(before)] if before else []
        named_before = {named for each in selected_before for named in each.product_ids or each.category_ids or ()}
        product_ids = {named for _, selection in selections for named in selection.product_ids or ()}
        products = uow.products.offers(product_ids) if product_ids else {}
        categories = {entry.category.id for entry in uow.categories.all()} if selections else set()
        for field, selection in selections:
            for kind, ids, known in (
                ("products", selection.product_ids, products.keys()),
                ("categories", selection.category_ids, categories),
            ):
                unknown = sorted(set(ids or ()) - known - named_before)
                if unknown:
                    rule = f"there is no {unknown[0]} in the catalog; remove it"
                    faults.append(Fault(f"{field}.{kind}", rule, f"unknown_{kind}"))
        if faults:
            raise Invalid(*faults)


def _found(entry: PromotionEntry | None, promotion_id: UUID) -> PromotionEntry:
    if entry is None:
        raise PromotionNotFound(promotion_id)
    return entry


def _amounts(promotion: Promotion) -> Iterable[tuple[str, Money]]:
    benefit = promotion.benefit
    if isinstance(benefit, AmountEach | OrderAmount):
        yield "benefit.amount", benefit.amount
    if isinstance(benefit, FixedPrice):
        yield "benefit.price", benefit.price
    if promotion.condition and promotion.condition.total_min:
        yield "condition.min_total", promotion.condition.total_min


def _selections(promotion: Promotion) -> Iterable[tuple[str, Selection]]:
    benefit = promotion.benefit
    if promotion.condition:
        yield "condition.selection", promotion.condition.selection
    if not isinstance(benefit, OrderPercent | OrderAmount):
        yield "benefit.selection", benefit.selection
    if isinstance(benefit, BuyXGetY) and benefit.get_selection:
        yield "benefit.get_selection", benefit.get_selection


def _random_code(drawn: UUID) -> str:
    """Twelve characters from the random end of a UUIDv7: 58 bits, too many to guess."""
    number, code = drawn.int & (1 << 62) - 1, ""
    for _ in range(_CODE_LENGTH):
        number, place = divmod(number, len(_LETTERS))
        code += _LETTERS[place]
    return code
