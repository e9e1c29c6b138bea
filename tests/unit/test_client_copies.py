"""What the Python client's copy of the catalog holds while all of it is read anew."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest
from shop_client import CatalogCopy, NoAnswer, ShopClient
from shop_client.generated.models import ProductBody
from test_client_refusals import URL, problem, transport

NOW = "2026-11-29T06:00:00Z"


def product(number: int) -> dict[str, object]:
    """As the shop shows it."""
    named = {"id": str(UUID(int=number)), "sku": f"LAMP-{number}", "name": "A lamp", "description": ""}
    shown = {"price": "9.00", "currency": "EUR", "quantity_in_stock": 1, "images": [], "image_urls": []}
    return named | shown | {"tax_class": "standard", "version": 1, "created_at": NOW, "updated_at": NOW}


def page(number: int, *, has_more: bool) -> httpx.Response:
    """A page of one product."""
    members = {"gone": [], "next_cursor": f"after {number}", "has_more": has_more, "server_now": NOW}
    return httpx.Response(200, json=members | {"results": [product(number)], "categories": []})


def test_a_copy_keeps_its_old_products_until_all_is_read_anew() -> None:
    too_old, old = problem(410, "cursor_expired"), ProductBody.from_dict(product(1))
    copy = CatalogCopy("an old cursor", {old.id: old})
    cut = ShopClient(URL, transport=transport(too_old, page(2, has_more=True), httpx.ReadError("the line is cut")))
    with pytest.raises(NoAnswer):
        copy.update(cut.api)
    assert copy == CatalogCopy("an old cursor", {old.id: old})
    whole = ShopClient(URL, transport=transport(too_old, page(2, has_more=True), page(3, has_more=False)))
    copy.update(whole.api)
    assert (copy.cursor, set(copy.products)) == ("after 3", {UUID(int=2), UUID(int=3)})
    cut.close()
    whole.close()
