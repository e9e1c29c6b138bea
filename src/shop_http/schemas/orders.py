"""Orders."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shop_core import (
    Actor,
    LineRequest,
    Money,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderLine,
    OrderStatus,
    PlacementRequest,
    Role,
)
from shop_core.inventory.model import LINES_MAX
from shop_core.money import decimals, format_minor
from shop_core.orders.totals import Quote
from shop_core.pricing.benefits import percent_text
from shop_core.pricing.coupons import COUPONS_MAX
from shop_core.pricing.evaluation import Discount
from shop_core.pricing.explanation import Explanation, WhyNot
from shop_core.pricing.taxes import TaxAmount
from shop_http.schemas.common import Amount, PageBody, Percent, Quantity, ShortageBody, Timestamp


class LineForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A product, and how many units of it are requested."""

    product_id: UUID
    quantity: Quantity


LineForms = Annotated[tuple[LineForm, ...], Meta(min_length=1, max_length=LINES_MAX)]


def line_requests(lines: Iterable[LineForm]) -> tuple[LineRequest, ...]:
    """The lines as the core takes them."""
    return tuple([LineRequest(line.product_id, line.quantity) for line in lines])


def expected_total(sent: str | UnsetType, currency: str) -> Money | None:
    """The total that the client expects, as the core takes it. Raises Invalid: it is no amount of money."""
    return None if sent is UNSET else Money.parse(sent, currency, field="expected_total")


CouponCodes = Annotated[tuple[str, ...], Meta(max_length=COUPONS_MAX, description="codes; case does not matter")]


class CancellationForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Why an order is cancelled, for its timeline."""

    reason: str = ""


class OrderForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """The lines of an order, and coupons that come with them. A product may stand in several lines: they are summed.

    With `expected_total` it is edited only if the total is then the same: prices may have changed.
    """

    lines: LineForms
    expected_total: Amount | UnsetType = UNSET
    coupons: CouponCodes = ()

    def requested(self) -> tuple[LineRequest, ...]:
        """The lines as the core takes them."""
        return line_requests(self.lines)

    def total(self, currency: str) -> Money | None:
        """The expected total as the core takes it.

        Raises:
            Invalid: it is no amount of money.
        """
        return expected_total(self.expected_total, currency)


class QuoteForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """The lines of an order that may be placed later, and coupons that would come with it."""

    lines: LineForms
    coupons: CouponCodes = ()


class PlacementForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """An order to place: give `lines` or `reservation_id`, not both.

    With `expected_total` it is placed only if the total is the same: prices may have changed since they were shown.
    """

    lines: LineForms | UnsetType = UNSET
    reservation_id: UUID | UnsetType = UNSET
    expected_total: Amount | UnsetType = UNSET
    coupons: CouponCodes = ()

    def placement(self, customer: Actor, key: str | None, currency: str) -> PlacementRequest:
        """The order for the core. Raises Invalid: as `PlacementRequest` does, or the total is no amount of money."""
        assert customer.id is not None, "placing an order needs a login"
        return PlacementRequest(
            customer.id,
            line_requests(self.lines or ()),
            customer.role or Role.CUSTOMER,
            reservation_id=self.reservation_id or None,
            key=key,
            expected_total=expected_total(self.expected_total, currency),
            coupons=self.coupons,
        )


class OrderLineBody(Struct, kw_only=True, gc=False):
    """A line of an order, with SKU, name, options, unit price and tax rate as they were when it was placed. If an edit
    adds units of it, all but the tax rate are those of that moment.

    `discount` was taken off the whole line, `total` is what is left. `tax` is inside of `total`, or comes on top in a
    shop with net prices. `tax_rate` is in percent.
    """

    product_id: UUID
    sku: str
    product_name: str
    options: dict[str, str] | UnsetType = UNSET
    unit_price: Amount
    quantity: int
    discount: Amount
    total: Amount
    tax_rate: Percent
    tax: Amount


class DiscountBody(Struct, kw_only=True):
    """What a promotion takes off the whole order."""

    promotion_id: UUID
    label: str
    amount: Amount


class TaxBody(Struct, kw_only=True):
    """Net and tax of all lines with one rate (in percent)."""

    rate: Percent
    net: Amount
    tax: Amount


class CouponOfOrder(Struct, kw_only=True):
    """A coupon that came with an order. One that made it no cheaper is not applied, and not used up; nor is one that
    was followed by another coupon of the same promotion."""

    code: str
    applied: bool


class PricedBody(Struct, kw_only=True):
    """What an order costs. `subtotal` is the sum at list prices, `total` the amount to pay.

    The taxes are inside of the total; in a shop with net prices they were added to it.
    """

    lines: tuple[OrderLineBody, ...]
    subtotal: Amount
    discounts: tuple[DiscountBody, ...]
    total: Amount
    taxes: tuple[TaxBody, ...]
    coupons: tuple[CouponOfOrder, ...] | UnsetType = UNSET
    currency: str


OrderTag = Annotated[
    str, Meta(pattern="^[0-9a-f]{16}$", description="64 bits in hexadecimal digits: others after every change")
]


class OrderBody(PricedBody, kw_only=True):
    """An order. `tag` is there to compare a copy with it, see `POST /orders/changes`.

    `deleted_at` is there for staff only, on an order that its customer deleted from their history.
    """

    id: UUID
    number: str
    status: OrderStatus
    customer_id: UUID
    version: int
    tag: OrderTag
    created_at: Timestamp
    updated_at: Timestamp
    deleted_at: Timestamp | UnsetType = UNSET

    @classmethod
    def of(cls, order: Order) -> OrderBody:
        """The schema of `order`."""
        return cls(
            id=order.id,
            number=order.number,
            status=order.status,
            customer_id=order.customer_id,
            version=order.version,
            tag=f"{order.tag:016x}",
            created_at=order.created_at,
            updated_at=order.updated_at,
            deleted_at=order.deleted_at or UNSET,
            **_prices(order),
        )


class MissingBody(Struct, kw_only=True):
    """Units, or an amount at list prices."""

    units: int | UnsetType = UNSET
    amount: Amount | UnsetType = UNSET


class ExplanationBody(Struct, kw_only=True):
    """What becomes of a promotion. `amount` is there if it applies, `why_not` if it does not.

    `missing` says what to add so that it applies, or gives more. `message` says all of it to the customer.
    """

    promotion_id: UUID
    label: str
    applied: bool
    amount: Amount | UnsetType = UNSET
    why_not: WhyNot | UnsetType = UNSET
    missing: MissingBody | UnsetType = UNSET
    message: str

    @classmethod
    def of(cls, explanation: Explanation, currency: str) -> ExplanationBody:
        """The schema of `explanation`."""
        units, amount = explanation.missing_units, explanation.missing_amount
        places = decimals(currency)
        missing = MissingBody(units=units or UNSET, amount=format_minor(amount, places) if amount else UNSET)
        return cls(
            promotion_id=explanation.promotion_id,
            label=explanation.label,
            applied=explanation.why_not is None,
            amount=format_minor(explanation.amount, places) if explanation.amount else UNSET,
            why_not=explanation.why_not or UNSET,
            missing=missing if units or amount else UNSET,
            message=explanation.sentence(currency),
        )


IsBestPrice = Annotated[
    bool,
    Meta(
        description="true: no other combination of the promotions costs less before taxes. "
        "false: several promotions want the same units, and not all combinations were compared; the shop took a good "
        "one, and perhaps another one costs less. An order is priced in the same way."
    ),
]


class QuoteBody(PricedBody, kw_only=True):
    """What an order would cost now. Nothing is promised: another request may take the units first."""

    shortages: tuple[ShortageBody, ...]
    promotions: tuple[ExplanationBody, ...]
    is_best_price: IsBestPrice

    @classmethod
    def of(cls, quote: Quote) -> QuoteBody:
        """The schema of `quote`."""
        currency = quote.total.currency
        return cls(
            shortages=tuple(map(ShortageBody.of, quote.shortages)),
            promotions=tuple(ExplanationBody.of(each, currency) for each in quote.promotions),
            is_best_price=quote.is_best_price,
            **_prices(quote),
        )


def _prices(of: Order | Quote) -> dict[str, Any]:
    """The fields of `PricedBody`. Amounts are written from minor units: to make a `Money` of each costs 8 us more."""
    currency = of.total.currency
    places = decimals(currency)
    total = format_minor(of.total.minor, places)
    if of.coupons or any(line.discount or line.tax_rate for line in of.lines):
        parts = _parts(of, places)
    else:
        untaxed = TaxBody(rate="0.00", net=total, tax=format_minor(0, places))
        parts = {"subtotal": total, "discounts": (), "taxes": (untaxed,)}
    lines = tuple([_line(line, places) for line in of.lines])
    return {"lines": lines, "total": total, "currency": currency, **parts}


def _parts(of: Order | Quote, places: int) -> dict[str, Any]:
    """What the total is made of."""
    discounts = of.discounts
    return {
        "subtotal": str(of.subtotal),
        "discounts": tuple([_discount(discount, places) for discount in discounts]),
        "taxes": tuple([_tax(tax, places) for tax in of.taxes]),
        "coupons": _coupons(of.coupons, discounts) if of.coupons else UNSET,
    }


def _line(line: OrderLine, places: int) -> OrderLineBody:
    return OrderLineBody(
        product_id=line.product_id,
        sku=line.sku,
        product_name=line.name,
        options=dict(line.options) if line.options else UNSET,
        unit_price=format_minor(line.unit_price.minor, places),
        quantity=line.quantity,
        discount=format_minor(line.discount, places),
        total=format_minor(line.paid, places),
        tax_rate=format_minor(line.tax_rate, 2),  # basis points, as a percentage
        tax=format_minor(line.tax, places),
    )


def _discount(discount: Discount, places: int) -> DiscountBody:
    amount = format_minor(discount.amount, places)
    return DiscountBody(promotion_id=discount.promotion_id, label=discount.label, amount=amount)


def _tax(tax: TaxAmount, places: int) -> TaxBody:
    return TaxBody(rate=percent_text(tax.rate), net=format_minor(tax.net, places), tax=format_minor(tax.tax, places))


def _coupons(coupons: Collection[tuple[str, UUID]], discounts: Iterable[Discount]) -> tuple[CouponOfOrder, ...]:
    used = {discount.promotion_id for discount in discounts}
    applied = {promotion_id: code for code, promotion_id in coupons if promotion_id in used}  # the last one of each
    return tuple([CouponOfOrder(code=code, applied=applied.get(id_) == code) for code, id_ in coupons])


class OrderPage(PageBody[OrderBody], kw_only=True):
    """A page of the list of orders."""


class OrderEventBody(Struct, kw_only=True):
    """One change of an order. `seq` is the order's version after it, `status` and `total` are what they became.

    `actor_id` and `actor_role` say who did it; they are missing if the shop did it. `total_before` is there on edits,
    `reason` on cancellations that have one. `format` is the version of this schema. `id` is the id under which the
    event is also published.
    """

    id: UUID
    seq: int
    kind: OrderEventKind
    at: Timestamp
    status: OrderStatus
    total: Amount
    total_before: Amount | UnsetType = UNSET
    actor_id: UUID | UnsetType = UNSET
    actor_role: Role | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    format: int

    @classmethod
    def of(cls, event: OrderEvent) -> OrderEventBody:
        """The schema of `event`."""
        return cls(
            id=event.id,
            seq=event.seq,
            kind=event.kind,
            at=event.at,
            status=event.status,
            total=str(event.total),
            total_before=str(event.total_before) if event.total_before else UNSET,
            actor_id=event.actor_id or UNSET,
            actor_role=event.actor_role or UNSET,
            reason=event.reason or UNSET,
            format=event.format,
        )


class OrderEventPage(PageBody[OrderEventBody], kw_only=True):
    """A page of the timeline of an order."""
