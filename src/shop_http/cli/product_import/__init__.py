"""Products from a CSV file: what `shop import-products FILE.csv` does.

`file` opens it and finds the records, `profiles` reads exports of other shops, `rows` makes a product of each record,
and here they get into the shop.

A file is read as a stream: whatever its size, one batch of rows and the SKUs seen so far are in memory; of an export of
WooCommerce also the products that have variations. Importing the same file again changes nothing, so an import that was
interrupted is simply run again.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from pathlib import Path
from uuid import UUID

from shop_core import SYSTEM, CursorRequest, Shop
from shop_core.catalog.importing import ImportPlan, ImportResult
from shop_core.errors import NoPictures, UnusableImage
from shop_core.inventory.model import ON_HAND_MAX
from shop_http.cli.product_import.file import EXPORTED, KNOWN, UnusableFile, is_known
from shop_http.cli.product_import.profiles import PROFILES, BadRow, LeftOut
from shop_http.cli.product_import.rows import BATCH_ROWS, ProductRow, Reading, read_rows, time_of_count
from shop_http.cli.progress import Advance

__all__ = [
    "COLUMNS_HELP",
    "EXPORTED",
    "KNOWN",
    "PROFILES",
    "BadRow",
    "ImportReport",
    "OnBadRow",
    "Reading",
    "UnusableFile",
    "import_products",
    "is_known",
    "time_of_count",
]

COLUMNS_HELP = f"""\
The first line names the columns, in any order and in upper or lower case; sku and one more must be there:

  sku          your own unique code (upper and lower case differ)
  name         what customers read; a new product needs it
  price        of one unit, in the currency of the shop, such as 2.20 or 2,20; a new product needs it
  description  optional
  category     optional: its name, or a path such as Kitchen > Cups; a category that is missing is created
  image_urls   optional: addresses separated by spaces, commas or bars
  images       optional: file names separated by commas or bars, in the folder that --images names
  tax_class    optional: such as reduced; an empty cell is standard
  family       optional: the name of what it belongs to, such as T-shirt; a family that is missing is created
  options.NAME optional: what tells it apart there, in a column for each option, such as options.Colour
  quantity     optional: units on hand as counted, 0 to {ON_HAND_MAX:,}; an empty cell leaves the stock alone
  counted      optional: when they were counted, such as 2026-11-27T18:00+01:00; or --counted-at for all

Products are found by SKU: new ones are created, others become what the file says, and archived ones come back. A column
that is not there changes nothing; an empty cell empties that detail (quantity and counted excepted). A quantity of a
product that has stock already needs the time of the count: what was sold since then stays sold, so the same file twice
changes nothing. Import lists in the order of their counts. Categories are the same if their names are, whatever the
case; C, C++ and C# are three. A new family has the options that its rows have, three at most; a family that is there
takes no others.

Other columns are refused rather than ignored: --map "Article no.=sku" says what a column is, --map "Vendor=" leaves it
out. --profile shopify or woocommerce reads the export of such a shop: each variant is a product, and its product is a
family. UTF-8 or Windows-1252; comma, semicolon or tab between the fields, or what a first line sep= says; .gz and .xz
are read as they are. A number that can be read in two ways, such as 1,234, is refused. 12.500 is twelve and a half in a
currency with three decimals, as exports have it, and refused in others."""

BAD_ROWS_KEPT = 1_000
_REASON = "product file"


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
        pictured: products whose pictures were brought to what the file says.
        left_out: rows of an export that are no product for sale.
        new_families: the names of those that were missing.
        bad_rows: the first 1,000 that were not imported; `bad_row_count` is how many there were.
        refused: whether nothing at all was written because of the bad rows.
        notes: what is worth telling of the file.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    restored: int = 0
    counted: int = 0
    pictured: int = 0
    left_out: int = 0
    new_families: list[str] = field(default_factory=list)
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
        self.new_families += [family.name for family in imported.new_families]


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
        Invalid: `reading.counted` is no time.
        UnusableFile: nothing in it can be used; or it is damaged further on, and then what stands before that
            place has been imported (with `REFUSE`, nothing has).
        Refusal: the shop could not take a batch (e.g. Unavailable); the batches before it are imported.
    """
    reading, now = reading or Reading(shop.currency), shop.now()
    if preview:
        return _through(shop, read_rows(path, reading, now, progress), preview=True)
    if on_bad_row is OnBadRow.SKIP:
        return _through(shop, read_rows(path, reading, now, progress), preview=False)
    first = read_rows(path, reading, now, lambda done, size: progress(done, 2 * size), again=True)
    report = _through(shop, first, preview=True)
    if report.bad_rows:
        return ImportReport(
            bad_row_count=report.bad_row_count, bad_rows=report.bad_rows, refused=True, notes=report.notes
        )
    again = read_rows(path, reading, now, lambda done, size: progress(size + done, 2 * size))
    return _through(shop, again, preview=False)


def _through(shop: Shop, rows: Iterator[ProductRow | BadRow | LeftOut | str], *, preview: bool) -> ImportReport:
    report, plan = ImportReport(), ImportPlan()
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
        fitting, imported = _checked(shop, good, report, plan)
        report.pictured += sum(row.images is not None for row in fitting)
        if preview:
            plan.add(imported)
        else:
            imported = _write(shop, fitting)
        report.add(imported)
        report.counted += sum(row.quantity is not None for row in fitting)
    report.bad_rows.sort(key=lambda row: row.line)
    return report


def _checked(
    shop: Shop, rows: Sequence[ProductRow], report: ImportReport, plan: ImportPlan
) -> tuple[Sequence[ProductRow], ImportResult]:
    """The rows that fit what the shop has, and what they change; the others are noted."""
    seen: dict[Path, str] = {}
    while True:  # without a row that does not fit, others may not fit: its options were part of a new family
        imported = shop.catalog.import_products(SYSTEM, [row.row for row in rows], preview=True, plan=plan)
        reasons = {sku: refusal.message for sku, refusal in imported.refused.items()}
        reasons |= {sku: f"sku: {sku!r} is new, so it needs a name and a price" for sku in imported.incomplete}
        reasons |= _without_time(shop, rows, imported)
        reasons |= _unusable(shop, rows, seen)
        if not reasons:
            return rows, imported
        for row in rows:
            if row.row.sku in reasons:
                report.add_bad(BadRow(row.line, reasons[row.row.sku]))
        rows = [row for row in rows if row.row.sku not in reasons]


def _unusable(shop: Shop, rows: Sequence[ProductRow], seen: dict[Path, str]) -> dict[str, str]:
    """Why some rows name files that are no pictures. Each file is looked at once.

    Args:
        seen: what is wrong with those that were looked at before; empty: nothing.
    """
    for path in dict.fromkeys(path for row in rows for path in row.images or () if path not in seen):
        try:
            shop.images.check(path.read_bytes())
            seen[path] = ""
        except (UnusableImage, NoPictures) as refusal:
            seen[path] = f"images: {path.name!r}: {refusal.message}"
        except OSError as error:
            seen[path] = f"images: {path.name!r} cannot be read: {error.strerror}"
    faults = ((row.row.sku, seen[path]) for row in rows for path in row.images or () if seen[path])
    return dict(faults)


def _without_time(shop: Shop, rows: Sequence[ProductRow], imported: ImportResult) -> dict[str, str]:
    """Why some quantities cannot be read: they differ from what is on hand, and units came or went before."""
    stored = {product.sku: product.id for product in (*imported.updated, *imported.unchanged, *imported.restored)}
    untimed = {row.row.sku: row.quantity for row in rows if row.quantity is not None and row.counted is None}
    units_of = {stored[sku]: units for sku, units in untimed.items() if sku in stored}
    if not units_of:
        return {}
    levels = shop.inventory.levels(SYSTEM, units_of)
    differ = {product_id for product_id, units in units_of.items() if levels[product_id].on_hand != units}
    lacking = {each for each in differ if shop.inventory.movements(SYSTEM, each, CursorRequest(1)).items}
    rule = "say when it was counted, in a column counted or with --counted-at"
    return {
        sku: f"quantity: {sku!r} has been in stock before, so {rule}" for sku in untimed if stored.get(sku) in lacking
    }


def _counts_to_write(shop: Shop, counted: dict[UUID, int], sure: Container[UUID]) -> dict[UUID, int]:
    """Those that are sure, as they have a time or their products are new, and those whose stock has never moved.

    Any other was compared with the shelf when the file was checked: if it differs now, units came or went since.
    """

    def has_moved(product_id: UUID) -> bool:
        return bool(shop.inventory.movements(SYSTEM, product_id, CursorRequest(1)).items)

    levels = shop.inventory.levels(SYSTEM, [each for each in counted if each not in sure])
    unmoved = {each for each, level in levels.items() if level.on_hand != counted[each] and not has_moved(each)}
    return {each: units for each, units in counted.items() if each in sure or each in unmoved}


def _write(shop: Shop, rows: Sequence[ProductRow]) -> ImportResult:
    """Import rows that fit."""
    imported = shop.catalog.import_products(SYSTEM, [row.row for row in rows])
    ids = {product.sku: product.id for product in imported.all}
    counted = {ids[row.row.sku]: row.quantity for row in rows if row.quantity is not None}
    as_of = {ids[row.row.sku]: row.counted for row in rows if row.quantity is not None and row.counted}
    if counted := _counts_to_write(shop, counted, {*as_of, *(product.id for product in imported.created)}):
        shop.inventory.count_all(SYSTEM, counted, _REASON, as_of=as_of)
    for row in rows:
        if row.images is not None:
            shop.images.replace_all(SYSTEM, ids[row.row.sku], (path.read_bytes() for path in row.images))
    return imported
