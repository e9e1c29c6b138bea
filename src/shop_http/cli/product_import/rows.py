"""A row of the file as a product, or as what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from shop_core import Money, Refusal
from shop_core.catalog.images import IMAGES_MAX, UPLOAD_BYTES_MAX
from shop_core.catalog.model import (
    NAME_LENGTH_MAX,
    TAX_CLASS_DEFAULT,
    UNCHANGED,
    ImportRow,
    Product,
    ProductChanges,
)
from shop_core.errors import Fault, Invalid
from shop_core.inventory.model import ON_HAND_MAX
from shop_core.money import decimals
from shop_core.text import normalized, normalized_code, text_faults
from shop_core.times import time_faults
from shop_http.cli.product_import.file import UnusableFile, opened, read_header, records
from shop_http.cli.product_import.numbers import plain_number
from shop_http.cli.product_import.profiles import OPTION, BadRow, LeftOut, Profile, Record
from shop_http.cli.progress import Advance

BATCH_ROWS = 500
_NO_ID, _NO_TIME = UUID(int=0), datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read.

    Args:
        currency: of its prices.
        renamed: what their columns are called here, in small letters; empty: left out.
        profile: whose export it is.
        counted: when the quantities were counted, where a row does not say, as in a column counted; or now.
        images: the folder with the files of pictures.
    """

    currency: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    profile: Profile | None = None
    counted: str = ""
    images: Path | None = None


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A row that can be imported: all rules of the catalog hold for what it says.

    Args:
        row: what it says of the product.
        quantity: units on hand as counted; None if the row does not say.
        counted: when; None if nobody says.
        images: the files of its pictures, in order; None if the row does not say.
    """

    line: int
    row: ImportRow
    quantity: int | None
    counted: datetime | None
    images: tuple[Path, ...] | None = None


def read_rows(
    path: Path, reading: Reading, now: datetime, progress: Advance, *, again: bool = False
) -> Iterator[ProductRow | BadRow | LeftOut | str]:
    """Every row of the file, as a product or as what is wrong with it; and, as text, what is worth telling of the file.

    Args:
        now: on the clock of the shop; no count can be later.
        progress: told every `BATCH_ROWS` rows, and at the end, how many bytes of how many were read.
        again: whether it will be read once more, which a pipe cannot be.

    Raises:
        UnusableFile: it cannot be read, its header is not one, or it is damaged further on.
        Invalid: `reading.counted` is no time.
    """
    counted = now if reading.counted == "now" else time_of_count(reading.counted, now)
    with opened(path, again=again) as source:
        lines = source.lines()
        header = read_header(source.name, lines, reading.renamed, reading.profile)
        if "images" in header.columns and not reading.images and not reading.profile:
            raise UnusableFile(
                f"{source.name} has the column 'images': say with --images in which folder the files are, which the"
                " command line alone can do, or remove it."
            )
        products = reading.profile.products if reading.profile else iter
        found: Iterator[Record | BadRow | LeftOut] = products(records(lines, header))
        first_line_of: dict[str, int] = {}
        for count, record in enumerate(found, start=1):
            if count % BATCH_ROWS == 0:
                progress(source.done, source.size)
            yield _unique(_row(record, reading, counted, now), first_line_of) if isinstance(record, Record) else record
        if source.encoding == "Windows-1252":
            yield "It is not UTF-8, and was read as Windows-1252."
        progress(source.size, source.size)


def _unique(row: ProductRow | BadRow, first_line_of: dict[str, int]) -> ProductRow | BadRow:
    """The row, unless one with its SKU came before it."""
    if isinstance(row, ProductRow):
        first = first_line_of.setdefault(row.row.sku, row.line)
        if first != row.line:
            return BadRow(row.line, f"sku: {row.row.sku!r} stands in line {first} already")
    return row


def _row(record: Record, reading: Reading, counted: datetime | None, now: datetime) -> ProductRow | BadRow:
    try:
        return _product_row(record, reading, counted, now)
    except Refusal as refusal:
        return BadRow(record.line, refusal.message)


def _product_row(record: Record, reading: Reading, counted: datetime | None, now: datetime) -> ProductRow:
    """The row as a product, counted when it says, or else then.

    Raises:
        Invalid: a cell breaks a rule.
    """
    cells = record.cells
    sku, images = normalized_code(cells["sku"]), cells.get("image_urls")
    changes = ProductChanges(
        sku=sku,
        name=normalized(cells["name"]) if "name" in cells else UNCHANGED,
        price=_price(cells["price"], reading.currency) if "price" in cells else UNCHANGED,
        description=normalized(cells["description"]) if "description" in cells else UNCHANGED,
        image_urls=UNCHANGED if images is None else addresses(images),
        tax_class=cells["tax_class"].strip() or TAX_CLASS_DEFAULT if "tax_class" in cells else UNCHANGED,
    )
    # The catalog's own rules, for what the row says; the product is not kept.
    said = changes.details(Product(_NO_ID, "-", "-", Money(0, reading.currency), _NO_TIME, _NO_TIME))
    said.product(_NO_ID, _NO_TIME)
    row = ImportRow(
        sku,
        changes,
        category=UNCHANGED if "category" not in cells else _path(cells["category"]),
        family=UNCHANGED if "family" not in cells else normalized(cells["family"]),
        options=tuple((name[len(OPTION) :], normalized(cells[name])) for name in cells if name.startswith(OPTION)),
    )
    quantity = _quantity(cells.get("quantity", "").strip())
    counted = time_of_count(cells.get("counted", "").strip(), now) or counted
    files = None if reading.images is None or "images" not in cells else _files(cells["images"], reading.images)
    return ProductRow(record.line, row, quantity, counted, files)


def _files(text: str, folder: Path) -> tuple[Path, ...]:
    """The files of pictures that a cell names, with commas or bars between; they must be in the folder."""
    names = [name.strip() for name in re.split(r"[|,]", text) if name.strip()]
    if len(names) > IMAGES_MAX:
        raise Invalid(Fault("images", f"may be {IMAGES_MAX} at most, these are {len(names)}", "too_many"))
    return tuple(dict.fromkeys(_file(name, folder.resolve()) for name in names))


def _file(name: str, folder: Path) -> Path:
    try:
        path = (folder / name).resolve()
        is_there = path.is_relative_to(folder) and path.is_file()
        size = path.stat().st_size if is_there else 0
    except (OSError, ValueError):
        is_there = False
    if not is_there:
        raise Invalid(Fault("images", f"there is no file {name[:100]!r} in the folder of --images", "no_file"))
    if size > UPLOAD_BYTES_MAX:
        raise Invalid(Fault("images", f"{name[:100]!r} has {size} bytes, and may have 10 MiB", "too_large"))
    return path


def addresses(text: str) -> tuple[str, ...]:
    """Addresses with white space, commas or bars between them; a comma inside an address belongs to it.

    >>> addresses("/a.jpg, /b.jpg"), addresses("/a.jpg,|")
    (('/a.jpg', '/b.jpg'), ('/a.jpg,',))
    """
    if text.strip().endswith("|"):  # then bars alone are between them: see `addresses_cell`
        return tuple(filter(None, re.split(r"[\s|]+", text)))
    parts = (part.strip(",;") for part in re.split(r"[\s|]+|[,;](?=https?://)", text))
    return tuple(filter(None, parts))


def addresses_cell(urls: Sequence[str]) -> str:
    """The cell of which `addresses` makes these."""
    cell = " ".join(urls)
    return cell if addresses(cell) == tuple(urls) else f"{cell} |"


def _path(text: str) -> tuple[str, ...]:
    """The names from the top down to a category, written as A > B."""
    names = tuple(normalized(name) for name in text.split(">")) if normalized(text) else ()
    for name in names:
        if faults := text_faults("category", name, min_length=1, max_length=NAME_LENGTH_MAX):
            raise Invalid(*faults)
    return names


def _price(text: str, currency: str) -> Money:
    return Money.parse(_number("price", text, decimals(currency)), currency, field="price")


def _quantity(text: str) -> int | None:
    if not text:
        return None
    plain = _number("quantity", text, 0)
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 20 and int(plain) <= ON_HAND_MAX):
        rule = f"{text[:40]!r} is not a whole number from 0 to {ON_HAND_MAX}"
        raise Invalid(Fault("quantity", rule, "out_of_range"))
    return int(plain)


def _number(column: str, text: str, places: int) -> str:
    try:
        return plain_number(text[:40], places) if len(text) <= 40 else text
    except ValueError as ambiguous:
        raise Invalid(Fault(column, str(ambiguous), "ambiguous")) from None


def time_of_count(text: str, now: datetime) -> datetime | None:
    """When something was counted; None if the text is empty.

    Raises:
        Invalid: it is no time, it lacks its offset, it is still to come, or before the year 1 in UTC.
    """
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(
            Fault("counted", f"{text[:40]!r} is no time such as 2026-11-27T18:00+01:00", "not_a_time")
        ) from None
    if time.tzinfo is None:
        rule = f"{text!r} does not say in which time zone: write it as {time:%Y-%m-%dT%H:%M}Z, or with +01:00"
        raise Invalid(Fault("counted", rule, "no_offset"))
    if time > now:
        raise Invalid(Fault("counted", f"{text!r} is still to come: nothing was counted then", "in_the_future"))
    if faults := time_faults("counted", time):
        raise Invalid(*faults)
    return time.astimezone(UTC)
