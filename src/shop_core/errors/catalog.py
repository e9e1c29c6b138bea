"""Refusals about products and categories."""

from __future__ import annotations

from uuid import UUID

from shop_core.errors.kinds import Conflict, Fault, Invalid, NotFound


class ProductNotFound(NotFound):
    """The catalog has no such product; it may have been archived."""

    code = "product_not_found"
    title = "Product not found"

    def __init__(self, product_id: UUID) -> None:
        super().__init__(f"There is no product {product_id} in the catalog. Search the catalog for others.")
        self.product_id = product_id


class CategoryNotFound(NotFound):
    """There is no such category."""

    code = "category_not_found"
    title = "Category not found"

    def __init__(self, category_id: UUID) -> None:
        super().__init__(f"There is no category {category_id}. List the categories to see what there is.")
        self.category_id = category_id


class SkuTaken(Conflict):
    """Another product has this SKU, perhaps one that was archived."""

    code = "sku_taken"
    title = "SKU already in use"

    def __init__(self, sku: str, archived: UUID | None = None) -> None:
        who, then = "Another product", "edit that product"
        if archived:
            who, then = f"Product {archived}, which has left the catalog,", "restore that product and edit it"
        super().__init__(f"{who} has the SKU {sku!r}. Choose another one, or {then}.")
        self.sku, self.archived = sku, archived


class SlugTaken(Conflict):
    """Another category has this slug."""

    code = "slug_taken"
    title = "Slug already in use"

    def __init__(self, slug: str) -> None:
        super().__init__(f"Another category has the slug {slug!r}. Choose another one.")
        self.slug = slug


class CategoryInUse(Conflict):
    """The category cannot be removed, because it has products or categories. Archived products do not count."""

    code = "category_in_use"
    title = "Category in use"

    def __init__(self, category_id: UUID, products: int, children: int) -> None:
        self.category_id, self.products, self.children = category_id, products, children
        super().__init__(
            f"Category {category_id} still has products ({products}) or categories below it ({children}). "
            "Move or remove them first."
        )


class CategoryCycle(Invalid):
    """The new parent of a category is the category itself or one below it."""

    code = "category_cycle"
    title = "Category below itself"

    def __init__(self, category_id: UUID, parent_id: UUID) -> None:
        message = f"{parent_id} is category {category_id} itself, or below it: choose another parent"
        super().__init__(Fault("parent", message, "category_cycle"))
        self.category_id, self.parent_id = category_id, parent_id


class FamilyNotFound(NotFound):
    """There is no such family."""

    code = "family_not_found"
    title = "Family not found"

    def __init__(self, family_id: UUID) -> None:
        super().__init__(f"There is no family {family_id}. List the families to see what there is.")
        self.family_id = family_id


class FamilyInUse(Conflict):
    """The family cannot be removed, because products belong to it. Archived products do not count."""

    code = "family_in_use"
    title = "Family in use"

    def __init__(self, family_id: UUID, products: int) -> None:
        super().__init__(f"{products} products belong to the family {family_id}. Move or archive them first.")
        self.family_id, self.products = family_id, products


class ImageNotFound(NotFound):
    """The product has no such picture."""

    code = "image_not_found"
    title = "Picture not found"

    def __init__(self, image_id: UUID) -> None:
        super().__init__(f"The product has no picture {image_id}. Read the product to see those that it has.")
        self.image_id = image_id


class TooManyImages(Conflict):
    """The product has as many pictures as it may."""

    code = "too_many_images"
    title = "Too many pictures"

    def __init__(self, product_id: UUID, images_max: int) -> None:
        super().__init__(f"Product {product_id} has {images_max} pictures, which is the most. Remove one first.")
        self.product_id, self.images_max = product_id, images_max


class NoPictures(Conflict):
    """This shop keeps no pictures."""

    code = "no_pictures"
    title = "No pictures"

    def __init__(self) -> None:
        super().__init__("This shop keeps no pictures of its own: name the address of one elsewhere in image_urls.")


class UnusableImage(Invalid):
    """What was uploaded is no picture, or none that is allowed."""

    code = "unusable_image"
    title = "Unusable picture"


class OptionsTaken(Conflict):
    """Another product of the family has the same options."""

    code = "options_taken"
    title = "Options already in use"

    def __init__(self, family_id: UUID) -> None:
        super().__init__(
            f"Another product of the family {family_id} has the same options. Choose others, or edit that product."
        )
        self.family_id = family_id
