"""`shop export`: products, orders, stock movements or users, as CSV or JSON lines."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO
from uuid import UUID

from shop_http.cli.product_import.cells import ProductTable
from shop_http.csv_cells import harmless
from shop_http.server.database import PRODUCTS, exported_catalog, exported_rows
from shop_http.server.settings import Settings

EXPORT_HELP = """\
products   what `shop import-products` reads; quantities with the time at which they were counted, so importing them
           later brings nothing back that was sold meanwhile; they count as a stock-take, so import the lists of earlier
           counts before you export
orders     a row for each line of an order
movements  the ledger of stock
users      accounts, without what they log in with

Amounts are decimal, times in UTC. In CSV, a cell that a spreadsheet would calculate begins with an apostrophe, which
`shop import-products` takes away again."""


def run_export(settings: Settings, given: argparse.Namespace) -> int:
    """Write the rows one after the other; an unfinished file is removed."""
    path: Path | None = given.file
    if path is None:
        _write(settings, given, sys.stdout)
        return 0
    with path.open("x", encoding="utf-8", newline="") as file:
        path.chmod(0o600)  # customers are named in it
        try:
            _write(settings, given, file)
        except BaseException:
            path.unlink()
            raise
    return 0


def _write(settings: Settings, given: argparse.Namespace, file: TextIO) -> None:
    with _rows(settings, given.what) as (columns, rows):
        readable = ([_plain(cell) for cell in row] for row in rows)
        if given.format == "csv":
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows([harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in readable)
        else:
            for row in readable:
                file.write(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n")


@contextmanager
def _rows(settings: Settings, what: str) -> Iterator[tuple[Sequence[str], Iterator[Sequence[object]]]]:
    if what != PRODUCTS:
        with exported_rows(settings, what) as columns_and_rows:
            yield columns_and_rows
        return
    with exported_catalog(settings) as (categories, families, products):
        table = ProductTable(categories, families)
        yield table.columns, (table.row(*each) for each in products)


def _plain(value: object) -> object:
    """As JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
