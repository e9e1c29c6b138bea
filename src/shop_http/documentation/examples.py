"""Examples for the documentation, of bodies and responses: their types are the schemas of the operations."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from msgspec.structs import asdict

from shop_core import MovementKind, OrderEventKind, OrderStatus, Role
from shop_core.reservations.model import TTL_DEFAULT, ReservationState
from shop_http.schemas.accounts import (
    AccountBody,
    AccountPage,
    AccountStatusForm,
    CredentialsForm,
    EmailCodeForm,
    EmailForm,
    PasswordForm,
    ProfileForm,
    RefreshForm,
    RegistrationForm,
    ResetBody,
    ResetForm,
    SessionBody,
    SessionsBody,
    TokensBody,
    UserBody,
)
from shop_http.schemas.catalog import (
    CategoryBody,
    CategoryForm,
    CategoryPage,
    CategoryPatch,
    FamilyBody,
    FamilyForm,
    FamilyOfProduct,
    FamilyPage,
    FamilyPatch,
    ImageBody,
    ImagePatch,
    ImageSizeBody,
    ProductBody,
    ProductForm,
    ProductPage,
    ProductPatch,
)
from shop_http.schemas.catalog_changes import CatalogChangesBody, CategoryInCopy
from shop_http.schemas.inventory import (
    LowStockForm,
    StockChangeForm,
    StockChangeKind,
    StockLevelBody,
    StockMovementBody,
    StockMovementPage,
)
from shop_http.schemas.order_changes import (
    DifferentRangeBody,
    KnownRangeForm,
    OrderChangesBody,
    OrderChangesForm,
    TaggedOrderBody,
)
from shop_http.schemas.orders import (
    CancellationForm,
    CouponOfOrder,
    DiscountBody,
    ExplanationBody,
    LineForm,
    MissingBody,
    OrderBody,
    OrderEventBody,
    OrderEventPage,
    OrderForm,
    OrderLineBody,
    OrderPage,
    PlacementForm,
    QuoteBody,
    QuoteForm,
    TaxBody,
)
from shop_http.schemas.prices import (
    BenefitForm,
    BenefitKind,
    ConditionForm,
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
    SelectionForm,
    TaxRateForm,
    TaxRatesForm,
)
from shop_http.schemas.privacy import ErasureForm, OrderRecordBody, OrderRedemptionBody, PersonalDataBody
from shop_http.schemas.reservations import (
    ExtensionForm,
    ReservationBody,
    ReservationForm,
    ReservationPage,
    ReservedLineBody,
)

THEN = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
USER_ID, CATEGORY_ID, PRODUCT_ID, ORDER_ID, MOVEMENT_ID, RESERVATION_ID, EVENT_ID, SESSION_ID = (
    UUID(f"019aa5c1-5b40-7{number}3c-9a1e-4f6d2b7c8e0{number}") for number in range(1, 9)
)
PROMOTION_ID, COUPON_ID, FAMILY_ID, GONE_ID, IMAGE_ID = (
    UUID(f"019aa5c1-5b40-7a{number}c-9a1e-4f6d2b7c8e1{number}") for number in range(1, 6)
)
REGISTRATION = RegistrationForm(
    username="ada", password="correct horse battery", email="ada@example.org", first_name="Ada", last_name="Lovelace"
)
CREDENTIALS = CredentialsForm(
    username="ada", password="correct horse battery", remember=True, device_name="Ada's phone"
)
REFRESH = RefreshForm(refresh="kq1X0u7l0W1sXyJb8i2mZV4nG9dT3rHcEoPfAaYtBws")
PROFILE = ProfileForm(last_name="King", email="countess@example.org")
PASSWORDS = PasswordForm(old_password="correct horse battery", new_password="staple, but which one")
RESET = ResetForm(code="AZqlwBERcACAAAAAAAAAAgBpYF4Q", new_password="staple, but which one")
FORGOTTEN = EmailForm(email="ada@example.org")
EMAIL_CODE = EmailCodeForm(code=RESET.code)
RESET_CODE = ResetBody(code=RESET.code, expires_at=THEN)
STANDING = AccountStatusForm(role=Role.STAFF)
USER = UserBody(
    id=USER_ID,
    username="ada",
    email="ada@example.org",
    email_confirmed=True,
    first_name="Ada",
    last_name="Lovelace",
    role=Role.CUSTOMER,
    created_at=THEN,
    updated_at=THEN,
)
TOKENS = TokensBody(access="eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTlhIn0.c2ln", refresh=REFRESH.refresh, expires_in=300)
ACCOUNT = AccountBody(**asdict(USER), active=True)
ACCOUNTS = AccountPage(count=1, next=None, previous=None, results=(ACCOUNT,))
SESSIONS = SessionsBody(
    results=(
        SessionBody(
            id=SESSION_ID,
            created_at=THEN,
            used_at=THEN,
            expires_at=THEN,
            remember=True,
            device_name="Ada's phone",
            current=True,
        ),
    )
)
CATEGORY_FORM = CategoryForm(name="Candle holders", slug="candle-holders")
CATEGORY_PATCH = CategoryPatch(name="Candle holders and lanterns")
CATEGORY = CategoryBody(id=CATEGORY_ID, name="Candle holders", slug="candle-holders", product_count=1)
CATEGORIES = CategoryPage(count=1, next=None, previous=None, results=(CATEGORY,))
PRODUCT_FORM = ProductForm(sku="85123A", name="White hanging heart T-light holder", price="2.20", category=CATEGORY_ID)
FAMILY_FORM = FamilyForm(name="Hanging hearts", option_names=("colour",))
FAMILY_PATCH = FamilyPatch(name="Hearts to hang")
FAMILY = FamilyBody(id=FAMILY_ID, name="Hanging hearts", description="", option_names=("colour",), version=1)
FAMILIES = FamilyPage(count=1, next=None, previous=None, results=(FAMILY,))
PRODUCT_PATCH = ProductPatch(price="1.95")
IMAGE_PATCH = ImagePatch(alt="A white heart of wood on a string", position=1)
IMAGE_SIZE = ImageSizeBody(
    url="/media/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824.webp", width=320, height=240
)
PRODUCT = ProductBody(
    id=PRODUCT_ID,
    sku="85123A",
    name="White hanging heart T-light holder",
    description="",
    price="2.20",
    currency="EUR",
    quantity_in_stock=120,
    category=CATEGORY_ID,
    images=(
        ImageBody(
            id=IMAGE_ID,
            url=IMAGE_SIZE.url,
            width=IMAGE_SIZE.width,
            height=IMAGE_SIZE.height,
            alt="A white heart on a string",
            sizes=(IMAGE_SIZE,),
        ),
    ),
    image_urls=("https://example.org/85123A.jpg",),
    family=FamilyOfProduct(id=FAMILY_ID, name="Hanging hearts"),
    options={"colour": "white"},
    tax_class="standard",
    version=1,
    created_at=THEN,
    updated_at=THEN,
)
PRODUCTS = ProductPage(count=1, next=None, previous=None, results=(PRODUCT,))
CATALOG_CHANGES = CatalogChangesBody(
    results=(PRODUCT,),
    gone=(GONE_ID,),
    categories=(CategoryInCopy(id=CATEGORY_ID, name="Candle holders", slug="candle-holders"),),
    next_cursor="TrUtZRydWyJjYXRhbG9nIGNoYW5nZXMiLDJd",
    has_more=False,
    server_now=THEN,
)
STOCK_CHANGE = StockChangeForm(kind=StockChangeKind.RECEIVED, quantity=120, reason="delivery note 4711")
LOW_STOCK = LowStockForm(low_stock_level=10)
STOCK_LEVEL = StockLevelBody(
    product_id=PRODUCT_ID, on_hand=120, allocated=0, reserved=0, shortfall=0, available=120, low_stock_level=10
)
STOCK_MOVEMENT = StockMovementBody(
    id=MOVEMENT_ID,
    kind=MovementKind.RECEIVED,
    quantity=120,
    at=THEN,
    reason="delivery note 4711",
    actor_id=USER_ID,
)
STOCK_MOVEMENTS = StockMovementPage(next=None, previous=None, results=(STOCK_MOVEMENT,))
ORDER_FORM = OrderForm(lines=(LineForm(product_id=PRODUCT_ID, quantity=3),), expected_total="4.40")
CANCELLATION = CancellationForm(reason="Ordered twice")
PLACEMENT_FORM = PlacementForm(lines=(LineForm(product_id=PRODUCT_ID, quantity=3),), expected_total="4.40")
PLACEMENT_OF_A_RESERVATION = PlacementForm(reservation_id=RESERVATION_ID)
ORDER = OrderBody(
    id=ORDER_ID,
    number="261121-7K3M9QX2",
    status=OrderStatus.PLACED,
    lines=(
        OrderLineBody(
            product_id=PRODUCT_ID,
            sku="85123A",
            product_name="White hanging heart T-light holder",
            unit_price="2.20",
            options={"colour": "white"},
            quantity=3,
            discount="2.20",
            total="4.40",
            tax_rate="19.00",
            tax="0.70",
        ),
    ),
    subtotal="6.60",
    discounts=(DiscountBody(promotion_id=PROMOTION_ID, label="Buy two, get one free", amount="2.20"),),
    total="4.40",
    taxes=(TaxBody(rate="19.00", net="3.70", tax="0.70"),),
    currency="EUR",
    customer_id=USER_ID,
    version=1,
    tag="5b0a7d13c9e2f846",
    created_at=THEN,
    updated_at=THEN,
)
ORDER_CHANGES_FORM = OrderChangesForm(ranges=(KnownRangeForm(first=ORDER_ID, xor="9d41c07be652a8f3"),))
ORDER_CHANGES = OrderChangesBody(
    changed=(DifferentRangeBody(first=ORDER_ID, orders=(TaggedOrderBody(id=ORDER_ID, tag=ORDER.tag),)),),
    has_more=False,
    server_now=THEN,
)
QUOTE_FORM = QuoteForm(lines=(LineForm(product_id=PRODUCT_ID, quantity=2),), coupons=("SUMMER10",))
QUOTE = QuoteBody(
    lines=ORDER.lines,
    subtotal="6.60",
    discounts=ORDER.discounts,
    total="4.40",
    taxes=ORDER.taxes,
    coupons=(CouponOfOrder(code="SUMMER10", applied=False),),
    currency="EUR",
    shortages=(),
    is_best_price=True,
    promotions=(
        ExplanationBody(
            promotion_id=PROMOTION_ID,
            label="Buy two, get one free",
            applied=True,
            amount="2.20",
            missing=MissingBody(units=3),
            message="Buy two, get one free: you save 2.20 EUR. To save more, add 3 more units.",
        ),
    ),
)
ORDERS = OrderPage(count=1, next=None, previous=None, results=(ORDER,))
ORDER_EVENT = OrderEventBody(
    id=EVENT_ID,
    seq=2,
    kind=OrderEventKind.EDITED,
    at=THEN,
    status=OrderStatus.PLACED,
    total="6.60",
    total_before="4.40",
    actor_id=USER_ID,
    actor_role=Role.CUSTOMER,
    format=1,
)
ORDER_EVENTS = OrderEventPage(count=1, next=None, previous=None, results=(ORDER_EVENT,))
PROMOTION_FORM = PromotionForm(
    label="Buy two, get one free",
    benefit=BenefitForm(kind=BenefitKind.BUY_X_GET_Y, buy=2, get=1, selection=SelectionForm(products=(PRODUCT_ID,))),
    condition=ConditionForm(min_total="20.00"),
    max_uses=500,
)
PROMOTION_PATCH = PromotionPatch(label="Winter sale", ends_at=THEN)
PROMOTION = PromotionBody(
    id=PROMOTION_ID,
    version=1,
    label="Buy two, get one free",
    active=True,
    uses=17,
    needs_coupon=False,
    combines=True,
    benefit=BenefitForm(
        kind=BenefitKind.BUY_X_GET_Y, buy=2, get=1, percent="100.00", selection=SelectionForm(products=(PRODUCT_ID,))
    ),
    condition=ConditionForm(min_total="20.00", selection=SelectionForm(all=True)),
    max_uses=500,
)
PROMOTIONS = PromotionPage(count=1, next=None, previous=None, results=(PROMOTION,))
COUPON_FORM = CouponForm(code="SUMMER10", max_uses=100, max_per_customer=1)
COUPONS_FORM = CouponForm(count=50, max_uses=1)
COUPON = CouponBody(id=COUPON_ID, code="SUMMER10", uses=3, max_uses=100, max_per_customer=1, created_at=THEN)
NEW_COUPONS = NewCouponsBody(id=COUPON_ID, code="SUMMER10", uses=0, max_uses=100, max_per_customer=1, created_at=THEN)
COUPONS = CouponPage(count=1, next=None, previous=None, results=(COUPON,))
REDEMPTION = RedemptionBody(order_id=ORDER_ID, customer_id=USER_ID, version=1, coupon_id=COUPON_ID, at=THEN)
REDEMPTIONS = RedemptionPage(count=1, next=None, previous=None, results=(REDEMPTION,))
TAX_RATES = TaxRatesForm(
    rates=(
        TaxRateForm(tax_class="standard", rate="19.00"),
        TaxRateForm(tax_class="reduced", rate="7.00"),
        TaxRateForm(tax_class="standard", rate="20.00", valid_from=THEN),
    )
)
RESERVATION_FORM = ReservationForm(lines=(LineForm(product_id=PRODUCT_ID, quantity=3),), ttl_seconds=600)
EXTENSION_FORM = ExtensionForm(ttl_seconds=600)
RESERVATION = ReservationBody(
    id=RESERVATION_ID,
    customer_id=USER_ID,
    state=ReservationState.ACTIVE,
    lines=(ReservedLineBody(product_id=PRODUCT_ID, quantity=3),),
    created_at=THEN,
    expires_at=THEN + TTL_DEFAULT,
    server_now=THEN,
)
RESERVATIONS = ReservationPage(next=None, previous=None, results=(RESERVATION,))
ERASURE = ErasureForm(password="numbers are music")
PERSONAL_DATA = PersonalDataBody(
    account=ACCOUNT,
    sessions=SESSIONS.results,
    orders=(
        OrderRecordBody(
            order=ORDER,
            events=(ORDER_EVENT,),
            redemptions=(OrderRedemptionBody(promotion_id=PROMOTION_ID, version=1, at=THEN),),
        ),
    ),
    reservations=(RESERVATION,),
    next=None,
)
