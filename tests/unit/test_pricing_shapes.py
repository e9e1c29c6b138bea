"""The JSON of prices has the shapes that were agreed, field by field, as the description of the API shows them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from litestar.testing import TestClient

from shop_adapters.memory import MemoryAdapters
from shop_core import Shop
from shop_http.app import create_app

# Names of fields, with a ? behind those that may be missing. What stands behind a bar came to the agreed ones since, so
# that a client that shows it needs no second request.
PROMOTION = "label starts_at? ends_at? max_uses? max_per_customer? condition? benefit"
PRICED = "lines subtotal discounts total taxes coupons? | currency"
BENEFIT = "kind percent? amount? price? buy? get? max_times? selection? get_selection?"
AGREED = {
    "PromotionForm": f"{PROMOTION} needs_coupon? combines?",
    "PromotionPatch": PROMOTION.replace("label", "label?").replace("benefit", "benefit?") + " needs_coupon? combines?",
    "PromotionBody": f"{PROMOTION} needs_coupon combines id version active uses",
    "ConditionForm": "min_total? min_units? selection?",
    "SelectionForm": "all? categories? products?",
    "BenefitForm": BENEFIT,
    "CouponForm": "code? max_uses? max_per_customer? count?",
    "CouponBody": "code uses max_uses? max_per_customer? | id created_at",
    "RedemptionBody": "order_id customer_id version coupon_id? at given_back_at?",
    "OrderLineBody": "product_id sku product_name options? unit_price quantity discount total tax_rate tax",
    "DiscountBody": "promotion_id label amount",
    "TaxBody": "rate net tax",
    "OrderBody": f"{PRICED} id number status customer_id version created_at updated_at deleted_at? tag",
    "QuoteBody": f"shortages promotions {PRICED} is_best_price",
    "ShortageBody": "product_id requested available | sku product_name",
    "ExplanationBody": "promotion_id label applied amount? why_not? missing? | message",
    "MissingBody": "units? amount?",
    "FamilyForm": "name description? option_names?",
    "FamilyPatch": "name? description?",
    "FamilyBody": "name description option_names | id version",
    "FamilyOfProduct": "id name",
    "TaxRatesForm": "rates",
    "TaxRateForm": "tax_class rate valid_from?",
}
OF_PRODUCTS = {"ProductForm": "family? options? tax_class?", "ProductBody": "family? options? tax_class"}


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    with TestClient(create_app(Shop(MemoryAdapters()), threads=2)) as client:
        found: dict[str, Any] = client.get("/openapi.json").json()["components"]["schemas"]
    return found


def fields(schema: dict[str, Any]) -> set[str]:
    """The names of its fields, with a ? behind those that may be missing."""
    return {name if name in schema.get("required", ()) else f"{name}?" for name in schema["properties"]}


@pytest.mark.parametrize(("name", "agreed"), AGREED.items(), ids=AGREED)
def test_it_has_the_fields_that_were_agreed(schemas: dict[str, Any], name: str, agreed: str) -> None:
    assert fields(schemas[name]) == set(re.findall(r"[a-z_]+\??", agreed))


@pytest.mark.parametrize(("name", "agreed"), OF_PRODUCTS.items(), ids=OF_PRODUCTS)
def test_products_say_what_they_belong_to(schemas: dict[str, Any], name: str, agreed: str) -> None:
    assert fields(schemas[name]) >= set(agreed.split())


@pytest.mark.parametrize("name", [name for name in AGREED if name.endswith(("Form", "Patch"))])
def test_what_is_sent_has_no_other_fields(schemas: dict[str, Any], name: str) -> None:
    assert schemas[name]["additionalProperties"] is False


def test_amounts_and_percents_are_decimal_strings(schemas: dict[str, Any]) -> None:
    for name in ("OrderLineBody", "DiscountBody", "TaxBody", "QuoteBody", "BenefitForm", "TaxRateForm", "MissingBody"):
        for field in {
            "unit_price",
            "discount",
            "total",
            "tax",
            "tax_rate",
            "rate",
            "net",
            "amount",
            "price",
            "percent",
        }:
            if field in schemas[name]["properties"]:
                assert schemas[name]["properties"][field]["type"] == "string", f"{name}.{field}"
