"""Products from a CSV file: what `shop import-products FILE.csv` does.

A file is read as a stream: whatever its size, one batch of rows and the SKUs seen so far are in memory.
Importing the same file again changes nothing, so an import that was interrupted is simply run again.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import lzma
import os
import re
import stat
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from shop_core import SYSTEM, Money, ProductDetails, Refusal, Shop
from shop_core.catalog.model import NAME_LENGTH_MAX, SLUG_LENGTH_MAX
from shop_core.errors import Fault, Invalid
from shop_core.inventory.model import QUANTITY_MAX
from shop_core.text import normal, same_letters, text_faults

REQUIRED = ("sku", "name", "price")
OPTIONAL = ("description", "category", "image_urls", "quantity")
KNOWN = REQUIRED + OPTIONAL

COLUMNS_HELP = f"""\
The first line names the columns, in any order and in upper or lower case:

  sku          your own unique code (upper and lower case differ)
  name         what customers read
  price        of one unit, in the currency of the shop, such as 2.20
  description  optional
  category     optional: its name; a category that is missing is created
  image_urls   optional: addresses separated by spaces
  quantity     optional: units on hand as counted, 0 to {QUANTITY_MAX:,}; an empty cell leaves the stock alone

Products are found by SKU: new ones are created, others become what the file says, so a column that is left out
empties that detail (quantity excepted). Other columns are refused rather than ignored, because a misspelt one
would empty a detail too. UTF-8; comma, semicolon or tab between the fields; .gz and .xz are read as they are.
Importing the same file twice changes nothing."""

BATCH_ROWS = 500
BAD_ROWS_KEPT = 1_000
# A row of known columns that is longer than this has a field above csv.field_size_limit (131,072 characters of at
# most 4 bytes), so what is cut off here is refused there: memory stays bounded even without any line end.
_LINE_BYTES_MAX = 8 * 1024 * 1024

Progress = Callable[[int, int], None]
"""Is told how many bytes of how many were read; the second number is 0 when nobody knows (a pipe)."""


class UnusableFile(Exception):
    """The file as a whole cannot be imported. The message is one line: what is wrong with it, and what to do."""


class OnBadRow(StrEnum):
    """What becomes of an import with a bad row in it."""

    SKIP = "skip"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was not imported.

    Args:
        line: where it starts in the file; the header is line 1.
        reason: in words, naming the column and the value.
    """

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A row that can be imported: all rules of the catalog hold.

    Args:
        details: without the category, which has no id yet.
        category: its name; empty for none.
        quantity: units on hand as counted; None if the row does not say.
    """

    line: int
    details: ProductDetails
    category: str
    quantity: int | None


@dataclass(slots=True)
class ImportReport:
    """What became of a file.

    Args:
        counted: products whose stock was brought to what the file says.
        bad_rows: the first 1,000 that were not imported; `bad_row_count` is how many there were.
        refused: whether nothing at all was written because of the bad rows.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    counted: int = 0
    bad_row_count: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)
    refused: bool = False

    def add_bad(self, row: BadRow) -> None:
        """Note a row that was not imported."""
        self.bad_row_count += 1
        if len(self.bad_rows) < BAD_ROWS_KEPT:
            self.bad_rows.append(row)


def _silent(done: int, total: int) -> None:
    """The progress of somebody who does not want to know."""


def import_products(
    shop: Shop, path: Path, *, on_bad_row: OnBadRow = OnBadRow.SKIP, progress: Progress = _silent
) -> ImportReport:
    """Bring the catalog, and what was counted of the stock, to what the file says.

    Args:
        shop: its SYSTEM actor acts.
        path: see `COLUMNS_HELP`.
        on_bad_row: skip bad rows and import the others, or read the whole file first and refuse it for one bad row.
        progress: called after every batch.

    Raises:
        UnusableFile: nothing in it can be used; or it is damaged further on, and then what stands before that
            place has been imported (with `REFUSE`, nothing has).
        Refusal: the shop could not take a batch (e.g. Unavailable); the batches before it are imported.
    """
    report = ImportReport()
    rows = read_rows(path, shop.currency, progress)
    if on_bad_row is OnBadRow.REFUSE:
        for row in read_rows(path, shop.currency, lambda done, size: progress(done, 2 * size), again=True):
            if isinstance(row, BadRow):
                report.add_bad(row)
        if report.bad_rows:
            report.refused = True
            return report
        rows = read_rows(path, shop.currency, lambda done, size: progress(size + done, 2 * size))
    while batch := list(islice(rows, BATCH_ROWS)):
        _write(shop, batch, report)
    return report


def _write(shop: Shop, batch: list[ProductRow | BadRow], report: ImportReport) -> None:
    """Import the good rows of a batch and note the bad ones."""
    good = []
    for row in batch:
        if isinstance(row, BadRow):
            report.add_bad(row)
        else:
            good.append(row)
    names = {slug_of(row.category): row.category for row in reversed(good) if row.category}  # the first name wins
    categories = shop.catalog.ensure_categories(SYSTEM, names) if names else {}
    details = [
        replace(row.details, category_id=categories[slug_of(row.category)].id) if row.category else row.details
        for row in good
    ]
    imported = shop.catalog.import_products(SYSTEM, details)
    ids = {product.sku: product.id for product in imported.all}
    counted = {ids[row.details.sku]: row.quantity for row in good if row.quantity is not None}
    if counted:
        _count(shop, counted)
    report.created += len(imported.created)
    report.updated += len(imported.updated)
    report.unchanged += len(imported.unchanged)
    report.counted += len(counted)


def _count(shop: Shop, counted: dict[UUID, int]) -> None:
    """Bring what is on hand to what was counted, even where that is more than one ledger line can move."""
    reason = "counted: product file"
    try:
        shop.inventory.count_all(SYSTEM, counted, reason)
    except Invalid:
        for product_id, units in counted.items():
            on_hand = shop.inventory.level(SYSTEM, product_id).on_hand
            while on_hand - units > QUANTITY_MAX:
                on_hand -= QUANTITY_MAX
                shop.inventory.count_all(SYSTEM, {product_id: on_hand}, reason)
        shop.inventory.count_all(SYSTEM, counted, reason)


def slug_of(category: str) -> str:
    """The slug under which a category of this name is found: the same for the same name, always.

    What Latin letters cannot say is told apart by the end of a hash, so that no two scripts share a shelf.

    >>> slug_of("Tea & Coffee"), slug_of("Küche")
    ('tea-coffee', 'kuche')
    """
    letters = same_letters(category)
    bare = "".join(mark for mark in unicodedata.normalize("NFKD", letters) if not unicodedata.combining(mark))
    slug = "-".join(re.findall("[a-z0-9]+", bare))
    if len(slug) <= SLUG_LENGTH_MAX and slug and not any(sign.isalnum() and not sign.isascii() for sign in bare):
        return slug
    tail = hashlib.sha256(letters.encode()).hexdigest()[:8]
    return f"{slug[: SLUG_LENGTH_MAX - 9].strip('-') or 'category'}-{tail}"


# ---- rows


def read_rows(
    path: Path, currency: str, progress: Progress = _silent, *, again: bool = False
) -> Iterator[ProductRow | BadRow]:
    """Every row of the file, as a product or as what is wrong with it. Writes nothing.

    Args:
        again: whether it will be read once more, which a pipe cannot be.

    Raises:
        UnusableFile: it cannot be read, its header is not one, or it is damaged further on.
    """
    with _opened(path) as source:
        if again and not source.size:
            raise UnusableFile(f"{source.name} can be read only once, refusing needs twice: save it to a file first.")
        lines = _lines(source)
        columns, delimiter = _header(source.name, next(lines, ""))
        first_line_of: dict[str, int] = {}
        for count, (line, cells) in enumerate(_records(lines, delimiter), start=1):
            if count % BATCH_ROWS == 0:
                progress(source.done, source.size)
            if isinstance(cells, str):
                yield BadRow(line, cells)
            elif any(cell.strip() for cell in cells):  # spreadsheets leave empty rows behind
                yield _unique(_row(line, columns, cells, currency), first_line_of)
        progress(source.size, source.size)


def _records(lines: Iterator[str], delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Each record after the header: the line in which it starts, and its cells or why it has none."""
    records = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = records.line_num + 2
        try:
            yield line, next(records)
        except StopIteration:
            return
        except csv.Error as error:
            last = records.line_num + 1
            swallowed = f" up to line {last}" if last > line else ""
            yield line, f"{error}{swallowed}: is a quotation mark missing or too many?"


def _unique(row: ProductRow | BadRow, first_line_of: dict[str, int]) -> ProductRow | BadRow:
    """The row, unless one with its SKU came before it."""
    if isinstance(row, ProductRow):
        first = first_line_of.setdefault(row.details.sku, row.line)
        if first != row.line:
            return BadRow(row.line, f"sku: {row.details.sku!r} stands in line {first} already")
    return row


def _row(line: int, columns: list[str], cells: list[str], currency: str) -> ProductRow | BadRow:
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return BadRow(line, "has bytes that are not UTF-8: save the file as UTF-8")
    if len(cells) != len(columns):
        return BadRow(line, f"has {len(cells)} fields, the header has {len(columns)}")
    try:
        return _product_row(line, dict(zip(columns, cells, strict=True)), currency)
    except Refusal as refusal:
        return BadRow(line, refusal.message)


def _product_row(line: int, cells: dict[str, str], currency: str) -> ProductRow:
    """The row as a product.

    Raises:
        Invalid: a cell breaks a rule.
    """
    category = normal(cells.get("category", ""))
    if faults := text_faults("category", category, least=0, most=NAME_LENGTH_MAX):
        raise Invalid(*faults)
    details = ProductDetails(
        sku=cells["sku"],
        name=cells["name"],
        price=Money.parse(cells["price"].strip(), currency, field="price"),
        description=cells.get("description", ""),
        image_urls=tuple(cells.get("image_urls", "").split()),
    )
    details.product(UUID(int=0), datetime.min.replace(tzinfo=UTC))  # the catalog's own rules; the product is not kept
    return ProductRow(line, details, category, _quantity(cells.get("quantity", "").strip()))


def _quantity(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 20 and int(text) <= QUANTITY_MAX):
        rule = f"{text[:40]!r} is not a whole number from 0 to {QUANTITY_MAX}"
        raise Invalid(Fault("quantity", rule, "out_of_range"))
    return int(text)


# ---- the file


@dataclass(frozen=True, slots=True)
class _Source:
    """An open file.

    Args:
        name: the path, as messages show it: quoted and on one line.
        raw: its bytes.
        text: its bytes, unpacked where it is packed.
        size: how many bytes `raw` has; 0 for a pipe.
    """

    name: str
    raw: BufferedReader
    text: IO[bytes]
    size: int

    @property
    def done(self) -> int:
        """How many bytes of `size` were read."""
        return min(self.raw.tell(), self.size) if self.size else 0


_PACKED: dict[bytes, Callable[[BufferedReader], Any]] = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\x00": lzma.open}
_NOT_CSV = {
    b"PK\x03\x04": "is a spreadsheet or a ZIP archive: save it as CSV (UTF-8) and import that",
    b"\xd0\xcf\x11\xe0": "is an old Excel file: save it as CSV (UTF-8) and import that",
    b"\xff\xfe": "is UTF-16: save it as CSV (UTF-8) and import that",
    b"\xfe\xff": "is UTF-16: save it as CSV (UTF-8) and import that",
}


@contextmanager
def _opened(path: Path) -> Iterator[_Source]:
    """The file, open at its beginning. What it is, is told by its first bytes and not by its name.

    Raises:
        UnusableFile: there is none, it may not be read, or it is something else than CSV.
    """
    name = repr(str(path))
    try:
        raw = path.open("rb")
    except FileNotFoundError:
        raise UnusableFile(f"There is no file {name}: give the path of a CSV file.") from None
    except IsADirectoryError:
        raise UnusableFile(f"{name} is a directory: give the path of a CSV file.") from None
    except PermissionError:
        raise UnusableFile(f"{name} may not be read by this user: change its permissions.") from None
    except (OSError, ValueError) as error:
        raise UnusableFile(f"{name} cannot be opened ({error}): give the path of a CSV file.") from None
    with raw:
        status = os.fstat(raw.fileno())
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)):
            raise UnusableFile(f"{name} is neither a file nor a pipe: give the path of a CSV file.")
        start = raw.peek(8)[:8]
        if not start:
            raise UnusableFile(f"{name} is empty: its first line must name the columns ({', '.join(KNOWN)}).")
        for magic, problem in _NOT_CSV.items():
            if start.startswith(magic):
                raise UnusableFile(f"{name} {problem}.")
        unpack = next((unpack for magic, unpack in _PACKED.items() if start.startswith(magic)), None)
        yield _Source(name, raw, unpack(raw) if unpack else raw, status.st_size)


def _lines(source: _Source) -> Iterator[str]:
    """The lines of the file, each ending in a single line feed.

    Bytes that are not UTF-8 come as lone surrogates, so that only the record with them is lost.

    Raises:
        UnusableFile: reading or unpacking failed.
    """
    try:
        while line := source.text.readline(_LINE_BYTES_MAX):
            rest = line
            while len(rest) == _LINE_BYTES_MAX and not rest.endswith(b"\n"):
                rest = source.text.readline(_LINE_BYTES_MAX)
            if line.endswith(b"\r\n"):
                line = line[:-2] + b"\n"
            yield line.decode("utf-8", "surrogateescape")
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise UnusableFile(f"{source.name} is damaged or cut off ({error}): make it again.") from error


def _header(name: str, line: str) -> tuple[list[str], str]:
    """The columns, and the delimiter under which most of them are known ones.

    Raises:
        UnusableFile: one is missing, unknown or there twice.
    """
    line = line.removeprefix("\ufeff")

    def columns_by(delimiter: str) -> list[str]:
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            cells = []
        return [cell.strip().casefold() for cell in cells]

    delimiter = max(",;\t", key=lambda delimiter: len(set(columns_by(delimiter)) & set(KNOWN)))
    columns = columns_by(delimiter)
    if missing := [column for column in REQUIRED if column not in columns]:
        rule = "its first line must name the columns, separated by comma, semicolon or tab"
        raise UnusableFile(f"{name} has no column {_listed(missing)}: {rule}; it is {line.strip()[:60]!r}.")
    if unknown := [column for column in columns if column not in KNOWN]:
        known = ", ".join(KNOWN)
        raise UnusableFile(f"{name} has the unknown column {_listed(unknown)}: remove or rename it. Known are {known}.")
    if len(set(columns)) < len(columns):
        twice = [column for column in KNOWN if columns.count(column) > 1]
        raise UnusableFile(f"{name} has the column {_listed(twice)} more than once: keep one.")
    return columns, delimiter


def _listed(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - 8} more" if len(columns) > 8 else ""
    return ", ".join(repr(column[:40]) for column in columns[:8]) + more
