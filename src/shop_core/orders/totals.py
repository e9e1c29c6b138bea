"""The lines of an order and its total: what is agreed today, and what promotions and taxes make of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shop_core.catalog.model import Offer
from shop_core.errors import Shortage
from shop_core.money import Money
from shop_core.orders.model import Order, OrderLine, OrderStatus, PlacementRequest, Priced, total_of
from shop_core.pricing.cart import CartLine
from shop_core.pricing.coupons import Redemption
from shop_core.pricing.evaluation import Pricing
from shop_core.pricing.explanation import Explanation, explain
from shop_core.pricing.order_pricer import OrderPricer
from shop_core.pricing.taxes import taxes_of

PricerAt = Callable[[datetime], OrderPricer]
"""Makes a fresh pricer for one attempt, at the time that is given."""

_NOT_PLACED = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Quote(Priced):
    """What an order would cost now. Nothing was written.

    Args:
        lines: as they would be placed.
        total: what would be paid.
        shortages: products with too few units.
        promotions: what became of each promotion, and why.
        coupons: code and promotion of each coupon.
        includes_tax: whether prices are gross.
        is_best_price: whether it is certain that no other combination of the promotions costs less before taxes. If
            not, a good one was taken, and perhaps another one costs less; see `Pricing.is_best_price`.
    """

    lines: tuple[OrderLine, ...]
    total: Money
    shortages: tuple[Shortage, ...] = ()
    promotions: tuple[Explanation, ...] = ()
    coupons: tuple[tuple[str, UUID], ...] = ()
    includes_tax: bool = True
    is_best_price: bool = True


def line_of(offer: Offer, quantity: int, pricer: OrderPricer) -> OrderLine:
    """A line at today's list price, with today's tax rate and categories; without discounts and taxes."""
    tax_rate, category_ids = pricer.tax_and_categories(offer)
    return OrderLine.of(offer, quantity, category_ids, tax_rate)


def taxed_lines(sold: Sequence[tuple[Offer, int]], pricer: OrderPricer) -> tuple[OrderLine, ...]:
    """The lines of an order to which no promotion applies: as `price` has them, in a third of the time.

    Args:
        sold: what is sold, and how many units of it.
    """
    by_id = sorted(sold, key=lambda line: line[0].product_id.int)
    taxed = [pricer.tax_and_categories(offer) for offer, _ in by_id]
    amounts = [offer.price.minor * quantity for offer, quantity in by_id]
    _, taxes = taxes_of([rate for rate, _ in taxed], amounts, pricer.includes_tax)
    lines = {
        offer.product_id.int: OrderLine.of(offer, quantity, category_ids, rate, tax)
        for (offer, quantity), (rate, category_ids), tax in zip(by_id, taxed, taxes, strict=True)
    }
    return tuple([lines[offer.product_id.int] for offer, _ in sold])


def placed_order(
    request: PlacementRequest, order_id: UUID, sold: Sequence[tuple[Offer, int]], pricer: OrderPricer, now: datetime
) -> tuple[Order, Sequence[Redemption]]:
    """A new order with its discounts and taxes, and the uses that it takes.

    Args:
        sold: what is sold, and how many units of it.
    """
    head = order_id, request.customer_id, OrderStatus.PLACED
    currency, includes_tax = sold[0][0].price.currency, pricer.includes_tax
    if not (pricer.has_automatic or request.coupons):
        lines = taxed_lines(sold, pricer)
        total = total_of(lines, currency, includes_tax=includes_tax)
        return Order(*head, lines, total, now, now, includes_tax=includes_tax), ()
    cart = [
        CartLine(offer.product_id, offer.price.minor, quantity, *pricer.tax_and_categories(offer))
        for offer, quantity in sold
    ]
    pricing, promotions, redemptions, coupons = pricer.price_order(request.customer_id, order_id, cart, request.coupons)
    prices = {each.product_id.int: each for each in pricing.lines}
    made = []
    for (offer, units), (_, _, _, rate, category_ids) in zip(sold, cart, strict=True):
        product_id, sku, name, price, options, tax_class, _ = offer
        _, off, _, tax, discounts = prices[product_id.int]
        made.append(
            OrderLine(product_id, sku, name, price, units, options, tax_class, off, rate, tax, category_ids, discounts)
        )
    total, kept = Money(pricing.total, currency), promotions.versions
    order = Order(*head, tuple(made), total, now, now, includes_tax=includes_tax, promotions=kept, coupons=coupons)
    return order, redemptions


def cart_of(lines: Iterable[OrderLine]) -> list[CartLine]:
    """The lines as they are priced."""
    return [
        CartLine(line.product_id, line.unit_price.minor, line.quantity, line.tax_rate, line.category_ids)
        for line in lines
    ]


def with_discounts(lines: Iterable[OrderLine], pricing: Pricing) -> tuple[OrderLine, ...]:
    """The lines with their discounts and taxes."""
    prices = {each.product_id.int: each for each in pricing.lines}
    made = []
    for line in lines:
        _, off, _, tax, discounts = prices[line.product_id.int]
        made.append(line._replace(discount=off, tax=tax, discounts=discounts))
    return tuple(made)


def quote(
    lines: Sequence[OrderLine],
    shortages: Sequence[Shortage],
    pricer: OrderPricer,
    customer_id: UUID | None,
    codes: Sequence[str],
) -> Quote:
    """What an order of these lines would cost.

    Args:
        customer_id: None for somebody unknown.
        codes: the coupons that come with it.

    Raises:
        CouponNotUsable
        Invalid: the total is more than can be counted.
    """
    cart = cart_of(lines)
    pricing, promotions, _, coupons = pricer.price_order(customer_id, _NOT_PLACED, cart, codes)
    return Quote(
        with_discounts(lines, pricing),
        Money(pricing.total, lines[0].unit_price.currency),
        tuple(shortages),
        tuple(explain(cart, promotions, pricing)),
        coupons,
        pricer.includes_tax,
        pricing.is_best_price,
    )
