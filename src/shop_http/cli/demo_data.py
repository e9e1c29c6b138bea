"""A few products for looking around."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from shop_core import (
    SYSTEM,
    Money,
    OffsetRequest,
    OrderPercent,
    Product,
    ProductDetails,
    ProductQuery,
    PromotionDetails,
    Shop,
)
from shop_core.errors import Refusal
from shop_core.pagination import LIMIT_MAX
from shop_http.cli.demo_pictures import drawn

_SHELVES = {
    "Coffee": (
        ("COF-001", "Espresso Roast, 250 g", "8.90", 120, "Dark, chocolate, a little smoke."),
        ("COF-002", "Filter Roast, 250 g", "9.50", 80, "Light, citrus, jasmine."),
        ("COF-003", "Decaf, 250 g", "9.20", 35, "Washed with water, not with solvents."),
        ("COF-004", "Green Beans, 1 kg", "14.00", 12, "For those who roast at home."),
    ),
    "Equipment": (
        ("EQP-001", "Hand Grinder", "64.00", 18, "Steel burrs, 30 g a turn."),
        ("EQP-002", "Pour-over Cone", "22.50", 40, "Porcelain, for one or two cups."),
        ("EQP-003", "Paper Filters, 100", "5.40", 300, "Unbleached."),
        ("EQP-004", "Gooseneck Kettle", "79.00", 9, "0.9 l, with a thermometer in the lid."),
        ("EQP-005", "Kitchen Scale", "34.90", 25, "0.1 g steps, with a timer."),
    ),
    "Cups": (
        ("CUP-001", "Espresso Cup", "7.50", 96, "70 ml, thick-walled."),
        ("CUP-002", "Cappuccino Cup", "9.50", 64, "180 ml."),
        ("CUP-003", "Travel Mug", "24.00", 1, "The last one."),
        ("CUP-004", "Glass Carafe", "18.00", 0, "Sold out, to see what that looks like."),
    ),
}


def add_demo_data(shop: Shop) -> int:
    """Put some products into an empty catalog; a catalog with products is left alone.

    Returns:
        How many products were added.
    """
    if shop.catalog.products(ProductQuery(), OffsetRequest(limit=1)).items:
        return 0
    shelves = shop.catalog.ensure_categories(SYSTEM, {name.lower(): name for name in _SHELVES})
    rows = []
    counted = {}
    for shelf, products in _SHELVES.items():
        for sku, name, price, units, description in products:
            amount = Money.parse(price, shop.currency) if shop.currency == "EUR" else Money(1000, shop.currency)
            rows.append(ProductDetails(sku, name, amount, description, shelves[shelf.lower()].id))
            counted[sku] = units
    created = shop.catalog.import_products(SYSTEM, rows).created
    units_of = {product.id: counted[product.sku] for product in created}
    shop.inventory.count_all(SYSTEM, units_of, "opening stock of the demo")
    _add_family(shop)
    _add_coupon(shop)
    _add_pictures(shop)
    return len(created)


def _add_pictures(shop: Shop) -> None:
    """A picture of each product, as far as the shop keeps some."""

    def add(product: Product) -> None:
        shop.images.add(SYSTEM, product.id, drawn(product.sku), product.name)

    entries = shop.catalog.products(ProductQuery(), OffsetRequest(LIMIT_MAX)).items
    with suppress(Refusal, ImportError), ThreadPoolExecutor(2) as pool:
        list(pool.map(add, [entry.product for entry in entries]))


def _add_family(shop: Shop) -> None:
    """A mug in two colours."""
    mugs = shop.families.create(SYSTEM, "Mug", ["colour"], "Stoneware, 300 ml.")
    for sku, colour in (("MUG-BLU", "blue"), ("MUG-RED", "red")):
        details = ProductDetails(
            sku, f"Mug, {colour}", Money(1100, shop.currency), family_id=mugs.id, options=(("colour", colour),)
        )
        entry = shop.catalog.create_product(SYSTEM, details)
        shop.inventory.receive(SYSTEM, entry.product.id, 40, "opening stock of the demo")


def _add_coupon(shop: Shop) -> None:
    """Ten percent off with the coupon WELCOME10, once for each customer."""
    terms = PromotionDetails("Welcome: 10 % off", OrderPercent(1000), needs_coupon=True, customer_uses_max=1)
    welcome = shop.prices.create_promotion(SYSTEM, terms)
    shop.prices.create_coupons(SYSTEM, welcome.promotion.id, code="WELCOME10")
