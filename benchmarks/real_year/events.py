"""A year of a real shop, as events: reads the transactions of "Online Retail" (UCI, doi 10.24432/C5BW33). Pure.

    what stands in the file                             what it becomes
    --------------------------------------------------  --------------------------------------------------------------
    a stock code                                        a product; its name is the commonest description among rows
                                                        with a price (remarks such as "damaged" have none), its price
                                                        the commonest one above zero in whole cents, else 0.00
    POST, DOT, C2, M, D, S, B, CRUK, BANK CHARGES,      no goods (postage, carriage, manual entry, discount, samples,
    AMAZONFEE                                           fees): those rows are left out of every invoice
    a customer number                                   a customer; rows without one belong to the one customer "guest"
    an invoice                                          an order with its rows as lines, a product twice where it stands
                                                        twice; goods given away (price 0) among others are sold too
    an invoice without customer, every price 0          a stock correction ("found", "damaged", "check"), as is any
    or every quantity negative                          other invoice of negative quantities
    "C...", of the customer and the goods of a whole    the cancellation of that order, of the latest one if several
    earlier order that is still placed                  are alike
    any other "C..."                                    left out: returns of a part, or of an order before the year
    "A..."                                              left out: accounting
    a row that cannot be read, a quantity of 0,         left out, row by row
    a negative quantity in a sale

Every invoice becomes one event or is left out for one reason, and so does every row: `Year` can be added up.
"""

from __future__ import annotations

import csv
import lzma
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from io import TextIOWrapper
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID")
NO_GOODS = frozenset({"POST", "DOT", "C2", "M", "D", "S", "B", "CRUK", "BANK CHARGES", "AMAZONFEE"})
GUEST = "guest"
T = TypeVar("T")

# What the shop documents as its limits; more than that is left out here, so that every refusal is news.
LINES_MAX = 2_000
QUANTITY_MAX = 1_000_000
NAME_LENGTH_MAX = 200


class Row(NamedTuple):
    """A line of an invoice. `customer` is empty where the file names none."""

    invoice: str
    sku: str
    description: str
    quantity: int
    at: datetime
    price: Decimal
    customer: str


class Unreadable(NamedTuple):
    """A line of the file that is no row."""

    line: int
    reason: str


@dataclass(slots=True)
class Tally:
    """How often each reason came up, with the first example of each."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, reason: str, example: str, times: int = 1) -> None:
        """Count `reason`, `times` more."""
        self.counts[reason] += times
        self.examples.setdefault(reason, example)

    @property
    def total(self) -> int:
        """All of them."""
        return self.counts.total()


@dataclass(frozen=True, slots=True)
class Goods:
    """Something to sell."""

    sku: str
    name: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class Order:
    """An invoice to place as an order; `lines` are its rows as they stand: SKU and quantity."""

    invoice: str
    customer: str
    lines: tuple[tuple[str, int], ...]

    @property
    def requested(self) -> dict[str, int]:
        """The units of each SKU."""
        return _summed(self.lines)

    @property
    def rows(self) -> int:
        """How many rows of the file it is made of."""
        return len(self.lines)


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Calls off the order that was placed for the invoice `order`."""

    invoice: str
    customer: str
    order: str
    rows: int


@dataclass(frozen=True, slots=True)
class Correction:
    """Units found (positive) or missing (negative), by SKU, with the remark of whoever counted."""

    invoice: str
    changes: tuple[tuple[str, int], ...]
    remark: str
    rows: int


Event = Order | Cancellation | Correction


@dataclass(slots=True)
class Year:
    """What happened, in the order in which it did.

    Args:
        goods: by SKU; only what an event is about.
        invoices: how many the file has, of which `invoices_left_out` are no event.
        rows: how many the file has, of which `rows_left_out` are in no event.
    """

    goods: dict[str, Goods] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    invoices: int = 0
    invoices_left_out: Tally = field(default_factory=Tally)
    rows: int = 0
    rows_left_out: Tally = field(default_factory=Tally)

    @property
    def orders(self) -> list[Order]:
        """The events that are orders."""
        return [event for event in self.events if isinstance(event, Order)]

    @property
    def customers(self) -> list[str]:
        """Everybody who orders, by their first order."""
        return list(dict.fromkeys(order.customer for order in self.orders))

    def stock_needed(self) -> dict[str, int]:
        """Units of each SKU with which every order can be served, whatever happens first."""
        needed = dict.fromkeys(self.goods, 0)
        for event in self.events:
            if isinstance(event, Order):
                for sku, quantity in event.lines:
                    needed[sku] += quantity
            elif isinstance(event, Correction):
                for sku, change in event.changes:
                    needed[sku] += max(0, -change)
        return needed

    def faults(self) -> list[str]:
        """Where the figures do not add up; none if every invoice and every row is accounted for once."""
        faults = []
        if len(self.events) + self.invoices_left_out.total != self.invoices:
            faults.append(f"{len(self.events)} events and {self.invoices_left_out.total} left out of {self.invoices}")
        in_events = sum(event.rows for event in self.events)
        if in_events + self.rows_left_out.total != self.rows:
            faults.append(f"{in_events} rows in events and {self.rows_left_out.total} left out of {self.rows}")
        if len({event.invoice for event in self.events}) != len(self.events):
            faults.append("an invoice became two events")
        return faults


def _summed(lines: Iterable[tuple[str, int]]) -> dict[str, int]:
    summed: dict[str, int] = {}
    for sku, quantity in lines:
        summed[sku] = summed.get(sku, 0) + quantity
    return summed


# ---- reading


def read_rows(path: Path) -> Iterator[Row | Unreadable]:
    """The rows of a CSV file, plain or `.xz`.

    Raises:
        ValueError: it has not the columns of this data set.
        OSError, lzma.LZMAError: it cannot be read.
    """
    with _opened(path) as file:
        reader = csv.reader(file)
        header = [name.strip().removeprefix("\ufeff").casefold() for name in next(reader, [])]
        missing = [name for name in COLUMNS if name.casefold() not in header]
        if missing:
            raise ValueError(f"{path} has no column {', '.join(missing)}: this tool reads {', '.join(COLUMNS)}")
        places = [header.index(name.casefold()) for name in COLUMNS]
        for cells in reader:
            try:
                yield _row([cells[place].strip() for place in places])
            except (IndexError, ValueError, InvalidOperation) as error:
                yield Unreadable(reader.line_num, f"{type(error).__name__}: {error}")


def _opened(path: Path) -> IO[str]:
    with path.open("rb") as file:
        packed = file.read(6) == b"\xfd7zXZ\x00"
    if packed:
        return TextIOWrapper(lzma.open(path), encoding="utf-8", errors="replace", newline="")
    return path.open(encoding="utf-8", errors="replace", newline="")


def _row(cells: Sequence[str]) -> Row:
    """The row with these cells.

    Raises:
        ValueError, InvalidOperation: one of them cannot be read.
    """
    invoice, sku, description, quantity, at, price, customer = cells
    if not invoice or not sku:
        raise ValueError("no invoice number or no stock code")
    amount = Decimal(price)
    if not amount.is_finite():
        raise ValueError(f"{price!r} is no price")
    at_time = datetime.fromisoformat(at)
    return Row(invoice, sku, description, int(quantity), at_time, amount, customer.removesuffix(".0"))


# ---- from rows to events


def year_of(rows: Iterable[Row | Unreadable], *, invoices_max: int | None = None) -> Year:
    """The events that `rows` tell of; only those of the first `invoices_max` invoices, if that is given."""
    year = Year()
    invoices: dict[str, list[Row]] = {}
    unreadable = []
    for row in rows:
        if isinstance(row, Row):
            invoices.setdefault(row.invoice, []).append(row)
        else:
            unreadable.append(row)
    chosen = sorted(invoices.values(), key=lambda rows: rows[0].at)[:invoices_max]
    year.invoices = len(chosen)
    year.rows = sum(map(len, chosen)) + len(unreadable)
    for line, reason in unreadable:
        year.rows_left_out.add("cannot be read", f"line {line}: {reason}")
    still_placed: dict[object, list[str]] = defaultdict(list)
    for invoice in chosen:
        _add_invoice(year, invoice, still_placed)
    year.goods = _goods_of(chosen, _skus(year.events))
    return year


def _add_invoice(year: Year, rows: list[Row], still_placed: dict[object, list[str]]) -> None:
    """Add what an invoice tells of; `still_placed` has the orders by customer and goods."""
    goods = list(_usable(year, rows))
    event = _event(goods, rows[0], still_placed)
    if isinstance(event, str):
        year.invoices_left_out.add(event, rows[0].invoice)
        if goods:
            year.rows_left_out.add(event, rows[0].invoice, len(goods))
        return
    year.events.append(event)
    if isinstance(event, Order):
        still_placed[_match_key(event.customer, event.requested)].append(event.invoice)


def _usable(year: Year, rows: Sequence[Row]) -> Iterator[Row]:
    """The rows that can be part of an event; the others are left out of the year."""
    sale = rows[0].invoice[0] not in "CA" and any(row.quantity > 0 for row in rows)
    for row in rows:
        if row.invoice.startswith("A"):
            yield row  # left out as a whole
        elif row.sku.upper() in NO_GOODS:
            year.rows_left_out.add("no goods: postage, fees, discounts, samples", f"{row.sku} in {row.invoice}")
        elif row.quantity == 0:
            year.rows_left_out.add("a quantity of 0", f"{row.sku} in {row.invoice}")
        elif sale and row.quantity < 0 and not _is_correction(rows):
            year.rows_left_out.add("a negative quantity in a sale", f"{row.sku} in {row.invoice}")
        else:
            yield row


def _event(goods: Sequence[Row], first: Row, still_placed: dict[object, list[str]]) -> Event | str:
    """What an invoice with these goods becomes, or why nothing."""
    if first.invoice.startswith("A"):
        return "accounting adjustment"
    if not goods:
        return "nothing but postage, fees, discounts, samples"
    if first.invoice.startswith("C"):
        return _cancellation(goods, still_placed)
    if _is_correction(goods):
        return _correction(goods)
    order = Order(first.invoice, first.customer or GUEST, tuple((row.sku, row.quantity) for row in goods))
    if len(order.lines) > LINES_MAX:
        return f"more than {LINES_MAX:,} lines"
    if max(order.requested.values()) > QUANTITY_MAX:
        return f"more than {QUANTITY_MAX:,} units of one product"
    return order


def _is_correction(rows: Sequence[Row]) -> bool:
    return all(row.quantity <= 0 for row in rows) or all(row.price == 0 and not row.customer for row in rows)


def _cancellation(goods: Sequence[Row], still_placed: dict[object, list[str]]) -> Cancellation | str:
    first = goods[0]
    customer = first.customer or GUEST
    returned = _summed((row.sku, -row.quantity) for row in goods)
    alike = still_placed.get(_match_key(customer, returned))
    if not alike:
        return "cancellation that matches no order: part of one, or before the year"
    return Cancellation(first.invoice, customer, alike.pop(), len(goods))


def _correction(goods: Sequence[Row]) -> Correction | str:
    changes = {sku: change for sku, change in _summed((row.sku, row.quantity) for row in goods).items() if change}
    if not changes:
        return "a stock correction that comes to nothing"
    if max(map(abs, changes.values())) > QUANTITY_MAX:
        return f"more than {QUANTITY_MAX:,} units of one product"
    remark = next((row.description for row in goods if row.description), "no remark")
    return Correction(goods[0].invoice, tuple(changes.items()), remark, len(goods))


def _match_key(customer: str, requested: dict[str, int]) -> object:
    return customer, frozenset(requested.items())


def _skus(events: Iterable[Event]) -> set[str]:
    skus: set[str] = set()
    for event in events:
        if isinstance(event, Order):
            skus.update(sku for sku, _ in event.lines)
        elif isinstance(event, Correction):
            skus.update(sku for sku, _ in event.changes)
    return skus


def _goods_of(invoices: Iterable[Sequence[Row]], skus: set[str]) -> dict[str, Goods]:
    """Name and price of each of `skus`, in the order in which the file first names them."""
    names: dict[str, Counter[str]] = defaultdict(Counter)
    remarks: dict[str, Counter[str]] = defaultdict(Counter)
    prices: dict[str, Counter[Decimal]] = defaultdict(Counter)
    goods = dict.fromkeys(row.sku for rows in invoices for row in rows if row.sku in skus)
    for rows in invoices:
        for row in rows:
            if row.description:
                (names if row.price > 0 else remarks)[row.sku][row.description] += 1
            if row.price > 0 and row.price == round(row.price, 2):
                prices[row.sku][row.price] += 1
    return {
        sku: Goods(
            sku,
            name=_commonest(names[sku] or remarks[sku], sku)[:NAME_LENGTH_MAX].strip(),
            price=_commonest(prices[sku], Decimal(0)).quantize(Decimal("0.01")),
        )
        for sku in goods
    }


def _commonest(counter: Counter[T], otherwise: T) -> T:
    return max(counter, key=counter.__getitem__, default=otherwise)
