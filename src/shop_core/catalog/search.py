"""Lists of the catalog: what they filter and sort by, and the words by which products are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from uuid import UUID

from shop_core.catalog.model import NAME_LENGTH_MAX, Product
from shop_core.errors import Fault, Invalid
from shop_core.money import MINOR_MAX
from shop_core.text import check_words, folded, is_among, normalized_code, search_terms, search_words


class ProductSort(StrEnum):
    """How products can be sorted; a tie is broken by id.

    Relevance lists products by their `Relevance`, those of one kind by name. Without words it sorts by name.
    """

    NEWEST = "newest"
    NAME = "name"
    PRICE = "price"
    PRICE_DESCENDING = "-price"
    RELEVANCE = "relevance"


@dataclass(frozen=True, slots=True)
class ProductQuery:
    """Which products to list. All conditions that are given must hold.

    Args:
        words: from `search_words`; each must occur, the last one as a prefix. A search without any word finds nothing;
            None does not filter.
        category_id: in this category or in one below it.
        price_min: in minor units, inclusive.
        price_max: in minor units, inclusive.
        available_min: at least so many units can be sold now.
        available_max: at most so many; 0 lists sold out products.
        sort: None sorts by relevance if there are words, else the newest first; see `sorted_by`.
        family_id: of this family.
        ids: only these; those that are not in the catalog are left out.
        sku: with this SKU, of which there is one at most; upper and lower case differ.
        low_stock: only those of which fewer can be sold than their low stock level.
    """

    words: tuple[str, ...] | None = None
    category_id: UUID | None = None
    price_min: int | None = None
    price_max: int | None = None
    available_min: int | None = None
    available_max: int | None = None
    sort: ProductSort | None = None
    family_id: UUID | None = None
    ids: tuple[UUID, ...] | None = None
    sku: str | None = None
    low_stock: bool = False

    def __post_init__(self) -> None:
        if self.words:
            check_words(self.words)
        if self.sku is not None:
            object.__setattr__(self, "sku", normalized_code(self.sku))
        for name in ("price_min", "price_max", "available_min", "available_max"):
            number = getattr(self, name)
            if number is not None and abs(number) > MINOR_MAX:
                raise Invalid(Fault(name, f"must be at most {MINOR_MAX}, this is {number}", "out_of_range"))

    @property
    def filters_units(self) -> bool:
        """Whether every sale may change which products are listed."""
        return self.available_min is not None or self.available_max is not None

    @property
    def sorted_by(self) -> ProductSort:
        """The requested sort, or the default one."""
        return self.sort or (ProductSort.NEWEST if self.words is None else ProductSort.RELEVANCE)


class Relevance(IntEnum):
    """How well a product that is found fits the words: the best comes first."""

    SKU = -2  # they are its SKU
    NAME = -1  # they are its name
    TITLE = 0  # every word is in name or SKU
    DESCRIPTION = 1  # one is only in the description


def terms_of(product: Product) -> frozenset[str]:
    """What `product` is found by."""
    return search_terms(product.name, product.sku, product.description)


def title_terms_of(product: Product) -> frozenset[str]:
    """What it is found by in name and SKU."""
    return search_terms(product.name, product.sku)


def exact_key(words: Sequence[str]) -> str:
    """The words as one: the same for a keyword and a whole name or SKU, whatever stands between their parts."""
    return "".join(words).replace("-", "")[:NAME_LENGTH_MAX]


def relevance(words: Sequence[str], product: Product) -> Relevance:
    """How well `words` fit a product that they find."""
    key = exact_key(words)
    if key and key == exact_key(search_words(product.sku)):
        return Relevance.SKU
    if key and key == exact_key(search_words(product.name)):
        return Relevance.NAME
    return Relevance.TITLE if is_found(words, title_terms_of(product)) else Relevance.DESCRIPTION


def sort_key(name: str) -> str:
    """A name as the sort by name compares it, so that Äpfel stands beside apple.

    Cut to the length of a name: one character can stand for many (U+FDFA is eighteen), and stores index this.
    """
    return folded(name)[:NAME_LENGTH_MAX]


def is_found(words: Sequence[str], within: frozenset[str]) -> bool:
    """Whether every word is among those `within`, the last one at least as the beginning of one."""
    last = len(words) - 1
    return bool(words) and all(is_among(word, within, is_beginning=at == last) for at, word in enumerate(words))
