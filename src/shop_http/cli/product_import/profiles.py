"""How other shops export their products: which of their columns are ours, and which of their rows are products.

Of what they call variants each is a product here, and their product is a family with options. Columns that are not
named are left out: every export has many, and extensions add more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import groupby

from shop_core.catalog.model import IMAGE_URLS_MAX
from shop_core.catalog.tree import identity

OPTION = "options."
"""What the columns of options begin with: options.Colour."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was not imported.

    Args:
        line: where it starts in the file; the header is line 1.
        reason: in words, naming the column and the value.
    """

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """A row of a file: its cells, by the names of the columns that there are."""

    line: int
    cells: Mapping[str, str]

    def first(self, *columns: str) -> str:
        """The first of these columns that is not empty."""
        return next((text for column in columns if (text := self.cells.get(column, "").strip())), "")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that is no product for sale, and why."""

    line: int
    reason: str


Rows = Iterator[Record | BadRow | LeftOut]


@dataclass(frozen=True, slots=True)
class Profile:
    """How an export is read.

    Args:
        name: of whose.
        required: of each of these sets of columns, of old and new exports, one must be there.
        columns: all that are read, in small letters.
        products: makes records with our columns of theirs.
    """

    name: str
    required: tuple[frozenset[str], ...]
    columns: frozenset[str]
    products: Callable[[Iterable[Record | BadRow]], Rows]


def plain_text(html: str) -> str:
    """What people read of HTML, paragraph by paragraph."""
    if "<" not in html and "&" not in html:
        return html
    reader = _Text()
    reader.feed(html)
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.texts).splitlines()]
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in ("script", "style")
        if tag in ("br", "li", "tr"):
            self.texts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style") and self._hidden > 0
        if tag in ("p", "div", "ul", "ol", "table", "h1", "h2", "h3", "h4"):
            self.texts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.append(data.replace("\n", " "))


def _named(product: str, *options: str) -> str:
    return " - ".join([product, ", ".join(filter(None, options))] if any(options) else [product])


class _FamilyNames:
    """The names of families: other shops may give one name to several products."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}

    def of(self, name: str, key: str) -> str:
        """The name, with the key of the product behind it if another one had that name before."""
        owner = self._owners.setdefault(identity(name), key)
        return name if owner == key else f"{name} ({key})"


# ---- Shopify

_HANDLE, _TITLE = ("handle", "url handle"), "title"
_BODY, _TYPE = ("body (html)", "description"), ("product category", "type")
_OPTIONS = tuple((f"option{number} name", f"option{number} value") for number in (1, 2, 3))
_SKU, _PRICE = ("variant sku", "sku"), ("variant price", "price")
_UNITS, _TRACKER = ("variant inventory qty", "inventory quantity"), ("variant inventory tracker", "inventory tracker")
_IMAGE, _PUBLISHED = ("image src", "product image url"), ("published", "published on online store")


def _shopify(records: Iterable[Record | BadRow]) -> Rows:
    """Rows with one handle are one product, of which only the first has the title: each variant, and more images."""
    families = _FamilyNames()
    for _, rows in groupby(records, lambda row: row.first(*_HANDLE) if isinstance(row, Record) else row):
        group = list(rows)
        yield from (row for row in group if isinstance(row, BadRow))
        if variants := [row for row in group if isinstance(row, Record)]:
            yield from _variants(variants, families)


def _variants(group: list[Record], families: _FamilyNames) -> Rows:
    head = group[0]
    status, published = head.first("status").casefold(), head.first(*_PUBLISHED).casefold()
    images = list(dict.fromkeys(filter(None, (row.first(*_IMAGE) for row in group))))[:IMAGE_URLS_MAX]
    for row in group:
        if not row.first(*_SKU) and not row.first(*_PRICE):
            continue  # a further image
        if status not in ("", "active") or published == "false":
            yield LeftOut(row.line, f"status {status or 'unpublished'}")
            continue
        values = {head.first(name): row.first(value) for name, value in _OPTIONS}
        options = {name: text for name, text in values.items() if text not in ("", "Default Title")}
        units = row.first(*_UNITS).removeprefix("'")
        is_tracked = bool(row.first(*_TRACKER)) or not set(_TRACKER) & set(row.cells)
        cells = {
            "sku": row.first(*_SKU).removeprefix("'"),
            "name": _named(head.first(_TITLE), *options.values()),
            "price": row.first(*_PRICE),
            "description": plain_text(head.first(*_BODY)),
            "category": head.first(*_TYPE),
            "image_urls": " ".join(images),
            "quantity": ("0" if units.startswith("-") else units) if is_tracked else "",  # fewer than none: oversold
            "family": families.of(head.first(_TITLE), head.first(*_HANDLE)) if options else "",
            **{OPTION + name: text for name, text in options.items()},
        }
        sources = {
            "description": _BODY,
            "category": _TYPE,
            "image_urls": _IMAGE,
            "quantity": _UNITS,
            "family": _OPTIONS[0][:1],
        }
        absent = {column for column, theirs in sources.items() if not set(theirs) & set(row.cells)}
        yield Record(row.line, {column: text for column, text in cells.items() if column not in absent})


# ---- WooCommerce

_ATTRIBUTES = tuple((f"attribute {number} name", f"attribute {number} value(s)") for number in range(1, 10))
_WOOCOMMERCE = "id,type,sku,name,published,short description,description,stock,regular price,categories,images,parent"


def _woocommerce(records: Iterable[Record | BadRow]) -> Rows:
    """Variations follow the product that they are of, whose row is no product for sale, and lack what is the same."""
    parents, families = dict[str, Record](), _FamilyNames()
    for row in records:
        if isinstance(row, BadRow):
            yield row
            continue
        kinds = {kind.strip() for kind in row.first("type").casefold().split(",")}
        parent = parents.get(row.first("parent"), row)
        if "variable" in kinds:
            parents |= {name: row for name in (f"id:{row.first('id')}", row.first("sku")) if name}
            yield LeftOut(row.line, "variable: its variations are the products")
        elif kinds & {"grouped", "external"}:
            yield LeftOut(row.line, f"type {', '.join(sorted(kinds))}")
        elif not {row.first("published"), parent.first("published")} <= {"", "1"}:  # private, draft or to be reviewed
            yield LeftOut(row.line, "not published")
        else:
            yield _sold(row, parent, families)


def _unescaped(text: str) -> str:
    """The text, in which a comma that does not separate stands behind a backslash."""
    return text.replace("\\,", ",")


def _sold(row: Record, parent: Record, families: _FamilyNames) -> Record:
    names = {row.first(name): _unescaped(row.first(values)) for name, values in _ATTRIBUTES if row.first(name)}
    options = {} if parent is row else {name: value or "any" for name, value in names.items()}
    is_named = parent is row or row.first("name") not in ("", parent.first("name"))
    description = row.first("description", "short description") or parent.first("description", "short description")
    stock = row.first("stock")
    cells = {
        "sku": row.first("sku"),
        "name": row.first("name") if is_named else _named(parent.first("name"), *names.values()),
        "price": row.first("regular price"),
        "description": plain_text(description.replace("\\n", "\n")),
        "category": _unescaped(re.split(r"(?<!\\),", row.first("categories") or parent.first("categories"))[0]),
        "image_urls": _unescaped(row.first("images") or parent.first("images")),
        "quantity": "0" if stock.startswith("-") else stock,
        "family": families.of(parent.first("name"), parent.first("sku", "id")) if options else "",
        **{OPTION + name: value for name, value in options.items()},
    }
    sources = {
        "category": "categories",
        "image_urls": "images",
        "quantity": "stock",
        "description": "description",
        "family": "attribute 1 name",
    }
    absent = {column for column, theirs in sources.items() if theirs not in row.cells}
    return Record(row.line, {column: text for column, text in cells.items() if column not in absent})


PROFILES: Mapping[str, Profile] = {
    "Shopify": Profile(
        "Shopify",
        (frozenset(_HANDLE), frozenset([_TITLE]), frozenset(_SKU), frozenset(_PRICE)),
        frozenset(
            [
                *_HANDLE,
                _TITLE,
                *_BODY,
                *_TYPE,
                *(column for pair in _OPTIONS for column in pair),
                *_SKU,
                *_PRICE,
                *_UNITS,
                *_TRACKER,
                *_IMAGE,
                *_PUBLISHED,
                "status",
            ]
        ),
        _shopify,
    ),
    "WooCommerce": Profile(
        "WooCommerce",
        tuple(frozenset([column]) for column in ("id", "type", "sku", "name", "regular price")),
        frozenset([*_WOOCOMMERCE.split(","), *(column for pair in _ATTRIBUTES for column in pair)]),
        _woocommerce,
    ),
}
