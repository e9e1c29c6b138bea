"""Promotions: those there are, a new one, one with its coupons, and an end to it. `cart` shows what they do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import htpy as h

from shop_core.errors import Fault, Invalid, ProductNotFound
from shop_core.pricing.benefits import (
    EVERYTHING,
    AmountEach,
    Benefit,
    BuyXGetY,
    Condition,
    FixedPrice,
    OrderAmount,
    OrderPercent,
    Percent,
    Selection,
    basis_points,
    percent_text,
)
from shop_core.pricing.coupons import CouponEntry
from shop_core.pricing.model import Promotion, PromotionDetails, PromotionEntry
from shop_http.pages.forms import HtmlForm, SentForm, submit
from shop_http.pages.handlers import Redirect, StaffRequest, action, page
from shop_http.pages.layout import Screen
from shop_http.pages.tables import NUMBER, all_of, moment, page_links, table
from shop_http.requests import OffsetQuery

KINDS = (
    ("percent", "Percent off each of the products"),
    ("amount_each", "Amount off each of the products"),
    ("fixed_price", "Each of the products at a fixed price"),
    ("buy_x_get_y", "Buy some, get others free"),
    ("order_percent", "Percent off the whole order"),
    ("order_amount", "Amount off the whole order"),
)
FOR_THE_ORDER = frozenset({"order_percent", "order_amount"})
"""Of these kinds, products are what an order has to have."""
NAMED_MAX = 10
"""So many products are named of those that a promotion is for; the others are counted."""
VALUE_HINT = "Percent or amount. Of buy and get: how many to buy and to get, such as 2+1."


@page("/promotions")
def list_promotions(request: StaffRequest) -> Screen:
    """All promotions, newest first."""
    page_request = request.query(OffsetQuery).offset_request()
    found, now = request.shop.prices.promotions(request.actor, page_request), request.shop.clock()
    return Screen(
        "Promotions",
        h.p(".row")[
            h.a(".button", href="/staff/promotions/new")["New promotion"],
            h.a(".button.quiet", href="/staff/cart")["What would a cart cost?"],
        ],
        table(
            "Promotions",
            ["Promotion", "Runs", "Gives", ("Uses", NUMBER)],
            (_cells(each, now) for each in found.items),
        ),
        page_links(request, found, page_request),
    )


@page("/promotions/new")
def show_new(request: StaffRequest) -> Screen:
    """An empty form."""
    form, currency = request.form_to("/promotions"), request.shop.currency
    entries = all_of(request.shop.catalog.categories)
    categories = [("", "All"), *((str(entry.category.id), entry.category.name) for entry in entries)]
    return Screen(
        "New promotion",
        form(
            form.field("label", "What customers read", required=True),
            form.field("kind", "What it gives", "percent", choices=KINDS),
            form.field("value", "How much", hint=VALUE_HINT, required=True, css="narrow"),
            h.fieldset[
                h.legend["Products"],
                h.p["Off a whole order: the order must have one of them."],
                form.field("skus", "SKUs", hint="With spaces between; empty: by category."),
                form.field("category", "Category", choices=categories, hint="With all below it."),
            ],
            h.fieldset[
                h.legend["Only if"],
                form.field("min_total", f"These products come to at least, {currency}", css="narrow"),
                form.field("coupon", "A coupon is given", "no", choices=[("no", "No"), ("yes", "Yes")]),
                form.field("starts_at", "It is after, UTC", type="datetime-local", css="narrow"),
                form.field("ends_at", "It is before, UTC", type="datetime-local", css="narrow"),
            ],
            h.fieldset[
                h.legend["How often"],
                form.field("max_uses", "Orders in all", type="number", min="1", css="narrow"),
                form.field("max_per_customer", "Orders of one customer", type="number", min="1", css="narrow"),
                form.field("combines", "Beside other promotions", "yes", choices=[("yes", "Yes"), ("no", "No, alone")]),
            ],
            submit("Start it"),
        ),
    )


@action("/promotions", refused=show_new)
def create(request: StaffRequest) -> Redirect:
    """A new promotion."""
    entry = request.shop.prices.create_promotion(request.actor, _details(request), key=request.form.key)
    return Redirect(f"/promotions/{entry.promotion.id}", "The promotion is made.")


@page("/promotions/{promotion_id:uuid}")
def show(request: StaffRequest, promotion_id: UUID) -> Screen:
    """One promotion, its coupons, and its end."""
    entry = request.shop.prices.promotion(request.actor, promotion_id)
    page_request = request.query(OffsetQuery).offset_request()
    promotion = entry.promotion
    end = request.form_to(f"/promotions/{promotion_id}/end", version=promotion.version)
    coupons = request.shop.prices.coupons(request.actor, promotion_id, page_request)
    links = page_links(request, coupons, page_request, f"/promotions/{promotion_id}")
    return Screen(
        promotion.label,
        h.dl(".facts")[list(_facts(request, entry))],
        _coupons(request.form_to(f"/promotions/{promotion_id}/coupons"), coupons.items, links)
        if promotion.needs_coupon
        else None,
        h.h2["End it"],
        h.p["Orders that were placed with it stay as they are."],
        end(submit("End the promotion", "danger")),
    )


@action("/promotions/{promotion_id:uuid}/coupons", refused=show)
def create_coupons(request: StaffRequest, promotion_id: UUID) -> Redirect:
    """A coupon with a code of their choice, or some with random codes."""
    form = request.form
    made = request.shop.prices.create_coupons(
        request.actor,
        promotion_id,
        code=form.text("code") or None,
        count=form.number("count") if form.text("count") else 1,
        uses_max=_optional(form, "max_uses"),
        key=form.key,
    )
    notice = "The coupon is made." if len(made) == 1 else f"{len(made)} coupons are made."
    return Redirect(f"/promotions/{promotion_id}", notice)


@action("/promotions/{promotion_id:uuid}/end", refused=show)
def end(request: StaffRequest, promotion_id: UUID) -> Redirect:
    """No order gets it from now on."""
    request.shop.prices.withdraw_promotion(request.actor, promotion_id, request.form.versions, key=request.form.key)
    return Redirect("/promotions", "The promotion has ended.")


# ---- reading the form


def _details(request: StaffRequest) -> PromotionDetails:
    """Raises Invalid."""
    form, currency = request.form, request.shop.currency
    selection = _selection(request)
    return PromotionDetails(
        label=form.text("label"),
        benefit=_benefit(form, currency, selection),
        condition=_condition(form, currency, selection),
        starts_at=_time(form, "starts_at"),
        ends_at=_time(form, "ends_at"),
        needs_coupon=form.text("coupon") == "yes",
        combines=form.text("combines") != "no",
        uses_max=_optional(form, "max_uses"),
        customer_uses_max=_optional(form, "max_per_customer"),
    )


def _benefit(form: SentForm, currency: str, selection: Selection) -> Benefit:
    match form.choice("kind", dict(KINDS)):
        case "percent":
            return Percent(basis_points(form.text("value"), "value"), selection)
        case "order_percent":
            return OrderPercent(basis_points(form.text("value"), "value"))
        case "amount_each":
            return AmountEach(form.money("value", currency), selection)
        case "fixed_price":
            return FixedPrice(form.money("value", currency), selection)
        case "order_amount":
            return OrderAmount(form.money("value", currency))
        case _:
            buy, plus, get = form.text("value").partition("+")
            if not (plus and buy.strip().isdecimal() and get.strip().isdecimal()):
                raise Invalid(Fault("value", "must say how many to buy and to get, such as 2+1", "wrong_type"))
            return BuyXGetY(int(buy), int(get), selection=selection)


def _condition(form: SentForm, currency: str, selection: Selection) -> Condition | None:
    if form.text("min_total"):
        return Condition(form.money("min_total", currency), selection=selection)
    is_for_the_order = form.text("kind") in FOR_THE_ORDER
    return Condition(units_min=1, selection=selection) if is_for_the_order and selection != EVERYTHING else None


def _selection(request: StaffRequest) -> Selection:
    skus, category_id = request.form.text("skus").split(), request.form.id("category")
    if skus:
        return Selection(product_ids=frozenset(request.product(sku, field="skus").product.id for sku in skus))
    return Selection(category_ids=frozenset([category_id])) if category_id else EVERYTHING


def _optional(form: SentForm, name: str) -> int | None:
    return form.number(name) if form.text(name) else None


def _time(form: SentForm, name: str) -> datetime | None:
    """Of a field of a browser, which knows no zone: UTC, as the label says."""
    try:
        return datetime.fromisoformat(form.text(name)).replace(tzinfo=UTC) if form.text(name) else None
    except ValueError as wrong:
        raise Invalid(Fault(name, "must be a date and a time", "invalid_time")) from wrong


# ---- showing


def _cells(entry: PromotionEntry, now: datetime) -> list[h.Node]:
    promotion = entry.promotion
    return [
        h.a(href=f"/staff/promotions/{promotion.id}")[promotion.label],
        _runs(promotion, now),
        _gives(promotion.benefit),
        _used(entry),
    ]


def _facts(request: StaffRequest, entry: PromotionEntry) -> Iterable[h.Node]:
    promotion = entry.promotion
    benefit, condition = promotion.benefit, promotion.condition
    yield [h.dt["Gives"], h.dd[_gives(benefit)]]
    if not isinstance(benefit, OrderPercent | OrderAmount):
        yield [h.dt["For"], h.dd[_selected(request, benefit.selection)]]
    if isinstance(benefit, BuyXGetY) and benefit.get_selection not in (None, benefit.selection):
        yield [h.dt["Given"], h.dd[_selected(request, benefit.get_selection)]]
    if condition:
        yield [h.dt["Only if"], h.dd[_asks(condition), " of ", _selected(request, condition.selection)]]
    yield [h.dt["Runs"], h.dd[_runs(promotion, request.shop.clock())]]
    if promotion.starts_at:
        yield [h.dt["From"], h.dd[moment(promotion.starts_at)]]
    if promotion.ends_at:
        yield [h.dt["Until"], h.dd[moment(promotion.ends_at)]]
    yield [h.dt["Used by"], h.dd[f"{_used(entry)} orders"]]
    if promotion.customer_uses_max:
        yield [h.dt["One customer"], h.dd[f"{promotion.customer_uses_max} at most"]]
    if not promotion.combines:
        yield [h.dt["Combines"], h.dd["with no other promotion"]]


def _asks(condition: Condition) -> str:
    total, units = condition.total_min, condition.units_min
    asked = [f"{total} {total.currency}"] if total else []
    return " and ".join([*asked, f"{units} unit" + "s" * (units > 1)] if units else asked) + " or more"


def _selected(request: StaffRequest, selection: Selection) -> str:
    """In words: by their SKUs, or by the names of categories."""
    if selection.product_ids:
        named = sorted(selection.product_ids)[:NAMED_MAX]
        return _listed([_sku(request, each) for each in named], len(selection.product_ids))
    if selection.category_ids:
        categories = all_of(request.shop.catalog.categories)
        names = {entry.category.id: entry.category.name for entry in categories}
        return _listed([names.get(each, "a category that is gone") for each in selection.category_ids])
    return "all products"


def _sku(request: StaffRequest, product_id: UUID) -> str:
    try:
        return request.shop.catalog.stored_product(request.actor, product_id).sku
    except ProductNotFound:
        return "a product that is gone"


def _listed(words: Sequence[str], count: int = 0) -> str:
    unnamed = max(0, count - len(words))
    return ", ".join(sorted(words)) + (f" and {unnamed} more" if unnamed else "")


def _runs(promotion: Promotion, now: datetime) -> h.Element:
    if promotion.is_running(now):
        return h.span(".label.good")["With a coupon" if promotion.needs_coupon else "Yes"]
    return h.span(".label")["Not yet" if promotion.starts_at and promotion.starts_at > now else "Over"]


def _used(entry: PromotionEntry) -> str:
    return f"{entry.uses} of {entry.promotion.uses_max}" if entry.promotion.uses_max else str(entry.uses)


def _gives(benefit: Benefit) -> str:
    match benefit:
        case Percent(points):
            return f"{percent_text(points)} % off each product"
        case OrderPercent(points):
            return f"{percent_text(points)} % off the order"
        case AmountEach(amount):
            return f"{amount} {amount.currency} off each product"
        case FixedPrice(price):
            return f"each product for {price} {price.currency}"
        case BuyXGetY(buy, get):
            return f"buy {buy}, get {get} free" if benefit.basis_points == 10_000 else f"buy {buy}, {get} for less"
        case OrderAmount(amount):
            return f"{amount} {amount.currency} off the order"


def _coupons(form: HtmlForm, coupons: Iterable[CouponEntry], links: h.Node) -> h.Node:
    return [
        h.h2["Coupons"],
        table(
            "Coupons, newest first",
            ["Code", ("Uses", NUMBER)],
            ([each.coupon.code, str(each.uses)] for each in coupons),
        ),
        links,
        form(
            form.field("code", "Code", hint="Empty: random ones.", autocomplete="off"),
            form.field("count", "How many", "1", type="number", min="1", css="narrow"),
            form.field("max_uses", "Uses of each", type="number", min="1", css="narrow"),
            submit("Make coupons"),
            css="row",
        ),
    ]


ROUTES = (list_promotions, show_new, create, show, create_coupons, end)
