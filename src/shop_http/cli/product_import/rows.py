"""A row of the file as a product, or as what is wrong with it."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from shop_core import Money, ProductDetails, Refusal
from shop_core.catalog.model import NAME_LENGTH_MAX, SLUG_LENGTH_MAX
from shop_core.errors import Fault, Invalid
from shop_core.inventory.model import QUANTITY_MAX
from shop_core.text import comparable, normalized, text_faults
from shop_http.cli.product_import.file import header, opened, records
from shop_http.cli.progress import Advance

BATCH_ROWS = 500


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


def slug_of(category: str) -> str:
    """The slug under which a category of this name is found: the same for the same name, always.

    What Latin letters cannot say is told apart by the end of a hash, so that no two scripts share a shelf.

    >>> slug_of("Tea & Coffee"), slug_of("Küche")
    ('tea-coffee', 'kuche')
    """
    letters = comparable(category)
    bare = "".join(mark for mark in unicodedata.normalize("NFKD", letters) if not unicodedata.combining(mark))
    slug = "-".join(re.findall("[a-z0-9]+", bare))
    if len(slug) <= SLUG_LENGTH_MAX and slug and not any(sign.isalnum() and not sign.isascii() for sign in bare):
        return slug
    tail = hashlib.sha256(letters.encode()).hexdigest()[:8]
    return f"{slug[: SLUG_LENGTH_MAX - 9].strip('-') or 'category'}-{tail}"


def read_rows(path: Path, currency: str, progress: Advance, *, again: bool = False) -> Iterator[ProductRow | BadRow]:
    """Every row of the file, as a product or as what is wrong with it. Writes nothing.

    Args:
        progress: told every `BATCH_ROWS` rows, and at the end, how many bytes of how many were read.
        again: whether it will be read once more, which a pipe cannot be.

    Raises:
        UnusableFile: it cannot be read, its header is not one, or it is damaged further on.
    """
    with opened(path, again=again) as source:
        lines = source.lines()
        columns, delimiter = header(source.name, next(lines, ""))
        first_line_of: dict[str, int] = {}
        for count, (line, cells) in enumerate(records(lines, delimiter), start=1):
            if count % BATCH_ROWS == 0:
                progress(source.done, source.size)
            if isinstance(cells, str):
                yield BadRow(line, cells)
            elif any(cell.strip() for cell in cells):  # spreadsheets leave empty rows behind
                yield _unique(_row(line, columns, cells, currency), first_line_of)
        progress(source.size, source.size)


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
    category = normalized(cells.get("category", ""))
    if faults := text_faults("category", category, min_length=0, max_length=NAME_LENGTH_MAX):
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
