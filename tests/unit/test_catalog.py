"""The catalog's own rules: what a product may be called, how it is edited, and by which words it is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_core import NOBODY, SYSTEM, Actor, Money, ProductChanges, ProductDetails, Role, Shop
from shop_core.catalog.model import PRICE_MINOR_MAX, Category, Product
from shop_core.catalog.search import is_found, terms_of
from shop_core.errors import CategoryNotFound, Forbidden, Invalid, Unauthenticated
from shop_core.text import folded, is_combining_mark, search_terms, search_words

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LAMP = Product(UUID(int=1), "LAMP-1", "Brass lamp", Money(12_50, "EUR"), NOON, NOON)
DETAILS = ProductDetails("LAMP-1", "Brass lamp", Money(12_50, "EUR"))

words = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)


# ---- search


def parts(text: str) -> list[str]:
    return [part for word in search_words(text) for part in word.split("-")]


@given(st.text())
def test_the_words_of_a_search_have_no_character_that_means_anything(text: str) -> None:
    for part in parts(text):
        assert part
        assert all(sign.isalnum() or is_combining_mark(sign) for sign in part)
    assert search_words(" ".join(search_words(text))) == search_words(text)


def test_a_word_keeps_its_marks() -> None:
    assert search_words("हिन्दी किताब, น้ำ") == ("हिन्दी", "किताब", folded("น้ำ"))


@given(st.lists(words, min_size=1, max_size=5), st.sampled_from([" ", "-", "_", "%", ", ", "'", "\\", "\n"]))
def test_any_punctuation_separates_words(some: list[str], between: str) -> None:
    assert parts(between.join(some)) == [part for word in some for part in parts(word)]


@given(name=st.lists(words, min_size=1, max_size=5), data=st.data())
def test_a_product_is_found_by_any_of_its_words_in_any_order(name: list[str], data: st.DataObject) -> None:
    there = terms_of(replace(LAMP, name=" ".join(name)[:200]))
    requested = data.draw(st.permutations(search_words(" ".join(name)[:200])))
    assert is_found(requested, there)
    assert is_found([*requested[:-1], requested[-1].rstrip("-")[:1]], there)


@pytest.mark.parametrize(
    ("keyword", "text", "found"),
    [
        ("ligh holder", "light holder", False),  # only the last word may be a beginning
        ("light hol", "light holder", True),
        ("t-shi", "T-Shirt", True),
        ("dres", "dress", True),
        ("dress", "dresser", True),
        ("glas", "glade", False),
        ("lamps", "lampshade", True),
        ("lamps old", "old lampshade", False),
        ("茶杯", "茶的杯子", False),
    ],
)
def test_what_a_keyword_finds(keyword: str, text: str, found: bool) -> None:
    assert is_found(search_words(keyword), search_terms(text)) is found


@given(st.text())
def test_a_folded_text_is_folded(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@pytest.mark.parametrize("invisible", ["\u200b", "\u00ad", "\ufeff", "\u2060", "\u200d", "\ufe0f", "\u3164"])
def test_nobody_makes_a_twin_of_a_sku_that_looks_the_same(invisible: str) -> None:
    details = ProductDetails(f"LA{invisible}MP", f"Brass{invisible} lamp", Money(100, "EUR"))
    assert details.sku == "LAMP"
    assert folded(details.name) == "brass lamp"


def test_characters_that_mean_something_stay_in_names() -> None:
    for name in ("می\u200cخواهم", "👩\u200d🍳", "☎\ufe0f"):
        assert ProductDetails("X", name, Money(100, "EUR")).name == name
    assert ProductDetails("X", "so\u00adft\u200b\ufeff", Money(100, "EUR")).name == "soft"


def test_a_search_without_a_word_finds_nothing() -> None:
    assert search_words("% _ -") == ()
    assert not is_found((), frozenset({"lamp"}))


# ---- a product


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"sku": ""}, "sku", "too_short"),
        ({"sku": "x" * 65}, "sku", "too_long"),
        ({"name": ""}, "name", "too_short"),
        ({"name": "x" * 201}, "name", "too_long"),
        ({"name": "two\nlines"}, "name", "forbidden_character"),
        ({"description": "x" * 10_001}, "description", "too_long"),
        ({"price": Money(-1, "EUR")}, "price", "out_of_range"),
        ({"price": Money(PRICE_MINOR_MAX + 1, "EUR")}, "price", "out_of_range"),
        ({"image_urls": ("javascript:alert(1)",)}, "image_urls.0", "invalid_url"),
        ({"image_urls": ("/fine.jpg", "https://x/ y")}, "image_urls.1", "invalid_url"),
        ({"image_urls": ("/1.jpg",) * 21}, "image_urls", "too_many"),
    ],
)
def test_a_broken_rule_is_named_with_its_field(change: dict[str, object], field: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        replace(LAMP, **change)  # type: ignore[arg-type]
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [(field, code)]


def test_all_broken_rules_are_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        replace(LAMP, sku="", name="", price=Money(-1, "EUR"))
    assert [fault.field for fault in refused.value.faults] == ["sku", "name", "price"]


@given(st.text(max_size=70), st.text(max_size=210), st.integers(-5, 2 * PRICE_MINOR_MAX))
def test_a_product_is_right_or_refused(sku: str, name: str, price: int) -> None:
    details = ProductDetails(sku, name, Money(price, "EUR"))
    try:
        product = details.product(UUID(int=1), NOON)
    except Invalid:
        return
    assert (product.name, product.sku) == (product.name.strip(), product.sku.strip())
    assert 0 <= product.price.minor <= PRICE_MINOR_MAX


def test_texts_are_brought_to_their_normal_form() -> None:
    details = ProductDetails(" LAMP-1\t", "  Cafe\u0301 lamp ", Money(1, "EUR"), "\n text\n")
    assert (details.sku, details.name, details.description) == ("LAMP-1", "Café lamp", "text")


@pytest.mark.parametrize("slug", ["", "Lamps", "-lamps", "lamps-", "a--b", "a b", "lämps", "a/b", "x" * 101])
def test_a_slug_can_stand_in_a_link(slug: str) -> None:
    with pytest.raises(Invalid):
        Category(UUID(int=1), "Lamps", slug)
    assert Category(UUID(int=1), "Lamps", "oil-lamps-2").slug == "oil-lamps-2"


# ---- editing


def test_an_edit_that_changes_nothing_is_none() -> None:
    assert LAMP.edited(DETAILS, NOON + timedelta(days=1)) is LAMP


def test_an_edit_counts_a_version_and_keeps_id_and_birthday() -> None:
    edited = LAMP.edited(replace(DETAILS, price=Money(9_99, "EUR")), NOON + timedelta(days=1))
    assert (edited.version, edited.updated_at) == (2, NOON + timedelta(days=1))
    assert (edited.id, edited.created_at) == (LAMP.id, NOON)
    assert edited.price.minor == 9_99


# ---- the service


def test_only_staff_keep_the_catalog(shop: Shop) -> None:
    customer = Actor(UUID(int=1), Role.CUSTOMER)
    product = shop.catalog.create_product(SYSTEM, DETAILS).product
    for actor, refusal in ((NOBODY, Unauthenticated), (customer, Forbidden)):
        for use in (
            lambda: shop.catalog.create_product(actor, replace(DETAILS, sku="NEW")),  # noqa: B023
            lambda: shop.catalog.edit_product(actor, product.id, ProductChanges(name="Mine")),  # noqa: B023
            lambda: shop.catalog.remove_product(actor, product.id),  # noqa: B023
            lambda: shop.catalog.create_category(actor, "Lamps", "lamps"),  # noqa: B023
            lambda: shop.catalog.import_products(actor, []),  # noqa: B023
        ):
            with pytest.raises(refusal):
                use()
    assert shop.catalog.product(product.id).product == product


def test_a_shop_has_one_currency(shop: Shop) -> None:
    with pytest.raises(Invalid) as refused:
        shop.catalog.create_product(SYSTEM, replace(DETAILS, price=Money(1, "USD")))
    assert refused.value.faults[0].code == "wrong_currency"


def test_importing_the_same_rows_again_changes_nothing(shop: Shop) -> None:
    rows = [replace(DETAILS, sku=f"LAMP-{number}") for number in range(3)]
    first = shop.catalog.import_products(SYSTEM, rows)
    again = shop.catalog.import_products(SYSTEM, rows)
    dearer = shop.catalog.import_products(SYSTEM, [replace(rows[0], price=Money(99_00, "EUR")), *rows[1:]])
    assert [len(part) for part in (first.created, first.updated, first.unchanged)] == [3, 0, 0]
    assert [len(part) for part in (again.created, again.updated, again.unchanged)] == [0, 0, 3]
    assert [product.price.minor for product in dearer.updated] == [99_00]
    assert len(dearer.unchanged) == 2


def test_an_import_is_all_or_nothing(shop: Shop) -> None:
    with pytest.raises(CategoryNotFound):
        shop.catalog.import_products(SYSTEM, [DETAILS, replace(DETAILS, sku="CHAIR", category_id=UUID(int=9))])
    with pytest.raises(Invalid):
        shop.catalog.import_products(SYSTEM, [DETAILS, DETAILS])
    assert len(shop.catalog.import_products(SYSTEM, [DETAILS]).created) == 1


def test_an_import_answers_in_the_order_of_its_rows(shop: Shop) -> None:
    skus = ["B", "C", "A", "D"]
    shop.catalog.import_products(SYSTEM, [replace(DETAILS, sku=sku) for sku in skus])
    for order in (["D", "A", "B", "C"], ["A", "B", "C", "D"]):
        again = shop.catalog.import_products(SYSTEM, [replace(DETAILS, sku=sku) for sku in order])
        assert [product.sku for product in again.unchanged] == order


def test_categories_are_added_only_where_they_are_missing(shop: Shop) -> None:
    first = shop.catalog.ensure_categories(SYSTEM, {"lamps": "Lamps"})
    both = shop.catalog.ensure_categories(SYSTEM, {"lamps": "Renamed", "chairs": "Chairs"})
    assert both["lamps"] == first["lamps"]
    assert both["chairs"].name == "Chairs"
