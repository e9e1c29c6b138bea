"""Refusals about stock and orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from shop_core.errors.kinds import Conflict, Fault, Forbidden, Invalid, NotFound, TooMany


class OrderNotFound(NotFound):
    """There is no such order, or the actor may not see it."""

    code = "order_not_found"
    title = "Order not found"

    def __init__(self, order_id: UUID) -> None:
        super().__init__(f"You have no order {order_id}. List your orders to see what there is.")
        self.order_id = order_id


@dataclass(frozen=True, slots=True)
class Shortage:
    """A product with too few units: `requested` were asked for, `available` are there."""

    product_id: UUID
    requested: int
    available: int
    sku: str = field(default="", compare=False)
    name: str = field(default="", compare=False)


class InsufficientStock(Conflict):
    """Fewer units are available than requested. Nothing was taken; `shortages` names every such product."""

    code = "insufficient_stock"
    title = "Not enough in stock"

    def __init__(self, shortages: Sequence[Shortage]) -> None:
        self.shortages = tuple(shortages)
        listed = "; ".join(
            f"{s.name or 'product'} ({s.sku or s.product_id}): {s.requested} requested, {s.available} available"
            for s in self.shortages
        )
        super().__init__(f"{listed}. Nothing was taken: lower the quantities or remove these lines.")


class Oversold(Conflict):
    """A change would promise more units than are on hand. This is the last safeguard: no service lets it happen."""

    code = "oversold"
    title = "More units promised than on hand"

    def __init__(self, product_id: UUID) -> None:
        super().__init__(f"Product {product_id} would have more units promised than on hand. Nothing was changed.")
        self.product_id = product_id


class StockBelowZero(Conflict):
    """A change would take a stock counter below zero; or an order cannot be shipped, since not all of it is on hand.

    Args:
        message: None: that of a change of one product.
    """

    code = "stock_below_zero"
    title = "Stock cannot go below zero"

    def __init__(self, product_id: UUID, message: str | None = None) -> None:
        super().__init__(
            message
            or f"Product {product_id} has fewer units than this would remove. Nothing was changed: "
            "read its stock level, and correct it to what you count."
        )
        self.product_id = product_id


class NotAllOnHand(StockBelowZero):
    """An order cannot be shipped, since not all of it is on hand.

    Args:
        missing: the products of which units are missing; the message names the first five.
    """

    def __init__(self, missing: Sequence[Shortage]) -> None:
        words = [f"{each.sku} {each.name}, {each.available} of {each.requested} units" for each in missing[:5]]
        named = "; ".join(words) + (f"; and {len(missing) - 5} more" if len(missing) > 5 else "")
        message = f"Not all of this order is on hand: {named}. Nothing was changed: receive it, or count again."
        super().__init__(missing[0].product_id, message)
        self.missing = tuple(missing)


class IllegalStep(Conflict):
    """The order's status does not allow this step. `possible` lists the steps that you may take instead."""

    code = "illegal_order_step"
    title = "The order does not allow this step"

    def __init__(self, step: str, status: str, possible: Sequence[str]) -> None:
        self.step, self.status, self.possible = step, status, tuple(possible)
        then = f"Possible now: {', '.join(self.possible)}." if self.possible else "You can do nothing with it any more."
        already = "already " if step == "cancel" else ""
        super().__init__(f"You cannot {step} this order: it is {already}{status}. {then}")


class OrderDeleted(Conflict):
    """The same request placed an order before, and its customer has deleted that order since."""

    code = "order_deleted"
    title = "The order was deleted"

    def __init__(self, order_id: UUID) -> None:
        super().__init__(
            f"This request placed the order {order_id}, which was deleted since. Nothing was placed now: "
            "use a new key to order again."
        )
        self.order_id = order_id


class OrdersOpen(Conflict):
    """An account with orders that are not shipped yet cannot be erased: nobody could be asked about them."""

    code = "orders_open"
    title = "Orders are still open"

    def __init__(self, numbers: Sequence[str]) -> None:
        self.numbers = tuple(numbers)
        super().__init__(
            f"Orders of this account are not shipped yet: {', '.join(self.numbers)}. Nothing was erased: cancel them, "
            "or wait until they are shipped."
        )


class TotalChanged(Conflict):
    """The order's total is not the one that the customer expects: prices changed since they saw them."""

    code = "total_changed"
    title = "The total has changed"

    def __init__(self, expected: str, total: str, currency: str) -> None:
        super().__init__(
            f"You expect a total of {expected} {currency}, but today it is {total} {currency}. Nothing was done: "
            "show the new total, and send the request again with it if the customer agrees."
        )
        self.expected, self.total, self.currency = expected, total, currency


class UnknownProducts(Invalid):
    """Some lines name a product that is not in the catalog; it may have been archived."""

    code = "unknown_product"
    title = "Unknown product"

    def __init__(self, product_ids: Sequence[UUID], faults: Sequence[Fault]) -> None:
        super().__init__(*faults)
        self.product_ids = tuple(product_ids)


class NotTheOwner(Forbidden):
    """Only the customer who placed the order may do this; staff may not."""

    code = "not_the_owner"
    title = "Not your order"

    def __init__(self, order_id: UUID) -> None:
        super().__init__("owner")
        self.message = f"Only the customer of order {order_id} may do this. Staff can cancel it."
        self.order_id = order_id


class TooManyLines(TooMany):
    """This customer orders or reserves more lines in a minute than the shop accepts."""

    code = "too_many_lines"
    title = "Too many lines"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"You send too many lines in a minute: wait {retry_after_s} seconds.", retry_after_s)


class TooManyOrders(TooMany):
    """This customer places more orders in a minute than the shop accepts."""

    code = "too_many_orders"
    title = "Too many orders"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"You place orders too fast: wait {retry_after_s} seconds.", retry_after_s)
