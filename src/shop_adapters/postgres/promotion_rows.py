"""Versions of promotions as rows of the table `promotion_versions`: condition and benefit are JSON in one column."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from uuid import UUID

from shop_adapters.postgres.database import Row
from shop_core.money import Money
from shop_core.pricing.benefits import BENEFITS, Benefit, Condition, Selection
from shop_core.pricing.model import Promotion


def promotion_of(row: Row, currency: str) -> Promotion:
    """The version of a promotion in a row."""
    condition, benefit = row.terms["condition"], dict(row.terms["benefit"])
    kind = BENEFITS[benefit.pop("kind")]
    return Promotion(
        row.promotion_id,
        row.label,
        kind(**_values(benefit, currency)),
        Condition(**_values(condition, currency)) if condition else None,
        row.starts_at,
        row.ends_at,
        row.needs_coupon,
        row.combines,
        row.uses_max,
        row.customer_uses_max,
        row.version,
    )


def columns_of(promotion: Promotion) -> dict[str, object]:
    """The row of the version of a promotion."""
    kinds = {kind: name for name, kind in BENEFITS.items()}
    terms = {
        "condition": _document(promotion.condition) if promotion.condition else None,
        "benefit": {"kind": kinds[type(promotion.benefit)], **_document(promotion.benefit)},
    }
    names = ("id", "version", "label", "starts_at", "ends_at", "needs_coupon", "combines", "uses_max")
    columns = {name: getattr(promotion, name) for name in (*names, "customer_uses_max")}
    return {**columns, "terms": json.dumps(terms)}


def _document(of: Condition | Benefit) -> dict[str, object]:
    """A condition or a benefit as JSON: its fields that are set, amounts in minor units."""
    document: dict[str, object] = {}
    for each in fields(of):
        value = getattr(of, each.name)
        if isinstance(value, Selection):
            named = {"product_ids": value.product_ids, "category_ids": value.category_ids}
            document[each.name] = {name: sorted(map(str, ids)) for name, ids in named.items() if ids}
        elif value is not None:
            document[each.name] = value.minor if isinstance(value, Money) else value
    return document


def _values(document: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """The values of a condition or a benefit, from what `_document` made of them."""
    values = dict(document)
    for name in document.keys() & {"selection", "get_selection"}:
        values[name] = Selection(**{kind: frozenset(map(UUID, ids)) for kind, ids in document[name].items()})
    for name in document.keys() & {"amount", "price", "total_min"}:
        values[name] = Money(document[name], currency)
    return values
