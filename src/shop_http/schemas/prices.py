"""Promotions, coupons and tax rates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self, TypeVar
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shop_core import Money
from shop_core.catalog.model import UNCHANGED, Unchanged
from shop_core.errors import Fault, Invalid
from shop_core.pricing.benefits import BENEFITS, EVERYTHING, Benefit, Condition, Selection, basis_points, percent_text
from shop_core.pricing.coupons import CouponEntry, Redemption
from shop_core.pricing.model import PromotionDetails, PromotionEntry
from shop_core.pricing.taxes import TaxRate
from shop_http.schemas.common import Amount, PageBody, Percent, Timestamp, named

T = TypeVar("T")


class BenefitKind(StrEnum):
    """What a promotion does to prices."""

    PERCENT = "percent"
    AMOUNT_EACH = "amount_each"
    FIXED_PRICE = "fixed_price"
    BUY_X_GET_Y = "buy_x_get_y"
    ORDER_PERCENT = "order_percent"
    ORDER_AMOUNT = "order_amount"


NAMES_OF_BENEFITS = {kind: name for name, kind in BENEFITS.items()}

# The fields of each kind of benefit, in the words of the core; the first ones are required.
_FIELDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "percent": (("percent",), ("selection",)),
    "amount_each": (("amount",), ("selection",)),
    "fixed_price": (("price", "selection"), ()),
    "buy_x_get_y": (("buy", "get"), ("percent", "max_times", "selection", "get_selection")),
    "order_percent": (("percent",), ()),
    "order_amount": (("amount",), ()),
}
_CORE_NAMES = {"percent": "basis_points", "max_times": "times_max"}


class SelectionForm(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Some products: `all`, those in some `categories` and below them, or some `products`. Give exactly one.

    `all` is true where it is given.
    """

    all: bool | UnsetType = UNSET
    categories: tuple[UUID, ...] | UnsetType = UNSET
    products: tuple[UUID, ...] | UnsetType = UNSET

    def selection(self, field: str) -> Selection:
        """As the core takes it.

        Raises:
            Invalid: not exactly one is given, or a list is empty or too long.
        """
        if sum(each is not UNSET for each in (self.all, self.categories, self.products)) != 1:
            raise Invalid(Fault(field, "give exactly one of all, categories and products", "exactly_one"))
        if self.all is False:
            raise Invalid(Fault(f"{field}.all", "must be true, or left out", "out_of_range"))
        ids = _or(self.products, None, frozenset), _or(self.categories, None, frozenset)
        return named(field, lambda: Selection(*ids))

    @classmethod
    def of(cls, selection: Selection) -> SelectionForm:
        """The schema of `selection`."""
        if selection.product_ids is not None:
            return cls(products=tuple(sorted(selection.product_ids)))
        if selection.category_ids is not None:
            return cls(categories=tuple(sorted(selection.category_ids)))
        return cls(all=True)


class ConditionForm(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What a cart must hold, at list prices: an amount, a number of units, or both; without `selection` of anything."""

    min_total: Amount | UnsetType = UNSET
    min_units: int | UnsetType = UNSET
    selection: SelectionForm | UnsetType = UNSET

    def condition(self, currency: str) -> Condition:
        """As the core takes it."""
        return Condition(
            _or(self.min_total, None, lambda text: Money.parse(text, currency, field="condition.min_total")),
            _or(self.min_units, None),
            _or(self.selection, EVERYTHING, lambda form: form.selection("condition.selection")),
        )

    @classmethod
    def of(cls, condition: Condition) -> ConditionForm:
        """The schema of `condition`."""
        return cls(
            min_total=str(condition.total_min) if condition.total_min else UNSET,
            min_units=condition.units_min or UNSET,
            selection=SelectionForm.of(condition.selection),
        )


class BenefitForm(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What a promotion gives. The fields depend on `kind`:

    `percent` has percent and selection; `amount_each` amount and selection; `fixed_price` price and selection;
    `buy_x_get_y` buy, get, percent (100.00 if left out), max_times, selection and get_selection; `order_percent`
    percent; `order_amount` amount.
    """

    kind: BenefitKind
    percent: Percent | UnsetType = UNSET
    amount: Amount | UnsetType = UNSET
    price: Amount | UnsetType = UNSET
    buy: int | UnsetType = UNSET
    get: int | UnsetType = UNSET
    max_times: int | UnsetType = UNSET
    selection: SelectionForm | UnsetType = UNSET
    get_selection: SelectionForm | UnsetType = UNSET

    def benefit(self, currency: str) -> Benefit:
        """As the core takes it.

        Raises:
            Invalid: a field is missing, is not one of its kind, or breaks a rule.
        """
        required, optional = _FIELDS[self.kind]
        given = [name for name in self.__struct_fields__[1:] if getattr(self, name) is not UNSET]
        known = ", ".join((*required, *optional))
        faults = [Fault(f"benefit.{name}", f"is required for {self.kind}", "required") for name in required]
        faults = [fault for fault, name in zip(faults, required, strict=True) if name not in given]
        faults += [
            Fault(f"benefit.{name}", f"is not a field of {self.kind}, which has {known}", "unknown_field")
            for name in given
            if name not in (*required, *optional)
        ]
        if faults:
            raise Invalid(*faults)
        values = {_CORE_NAMES.get(name, name): self._value(name, currency) for name in given}
        return BENEFITS[self.kind](**values)

    def _value(self, name: str, currency: str) -> Any:
        sent, field = getattr(self, name), f"benefit.{name}"
        if isinstance(sent, SelectionForm):
            return sent.selection(field)
        if name == "percent":
            return basis_points(sent, field)
        return Money.parse(sent, currency, field=field) if name in ("amount", "price") else sent

    @classmethod
    def of(cls, benefit: Benefit) -> BenefitForm:
        """The schema of `benefit`."""
        kind = BenefitKind(NAMES_OF_BENEFITS[type(benefit)])
        body = cls(kind=kind)
        for name in (name for names in _FIELDS[kind] for name in names):
            value = getattr(benefit, _CORE_NAMES.get(name, name))
            if isinstance(value, Selection):
                value = SelectionForm.of(value)
            elif name == "percent":
                value = percent_text(value)
            elif isinstance(value, Money):
                value = str(value)
            if value is not None:
                setattr(body, name, value)
        return body


class PromotionPatch(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What to change in a promotion; null takes a condition, a time or a limit away."""

    label: str | UnsetType = UNSET
    benefit: BenefitForm | UnsetType = UNSET
    condition: ConditionForm | UnsetType | None = UNSET
    starts_at: Timestamp | UnsetType | None = UNSET
    ends_at: Timestamp | UnsetType | None = UNSET
    needs_coupon: bool | UnsetType = UNSET
    combines: bool | UnsetType = UNSET
    max_uses: int | UnsetType | None = UNSET
    max_per_customer: int | UnsetType | None = UNSET

    def details(self, currency: str) -> PromotionDetails:
        """As the core takes it.

        Raises:
            Invalid: a field breaks a rule.
        """
        return PromotionDetails(
            label=_changed(self.label),
            benefit=_changed(self.benefit, lambda benefit: benefit.benefit(currency)),
            condition=_changed(self.condition, lambda condition: condition.condition(currency) if condition else None),
            starts_at=_changed(self.starts_at),
            ends_at=_changed(self.ends_at),
            needs_coupon=_changed(self.needs_coupon),
            combines=_changed(self.combines),
            uses_max=_changed(self.max_uses),
            customer_uses_max=_changed(self.max_per_customer),
        )


class PromotionForm(PromotionPatch, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A new promotion. It runs from `starts_at` on and up to `ends_at`, if they are given.

    One that `combines` applies beside others; else it is alone or not at all. `max_uses` and `max_per_customer` are
    numbers of orders.
    """

    label: str
    benefit: BenefitForm


class PromotionBody(Struct, kw_only=True):
    """A promotion in its newest version. `active` says whether it runs now, `uses` how many orders use it."""

    id: UUID
    version: int
    label: str
    active: bool
    uses: int
    needs_coupon: bool
    combines: bool
    benefit: BenefitForm
    condition: ConditionForm | UnsetType = UNSET
    starts_at: Timestamp | UnsetType = UNSET
    ends_at: Timestamp | UnsetType = UNSET
    max_uses: int | UnsetType = UNSET
    max_per_customer: int | UnsetType = UNSET

    @classmethod
    def of(cls, entry: PromotionEntry, now: datetime) -> PromotionBody:
        """The schema of `entry`."""
        promotion = entry.promotion
        return cls(
            id=promotion.id,
            version=promotion.version,
            label=promotion.label,
            active=promotion.is_running(now),
            uses=entry.uses,
            needs_coupon=promotion.needs_coupon,
            combines=promotion.combines,
            benefit=BenefitForm.of(promotion.benefit),
            condition=ConditionForm.of(promotion.condition) if promotion.condition else UNSET,
            starts_at=promotion.starts_at or UNSET,
            ends_at=promotion.ends_at or UNSET,
            max_uses=promotion.uses_max or UNSET,
            max_per_customer=promotion.customer_uses_max or UNSET,
        )


class PromotionPage(PageBody[PromotionBody], kw_only=True):
    """A page of the list of promotions."""


class CouponForm(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A coupon with a `code` of your choice, or `count` coupons with random codes.

    Case and spaces of a code do not matter. `max_uses` and `max_per_customer` are numbers of orders, for each coupon.
    """

    code: str | UnsetType = UNSET
    count: int | UnsetType = UNSET
    max_uses: int | UnsetType = UNSET
    max_per_customer: int | UnsetType = UNSET


class CouponBody(Struct, kw_only=True):
    """A coupon. `uses` is how many orders use it."""

    id: UUID
    code: str
    uses: int
    max_uses: int | UnsetType = UNSET
    max_per_customer: int | UnsetType = UNSET
    created_at: Timestamp

    @classmethod
    def of(cls, entry: CouponEntry) -> Self:
        """The schema of `entry`."""
        coupon = entry.coupon
        return cls(
            id=coupon.id,
            code=coupon.code,
            uses=entry.uses,
            max_uses=coupon.uses_max or UNSET,
            max_per_customer=coupon.customer_uses_max or UNSET,
            created_at=coupon.created_at,
        )


class NewCouponsBody(CouponBody, kw_only=True):
    """The coupon that was made; the first one, and all `coupons`, if `count` was given."""

    coupons: tuple[CouponBody, ...] | UnsetType = UNSET


class CouponPage(PageBody[CouponBody], kw_only=True):
    """A page of the coupons of a promotion."""


class RedemptionBody(Struct, kw_only=True):
    """An order that used a promotion. `given_back_at` is there if it was cancelled, or edited so that it uses it
    no more.
    """

    order_id: UUID
    customer_id: UUID
    version: int
    coupon_id: UUID | UnsetType = UNSET
    at: Timestamp
    given_back_at: Timestamp | UnsetType = UNSET

    @classmethod
    def of(cls, redemption: Redemption) -> RedemptionBody:
        """The schema of `redemption`."""
        return cls(
            order_id=redemption.order_id,
            customer_id=redemption.customer_id,
            version=redemption.version,
            coupon_id=redemption.coupon_id or UNSET,
            at=redemption.at,
            given_back_at=redemption.given_back_at or UNSET,
        )


class RedemptionPage(PageBody[RedemptionBody], kw_only=True):
    """A page of the uses of a promotion."""


class TaxRateForm(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The rate of a tax class, in percent; from `valid_from` on, or from the beginning if that is left out."""

    tax_class: str
    rate: Percent
    valid_from: Timestamp | UnsetType = UNSET

    def tax_rate(self) -> TaxRate:
        """As the core takes it."""
        return TaxRate(self.tax_class, basis_points(self.rate, "rate"), _or(self.valid_from, None))

    @classmethod
    def of(cls, rate: TaxRate) -> TaxRateForm:
        """The schema of `rate`."""
        return cls(tax_class=rate.tax_class, rate=percent_text(rate.basis_points), valid_from=rate.valid_from or UNSET)


class TaxRatesForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Tax rates; one of the same class and time replaces the one before. No order that was placed changes."""

    rates: Annotated[tuple[TaxRateForm, ...], Meta(min_length=1, max_length=100)]

    def tax_rates(self) -> list[TaxRate]:
        """As the core takes them.

        Raises:
            Invalid: one of them breaks a rule.
        """
        return [named(f"rates.{index}", rate.tax_rate) for index, rate in enumerate(self.rates)]


def _or(sent: T | UnsetType, otherwise: Any, read: Callable[[T], Any] = lambda sent: sent) -> Any:
    return otherwise if sent is UNSET else read(sent)


def _changed(sent: Any, read: Callable[[Any], Any] = lambda sent: sent) -> Any | Unchanged:
    return UNCHANGED if sent is UNSET else read(sent)
