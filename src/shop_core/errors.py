"""Every way in which the shop says no.

    Refusal
    ├── NotFound           what was asked for is not there, or not for this actor to see
    │   ├── ProductNotFound · CategoryNotFound · OrderNotFound · AccountNotFound
    ├── Conflict           fine as such, but not in the present state of things
    │   ├── InsufficientStock · Oversold · StockBelowZero
    │   ├── IllegalStep · CategoryInUse · LastAdmin
    │   └── SkuTaken · SlugTaken · UsernameTaken
    ├── Stale              somebody changed it since the client read it
    ├── Invalid            the input breaks a rule; each broken rule is a Fault
    │   └── InvalidCursor · UnknownProducts · CategoryCycle · WrongPassword
    ├── Unauthenticated    nobody is logged in
    │   └── WrongCredentials · InvalidToken
    ├── Forbidden          somebody is, but this is not for his role
    │   └── NotTheOwner
    └── Unavailable        the shop cannot answer now; the same request may succeed later

A refusal has a `kind` (what a transport maps to a status), a `code` (stable, for programs) and a message
(for people: it names the value, the rule and the next step). It leaves nothing half done behind.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar
from uuid import UUID


class Kind(StrEnum):
    """What sort of no it is. One transport status per kind."""

    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    STALE = "stale"
    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken rule of an input.

    Args:
        field: where it is, as a path into the input, e.g. `lines.2.quantity`.
        message: the value and the rule, in words.
        code: stable, snake_case, e.g. `too_long`.
    """

    field: str
    message: str
    code: str


class Refusal(Exception):
    """The shop says no. Catch this to catch every answer that is not the one hoped for."""

    kind: ClassVar[Kind]
    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


# ---- not found


class NotFound(Refusal):
    """It does not exist, or it belongs to somebody else: the two are never told apart."""

    kind = Kind.NOT_FOUND
    code = "not_found"
    title = "Not found"


class ProductNotFound(NotFound):
    """No such product in the catalog; it may have been archived."""

    code = "product_not_found"
    title = "Product not found"

    def __init__(self, product_id: UUID) -> None:
        super().__init__(f"There is no product {product_id}. GET /products lists what there is.")
        self.product_id = product_id


class CategoryNotFound(NotFound):
    """No such category."""

    code = "category_not_found"
    title = "Category not found"

    def __init__(self, category_id: UUID) -> None:
        super().__init__(f"There is no category {category_id}. GET /categories lists what there is.")
        self.category_id = category_id


class OrderNotFound(NotFound):
    """No such order among those that the actor may see."""

    code = "order_not_found"
    title = "Order not found"

    def __init__(self, order_id: UUID) -> None:
        super().__init__(f"There is no order {order_id}. GET /orders lists yours.")
        self.order_id = order_id


class AccountNotFound(NotFound):
    """No such account among those that the actor may see."""

    code = "account_not_found"
    title = "Account not found"

    def __init__(self, account_id: UUID) -> None:
        super().__init__(f"There is no account {account_id}.")
        self.account_id = account_id


# ---- conflict


class Conflict(Refusal):
    """The request is sound, but the present state of things does not allow it."""

    kind = Kind.CONFLICT
    code = "conflict"
    title = "Conflict"


@dataclass(frozen=True, slots=True)
class Shortage:
    """One line that cannot be served: `requested` units wanted, `available` units there."""

    product_id: UUID
    requested: int
    available: int


class InsufficientStock(Conflict):
    """Fewer units are available than were asked for. Nothing was taken; `shortages` names every short line."""

    code = "insufficient_stock"
    title = "Not enough in stock"

    def __init__(self, shortages: Sequence[Shortage]) -> None:
        self.shortages = tuple(shortages)
        listed = "; ".join(
            f"product {s.product_id}: {s.requested} requested, {s.available} available" for s in self.shortages
        )
        super().__init__(f"{listed}. Nothing was taken: lower the quantities or remove these lines.")


class Oversold(Conflict):
    """A change would promise more units than are on hand. The last line of defence: no service lets it happen."""

    code = "oversold"
    title = "More units promised than on hand"

    def __init__(self, product_id: UUID) -> None:
        super().__init__(f"Product {product_id} would have more units promised than on hand. Nothing was changed.")
        self.product_id = product_id


class StockBelowZero(Conflict):
    """A change would take a stock counter below zero."""

    code = "stock_below_zero"
    title = "Stock cannot go below zero"

    def __init__(self, product_id: UUID) -> None:
        super().__init__(
            f"Product {product_id} has fewer units than this takes away. Nothing was changed: "
            "read its stock level and record what was counted."
        )
        self.product_id = product_id


class IllegalStep(Conflict):
    """The order's status does not allow this step. `possible` lists the steps that it does allow."""

    code = "illegal_order_step"
    title = "The order does not allow this step"

    def __init__(self, step: str, status: str, possible: Sequence[str]) -> None:
        self.step, self.status, self.possible = step, status, tuple(possible)
        steps = ", ".join(self.possible) or "none"
        super().__init__(f"The order is {status}; it cannot {step}. Possible steps: {steps}.")


class SkuTaken(Conflict):
    """Another product has this SKU."""

    code = "sku_taken"
    title = "SKU already in use"

    def __init__(self, sku: str) -> None:
        super().__init__(f"Another product has the SKU {sku!r}. Choose another one, or edit that product.")
        self.sku = sku


class SlugTaken(Conflict):
    """Another category has this slug."""

    code = "slug_taken"
    title = "Slug already in use"

    def __init__(self, slug: str) -> None:
        super().__init__(f"Another category has the slug {slug!r}. Choose another one.")
        self.slug = slug


class CategoryInUse(Conflict):
    """The category cannot go: something is in it. Archived products are on no shelf, so they do not count."""

    code = "category_in_use"
    title = "Category in use"

    def __init__(self, category_id: UUID, products: int, children: int) -> None:
        self.category_id, self.products, self.children = category_id, products, children
        super().__init__(
            f"Category {category_id} still has products in it: {products}, and categories below it: {children}. "
            "Move or remove them first."
        )


class UsernameTaken(Conflict):
    """Another account has this username; upper and lower case count as the same."""

    code = "username_taken"
    title = "Username already in use"

    def __init__(self, username: str) -> None:
        super().__init__(f"The username {username!r} is taken. Choose another one.")
        self.username = username


class LastAdmin(Conflict):
    """The shop would be left without an active admin: nobody could make another one."""

    code = "last_admin"
    title = "The last admin stays"

    def __init__(self, account_id: UUID) -> None:
        super().__init__(
            f"Account {account_id} is the last active admin: it must stay one. Make somebody else an admin first."
        )
        self.account_id = account_id


# ---- stale


class Stale(Refusal):
    """The client's copy is not the newest: it said which version it had, and there is a later one by now."""

    kind = Kind.STALE
    code = "stale_version"
    title = "Changed meanwhile"

    def __init__(self, expected: Collection[int], version: int) -> None:
        had = " or ".join(map(str, sorted(expected))) or "none of ours"
        super().__init__(f"You had version {had}, it is at version {version} by now. Read it again, then decide.")
        self.version = version


def check_version(version: int, expected: Collection[int] | None) -> None:
    """Let only those pass who know the newest version.

    Args:
        version: of what is stored, read under its lock.
        expected: the versions that the client takes for the newest; None if he does not care.

    Raises:
        Stale: it is none of them.
    """
    if expected is not None and version not in expected:
        raise Stale(expected, version)


# ---- invalid


class Invalid(Refusal):
    """The input breaks a rule. `faults` names each field with the rule that it breaks."""

    kind = Kind.INVALID
    code = "invalid_input"
    title = "Invalid input"

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults))
        self.faults = faults


class InvalidCursor(Invalid):
    """The cursor was not made by this list, or it was changed on the way."""

    code = "invalid_cursor"
    title = "Invalid cursor"

    def __init__(self) -> None:
        super().__init__(
            Fault("cursor", "is not one that this list gave out: start again without it", "invalid_cursor")
        )


class UnknownProducts(Invalid):
    """Lines that name a product which is not in the catalog (never was, or was archived)."""

    code = "unknown_product"
    title = "Unknown product"

    def __init__(self, product_ids: Sequence[UUID], faults: Sequence[Fault]) -> None:
        super().__init__(*faults)
        self.product_ids = tuple(product_ids)


class CategoryCycle(Invalid):
    """The new parent of a category is the category itself or one below it."""

    code = "category_cycle"
    title = "Category below itself"

    def __init__(self, category_id: UUID, parent_id: UUID) -> None:
        message = f"{parent_id} is category {category_id} itself or below it: choose a parent outside of it"
        super().__init__(Fault("parent", message, "category_cycle"))
        self.category_id, self.parent_id = category_id, parent_id


class WrongPassword(Invalid):
    """The present password, which a change asks for, is not this. Not Unauthenticated: the login itself is fine."""

    code = "wrong_password"
    title = "Wrong password"

    def __init__(self, field: str = "old_password") -> None:
        super().__init__(Fault(field, "is not the password of this account", "wrong_password"))


# ---- who are you, and may you


class Unauthenticated(Refusal):
    """This needs a login."""

    kind = Kind.UNAUTHENTICATED
    code = "unauthenticated"
    title = "Login required"

    def __init__(self, message: str = "Send a valid access token: POST /auth/token gives one.") -> None:
        super().__init__(message)


class WrongCredentials(Unauthenticated):
    """Unknown user, wrong password or deactivated account: the three are never told apart."""

    code = "wrong_credentials"
    title = "Wrong username or password"

    def __init__(self) -> None:
        super().__init__("The username or the password is wrong.")


class InvalidToken(Unauthenticated):
    """The token is malformed, forged, expired, spent or revoked."""

    code = "invalid_token"
    title = "Invalid token"

    def __init__(self, message: str = "The token is not valid (any more): log in again.") -> None:
        super().__init__(message)


class Forbidden(Refusal):
    """The actor's role does not include this."""

    kind = Kind.FORBIDDEN
    code = "forbidden"
    title = "Not allowed"

    def __init__(self, needed: str) -> None:
        super().__init__(f"This needs the role {needed}.")
        self.needed = needed


class NotTheOwner(Forbidden):
    """Only the customer himself may do this with his order; staff, who see it, may not."""

    code = "not_the_owner"
    title = "Not your order"

    def __init__(self, order_id: UUID) -> None:
        super().__init__("owner")
        self.message = f"Only the customer of the order {order_id} may do this. Staff can cancel it."
        self.order_id = order_id


# ---- not now


class Unavailable(Refusal):
    """The shop cannot answer at the moment. Nothing was done; the same request may succeed a little later.

    Args:
        message: what is unavailable.
        retry_after_s: seconds after which trying again makes sense.
    """

    kind = Kind.UNAVAILABLE
    code = "unavailable"
    title = "Temporarily unavailable"

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
