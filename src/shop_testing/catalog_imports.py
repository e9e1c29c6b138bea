"""The part of the catalog's contract about imports."""

from __future__ import annotations

import pytest

from shop_core.accounts.model import SYSTEM
from shop_core.catalog.families import Family
from shop_core.catalog.importing import ImportPlan, ImportResult
from shop_core.catalog.model import ImportRow, Options, ProductChanges, ProductDetails
from shop_core.catalog.search import ProductQuery
from shop_core.errors import FamilyNotFound, Invalid, SkuTaken
from shop_core.inventory.model import MovementKind
from shop_core.pagination import OffsetRequest
from shop_core.shop import Shop
from shop_testing.concurrency import together
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures


def mug(fixtures: Fixtures, sku: str, *options: tuple[str, str], family: str = "Mug") -> ImportRow:
    """A row of a new product."""
    changes = ProductChanges(name=f"Mug {sku}", price=fixtures.money(7))
    return ImportRow(sku, changes, family=family, options=options)


def families_of(shop: Shop) -> dict[str, Family]:
    """By name."""
    return {family.name: family for family in shop.families.page(OffsetRequest()).items}


def options_of(shop: Shop) -> dict[str, Options]:
    """Of all products in the catalog."""
    entries = shop.catalog.products(ProductQuery(), OffsetRequest()).items
    return {entry.product.sku: entry.product.options for entry in entries}


class ProductImports(Contract):
    """Products are brought to what a file says; a part of `CatalogContract`."""

    def test_an_import_changes_what_it_mentions_restores_what_was_archived_and_makes_what_is_complete(
        self, fixtures: Fixtures, shop: Shop
    ) -> None:
        lamp = fixtures.product("Lamp", sku="lamp", description="Brass")
        gone = fixtures.product("Gone", sku="gone", units=2)
        shop.catalog.remove_product(SYSTEM, gone.id)
        rows = [
            ImportRow("lamp", ProductChanges(price=fixtures.money(5)), ("Home", "Lamps")),
            ImportRow("gone", ProductChanges(), ("home", "LAMPS")),
            ImportRow("new", ProductChanges(name="New", price=fixtures.money(7)), ()),
            ImportRow("half", ProductChanges(price=fixtures.money(7))),
        ]
        before = shop.catalog.products(ProductQuery(), OffsetRequest())
        preview = shop.catalog.import_products(SYSTEM, rows, preview=True)
        assert shop.catalog.products(ProductQuery(), OffsetRequest()) == before
        assert shop.catalog.categories(OffsetRequest()).items == ()
        result = shop.catalog.import_products(SYSTEM, rows)
        for one in (preview, result):
            found = (one.created, one.updated, one.restored, one.unchanged)
            assert [[each.sku for each in part] for part in found] == [["new"], ["lamp"], ["gone"], []]
            assert one.incomplete == ("half",)
        (lamps,) = [e.category for e in shop.catalog.categories(OffsetRequest()).items if e.category.name == "Lamps"]
        edited = shop.catalog.product(lamp.id).product
        assert (edited.name, edited.description, edited.price.minor, edited.category_id) == (
            "Lamp",
            "Brass",
            5,
            lamps.id,
        )
        assert shop.catalog.product(gone.id).product.category_id == lamps.id
        again = shop.catalog.import_products(SYSTEM, rows)
        assert (len(again.unchanged), again.created, again.updated, again.restored) == (3, (), (), ())

    def test_a_product_that_an_import_restores_has_the_options_that_its_row_mentions_and_no_others(
        self, fixtures: Fixtures, shop: Shop
    ) -> None:
        (red,) = shop.catalog.import_products(SYSTEM, [mug(fixtures, "R", ("Colour", "red"))]).created
        fixtures.apply(fixtures.movement(red.id, MovementKind.RECEIVED, 1))
        for row, options in (
            (ImportRow("R", ProductChanges()), ()),
            (ImportRow("R", ProductChanges(), family="Mug", options=(("colour", "blue"),)), (("Colour", "blue"),)),
        ):
            shop.catalog.remove_product(SYSTEM, red.id)
            (restored,) = shop.catalog.import_products(SYSTEM, [row]).restored
            assert (restored.options, options_of(shop)) == (options, {"R": options})
        shop.catalog.remove_product(SYSTEM, red.id)
        with pytest.raises(Invalid, match="Colour"):
            shop.catalog.import_products(SYSTEM, [ImportRow("R", ProductChanges(), family="Mug")])

    def test_two_imports_that_make_the_same_category_at_once_make_one(self, fixtures: Fixtures, shop: Shop) -> None:
        def import_(number: int) -> ImportResult:
            details = ProductChanges(name="New", price=fixtures.money(7))
            return shop.catalog.import_products(SYSTEM, [ImportRow(f"sku-{number}", details, ("Home", "Lamps"))])

        outcomes = together(*[lambda number=number: import_(number) for number in range(4)])
        assert [type(outcome) for outcome in outcomes] == [ImportResult] * 4, outcomes
        assert [entry.category.slug for entry in shop.catalog.categories(OffsetRequest()).items] == ["home", "lamps"]

    def test_two_imports_of_the_same_products_in_opposite_orders_do_not_wait_for_each_other(
        self, fixtures: Fixtures, shop: Shop
    ) -> None:
        rows = [ProductDetails(f"SKU-{number:03}", "Lamp", fixtures.money(1)) for number in range(400)]
        outcomes = together(
            lambda: shop.catalog.import_products(SYSTEM, rows),
            lambda: shop.catalog.import_products(SYSTEM, rows[::-1]),
        )
        assert all(isinstance(outcome, ImportResult | SkuTaken) for outcome in outcomes), outcomes
        assert shop.catalog.products(ProductQuery(), OffsetRequest(1)).count == 400

    def test_an_import_makes_the_families_that_are_missing_and_changes_only_the_options_that_it_mentions(
        self, fixtures: Fixtures, shop: Shop
    ) -> None:
        rows = [
            mug(fixtures, "R", ("Colour", "red"), ("Size", "S")),
            mug(fixtures, "B", ("size", "S"), ("colour", "blue")),
        ]
        preview = shop.catalog.import_products(SYSTEM, rows, preview=True)
        assert [(one.name, one.option_names) for one in preview.new_families] == [("Mug", ("Colour", "Size"))]
        assert families_of(shop) == {}
        made = shop.catalog.import_products(SYSTEM, rows)
        assert families_of(shop) == {"Mug": made.new_families[0]}
        assert options_of(shop) == {
            "R": (("Colour", "red"), ("Size", "S")),
            "B": (("Colour", "blue"), ("Size", "S")),
        }
        assert len(shop.catalog.import_products(SYSTEM, rows).unchanged) == 2
        shop.catalog.import_products(SYSTEM, [ImportRow("R", ProductChanges(), options=(("SIZE", "M"),))])
        assert options_of(shop)["R"] == (("Colour", "red"), ("Size", "M"))
        shop.catalog.import_products(SYSTEM, [ImportRow("R", ProductChanges(), family="", options=(("size", ""),))])
        assert options_of(shop)["R"] == ()

    def test_whole_details_are_imported_whole(self, fixtures: Fixtures, shop: Shop) -> None:
        mugs = shop.families.create(SYSTEM, "Mug", ["colour"])
        details = ProductDetails(
            "R", "Mug", fixtures.money(7), tax_class="reduced", family_id=mugs.id, options=(("colour", "red"),)
        )
        for _ in range(2):
            shop.catalog.import_products(SYSTEM, [details])
            (entry,) = shop.catalog.products(ProductQuery(family_id=mugs.id), OffsetRequest()).items
            assert (entry.product.tax_class, entry.product.options) == ("reduced", (("colour", "red"),))
        shop.catalog.import_products(SYSTEM, [ProductDetails("R", "Mug", fixtures.money(7))])
        assert options_of(shop) == {"R": ()}
        unknown = ProductDetails("B", "Mug", fixtures.money(7), family_id=fixtures.new_id())
        with pytest.raises(FamilyNotFound):
            shop.catalog.import_products(SYSTEM, [unknown])

    def test_an_import_refuses_options_as_an_edit_does_and_writes_nothing(self, fixtures: Fixtures, shop: Shop) -> None:
        red, blue = mug(fixtures, "R", ("colour", "red")), mug(fixtures, "B", ("colour", "blue"))
        shop.catalog.import_products(SYSTEM, [red, blue])
        before = options_of(shop)
        for reason, row in {
            "options.size: 'L' is for no option of the family 'Mug', which has: colour": mug(
                fixtures, "G", ("colour", "green"), ("size", "L")
            ),
            "options.colour: is required": mug(fixtures, "G", ("colour", "")),
            "options: 'red' in this family is 'R' already": mug(fixtures, "G", ("colour", "red")),
            "options: need a family, these are 'colour'": mug(fixtures, "G", ("colour", "green"), family=""),
            "family: there is no family": mug(fixtures, "G", family=str(fixtures.new_id())),
            "options: may be 3 at most, these are 4": mug(
                fixtures, "G", *((name, "x") for name in "abcd"), family="Cup"
            ),
        }.items():
            good = mug(fixtures, "W", ("colour", "white"))
            preview = shop.catalog.import_products(SYSTEM, [good, row], preview=True)
            assert {sku: refusal.message.startswith(reason) for sku, refusal in preview.refused.items()} == {"G": True}
            assert [product.sku for product in preview.created] == ["W"]
            with pytest.raises(Invalid, match=reason):
                shop.catalog.import_products(SYSTEM, [good, row])
            assert options_of(shop) == before
        shop.families.create(SYSTEM, "mug", ["colour"])
        for name in ("Mug", "mug"):
            assert shop.catalog.import_products(
                SYSTEM, [mug(fixtures, "G", ("colour", "x"), family=name)], preview=True
            )
        with pytest.raises(Invalid, match="'MUG' is the name of 2 families: write the id of one"):
            shop.catalog.import_products(SYSTEM, [mug(fixtures, "G", ("colour", "x"), family="MUG")])

    def test_products_can_exchange_their_options(self, fixtures: Fixtures, shop: Shop) -> None:
        red, blue = mug(fixtures, "R", ("colour", "red")), mug(fixtures, "B", ("colour", "blue"))
        shop.catalog.import_products(SYSTEM, [red, blue])
        rows = [mug(fixtures, "B", ("colour", "red")), mug(fixtures, "R", ("colour", "blue"))]
        assert len(shop.catalog.import_products(SYSTEM, rows).updated) == 2
        assert options_of(shop) == {"B": (("colour", "red"),), "R": (("colour", "blue"),)}

    def test_a_preview_knows_what_the_rows_before_would_have_made(self, fixtures: Fixtures, shop: Shop) -> None:
        shop.catalog.import_products(SYSTEM, [mug(fixtures, "R", ("colour", "red"))])
        plan = ImportPlan()

        def preview(*rows: ImportRow) -> ImportResult:
            result = shop.catalog.import_products(SYSTEM, rows, preview=True, plan=plan)
            plan.add(result)
            return result

        assert preview(mug(fixtures, "C", ("size", "L"), family="Cup")).new_families
        assert preview(mug(fixtures, "R", ("colour", "rose"))).refused == {}
        later = preview(
            mug(fixtures, "D", ("size", "L"), family="cup"),
            mug(fixtures, "E", ("size", "S"), family="cup"),
            mug(fixtures, "F", ("colour", "red")),
            mug(fixtures, "G", ("colour", "rose")),
        )
        assert [product.sku for product in later.created] == ["E", "F"]
        assert later.refused.keys() == {"D", "G"}
        assert later.new_families == ()

    def test_products_of_a_family_without_options_do_not_differ(self, fixtures: Fixtures, shop: Shop) -> None:
        shop.catalog.import_products(SYSTEM, [mug(fixtures, sku) for sku in "AB"])
        assert options_of(shop) == {"A": (), "B": ()}

    def test_two_imports_that_make_the_same_family_at_once_make_one(self, fixtures: Fixtures, shop: Shop) -> None:
        def import_(number: int) -> ImportResult:
            return shop.catalog.import_products(SYSTEM, [mug(fixtures, f"M{number}", ("number", str(number)))])

        outcomes = together(*[lambda number=number: import_(number) for number in range(4)])
        assert all(isinstance(outcome, ImportResult) for outcome in outcomes), outcomes
        assert list(families_of(shop)) == ["Mug"]
        assert len(options_of(shop)) == 4
