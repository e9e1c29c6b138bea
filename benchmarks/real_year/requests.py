"""What each product, customer and event of a year becomes over HTTP, and what must come of it."""

from __future__ import annotations

import re
import secrets
import threading
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import SplitResult, urlsplit

from benchmarks.real_year.client import API, Connection, Json, Login, Wrong, packed
from benchmarks.real_year.events import QUANTITY_MAX, Cancellation, Correction, Event, Goods, Order, Tally, Year
from benchmarks.real_year.parallel import Phase


@dataclass(slots=True)
class Listed:
    """A product as the shop has it, and the units that must be left of it."""

    id: str
    price: Decimal
    left: int


class Replay:
    """The year on its way into the shop.

    What became of it: `placed` has the id and the order of each invoice, `cancelled` and `corrected` the invoices.
    """

    def __init__(self, year: Year, url: SplitResult, staff: Login, clients: int) -> None:
        self.year, self.url, self.staff = year, url, staff
        self.problems = Tally()
        self.phases = {name: Phase(name, url, clients, self.problems) for name in ("products", "customers", "orders")}
        self.products: dict[str, Listed] = {}
        self.customers: dict[str, Login] = {}
        self.placed: dict[str, tuple[str, Order]] = {}
        self.cancelled: list[str] = []
        self.corrected: list[str] = []
        self._needed = year.stock_needed()
        self._run = secrets.token_hex(3)  # in usernames, so that a year can be replayed twice in one shop
        self._lock = threading.Lock()

    @property
    def done(self) -> dict[str, int]:
        """How many invoices became what."""
        return {
            "orders placed": len(self.placed),
            "orders cancelled": len(self.cancelled),
            "stock corrections": len(self.corrected),
        }

    def everything(self) -> None:
        """Products, customers, then what happened."""
        self.products = {sku: product for sku, product in self._catalog().items() if sku in self.year.goods}
        self.phases["products"].run(list(self.year.goods.values()), self._stock_up)
        self.phases["customers"].run(self.year.customers, self._register)
        self.phases["orders"].run(self.year.events, self._happen, queue_of=_customer_of)

    def stock_differences(self) -> list[str]:
        """Products of which the shop shows another number of available units than must be left."""
        shown = {sku: product.left for sku, product in self._catalog().items()}
        return [
            f"{sku}: {shown.get(sku, 'nothing')} available, must be {product.left}"
            for sku, product in self.products.items()
            if shown.get(sku) != product.left
        ]

    def _catalog(self) -> dict[str, Listed]:
        connection = Connection(self.url)
        found = {}
        path = f"{API}/products?limit=200"
        while path:
            page = connection.ask("GET", path, token=self.staff.token(connection))
            for product in page["results"]:
                left = product["quantity_in_stock"]
                found[product["sku"]] = Listed(product["id"], Decimal(product["price"]), left)
            following = urlsplit(page.get("next") or "")
            path = following.path and f"{following.path}?{following.query}"
        return found

    # ---- before the year

    def _stock_up(self, connection: Connection, goods: Goods) -> None:
        """The product, and on its shelf whatever the year will ask of it."""
        if goods.sku not in self.products:
            body = packed(sku=goods.sku, name=goods.name, price=str(goods.price))
            product = connection.ask("POST", f"{API}/products", body, self.staff.token(connection), hoped=201)
            self.products[goods.sku] = Listed(product["id"], Decimal(product["price"]), 0)
        needed = self._needed[goods.sku]
        while needed > 0:
            units = min(needed, QUANTITY_MAX)
            self._move_stock(connection, goods.sku, "received", units, "for the year to come")
            needed -= units

    def _register(self, connection: Connection, customer: str) -> None:
        username = f"{re.sub('[^A-Za-z0-9.-]', '-', customer)[:100]}.{self._run}"
        password = secrets.token_urlsafe()
        connection.ask("POST", f"{API}/auth/register", packed(username=username, password=password), hoped=201)
        self.customers[customer] = Login(connection, username, password)

    # ---- what happened in it

    def _happen(self, connection: Connection, event: Event) -> None:
        if isinstance(event, Order):
            self._place(connection, event)
        elif isinstance(event, Cancellation):
            self._cancel(connection, event)
        else:
            self._correct(connection, event)

    def _place(self, connection: Connection, order: Order) -> None:
        lines = [{"product_id": self._product(sku).id, "quantity": units} for sku, units in order.lines]
        if order.customer not in self.customers:
            raise Wrong(f"its customer {order.customer} could not register")
        token = self.customers[order.customer].token(connection)
        answer = connection.ask("POST", f"{API}/orders", packed(lines=lines), token, hoped=201)
        self.placed[order.invoice] = answer["id"], order
        for sku, units in order.requested.items():
            self._leave(sku, -units)
        self._check(order, answer)

    def _check(self, order: Order, answer: Json) -> None:
        """Compare the order with the invoice."""
        requested = {self.products[sku].id: units for sku, units in order.requested.items()}
        lines = {line["product_id"]: line["quantity"] for line in answer["lines"]}
        if lines != requested or len(answer["lines"]) != len(requested):
            raise Wrong(f"order {answer['id']} has other lines than its invoice")
        total = sum(self.products[sku].price * units for sku, units in order.requested.items())
        if Decimal(answer["total"]) != total or answer["status"] != "placed":
            raise Wrong(f"order {answer['id']} is {answer['status']} for {answer['total']}, must be placed for {total}")

    def _cancel(self, connection: Connection, cancellation: Cancellation) -> None:
        if cancellation.order not in self.placed:
            raise Wrong(f"its order {cancellation.order} was not placed")
        order_id, order = self.placed[cancellation.order]
        token = self.customers[cancellation.customer].token(connection)
        answer = connection.ask("POST", f"{API}/orders/{order_id}/cancel", token=token)
        for sku, units in order.requested.items():
            self._leave(sku, units)
        self.cancelled.append(cancellation.invoice)
        if answer["status"] != "cancelled":
            raise Wrong(f"order {order_id} is {answer['status']} after it was cancelled")

    def _correct(self, connection: Connection, correction: Correction) -> None:
        for sku, change in correction.changes:
            self._move_stock(connection, sku, "adjusted", change, f"{correction.invoice}: {correction.remark}")
        self.corrected.append(correction.invoice)

    # ---- products

    def _product(self, sku: str) -> Listed:
        if sku not in self.products:
            raise Wrong(f"its product {sku} could not be created")
        return self.products[sku]

    def _move_stock(self, connection: Connection, sku: str, kind: str, units: int, why: str) -> None:
        path = f"{API}/products/{self._product(sku).id}/stock"
        connection.ask("POST", path, packed(kind=kind, quantity=units, reason=why), self.staff.token(connection))
        self._leave(sku, units)

    def _leave(self, sku: str, units: int) -> None:
        with self._lock:
            self.products[sku].left += units


def _customer_of(event: Event) -> object:
    """What stays in order: everything of one customer. Corrections hinder nobody, enough is in stock for all."""
    return event.invoice if isinstance(event, Correction) else ("customer", event.customer)
