"""Cells of CSV files that people open in a spreadsheet."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_WRITTEN_AS_TEXT = re.compile(r"'+[=+\-@\t\r]")


def harmless(cell: str) -> str:
    """The cell as text, whatever it begins with: a spreadsheet would calculate some.

    >>> harmless("=1+1"), harmless("Mug"), harmless("'=1+1")
    ("'=1+1", 'Mug', "''=1+1")
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def as_written(cell: str) -> str:
    """The cell before `harmless`.

    >>> as_written("'=1+1"), as_written("'tis"), as_written("''=1+1")
    ('=1+1', "'tis", "'=1+1")
    """
    return cell[1:] if _WRITTEN_AS_TEXT.match(cell) else cell
