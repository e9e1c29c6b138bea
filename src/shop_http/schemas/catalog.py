"""Categories and products."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from shop_core import (
    CatalogEntry,
    CategoryChanges,
    CategoryEntry,
    CategoryNode,
    Money,
    ProductChanges,
    ProductDetails,
    ProductImage,
)
from shop_core.catalog.families import Family
from shop_core.catalog.images import MediaKey
from shop_core.catalog.model import TAX_CLASS_DEFAULT, UNCHANGED, Options, Unchanged
from shop_http.schemas.common import Address, Amount, Link, PageBody, Timestamp

UrlOf = Callable[[MediaKey], str]


class CategoryForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new category. `parent` is the id of the category above it. Without a `slug` it gets one, made of its name."""

    name: str
    slug: str | UnsetType = UNSET
    parent: UUID | UnsetType = UNSET


class CategoryPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change in a category. `parent` is the id of the category above it; null means none."""

    name: str | UnsetType = UNSET
    slug: str | UnsetType = UNSET
    parent: UUID | UnsetType | None = UNSET

    def changes(self) -> CategoryChanges:
        """As the core takes it."""
        return CategoryChanges(
            name=UNCHANGED if self.name is UNSET else self.name,
            slug=UNCHANGED if self.slug is UNSET else self.slug,
            parent_id=UNCHANGED if self.parent is UNSET else self.parent,
        )


class CategoryBody(Struct, kw_only=True):
    """A category. `product_count` counts the products directly in it; `children`, by slug, are in nested lists."""

    id: UUID
    name: str
    slug: str
    parent: UUID | UnsetType = UNSET
    product_count: int
    children: tuple[CategoryBody, ...] | UnsetType = UNSET

    @classmethod
    def of_node(cls, node: CategoryNode) -> CategoryBody:
        """The schema of `node`, with all that is below it."""
        body = cls.of(node.entry)
        body.children = tuple(map(cls.of_node, node.children))
        return body

    @classmethod
    def of(cls, entry: CategoryEntry) -> CategoryBody:
        """The schema of `entry`."""
        category = entry.category
        return cls(
            id=category.id,
            name=category.name,
            slug=category.slug,
            parent=category.parent_id or UNSET,
            product_count=entry.product_count,
        )


class CategoryPage(PageBody[CategoryBody], kw_only=True):
    """A page of the list of categories."""


class FamilyForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new family. `option_names` are what its products differ by, three at most; they never change."""

    name: str
    description: str = ""
    option_names: tuple[str, ...] = ()


class FamilyPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change in a family."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET


class FamilyBody(Struct, kw_only=True):
    """A family of products. `/products?family=` lists them."""

    id: UUID
    name: str
    description: str
    option_names: tuple[str, ...]
    version: int

    @classmethod
    def of(cls, family: Family) -> FamilyBody:
        """The schema of `family`."""
        return cls(
            id=family.id,
            name=family.name,
            description=family.description,
            option_names=family.option_names,
            version=family.version,
        )


class FamilyPage(PageBody[FamilyBody], kw_only=True):
    """A page of the list of families."""


class FamilyOfProduct(Struct, kw_only=True):
    """The family of a product."""

    id: UUID
    name: str


class ProductForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new product. `category` is the id of its category, `family` that of its family.

    `options` has a value for each option name of the family, and is left out without one.
    """

    sku: str
    name: str
    price: Amount
    description: str = ""
    category: UUID | UnsetType = UNSET
    image_urls: tuple[Address, ...] = ()
    family: UUID | UnsetType = UNSET
    options: dict[str, str] = {}
    tax_class: str = TAX_CLASS_DEFAULT

    def details(self, currency: str) -> ProductDetails:
        """As the core takes it."""
        return ProductDetails(
            sku=self.sku,
            name=self.name,
            price=Money.parse(self.price, currency, field="price"),
            description=self.description,
            category_id=self.category or None,
            image_urls=self.image_urls,
            family_id=self.family or None,
            options=tuple(self.options.items()),
            tax_class=self.tax_class,
        )


class ProductPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change in a product. `category` and `family` are ids; null means none."""

    sku: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    price: Amount | UnsetType = UNSET
    description: str | UnsetType = UNSET
    category: UUID | UnsetType | None = UNSET
    image_urls: tuple[Address, ...] | UnsetType = UNSET
    family: UUID | UnsetType | None = UNSET
    options: dict[str, str] | UnsetType = UNSET
    tax_class: str | UnsetType = UNSET

    def changes(self, currency: str) -> ProductChanges:
        """As the core takes it.

        Raises:
            Invalid: the price is no amount.
        """
        return ProductChanges(
            sku=UNCHANGED if self.sku is UNSET else self.sku,
            name=UNCHANGED if self.name is UNSET else self.name,
            price=UNCHANGED if self.price is UNSET else Money.parse(self.price, currency, field="price"),
            description=UNCHANGED if self.description is UNSET else self.description,
            category_id=UNCHANGED if self.category is UNSET else self.category,
            image_urls=UNCHANGED if self.image_urls is UNSET else self.image_urls,
            family_id=UNCHANGED if self.family is UNSET else self.family,
            options=self._options(),
            tax_class=UNCHANGED if self.tax_class is UNSET else self.tax_class,
        )

    def _options(self) -> Options | Unchanged:
        """A product that leaves its family leaves its options, too."""
        if self.options is UNSET:
            return () if self.family is None else UNCHANGED
        return tuple(self.options.items())


class ImageSizeBody(Struct, kw_only=True):
    """A file of a picture, as WebP. It never changes: caches may keep it for good."""

    url: Link
    width: int
    height: int


class ImageBody(Struct, kw_only=True):
    """A picture of a product. `url`, `width` and `height` are those of the largest of its `sizes`, narrow to wide.

    `alt` says what it shows, for those who do not see it.
    """

    id: UUID
    url: Link
    width: int
    height: int
    alt: str
    sizes: tuple[ImageSizeBody, ...]

    @classmethod
    def of(cls, image: ProductImage, url_of: UrlOf) -> ImageBody:
        """The schema of `image`."""
        sizes = tuple(ImageSizeBody(url=url_of(size.key), width=size.width, height=size.height) for size in image.sizes)
        largest = sizes[-1]
        return cls(id=image.id, url=largest.url, width=largest.width, height=largest.height, alt=image.alt, sizes=sizes)


class ImagePatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change in a picture. `position` is its place among the others, from 1."""

    alt: str | UnsetType = UNSET
    position: int | UnsetType = UNSET


class ProductBody(Struct, kw_only=True):
    """A product of the catalog. `category` is the id of its category.

    `images` are its pictures, the first one for lists; `image_urls` are addresses of pictures that are kept elsewhere.
    `quantity_in_stock` is the number of units that can be sold now. `version` counts the edits; sales do not change it.
    """

    id: UUID
    sku: str
    name: str
    description: str
    price: Amount
    currency: str
    quantity_in_stock: int
    category: UUID | UnsetType = UNSET
    images: tuple[ImageBody, ...]
    image_urls: tuple[Address, ...]
    family: FamilyOfProduct | UnsetType = UNSET
    options: dict[str, str] | UnsetType = UNSET
    tax_class: str
    version: int
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, entry: CatalogEntry, url_of: UrlOf) -> ProductBody:
        """The schema of `entry`; `url_of` is where clients find a file of a picture, by its key."""
        product = entry.product
        return cls(
            id=product.id,
            sku=product.sku,
            name=product.name,
            description=product.description,
            price=str(product.price),
            currency=product.price.currency,
            quantity_in_stock=entry.available,
            category=product.category_id or UNSET,
            images=tuple([ImageBody.of(image, url_of) for image in product.images]) if product.images else (),
            image_urls=product.image_urls,
            family=FamilyOfProduct(id=product.family_id, name=entry.family_name) if product.family_id else UNSET,
            options=dict(product.options) if product.options else UNSET,
            tax_class=product.tax_class,
            version=product.version,
            created_at=product.created_at,
            updated_at=product.updated_at,
        )


class ProductPage(PageBody[ProductBody], kw_only=True):
    """A page of the list of products."""
