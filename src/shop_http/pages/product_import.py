"""Products from a CSV file, with a look at what will change before anything does."""

from __future__ import annotations

from base64 import b64decode, b64encode
from pathlib import Path
from tempfile import TemporaryDirectory

import htpy as h

from shop_core.errors import Fault, Invalid
from shop_http.cli.product_import import (
    COLUMNS_HELP,
    ImportReport,
    OnBadRow,
    UnusableFile,
    import_products,
)
from shop_http.pages.forms import submit
from shop_http.pages.handlers import Redirect, StaffRequest, action, page
from shop_http.pages.layout import Screen
from shop_http.pages.tables import NUMBER, table
from shop_http.server.worker_pools import Pool

FILE_SIZE_MAX = 1024 * 1024
"""In bytes. Larger ones are for the command line."""
PACKED = (b"\x1f\x8b", b"\xfd7zXZ\x00")
"""What gzip and xz begin with: a small file could become a huge one."""
_FORM_SIZE_MAX = 2 * FILE_SIZE_MAX
BAD_ROWS_SHOWN = 50


@page("/products/import")
def show_import(request: StaffRequest) -> Screen:
    """A form that takes a file."""
    form = request.form_to("/products/import/preview")
    return Screen(
        "Import products",
        form(
            h.div(".field")[
                h.label(for_="file")["CSV file, 1 MiB at most"],
                h.input(id="file", name="file", type="file", accept=".csv,text/csv", required=True),
            ],
            submit("See what will change"),
            enctype="multipart/form-data",
        ),
        h.details[h.summary["What the file may say"], h.pre[COLUMNS_HELP]],
    )


@action("/products/import/preview", refused=show_import, pool=Pool.SLOW, form_size_max=_FORM_SIZE_MAX)
def preview_import(request: StaffRequest) -> Screen:
    """What would become of the file; nothing is written."""
    upload = request.form.files.get("file")
    if upload is None or len(upload.body) > FILE_SIZE_MAX:
        raise Invalid(Fault("file", "choose a file of 1 MiB at most; the command line takes larger ones", "too_large"))
    if upload.body.startswith(PACKED):
        raise Invalid(Fault("file", "is packed: send it as it is, or import it with the command line", "packed"))
    report = _run(request, upload.body, preview=True)
    content, form = b64encode(upload.body).decode(), request.form_to("/products/import")
    return Screen(
        f"What {upload.name} will change",
        _counts(report),
        _bad_rows(report) if report.bad_row_count else None,
        form(
            h.input(type="hidden", name="content", value=content),
            submit("Import it"),
            h.a(".button.quiet", href="/staff/products/import")["Choose another file"],
            css="row",
        )
        if not report.bad_row_count
        else h.p["Nothing is imported while a row is bad. ", h.a(href="/staff/products/import")["Choose another file"]],
    )


@action("/products/import", refused=show_import, pool=Pool.SLOW, form_size_max=_FORM_SIZE_MAX)
def import_file(request: StaffRequest) -> Redirect:
    """Import the file that was looked at; the same file again changes nothing."""
    try:
        body = b64decode(request.form.text("content"), validate=True)
    except ValueError as broken:
        raise Invalid(
            Fault("content", "is no file that was looked at before: choose it again", "malformed")
        ) from broken
    if body.startswith(PACKED) or len(body) > FILE_SIZE_MAX:
        raise Invalid(Fault("file", "was not looked at before: choose it again", "malformed"))
    report = _run(request, body, preview=False)
    if report.refused:
        rule = f"has {report.bad_row_count} bad rows by now: nothing was imported, look at it again"
        raise Invalid(Fault("file", rule, "bad_rows"))
    return Redirect("/products", f"{report.created} products are new, {report.updated + report.restored} changed.")


def _run(request: StaffRequest, body: bytes, *, preview: bool) -> ImportReport:
    with TemporaryDirectory() as folder:
        path = Path(folder, "products.csv")
        path.write_bytes(body)
        try:
            return import_products(request.shop, path, on_bad_row=OnBadRow.REFUSE, preview=preview)
        except UnusableFile as unusable:
            message = str(unusable).replace(f"'{path}'", "it")
            raise Invalid(Fault("file", message, "unusable")) from unusable


def _counts(report: ImportReport) -> h.Node:
    counts = {
        "New products": report.created,
        "Changed": report.updated,
        "Back in the catalog": report.restored,
        "Unchanged": report.unchanged,
        "New families": len(report.new_families),
        "Stock counted": report.counted,
    }
    rows = ((name, str(count)) for name, count in counts.items())
    return [
        table("What will change", ["Products", ("How many", NUMBER)], rows),
        h.p["New families: ", ", ".join(report.new_families), "."] if report.new_families else None,
        [h.p[note] for note in report.notes],
    ]


def _bad_rows(report: ImportReport) -> h.Node:
    rows = ((str(row.line), row.reason) for row in report.bad_rows[:BAD_ROWS_SHOWN])
    return table(f"Bad rows, {report.bad_row_count} in all", [("Line", NUMBER), "What is wrong"], rows)


ROUTES = (show_import, preview_import, import_file)
