"""Promotions, coupons and tax rates, for staff."""

from __future__ import annotations

from uuid import UUID

from msgspec import UNSET

from shop_core.errors import CouponCodeTaken, KeyReused, PromotionNotFound, Stale, TooManyPromotions
from shop_core.idempotency import IdempotencyKey
from shop_core.pricing.model import PromotionEntry
from shop_http.documentation import examples
from shop_http.requests import OffsetQuery, ShopRequest
from shop_http.responses import Response, json_response, page_response
from shop_http.routing import Access, Operation, delete, get, patch, post, put
from shop_http.schemas.prices import (
    CouponBody,
    CouponForm,
    CouponPage,
    NewCouponsBody,
    PromotionBody,
    PromotionForm,
    PromotionPage,
    PromotionPatch,
    RedemptionBody,
    RedemptionPage,
    TaxRateForm,
    TaxRatesForm,
)

TAG = "Prices"


@get(
    "/promotions",
    Operation(
        access=Access.STAFF,
        has_etag=True,
        query=OffsetQuery,
        gives=examples.PROMOTIONS,
    ),
)
def list_promotions(request: ShopRequest, query: OffsetQuery) -> Response:
    """All promotions, newest first."""
    page_request = query.offset_request()
    page, now = request.shop.prices.promotions(request.actor, page_request), request.shop.clock()
    return page_response(PromotionPage, page, page_request, lambda entry: PromotionBody.of(entry, now), request)


@post(
    "/promotions",
    Operation(
        access=Access.STAFF,
        takes=examples.PROMOTION_FORM,
        gives=examples.PROMOTION,
        status=201,
        refuses=(TooManyPromotions, KeyReused),
    ),
)
def create_promotion(request: ShopRequest, form: PromotionForm, key: IdempotencyKey | None) -> Response:
    """Add a promotion.

    It applies to every order that meets its condition. With `needs_coupon`, the order must also come with one of its
    coupons. The shop looks for the cheapest way to combine promotions; `is_best_price` of a quote says whether it is
    certain.
    """
    details = form.details(request.shop.currency)
    entry = request.shop.prices.create_promotion(request.actor, details, key=key)
    return _promotion(request, entry, location=f"/promotions/{entry.promotion.id}")


@get(
    "/promotions/{promotion_id:uuid}",
    Operation(
        access=Access.STAFF,
        gives=examples.PROMOTION,
        has_etag=True,
        refuses=(PromotionNotFound,),
    ),
)
def get_promotion(request: ShopRequest, promotion_id: UUID) -> Response:
    """A promotion, with the number of its uses."""
    return _promotion(request, request.shop.prices.promotion(request.actor, promotion_id))


@patch(
    "/promotions/{promotion_id:uuid}",
    Operation(
        access=Access.STAFF,
        takes=examples.PROMOTION_PATCH,
        gives=examples.PROMOTION,
        refuses=(PromotionNotFound, Stale, KeyReused),
    ),
)
def edit_promotion(
    request: ShopRequest, promotion_id: UUID, form: PromotionPatch, key: IdempotencyKey | None
) -> Response:
    """Change a promotion.

    Fields that you leave out stay as they are. Orders that were placed keep the version with which they were
    priced, also when they are edited.
    """
    details, versions = form.details(request.shop.currency), request.expected_versions()
    return _promotion(
        request, request.shop.prices.edit_promotion(request.actor, promotion_id, details, versions, key=key)
    )


@delete(
    "/promotions/{promotion_id:uuid}",
    Operation(
        access=Access.STAFF,
        status=204,
        refuses=(PromotionNotFound, Stale, KeyReused),
    ),
)
def delete_promotion(request: ShopRequest, promotion_id: UUID, key: IdempotencyKey | None) -> None:
    """Delete a promotion.

    Its coupons cannot be used any more, and their codes stay taken. Orders that were placed with it stay as they are.
    """
    request.shop.prices.withdraw_promotion(request.actor, promotion_id, request.expected_versions(), key=key)


@post(
    "/promotions/{promotion_id:uuid}/coupons",
    Operation(
        access=Access.STAFF,
        takes=examples.COUPON_FORM,
        or_takes=examples.COUPONS_FORM,
        gives=examples.NEW_COUPONS,
        status=201,
        refuses=(PromotionNotFound, CouponCodeTaken, KeyReused),
    ),
)
def create_coupons(request: ShopRequest, promotion_id: UUID, form: CouponForm, key: IdempotencyKey | None) -> Response:
    """Add a coupon, or many with random codes.

    The promotion must have `needs_coupon`. You can make up to 1,000 at once.
    """
    made = request.shop.prices.create_coupons(
        request.actor,
        promotion_id,
        code=None if form.code is UNSET else form.code,
        count=1 if form.count is UNSET else form.count,
        uses_max=None if form.max_uses is UNSET else form.max_uses,
        customer_uses_max=None if form.max_per_customer is UNSET else form.max_per_customer,
        key=key,
    )
    body = NewCouponsBody.of(made[0])
    if form.count is not UNSET:
        body.coupons = tuple(map(CouponBody.of, made))
    return json_response(body)


@get(
    "/promotions/{promotion_id:uuid}/coupons",
    Operation(
        access=Access.STAFF,
        has_etag=True,
        query=OffsetQuery,
        gives=examples.COUPONS,
        refuses=(PromotionNotFound,),
    ),
)
def list_coupons(request: ShopRequest, promotion_id: UUID, query: OffsetQuery) -> Response:
    """The coupons of a promotion, newest first."""
    page_request = query.offset_request()
    page = request.shop.prices.coupons(request.actor, promotion_id, page_request)
    return page_response(CouponPage, page, page_request, CouponBody.of, request)


@get(
    "/promotions/{promotion_id:uuid}/redemptions",
    Operation(
        access=Access.STAFF,
        has_etag=True,
        query=OffsetQuery,
        gives=examples.REDEMPTIONS,
        refuses=(PromotionNotFound,),
    ),
)
def list_redemptions(request: ShopRequest, promotion_id: UUID, query: OffsetQuery) -> Response:
    """The orders that used a promotion, newest first."""
    page_request = query.offset_request()
    page = request.shop.prices.redemptions(request.actor, promotion_id, page_request)
    return page_response(RedemptionPage, page, page_request, RedemptionBody.of, request)


@get(
    "/tax-rates",
    Operation(
        access=Access.STAFF,
        gives=examples.TAX_RATES,
    ),
)
def list_tax_rates(request: ShopRequest) -> Response:
    """All tax rates, by class and time."""
    rates = request.shop.prices.tax_rates(request.actor)
    return json_response(TaxRatesForm(rates=tuple(map(TaxRateForm.of, rates))))


@put(
    "/tax-rates",
    Operation(
        access=Access.STAFF,
        takes=examples.TAX_RATES,
        gives=examples.TAX_RATES,
        refuses=(KeyReused,),
    ),
)
def set_tax_rates(request: ShopRequest, form: TaxRatesForm, key: IdempotencyKey | None) -> Response:
    """Add tax rates.

    A rate of the same class and time is replaced, all others stay. Orders that were placed keep the rates that were
    agreed. You may send the same again: it changes nothing.
    """
    rates = request.shop.prices.set_tax_rates(request.actor, form.tax_rates(), key=key)
    return json_response(TaxRatesForm(rates=tuple(map(TaxRateForm.of, rates))))


def _promotion(request: ShopRequest, entry: PromotionEntry, location: str | None = None) -> Response:
    body = PromotionBody.of(entry, request.shop.clock())
    shown = 2 * entry.uses + body.active  # changes with each of the two
    return json_response(body, etag=(entry.promotion.version, shown), location=location)


ROUTES = (
    list_promotions,
    create_promotion,
    get_promotion,
    edit_promotion,
    delete_promotion,
    create_coupons,
    list_coupons,
    list_redemptions,
    list_tax_rates,
    set_tax_rates,
)
