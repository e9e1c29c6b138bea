"""Products as rows of a file that an import reads; importing it changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from shop_core import Category, Family, Product
from shop_core.catalog.families import names_of
from shop_core.catalog.tree import identity, paths_of
from shop_http.cli.product_import.file import EXPORTED
from shop_http.cli.product_import.profiles import OPTION
from shop_http.cli.product_import.rows import addresses_cell


class ProductTable:
    """Makes the rows.

    Args:
        categories: all that there are, by id.
        families: all that there are. There is a column for each name of an option.
    """

    def __init__(self, categories: Mapping[UUID, Category], families: Iterable[Family]) -> None:
        all_families = list(families)
        self._paths, self._families = paths_of(categories), names_of(all_families)
        self._options: dict[str, str] = {}
        for family in all_families:
            for name in family.option_names:
                self._options.setdefault(identity(name), OPTION + name)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [*EXPORTED, *self._options.values()]

    def row(self, product: Product, on_hand: int, counted: datetime) -> list[str | int]:
        """A product, with what was on hand at a moment."""
        values = {identity(name): value for name, value in product.options}
        return [
            product.sku,
            product.name,
            str(product.price),
            product.description,
            self._paths[product.category_id] if product.category_id else "",
            addresses_cell(product.image_urls),
            product.tax_class,
            self._families[product.family_id] if product.family_id else "",
            on_hand,
            counted.isoformat(),
            *(values.get(name, "") for name in self._options),
        ]
