"""One product: its details, price and options, its pictures, its units, and leaving the catalog."""

from __future__ import annotations

from uuid import UUID

import htpy as h

from shop_core import CatalogEntry, CursorRequest, ProductDetails, ProductImage
from shop_core.catalog.families import Family
from shop_core.catalog.images import IMAGES_MAX, UPLOAD_BYTES_MAX
from shop_core.catalog.model import TAX_CLASS_DEFAULT, Product
from shop_core.errors import Fault, Invalid
from shop_core.pagination import LIMIT_MAX
from shop_http.pages.forms import HtmlForm, SentForm, submit
from shop_http.pages.handlers import Redirect, StaffRequest, action, page
from shop_http.pages.layout import Screen
from shop_http.pages.sent_form import FORM_SIZE_MAX
from shop_http.pages.tables import NUMBER, all_of, moment, table
from shop_http.routes import media
from shop_http.routes.catalog import IMAGE_TYPES
from shop_http.server.worker_pools import Pool

_ALT_HINT = "In a few words, for those who do not see it."
OPTION = "option-"
"""Before the name of an option, in the name of its field."""


@page("/products/new")
def show_new_product(request: StaffRequest) -> Screen:
    """An empty form."""
    form = request.form_to("/products")
    return Screen("New product", form(_fields(request, form, None), submit("Add the product"), css="wide"))


@action("/products", refused=show_new_product)
def create_product(request: StaffRequest) -> Redirect:
    """Add it to the catalog."""
    details = _details(request.form, request.shop.currency)
    entry = request.shop.catalog.create_product(request.actor, details, key=request.form.key)
    return Redirect(f"/products/{entry.product.id}", "The product is in the catalog.")


@page("/products/{product_id:uuid}")
def show_product(request: StaffRequest, product_id: UUID, image_id: UUID | None = None) -> Screen:
    """Everything that can be changed of it. `image_id` is that of the picture whose form was refused."""
    stored = request.shop.catalog.stored_product(request.actor, product_id)
    if stored.archived_at is not None:
        return _archived(request, stored)
    entry = request.shop.catalog.product(product_id)
    product, path = entry.product, f"/products/{product_id}"
    form = request.form_to(path, version=product.version)
    remove = request.form_to(f"{path}/remove", version=product.version)
    return Screen(
        product.name,
        _units(request, entry),
        _low_stock(request, product_id),
        h.h2["Details"],
        form(_fields(request, form, product), submit("Save"), css="wide"),
        h.h2(id="pictures")["Pictures"],
        _pictures(request, product),
        h.h2["Leave the catalog"],
        remove(h.p[_what_removing_does(request, product)], submit("Remove it", "danger")),
    )


def _what_removing_does(request: StaffRequest, product: Product) -> str:
    if request.shop.inventory.movements(request.actor, product.id, CursorRequest(1)).items:
        return "Orders keep what was agreed. The product can be put back."
    return "It never had any stock, so it is deleted for good, with its pictures."


def _archived(request: StaffRequest, product: Product) -> Screen:
    restore = request.form_to(f"/products/{product.id}/restore", version=product.version)
    return Screen(
        product.name,
        h.p[f"{product.sku} has left the catalog. Orders keep what was agreed."],
        h.p[h.a(href=f"/staff/products/{product.id}/ledger")["What moved its stock"]],
        restore(h.p["Put back, it is in no category."], submit("Put it back into the catalog")),
    )


@action("/products/{product_id:uuid}/restore", refused=show_product)
def restore_product(request: StaffRequest, product_id: UUID) -> Redirect:
    """Put it back into the catalog."""
    request.shop.catalog.restore_product(request.actor, product_id, request.form.versions, key=request.form.key)
    return Redirect(f"/products/{product_id}", "The product is in the catalog again.")


@action("/products/{product_id:uuid}", refused=show_product)
def edit_product(request: StaffRequest, product_id: UUID) -> Redirect:
    """Replace its details."""
    form, catalog = request.form, request.shop.catalog
    stored = catalog.product(product_id).product
    details = _details(form, request.shop.currency, stored.image_urls)
    catalog.replace_product(request.actor, product_id, details, form.versions, key=form.key)
    return Redirect(f"/products/{product_id}", "The product is saved.")


@action("/products/{product_id:uuid}/remove", refused=show_product)
def remove_product(request: StaffRequest, product_id: UUID) -> Redirect:
    """Take it out of the catalog."""
    request.shop.catalog.remove_product(request.actor, product_id, request.form.versions, key=request.form.key)
    return Redirect("/products", "The product is not in the catalog any more.")


@action(
    "/products/{product_id:uuid}/images",
    refused=show_product,
    pool=Pool.SLOW,
    form_size_max=UPLOAD_BYTES_MAX + FORM_SIZE_MAX,
)
def add_picture(request: StaffRequest, product_id: UUID) -> Redirect:
    """Add the file that was chosen."""
    form = request.form
    if (upload := form.files.get("image")) is None:
        raise Invalid(Fault("image", "is missing: choose a file", "missing"))
    request.shop.images.add(request.actor, product_id, upload.body, form.text("alt"), key=form.key)
    return Redirect(f"/products/{product_id}#pictures", "The picture is added.")


@action("/products/{product_id:uuid}/images/{image_id:uuid}", refused=show_product)
def edit_picture(request: StaffRequest, product_id: UUID, image_id: UUID) -> Redirect:
    """Change its text and its place."""
    form = request.form
    alt, position = form.text("alt"), form.number("position")
    request.shop.images.edit(request.actor, product_id, image_id, alt, position, form.versions, key=form.key)
    return Redirect(f"/products/{product_id}#pictures", "The picture is saved.")


@action("/products/{product_id:uuid}/images/{image_id:uuid}/remove", refused=show_product)
def remove_picture(request: StaffRequest, product_id: UUID, image_id: UUID) -> Redirect:
    """Take it from the product."""
    request.shop.images.remove(request.actor, product_id, image_id, request.form.versions, key=request.form.key)
    return Redirect(f"/products/{product_id}#pictures", "The picture is removed.")


def _pictures(request: StaffRequest, product: Product) -> h.Node:
    """The pictures with their forms, and one for the next. None for a shop that keeps no pictures."""
    form = request.form_to(f"/products/{product.id}/images", prefix="new-")
    return [
        h.ul(".pictures")[(_picture(request, product, image, place) for place, image in enumerate(product.images, 1))],
        form(
            h.div(".field")[
                h.label(for_="new-image")["Add a picture"],
                h.input(
                    id="new-image",
                    name="image",
                    type="file",
                    accept=",".join(IMAGE_TYPES),
                    required=True,
                    aria_describedby="new-image-hint",
                ),
                h.small(id="new-image-hint")[
                    "JPEG, PNG or WebP, 10 MiB at most. What it says of place and time is removed."
                ],
            ],
            form.field("alt", "What it shows", hint=_ALT_HINT),
            submit("Add the picture"),
            enctype="multipart/form-data",
            css="row",
        )
        if len(product.images) < IMAGES_MAX
        else h.p[f"A product has {IMAGES_MAX} pictures at most."],
    ]


def _picture(request: StaffRequest, product: Product, image: ProductImage, place: int) -> h.Element:
    path, smallest = f"/products/{product.id}/images/{image.id}", image.sizes[0]
    form = request.form_to(path, version=product.version, prefix=f"picture-{place}-")
    remove = request.form_to(f"{path}/remove", version=product.version)
    return h.li[
        # From here, also where clients find pictures elsewhere: the policy of the page allows nothing else.
        h.img(src=f"{media.PATH}/{smallest.key}.webp", alt=image.alt, width=smallest.width, height=smallest.height),
        form(
            form.field("alt", f"What picture {place} shows", image.alt),
            form.field("position", f"Place of picture {place}", str(place), type="number", min="1", css="narrow"),
            submit(f"Save picture {place}", "quiet"),
            css="row",
        ),
        remove(submit(f"Remove picture {place}", "danger")),
    ]


def _details(form: SentForm, currency: str, image_urls: tuple[str, ...] = ()) -> ProductDetails:
    options = ((name.removeprefix(OPTION), form.text(name)) for name in form.values if name.startswith(OPTION))
    family_id = form.id("family")
    return ProductDetails(
        sku=form.text("sku"),
        name=form.text("name"),
        price=form.money("price", currency),
        description=form.text("description"),
        category_id=form.id("category"),
        image_urls=image_urls,
        tax_class=form.text("tax_class") or TAX_CLASS_DEFAULT,
        family_id=family_id,
        options=tuple((name, value) for name, value in options if value) if family_id else (),
    )


def _fields(request: StaffRequest, form: HtmlForm, product: Product | None) -> h.Node:
    families = all_of(request.shop.families.page)
    categories = all_of(request.shop.catalog.categories)
    family_id = form.value("family", str(product.family_id or "") if product else "")
    return [
        form.field("sku", "SKU", product.sku if product else "", hint="Your own code; unique.", required=True),
        form.field("name", "Name", product.name if product else "", required=True),
        form.field(
            "price",
            f"Price, {request.shop.currency}",
            str(product.price) if product else "",
            inputmode="decimal",
            required=True,
        ),
        form.field("description", "Description", product.description if product else "", lines=5),
        form.field(
            "category",
            "Category",
            str(product.category_id or "") if product else "",
            choices=[("", "None"), *((str(each.category.id), each.category.name) for each in categories)],
        ),
        form.field(
            "tax_class",
            "Tax class",
            product.tax_class if product else TAX_CLASS_DEFAULT,
            hint="Decides the tax rate.",
        ),
        form.field(
            "family",
            "Family",
            str(product.family_id or "") if product else "",
            hint="Products that differ by options such as size and colour.",
            choices=[("", "None"), *((str(each.id), each.name) for each in families)],
        ),
        [_options(form, each, product) for each in families if str(each.id) == family_id],
    ]


def _options(form: HtmlForm, family: Family, product: Product | None) -> h.Node:
    """A field for each option of the family that the product is in, or is put into."""
    stored = dict(product.options) if product else {}
    return h.fieldset[
        h.legend[f"Options of {family.name}"],
        (form.field(f"{OPTION}{name}", name.capitalize(), stored.get(name, "")) for name in family.option_names),
    ]


def _units(request: StaffRequest, entry: CatalogEntry) -> h.Node:
    level = request.shop.inventory.level(request.actor, entry.product.id)
    return h.section[
        h.dl(".facts")[
            h.dt["Can be sold"],
            h.dd[str(entry.available)],
            h.dt["On hand"],
            h.dd[f"{level.on_hand}, of which {level.allocated} for orders and {level.reserved} reserved"],
            level.shortfall > 0 and [h.dt["Missing"], h.dd[h.span(".label.bad")[str(level.shortfall)]]],
        ],
        h.a(href=f"/staff/products/{entry.product.id}/ledger")["Everything that moved its stock"],
    ]


def _low_stock(request: StaffRequest, product_id: UUID) -> h.Element:
    stored = str(request.shop.inventory.low_stock_levels(request.actor, [product_id]).get(product_id, ""))
    form = request.form_to(f"/products/{product_id}/low-stock")
    return form(
        h.input(type="hidden", name="seen", value=stored),
        form.field(
            "low_stock_level",
            "Low below",
            stored,
            hint="Units that can be sold. Empty: it never counts as low.",
            type="number",
            min="1",
        ),
        submit("Set", "quiet"),
        css="row",
    )


@page("/products/{product_id:uuid}/ledger")
def show_ledger(request: StaffRequest, product_id: UUID) -> Screen:
    """What moved its stock lately."""
    product = request.shop.catalog.stored_product(request.actor, product_id)
    movements = request.shop.inventory.movements(request.actor, product_id, CursorRequest(LIMIT_MAX)).items
    return Screen(
        f"Stock of {product.name}",
        h.p[h.a(href=f"/staff/products/{product_id}")["Back to the product"]],
        table(
            f"The latest {LIMIT_MAX} movements at most",
            ["When", "What", ("Units", NUMBER), "Why"],
            (
                (
                    moment(movement.at),
                    movement.kind.capitalize(),
                    str(movement.quantity),
                    movement.reason
                    or (movement.order_id and h.a(href=f"/staff/orders/{movement.order_id}")["Order"])
                    or "",
                )
                for movement in movements
            ),
        ),
    )


ROUTES = (
    *(show_new_product, create_product, show_product, edit_product, remove_product, restore_product, show_ledger),
    *(add_picture, edit_picture, remove_picture),
)
