"""What a test starts from: products with units, customers with orders; by the ports, past the services."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar, cast
from uuid import UUID

from shop_core.accounts.model import Account, Actor, Role
from shop_core.catalog.model import Category, Product
from shop_core.events import OrderEvent, OrderEventKind
from shop_core.inventory.model import LineRequest, MovementKind, StockLevel, StockMovement
from shop_core.money import Money
from shop_core.orders.model import Order, OrderLine, OrderStatus, PlacementRequest, total_of
from shop_core.pagination import CursorRequest, Page
from shop_core.ports import Adapters, UnitOfWork
from shop_core.reservations.model import TTL_DEFAULT, Reservation, ReservationRequest

T = TypeVar("T")

WALK_PAGES_MAX = 1_000


class Altered:
    """Something, e.g. adapters or a unit of work, with a few attributes changed."""

    def __init__(self, inner: object, **changed: object) -> None:
        self._inner = inner
        self._changed = changed

    def __getattr__(self, name: str) -> Any:
        return self._changed[name] if name in self._changed else getattr(self._inner, name)


def later(adapters: Adapters, by: timedelta) -> Adapters:
    """The same adapters, at a later time."""

    @contextmanager
    def begin() -> Iterator[Any]:
        with adapters.begin() as uow:
            yield Altered(uow, now=lambda: uow.now() + by)

    return cast("Adapters", Altered(adapters, begin=begin, clock=lambda: adapters.clock() + by))


class Fixtures:
    """What a test starts from, on any adapters."""

    def __init__(self, adapters: Adapters) -> None:
        self.adapters = adapters
        self.begin = adapters.begin
        self.clock = adapters.clock
        self.new_id = adapters.new_id

    def money(self, minor: int) -> Money:
        """An amount in the currency of the shop."""
        return Money(minor, self.adapters.currency)

    def new_product(self, name: str = "Brass lamp", *, price: int = 1_250, **details: object) -> Product:
        """A product that is not stored yet."""
        product_id, now = self.new_id(), self.clock()
        product = Product(product_id, f"SKU-{product_id}", name, self.money(price), now, now)
        return replace(product, **details)  # type: ignore[arg-type]

    def product(self, name: str = "Brass lamp", *, units: int = 0, price: int = 1_250, **details: object) -> Product:
        """A product in the catalog, with `units` received."""
        product = self.new_product(name, price=price, **details)
        with self.begin() as uow:
            uow.products.add_all([product])
        if units:
            self.apply(self.movement(product.id, MovementKind.RECEIVED, units))
        return product

    def products(self, count: int, *, units: int) -> list[Product]:
        """Many products in the catalog, each with `units` received."""
        products = [self.new_product() for _ in range(count)]
        with self.begin() as uow:
            uow.products.add_all(products)
        self.apply(*(self.movement(product.id, MovementKind.RECEIVED, units) for product in products))
        return products

    def archive(self, product: Product) -> Product:
        """Take a product out of the catalog."""
        with self.begin() as uow:
            archived = uow.products.lock_by_sku([product.sku])[product.sku].archived(self.clock())
            uow.products.update_all([archived])
        return archived

    def category(self, slug: str, parent: Category | None = None) -> Category:
        """A category with that slug."""
        category = Category(self.new_id(), slug.title(), slug, parent.id if parent else None)
        with self.begin() as uow:
            uow.categories.add(category)
        return category

    def account(
        self, username: str = "ada", *, role: Role = Role.CUSTOMER, password_hash: str = "hash", **details: object
    ) -> Account:
        """A registered user."""
        now = self.clock()
        account = Account(self.new_id(), username, role, now, now, **details)  # type: ignore[arg-type]
        with self.begin() as uow:
            uow.accounts.add(account, password_hash)
        return account

    def customer(self) -> Actor:
        """Somebody who can place orders."""
        return Actor(self.new_id(), Role.CUSTOMER)

    @staticmethod
    def owner(of: Order | Reservation) -> Actor:
        """The customer whose it is."""
        return Actor(of.customer_id, Role.CUSTOMER)

    def movement(
        self, product_id: UUID, kind: MovementKind, quantity: int, order_id: UUID | None = None
    ) -> StockMovement:
        """A ledger line that is not stored yet."""
        return StockMovement(self.new_id(), product_id, kind, quantity, self.clock(), order_id=order_id)

    def apply(self, *movements: StockMovement) -> None:
        """Store movements, in a unit of work of their own."""
        with self.begin() as uow:
            uow.stock.lock({movement.product_id for movement in movements})
            uow.stock.apply(movements)

    def promise(self, product: Product, *, allocated: int, reserved: int) -> None:
        """Promise units of a product, so that they are on hand and not available."""
        allocation = self.movement(product.id, MovementKind.ALLOCATED, allocated)
        self.apply(allocation, self.movement(product.id, MovementKind.RESERVED, reserved))

    def level(self, product_id: UUID) -> StockLevel:
        """The stored counters of a product."""
        with self.begin() as uow:
            level = uow.stock.get(product_id)
        assert level is not None
        return level

    def ledger(self, product_id: UUID) -> list[StockMovement]:
        """All movements of a product, oldest first."""
        return self.walk(lambda uow, page: uow.stock.movements(product_id, page), 200)[::-1]

    def walk(
        self,
        page_of: Callable[[UnitOfWork, CursorRequest], Page[T]],
        limit: int,
        between: Callable[[], object] = lambda: None,
    ) -> list[T]:
        """A whole list, page by page, each in a unit of work of its own; `between` happens before all but the first."""
        found: list[T] = []
        cursor: str | None = None
        for _ in range(WALK_PAGES_MAX):
            with self.begin() as uow:
                page = page_of(uow, CursorRequest(limit, cursor))
            assert page.count is None
            assert page.cursor is None or len(page.items) == limit
            found += page.items
            if (cursor := page.cursor) is None:
                return found
            between()
        raise AssertionError("the walk has no end")

    def new_order(self, requested: Mapping[Product, int] | None = None, customer_id: UUID | None = None) -> Order:
        """An order that is not stored, and whose units are not allocated."""
        chosen = dict(requested) if requested else {self.new_product(): 1}
        lines = tuple(OrderLine(p.id, p.sku, p.name, p.price, quantity) for p, quantity in chosen.items())
        total, now = total_of(lines, self.adapters.currency), self.clock()
        return Order(self.new_id(), customer_id or self.new_id(), OrderStatus.PLACED, lines, total, now, now)

    def order(self, requested: Mapping[Product, int] | None = None, customer_id: UUID | None = None) -> Order:
        """The same, stored, with its first event."""
        order = self.new_order(requested, customer_id)
        event = OrderEvent.of(self.new_id(), OrderEventKind.PLACED, order, Actor(order.customer_id, Role.CUSTOMER))
        with self.begin() as uow:
            uow.orders.add_all([order])
            uow.events.add_all([event])
        return order


Wanted = tuple[Product | UUID, int]


def request(
    customer: Actor, *lines: Wanted, key: str | None = None, of: Reservation | None = None, total: Money | None = None
) -> PlacementRequest:
    """A request of `customer` for so many units of each product, or for a reservation."""
    return PlacementRequest(
        customer.account_id,
        _lines(lines),
        reservation_id=of.id if of else None,
        key=key,
        expected_total=total,
    )


def to_hold(
    customer: Actor, *lines: Wanted, seconds: float = TTL_DEFAULT.total_seconds(), key: str | None = None
) -> ReservationRequest:
    """A request of `customer` to reserve so many units of each product."""
    return ReservationRequest(customer.account_id, _lines(lines), timedelta(seconds=seconds), key)


def _lines(lines: Iterable[Wanted]) -> tuple[LineRequest, ...]:
    return tuple(
        LineRequest(requested.id if isinstance(requested, Product) else requested, units) for requested, units in lines
    )
