"""Products from a CSV file: what `shop import-products FILE.csv` does.

`file` opens it and finds the records, `profiles` reads exports of other shops, `rows` makes a product of each record,
and here they get into the shop.

A file is read as a stream: whatever its size, one batch of rows and the SKUs seen so far are in memory; of an export of
WooCommerce also the products that have variations. Importing the same file again changes nothing, so an import that was
interrupted is simply run again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from pathlib import Path
from uuid import UUID

from shop_core import SYSTEM, CursorRequest, Shop
from shop_core.catalog.service import ImportResult
from shop_core.errors import Invalid
from shop_core.inventory.model import QUANTITY_MAX
from shop_http.cli.product_import.file import KNOWN, UnusableFile
from shop_http.cli.product_import.profiles import PROFILES, BadRow, LeftOut
from shop_http.cli.product_import.rows import BATCH_ROWS, ProductRow, Reading, read_rows, read_time
from shop_http.cli.progress import Advance

__all__ = [
    "COLUMNS_HELP",
    "KNOWN",
    "PROFILES",
    "BadRow",
    "ImportReport",
    "OnBadRow",
    "Reading",
    "UnusableFile",
    "import_products",
    "read_time",
]

COLUMNS_HELP = f"""\
The first line names the columns, in any order and in upper or lower case; sku and one more must be there:

  sku          your own unique code (upper and lower case differ)
  name         what customers read; a new product needs it
  price        of one unit, in the currency of the shop, such as 2.20 or 2,20; a new product needs it
  description  optional
  category     optional: its name, or a path such as Kitchen > Cups; a category that is missing is created
  image_urls   optional: addresses separated by spaces, commas or bars
  quantity     optional: units on hand as counted, 0 to {QUANTITY_MAX:,}; an empty cell leaves the stock alone
  counted      optional: when they were counted, such as 2026-11-27T18:00+01:00; or --counted-at for all

Products are found by SKU: new ones are created, others become what the file says, and archived ones come back. A column
that is not there changes nothing; an empty cell empties that detail (quantity and counted excepted). A quantity of a
product that has stock already needs the time of the count: what was sold since then stays sold, so the same file twice
changes nothing. Categories are the same if their names are, whatever the case; C, C++ and C# are three.

Other columns are refused rather than ignored: --map "Article no.=sku" says what a column is, --map "Vendor=" leaves it
out. --profile shopify or woocommerce reads the export of such a shop, and makes a product of each variant. UTF-8 or
Windows-1252; comma, semicolon or tab between the fields, or what a first line sep= says; .gz and .xz are read as they
are. A number that can be read in two ways, such as 1,234, is refused."""

BAD_ROWS_KEPT = 1_000
_REASON = "counted: product file"


class OnBadRow(StrEnum):
    """What becomes of an import with a bad row in it."""

    SKIP = "skip"
    REFUSE = "refuse"


@dataclass(slots=True)
class ImportReport:
    """What became of a file.

    Args:
        restored: products that had left the catalog.
        counted: products whose stock was brought to what the file says.
        left_out: rows of an export that are no product for sale.
        bad_rows: the first 1,000 that were not imported; `bad_row_count` is how many there were.
        refused: whether nothing at all was written because of the bad rows.
        notes: what is worth telling of the file.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    restored: int = 0
    counted: int = 0
    left_out: int = 0
    bad_row_count: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)
    refused: bool = False
    notes: list[str] = field(default_factory=list)

    def add_bad(self, row: BadRow) -> None:
        """Note a row that was not imported."""
        self.bad_row_count += 1
        if len(self.bad_rows) < BAD_ROWS_KEPT:
            self.bad_rows.append(row)

    def add(self, imported: ImportResult) -> None:
        """Count what became of a batch."""
        self.created += len(imported.created)
        self.updated += len(imported.updated)
        self.unchanged += len(imported.unchanged)
        self.restored += len(imported.restored)


def import_products(
    shop: Shop,
    path: Path,
    reading: Reading | None = None,
    *,
    on_bad_row: OnBadRow = OnBadRow.SKIP,
    preview: bool = False,
    progress: Advance = lambda done, total: None,
) -> ImportReport:
    """Bring the catalog, and what was counted of the stock, to what the file says.

    Args:
        shop: its SYSTEM actor acts.
        path: see `COLUMNS_HELP`.
        reading: how; None: as the help says, without an option.
        on_bad_row: skip bad rows and import the others, or go through the whole file first, without writing, and refuse
            it for one bad row.
        preview: write nothing, only tell what would become of the file.
        progress: told after every batch how many bytes of how many were read.

    Raises:
        UnusableFile: nothing in it can be used; or it is damaged further on, and then what stands before that
            place has been imported (with `REFUSE`, nothing has).
        Refusal: the shop could not take a batch (e.g. Unavailable); the batches before it are imported.
    """
    reading = reading or Reading(shop.currency)
    if preview:
        return _through(shop, read_rows(path, reading, progress), preview=True)
    if on_bad_row is OnBadRow.SKIP:
        return _through(shop, read_rows(path, reading, progress), preview=False)
    first = read_rows(path, reading, lambda done, size: progress(done, 2 * size), again=True)
    report = _through(shop, first, preview=True)
    if report.bad_rows:
        return ImportReport(
            bad_row_count=report.bad_row_count, bad_rows=report.bad_rows, refused=True, notes=report.notes
        )
    again = read_rows(path, reading, lambda done, size: progress(size + done, 2 * size))
    return _through(shop, again, preview=False)


def _through(shop: Shop, rows: Iterator[ProductRow | BadRow | LeftOut | str], *, preview: bool) -> ImportReport:
    report = ImportReport()
    while batch := list(islice(rows, BATCH_ROWS)):
        good = []
        for row in batch:
            match row:
                case ProductRow():
                    good.append(row)
                case BadRow():
                    report.add_bad(row)
                case LeftOut():
                    report.left_out += 1
                case str():
                    report.notes.append(row)
        _write(shop, _checked(shop, good, report), report, preview=preview)
    return report


def _checked(shop: Shop, rows: Sequence[ProductRow], report: ImportReport) -> list[ProductRow]:
    """The rows that fit what the shop has; the others are noted."""
    try:
        imported = shop.catalog.import_products(SYSTEM, [row.row for row in rows], preview=True)
    except Invalid as refusal:  # one of them breaks a rule together with what is stored: find out which
        if len(rows) > 1:
            return [fitting for row in rows for fitting in _checked(shop, [row], report)]
        report.add_bad(BadRow(rows[0].line, refusal.message))
        return []
    stored = {product.sku: product.id for product in (*imported.updated, *imported.unchanged, *imported.restored)}
    untimed = {stored[row.row.sku]: row.quantity for row in rows if row.row.sku in stored and _is_untimed(row)}
    lacking = _lack_time(shop, untimed) if untimed else set()
    fitting = []
    for row in rows:
        sku = row.row.sku
        if sku in imported.incomplete:
            report.add_bad(BadRow(row.line, f"sku: {sku!r} is new, so it needs a name and a price"))
        elif stored.get(sku) in lacking and _is_untimed(row):
            rule = "say when it was counted, in a column counted or with --counted-at"
            report.add_bad(BadRow(row.line, f"quantity: {sku!r} has been in stock before, so {rule}"))
        else:
            fitting.append(row)
    return fitting


def _is_untimed(row: ProductRow) -> bool:
    return row.quantity is not None and row.counted is None


def _lack_time(shop: Shop, untimed: Mapping[UUID, int | None]) -> set[UUID]:
    """The products whose quantity nobody can read: it differs from what is on hand, and units came or went before."""
    levels = shop.inventory.levels(SYSTEM, untimed)
    differ = [product_id for product_id, units in untimed.items() if levels[product_id].on_hand != units]
    return {each for each in differ if shop.inventory.movements(SYSTEM, each, CursorRequest(1)).items}


def _write(shop: Shop, rows: Sequence[ProductRow], report: ImportReport, *, preview: bool) -> None:
    """Import rows that fit."""
    imported = shop.catalog.import_products(SYSTEM, [row.row for row in rows], preview=preview)
    report.add(imported)
    ids = {product.sku: product.id for product in imported.all}
    counted = {ids[row.row.sku]: row.quantity for row in rows if row.quantity is not None}
    if counted and not preview:
        as_of = {ids[row.row.sku]: row.counted for row in rows if row.quantity is not None and row.counted}
        shop.inventory.count_all(SYSTEM, counted, _REASON, as_of=as_of)
    report.counted += len(counted)
