"""What the shop sells: products with prices, in a tree of categories."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple
from uuid import UUID

from shop_core.catalog.images import Images
from shop_core.errors import Fault, Invalid
from shop_core.money import Money
from shop_core.text import normalized, normalized_code, text_faults

NAME_LENGTH_MAX = 200
SKU_LENGTH_MAX = 64
SLUG_LENGTH_MAX = 100
DESCRIPTION_LENGTH_MAX = 10_000
IMAGE_URLS_MAX = 20
IMAGE_URL_LENGTH_MAX = 2_000
PRICE_MINOR_MAX = 100_000_000_000

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_TAX_CLASS = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)
_URL = re.compile(r"(?:https?://|/)[^\s\"<>\\^`{|}]+")


TAX_CLASS_DEFAULT = "standard"

Options = tuple[tuple[str, str], ...]
"""What tells a product apart in its family, e.g. `(("colour", "red"),)`, in the order of the family's option names."""


class Unchanged(Enum):
    """Marks a field that a change leaves as it was; None would set it to nothing."""

    UNCHANGED = auto()


UNCHANGED = Unchanged.UNCHANGED


@dataclass(frozen=True, slots=True)
class Category:
    """A category of the catalog. Categories form a tree; `slug` is unique and part of links.

    Raises:
        Invalid: name or slug breaks its rule.
    """

    id: UUID
    name: str
    slug: str
    parent_id: UUID | None = None

    def edited(self, changes: CategoryChanges) -> Category:
        """The category after `changes`; itself if nothing differs.

        Raises:
            Invalid: a detail breaks its rule.
        """
        edited = Category(
            self.id,
            self.name if changes.name is UNCHANGED else normalized(changes.name),
            self.slug if changes.slug is UNCHANGED else changes.slug,
            self.parent_id if changes.parent_id is UNCHANGED else changes.parent_id,
        )
        return self if edited == self else edited

    def __post_init__(self) -> None:
        faults = text_faults("name", self.name, min_length=1, max_length=NAME_LENGTH_MAX)
        faults += text_faults("slug", self.slug, min_length=1, max_length=SLUG_LENGTH_MAX)
        if not faults and not _SLUG.fullmatch(self.slug):
            faults.append(
                Fault("slug", "may have small letters, digits and single hyphens between them", "invalid_slug")
            )
        if faults:
            raise Invalid(*faults)


@dataclass(frozen=True, slots=True)
class Product:
    """Something that can be ordered. Its stock is not part of it: that changes with every sale.

    Args:
        sku: the merchant's own unique code; upper and lower case differ.
        price: for one unit, not negative.
        tax_class: decides its tax rate.
        family_id: what it belongs to.
        options: what tells it apart there, a value for each option name of the family, in their order.
        archived_at: when it left the catalog; orders that name it keep their snapshot. It is then in no category and no
            family, so that it does not prevent the removal of one; its SKU stays taken, and its options are kept for
            orders of reservations.
        version: counts the edits, from 1.
        images: its own pictures, in their order; `image_urls` are those that are kept elsewhere.

    Raises:
        Invalid: a field breaks its rule; all broken rules are named at once.
    """

    id: UUID
    sku: str
    name: str
    price: Money
    created_at: datetime
    updated_at: datetime
    description: str = ""
    category_id: UUID | None = None
    image_urls: tuple[str, ...] = ()
    archived_at: datetime | None = None
    version: int = 1
    tax_class: str = TAX_CLASS_DEFAULT
    family_id: UUID | None = None
    options: Options = ()
    images: Images = ()

    def __post_init__(self) -> None:
        faults = text_faults("sku", self.sku, min_length=1, max_length=SKU_LENGTH_MAX)
        faults += text_faults("name", self.name, min_length=1, max_length=NAME_LENGTH_MAX)
        faults += text_faults(
            "description", self.description, min_length=0, max_length=DESCRIPTION_LENGTH_MAX, lines=True
        )
        if not 0 <= self.price.minor <= PRICE_MINOR_MAX:
            price_max = Money(PRICE_MINOR_MAX, self.price.currency)
            faults.append(Fault("price", f"must be from 0 to {price_max}, this is {self.price}", "out_of_range"))
        if self.image_urls:
            faults += _image_faults(self.image_urls)
        faults += tax_class_faults(self.tax_class)
        if faults:
            raise Invalid(*faults)

    def archived(self, now: datetime) -> Product:
        """The product after it left the catalog, its category and its family."""
        return replace(
            self, archived_at=now, category_id=None, family_id=None, updated_at=now, version=self.version + 1
        )

    def restored(self, now: datetime) -> Product:
        """The product back in the catalog, in no category and without options; itself if it never left."""
        if self.archived_at is None:
            return self
        return replace(self, archived_at=None, options=(), updated_at=now, version=self.version + 1)

    def with_images(self, images: Images, now: datetime) -> Product:
        """The product with other pictures."""
        return replace(self, images=images, updated_at=now, version=self.version + 1)

    def edited(self, details: ProductDetails, now: datetime) -> Product:
        """The product with every detail replaced; itself if nothing differs. An archived one stays without category.

        Raises:
            Invalid: a detail breaks its rule.
        """
        edited = replace(
            self,
            sku=details.sku,
            name=details.name,
            price=details.price,
            description=details.description,
            category_id=None if self.archived_at else details.category_id,
            image_urls=details.image_urls,
            tax_class=details.tax_class,
            family_id=None if self.archived_at else details.family_id,
            options=self.options if self.archived_at else details.options,
        )
        return self if edited == self else replace(edited, updated_at=now, version=self.version + 1)


def tax_class_faults(tax_class: str) -> list[Fault]:
    """The rule that a name of a tax class breaks."""
    if _TAX_CLASS.fullmatch(tax_class):
        return []
    rule = f"{tax_class[:40]!r} is no tax class such as standard: 1 to 32 of a-z, 0-9, - and _, a letter first"
    return [Fault("tax_class", rule, "invalid_tax_class")]


def _image_faults(urls: Sequence[str]) -> list[Fault]:
    faults = []
    if len(urls) > IMAGE_URLS_MAX:
        faults.append(Fault("image_urls", f"may be {IMAGE_URLS_MAX} at most, these are {len(urls)}", "too_many"))
    for index, url in enumerate(urls[:IMAGE_URLS_MAX]):
        where = f"image_urls.{index}"
        faults += text_faults(where, url, min_length=1, max_length=IMAGE_URL_LENGTH_MAX)
        if not _URL.fullmatch(url):
            faults.append(Fault(where, "must start with https://, http:// or / and have no spaces", "invalid_url"))
    return faults


@dataclass(frozen=True, slots=True)
class ProductDetails:
    """What staff enter when they create or replace a product. Texts are normalized."""

    sku: str
    name: str
    price: Money
    description: str = ""
    category_id: UUID | None = None
    image_urls: tuple[str, ...] = ()
    tax_class: str = TAX_CLASS_DEFAULT
    family_id: UUID | None = None
    options: Options = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "sku", normalized_code(self.sku))
        for name in ("name", "description"):
            object.__setattr__(self, name, normalized(getattr(self, name)))
        if self.options:
            options = tuple((normalized(name), normalized(value)) for name, value in self.options)
            object.__setattr__(self, "options", options)

    def product(self, product_id: UUID, now: datetime) -> Product:
        """The new product with these details.

        Raises:
            Invalid: a detail breaks its rule.
        """
        return Product(
            id=product_id,
            sku=self.sku,
            name=self.name,
            price=self.price,
            description=self.description,
            category_id=self.category_id,
            image_urls=self.image_urls,
            created_at=now,
            updated_at=now,
            tax_class=self.tax_class,
            family_id=self.family_id,
            options=self.options,
        )


def check_currency(details: ProductDetails, currency: str) -> None:
    """Let only prices pass that are in the currency of the shop. Raises Invalid."""
    if details.price.currency != currency:
        raise Invalid(Fault("price", f"must be in {currency}, the currency of this shop", "wrong_currency"))


@dataclass(frozen=True, slots=True)
class ProductChanges:
    """What staff change of a product; other fields stay. A `category_id` of None removes it from its category."""

    sku: str | Unchanged = UNCHANGED
    name: str | Unchanged = UNCHANGED
    price: Money | Unchanged = UNCHANGED
    description: str | Unchanged = UNCHANGED
    category_id: UUID | Unchanged | None = UNCHANGED
    image_urls: tuple[str, ...] | Unchanged = UNCHANGED
    tax_class: str | Unchanged = UNCHANGED
    family_id: UUID | Unchanged | None = UNCHANGED
    options: Options | Unchanged = UNCHANGED

    def details(self, of: Product) -> ProductDetails:
        """All details of the product `of` after the change."""
        return ProductDetails(
            sku=of.sku if self.sku is UNCHANGED else self.sku,
            name=of.name if self.name is UNCHANGED else self.name,
            price=of.price if self.price is UNCHANGED else self.price,
            description=of.description if self.description is UNCHANGED else self.description,
            category_id=of.category_id if self.category_id is UNCHANGED else self.category_id,
            image_urls=of.image_urls if self.image_urls is UNCHANGED else self.image_urls,
            tax_class=of.tax_class if self.tax_class is UNCHANGED else self.tax_class,
            family_id=of.family_id if self.family_id is UNCHANGED else self.family_id,
            options=self.options if self.options is not UNCHANGED else of.options if of.family_id else (),
        )


@dataclass(frozen=True, slots=True)
class ImportRow:
    """What an import says of one product; fields that it does not mention stay as they are.

    Args:
        sku: which product.
        changes: of its details.
        category: the names from the top down to its category, or its id alone; none: no category. It wins over
            `changes.category_id`.
        family: the name or the id of its family; empty: no family. It wins over `changes.family_id`.
        options: names and values of the options that are mentioned; an empty value: without this option. They win over
            `changes.options`.
    """

    sku: str
    changes: ProductChanges
    category: tuple[str, ...] | Unchanged = UNCHANGED
    family: str | Unchanged = UNCHANGED
    options: Options = ()

    @staticmethod
    def of(details: ProductDetails) -> ImportRow:
        """A row that says everything."""
        return ImportRow(
            details.sku, ProductChanges(**{one.name: getattr(details, one.name) for one in fields(ProductDetails)})
        )

    def new_details(self) -> ProductDetails | None:
        """The details of a new product; None if name or price are missing."""
        if self.changes.name is UNCHANGED or self.changes.price is UNCHANGED:
            return None
        said = {one.name: getattr(self.changes, one.name) for one in fields(ProductChanges)}
        return ProductDetails(
            **{name: value for name, value in said.items() if value is not UNCHANGED} | {"sku": self.sku}
        )


@dataclass(frozen=True, slots=True)
class CategoryChanges:
    """What staff change of a category; other fields stay. A `parent_id` of None moves it to the top."""

    name: str | Unchanged = UNCHANGED
    slug: str | Unchanged = UNCHANGED
    parent_id: UUID | Unchanged | None = UNCHANGED


class Offer(NamedTuple):
    """What an order line is made from: a product of the catalog, as it is sold today.

    Args:
        category_ids: the category of the product, and then all above it, upwards.
    """

    product_id: UUID
    sku: str
    name: str
    price: Money
    options: Options = ()
    tax_class: str = TAX_CLASS_DEFAULT
    category_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A product as the catalog shows it, with the units that can be sold now.

    Args:
        family_name: of its family; empty without one.
    """

    product: Product
    available: int
    family_name: str = ""


@dataclass(frozen=True, slots=True)
class CategoryEntry:
    """A category as the catalog shows it, with the number of products directly in it."""

    category: Category
    product_count: int
