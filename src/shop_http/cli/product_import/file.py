"""The file itself: opened and unpacked, its lines, its header, its records."""

from __future__ import annotations

import csv
import gzip
import lzma
import os
import re
import stat
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

from shop_core.catalog.tree import identity
from shop_core.text import normalized
from shop_http.cli.product_import.profiles import OPTION, PROFILES, BadRow, Profile, Record
from shop_http.csv_cells import as_written

EXPORTED = (
    *("sku", "name", "price", "description", "category", "image_urls", "tax_class", "family"),
    *("quantity", "counted"),
)
KNOWN = (*EXPORTED, "images")

# A row of known columns that is longer than this has a field above csv.field_size_limit (131,072 characters of at
# most 4 bytes), so what is cut off here is refused there: memory stays bounded even without any line end.
_LINE_BYTES_MAX = 8 * 1024 * 1024

_PACKED: dict[bytes, Callable[[BufferedReader], Any]] = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\x00": lzma.open}
_NOT_CSV = {
    b"PK\x03\x04": "is a spreadsheet or a ZIP archive: save it as CSV (UTF-8) and import that",
    b"\xd0\xcf\x11\xe0": "is an old Excel file: save it as CSV (UTF-8) and import that",
    b"\xff\xfe": "is UTF-16: save it as CSV (UTF-8) and import that",
    b"\xfe\xff": "is UTF-16: save it as CSV (UTF-8) and import that",
}


_SEPARATOR = re.compile(r'"?sep=([,;\t|])"?')


class UnusableFile(Exception):
    """The file as a whole cannot be imported. The message is one line: what is wrong with it, and what to do."""


@dataclass(slots=True)
class Source:
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
    encoding: str = ""
    """Empty until a line tells: UTF-8, or Windows-1252 if the first line that is not ASCII is not UTF-8."""

    @property
    def done(self) -> int:
        """How many bytes of `size` were read."""
        return min(self.raw.tell(), self.size) if self.size else 0

    def lines(self) -> Iterator[str]:
        """The lines of the file, each ending in a single line feed.

        Bytes that are not of the encoding of the file come as lone surrogates, so that only their record is lost.

        Raises:
            UnusableFile: reading or unpacking failed.
        """
        try:
            while line := self.text.readline(_LINE_BYTES_MAX):
                rest = line
                while len(rest) == _LINE_BYTES_MAX and not rest.endswith(b"\n"):
                    rest = self.text.readline(_LINE_BYTES_MAX)
                if line.endswith(b"\r\n"):
                    line = line[:-2] + b"\n"
                yield self._decoded(line)
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            raise UnusableFile(f"{self.name} is damaged or cut off ({error}): make it again.") from error

    def _decoded(self, line: bytes) -> str:
        if line.isascii():
            return line.decode("ascii")
        if not self.encoding:
            try:
                line.decode("utf-8")
                self.encoding = "UTF-8"
            except UnicodeDecodeError:
                self.encoding = "Windows-1252"
        if self.encoding == "UTF-8":
            return line.decode("utf-8", "surrogateescape")
        try:
            return line.decode("cp1252")
        except UnicodeDecodeError:  # five bytes stand for nothing there
            return line.decode("ascii", "surrogateescape")


@contextmanager
def opened(path: Path, *, again: bool) -> Iterator[Source]:
    """The file, open at its beginning. What it is, is told by its first bytes and not by its name.

    Args:
        again: whether it will be opened once more.

    Raises:
        UnusableFile: there is none, it may not be read, it is something else than CSV, or it cannot be read again.
    """
    name = repr(str(path))
    with _raw(path, name) as raw:
        status = os.fstat(raw.fileno())
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)):
            raise UnusableFile(f"{name} is neither a file nor a pipe: give the path of a CSV file.")
        start = raw.peek(8)[:8]
        if not start:
            raise UnusableFile(f"{name} is empty: its first line must name the columns ({', '.join(KNOWN)}).")
        for magic, problem in _NOT_CSV.items():
            if start.startswith(magic):
                raise UnusableFile(f"{name} {problem}.")
        if again and not status.st_size:
            raise UnusableFile(f"{name} can be read only once, refusing needs twice: save it to a file first.")
        unpack = next((unpack for magic, unpack in _PACKED.items() if start.startswith(magic)), None)
        yield Source(name, raw, unpack(raw) if unpack else raw, status.st_size)


def _raw(path: Path, name: str) -> BufferedReader:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise UnusableFile(f"There is no file {name}: give the path of a CSV file.") from None
    except IsADirectoryError:
        raise UnusableFile(f"{name} is a directory: give the path of a CSV file.") from None
    except PermissionError:
        raise UnusableFile(f"{name} may not be read by this user: change its permissions.") from None
    except (OSError, ValueError) as error:
        raise UnusableFile(f"{name} cannot be opened ({error}): give the path of a CSV file.") from None


@dataclass(frozen=True, slots=True)
class Header:
    """The first line.

    Args:
        columns: what the columns are called, in small letters, the names of options apart; empty for those that are
            left out.
        delimiter: between them.
        lines: how many lines it takes.
    """

    columns: list[str]
    delimiter: str
    lines: int


def read_header(name: str, lines: Iterator[str], renamed: Mapping[str, str], profile: Profile | None) -> Header:
    """The columns, and the delimiter under which most of them are known ones, or that a line `sep=` tells.

    Args:
        renamed: what their columns are called here, by their names in small letters; empty: left out.
        profile: how the file is made, if it is an export of another shop.

    Raises:
        UnusableFile: one is missing, unknown or there twice.
    """
    line, count = next(lines, "").removeprefix("\ufeff"), 1
    delimiters = ",;\t"
    if separator := _SEPARATOR.fullmatch(line.strip()):
        line, count, delimiters = next(lines, ""), 2, separator[1]
    known = set(profile.columns if profile else KNOWN) | set(renamed)
    columns_by = {delimiter: _columns(line, delimiter) for delimiter in delimiters}
    delimiter = max(columns_by, key=lambda delimiter: len(known.intersection(columns_by[delimiter])))
    theirs = columns_by[delimiter]
    small = [column.casefold() for column in theirs]
    if missing := [column for column in renamed if column not in small]:
        raise UnusableFile(f"{name} has no column {_listed(missing)}, which --map names: it is {line.strip()[:60]!r}.")
    columns = [renamed.get(column.casefold(), column) for column in theirs]
    if profile:
        columns = [column if column in profile.columns else "" for column in columns]
        if lacking := [min(each) for each in profile.required if not each & set(columns)]:
            rule = f"is no export of {profile.name}: it has no column {_listed(lacking)}"
            raise UnusableFile(f"{name} {rule}; its first line is {line.strip()[:60]!r}.")
        return Header(columns, delimiter, count)
    if "sku" not in columns or not set(columns) - {"sku", "counted", ""}:
        rule = "its first line must name the columns, sku and one more at least, separated by comma, semicolon or tab"
        raise UnusableFile(
            f"{name} has no column 'sku' and one more: {rule}; it is {line.strip()[:60]!r}{_hint(theirs)}."
        )
    named = max(place for place, column in enumerate(theirs) if column) + 1  # spreadsheets leave empty columns behind
    if unknown := [column for column in columns if column and not is_known(column)]:
        raise UnusableFile(
            f"{name} has the unknown column {_listed(unknown)}: remove it, or say what it is with --map"
            f" '{unknown[0][:40]}=name'. Known are {', '.join(KNOWN)}, options.NAME{_hint(theirs)}."
        )
    times = Counter(identity(column) for column in columns if column)
    if twice := [column for column, count in times.items() if count > 1]:
        raise UnusableFile(f"{name} has the column {_listed(twice)} more than once: keep one.")
    if "" in theirs[:named]:
        raise UnusableFile(f"{name} has a column without a name, number {theirs.index('') + 1}: name it or remove it.")
    return Header(columns[:named], delimiter, count)


def _hint(columns: Sequence[str]) -> str:
    """Which profile the columns look like."""
    fits = [name for name, one in PROFILES.items() if all(each & set(columns) for each in one.required)]
    return f"; it looks like an export of {fits[0]}, so give --profile {fits[0].lower()}" if fits else ""


def _columns(line: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
    return [_column(cell.strip()) for cell in cells]


def _column(name: str) -> str:
    small = name.casefold()
    return OPTION + normalized(name[len(OPTION) :]) if small.startswith(OPTION) else small


def is_known(column: str) -> bool:
    """Whether a column says something of products."""
    return column in KNOWN or (column.startswith(OPTION) and column != OPTION)


def _listed(columns: Sequence[str]) -> str:
    rest = f" and {len(columns) - 8} more" if len(columns) > 8 else ""
    return ", ".join(repr(column[:40]) for column in columns[:8]) + rest


def records(lines: Iterator[str], header: Header) -> Iterator[Record | BadRow]:
    """Each record after the header that is not empty, or why it is none."""
    reader = csv.reader(lines, delimiter=header.delimiter, strict=True)
    while True:
        line = reader.line_num + header.lines + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            last = reader.line_num + header.lines
            swallowed = f" up to line {last}" if last > line else ""
            yield BadRow(line, f"{error}{swallowed}: is a quotation mark missing or too many?")
            continue
        if any(cell.strip() for cell in cells):  # spreadsheets leave empty rows behind
            yield _record(line, header.columns, cells)


def _record(line: int, columns: list[str], cells: list[str]) -> Record | BadRow:
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return BadRow(line, "has bytes that are not of the encoding of the file: save it as UTF-8")
    if len(cells) < len(columns) or any(cell.strip() for cell in cells[len(columns) :]):
        return BadRow(line, f"has {len(cells)} fields, the header has {len(columns)}")
    named = {column: as_written(cell) for column, cell in zip(columns, cells, strict=False) if column}
    return Record(line, named)
