"""The products: found as the API finds them, and as a file."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO
from typing import TypeVar

import htpy as h
from msgspec import UNSET
from msgspec.structs import replace

from shop_core import CatalogEntry, CursorRequest, ProductQuery, ProductSort
from shop_core.pagination import LIMIT_MAX
from shop_http.cli.product_import.cells import ProductTable
from shop_http.csv_cells import harmless
from shop_http.pages.handlers import StaffRequest, page
from shop_http.pages.layout import Screen
from shop_http.pages.tables import NUMBER, all_of, amount, page_links, table
from shop_http.responses import Response
from shop_http.routes.catalog import ProductsQuery
from shop_http.server.worker_pools import Pool

T = TypeVar("T")

SORTS = {
    ProductSort.NEWEST: "Newest first",
    ProductSort.NAME: "Name",
    ProductSort.PRICE: "Cheapest first",
    ProductSort.PRICE_DESCENDING: "Dearest first",
}


@page("/products", pool=Pool.SLOW)
def list_products(request: StaffRequest) -> Screen:
    """The products that match."""
    query = _with_points(request.query(ProductsQuery))
    listed: h.Node = None
    if not request.refusal:
        page_request = query.offset_request()
        products = request.shop.catalog.products(query.conditions(request.shop.currency), page_request)
        listed = _listed(products.items), page_links(request, products, page_request)
    return Screen(
        "Products",
        h.p(".row")[
            h.a(".button", href="/staff/products/new")["New product"],
            h.a(".button.quiet", href="/staff/products/import")["Import a file"],
            h.a(".button.quiet", href="/staff/products/export")["Export all as CSV"],
        ],
        _filters(request, query),
        h.section(id="list", aria_live="polite")[listed],
    )


@page("/products/export", pool=Pool.SLOW)
def export_products(request: StaffRequest) -> Response:
    """All products, as a file that can be imported again."""
    shop = request.shop
    categories = {entry.category.id: entry.category for entry in all_of(shop.catalog.categories)}
    cells = ProductTable(categories, all_of(shop.families.page))
    file = StringIO()
    writer = csv.writer(file)
    writer.writerow(cells.columns)
    cursor, is_more = None, True
    while is_more:
        found = shop.catalog.products(ProductQuery(), CursorRequest(LIMIT_MAX, cursor))
        ids = [entry.product.id for entry in found.items]
        levels, counted = shop.inventory.levels_with_time(request.actor, ids)
        for product in (entry.product for entry in found.items if entry.product.id in levels):  # else just deleted
            row = cells.row(product, levels[product.id].on_hand, counted)
            writer.writerow(harmless(cell) if isinstance(cell, str) else cell for cell in row)
        cursor, is_more = found.cursor, found.cursor is not None
    disposition = (b"content-disposition", b'attachment; filename="products.csv"')
    return Response(file.getvalue().encode(), media_type=b"text/csv; charset=utf-8", headers=(disposition,))


def _with_points(query: ProductsQuery) -> ProductsQuery:
    """The same; who writes prices with a comma may."""
    return replace(
        query,
        **{name: price.replace(",", ".") for name in ("min_price", "max_price") if (price := getattr(query, name))},
    )


def _filters(request: StaffRequest, query: ProductsQuery) -> h.Element:
    entries = all_of(request.shop.catalog.categories)
    categories = [(str(entry.category.id), entry.category.name) for entry in entries]
    families = [(str(each.id), each.name) for each in all_of(request.shop.families.page)]
    stock = [("", "All"), ("true", "Can be sold"), ("false", "Sold out")]
    in_stock = "" if query.in_stock is UNSET else str(query.in_stock).lower()
    category = str(query.category or "")
    return h.form(
        ".row",
        method="get",
        action="/staff/products",
        role="search",
        hx_get="/staff/products",
        hx_trigger="input changed delay:300ms from:#keyword, change, submit",
        hx_target="#list",
        hx_select="#list",
        hx_swap="outerHTML",
        hx_push_url="true",
    )[
        h.div(".field")[
            h.label(for_="keyword")["Words"],
            h.input(id="keyword", name="keyword", type="search", value=query.keyword, autocomplete="off"),
        ],
        _select("category", "Category", category, [("", "All"), *categories]),
        _select("family", "Family", str(query.family or ""), [("", "All"), *families]),
        _field("min_price", "Price from", query.min_price or "", inputmode="decimal"),
        _field("max_price", "Price to", query.max_price or "", inputmode="decimal"),
        _select("in_stock", "Stock", in_stock, stock),
        _field("min_quantity", "At least so many", str(query.min_quantity or ""), type="number", min="1"),
        _select("sort", "Sorted by", query.sort or "", [("", "Relevance"), *SORTS.items()]),
        h.button(type="submit")["Search"],
    ]


def _field(name: str, label: str, value: str, **attributes: str) -> h.Element:
    return h.div(".field.narrow")[
        h.label(for_=name)[label], h.input(id=name, name=name, value=value, autocomplete="off", **attributes)
    ]


def _select(name: str, label: str, chosen: str, choices: Iterable[tuple[str, str]]) -> h.Element:
    return h.div(".field")[
        h.label(for_=name)[label],
        h.select(id=name, name=name)[
            (h.option(value=value, selected=value == chosen)[text] for value, text in choices)
        ],
    ]


def _listed(products: Iterable[CatalogEntry]) -> h.Node:
    return table(
        "Products",
        ["SKU", "Name", ("Price", NUMBER), ("Can be sold", NUMBER)],
        (
            (
                entry.product.sku,
                h.a(href=f"/staff/products/{entry.product.id}")[entry.product.name],
                amount(entry.product.price),
                h.span(".label.bad")["Sold out"] if not entry.available else str(entry.available),
            )
            for entry in products
        ),
    )


ROUTES = (list_products, export_products)
