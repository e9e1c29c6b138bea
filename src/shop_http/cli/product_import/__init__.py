"""Products from a CSV file: what `shop import-products FILE.csv` does.

`file` opens it and finds the records, `rows` makes a product of each, and here they get into the shop.

A file is read as a stream: whatever its size, one batch of rows and the SKUs seen so far are in memory.
Importing the same file again changes nothing, so an import that was interrupted is simply run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path

from shop_core import SYSTEM, ProductDetails, Shop
from shop_core.inventory.model import QUANTITY_MAX
from shop_http.cli.product_import.file import KNOWN, UnusableFile
from shop_http.cli.product_import.rows import BATCH_ROWS, BadRow, ProductRow, read_rows, slug_of
from shop_http.cli.progress import Advance

__all__ = [
    "COLUMNS_HELP",
    "KNOWN",
    "BadRow",
    "ImportReport",
    "OnBadRow",
    "UnusableFile",
    "import_products",
    "slug_of",
]

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

BAD_ROWS_KEPT = 1_000


class OnBadRow(StrEnum):
    """What becomes of an import with a bad row in it."""

    SKIP = "skip"
    REFUSE = "refuse"


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


def import_products(
    shop: Shop,
    path: Path,
    *,
    on_bad_row: OnBadRow = OnBadRow.SKIP,
    progress: Advance = lambda done, total: None,
) -> ImportReport:
    """Bring the catalog, and what was counted of the stock, to what the file says.

    Args:
        shop: its SYSTEM actor acts.
        path: see `COLUMNS_HELP`.
        on_bad_row: skip bad rows and import the others, or read the whole file first and refuse it for one bad row.
        progress: told after every batch how many bytes of how many were read.

    Raises:
        UnusableFile: nothing in it can be used; or it is damaged further on, and then what stands before that
            place has been imported (with `REFUSE`, nothing has).
        Refusal: the shop could not take a batch (e.g. Unavailable); the batches before it are imported.
    """
    report = ImportReport()
    if on_bad_row is OnBadRow.SKIP:
        rows = read_rows(path, shop.currency, progress)
    else:
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


def _write(shop: Shop, batch: Sequence[ProductRow | BadRow], report: ImportReport) -> None:
    """Import the good rows of a batch and note the bad ones."""
    good = []
    for row in batch:
        if isinstance(row, BadRow):
            report.add_bad(row)
        else:
            good.append(row)
    imported = shop.catalog.import_products(SYSTEM, _details(shop, good))
    ids = {product.sku: product.id for product in imported.all}
    counted = {ids[row.details.sku]: row.quantity for row in good if row.quantity is not None}
    if counted:
        shop.inventory.count_all(SYSTEM, counted, "counted: product file")
    report.created += len(imported.created)
    report.updated += len(imported.updated)
    report.unchanged += len(imported.unchanged)
    report.counted += len(counted)


def _details(shop: Shop, rows: Sequence[ProductRow]) -> list[ProductDetails]:
    """What the rows say of their products, each in its category; categories that are missing are created."""
    names = {slug_of(row.category): row.category for row in reversed(rows) if row.category}  # the first name wins
    categories = shop.catalog.ensure_categories(SYSTEM, names) if names else {}
    return [
        replace(row.details, category_id=categories[slug_of(row.category)].id) if row.category else row.details
        for row in rows
    ]
