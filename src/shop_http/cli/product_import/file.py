"""The file itself: opened and unpacked, its lines, its header, its records."""

from __future__ import annotations

import csv
import gzip
import lzma
import os
import stat
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

REQUIRED = ("sku", "name", "price")
KNOWN = (*REQUIRED, "description", "category", "image_urls", "quantity")

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


class UnusableFile(Exception):
    """The file as a whole cannot be imported. The message is one line: what is wrong with it, and what to do."""


@dataclass(frozen=True, slots=True)
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

    @property
    def done(self) -> int:
        """How many bytes of `size` were read."""
        return min(self.raw.tell(), self.size) if self.size else 0

    def lines(self) -> Iterator[str]:
        """The lines of the file, each ending in a single line feed.

        Bytes that are not UTF-8 come as lone surrogates, so that only the record with them is lost.

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
                yield line.decode("utf-8", "surrogateescape")
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            raise UnusableFile(f"{self.name} is damaged or cut off ({error}): make it again.") from error


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


def header(name: str, line: str) -> tuple[list[str], str]:
    """The columns, and the delimiter under which most of them are known ones.

    Raises:
        UnusableFile: one is missing, unknown or there twice.
    """
    line = line.removeprefix("\ufeff")
    columns_by = {delimiter: _columns(line, delimiter) for delimiter in ",;\t"}
    delimiter = max(columns_by, key=lambda delimiter: len(set(KNOWN).intersection(columns_by[delimiter])))
    columns = columns_by[delimiter]
    if missing := [column for column in REQUIRED if column not in columns]:
        rule = "its first line must name the columns, separated by comma, semicolon or tab"
        raise UnusableFile(f"{name} has no column {_listed(missing)}: {rule}; it is {line.strip()[:60]!r}.")
    if unknown := [column for column in columns if column not in KNOWN]:
        known = ", ".join(KNOWN)
        raise UnusableFile(f"{name} has the unknown column {_listed(unknown)}: remove or rename it. Known are {known}.")
    if twice := [column for column in KNOWN if columns.count(column) > 1]:
        raise UnusableFile(f"{name} has the column {_listed(twice)} more than once: keep one.")
    return columns, delimiter


def _columns(line: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
    return [cell.strip().casefold() for cell in cells]


def _listed(columns: Sequence[str]) -> str:
    rest = f" and {len(columns) - 8} more" if len(columns) > 8 else ""
    return ", ".join(repr(column[:40]) for column in columns[:8]) + rest


def records(lines: Iterator[str], delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Each record after the header: the line in which it starts, and its cells or why it has none."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 2
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            last = reader.line_num + 1
            swallowed = f" up to line {last}" if last > line else ""
            yield line, f"{error}{swallowed}: is a quotation mark missing or too many?"
