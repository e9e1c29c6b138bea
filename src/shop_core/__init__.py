"""The domain of a shop: catalog, stock, orders, accounts. Standard library only; see `Shop`."""

from shop_core.accounts.model import (
    NOBODY,
    SYSTEM,
    AccessToken,
    Account,
    AccountQuery,
    AccountStatusChange,
    Actor,
    ProfileChange,
    Role,
)
from shop_core.accounts.service import AccountService, PasswordReset, Registration
from shop_core.accounts.session_service import Login, SessionService
from shop_core.accounts.sessions import Session, SessionLives
from shop_core.catalog.changes import CatalogChanges
from shop_core.catalog.families import Family
from shop_core.catalog.family_service import FamilyService
from shop_core.catalog.image_service import ImageService
from shop_core.catalog.images import ImageSize, ProductImage, Rendition
from shop_core.catalog.importing import ImportPlan, ImportResult
from shop_core.catalog.model import (
    UNCHANGED,
    CatalogEntry,
    Category,
    CategoryChanges,
    CategoryEntry,
    ImportRow,
    Product,
    ProductChanges,
    ProductDetails,
    Unchanged,
)
from shop_core.catalog.search import ProductQuery, ProductSort
from shop_core.catalog.service import CatalogService
from shop_core.catalog.tree import CategoryNode
from shop_core.errors import Refusal
from shop_core.events import Event, OrderEvent, OrderEventKind, StockEvent, StockEventKind
from shop_core.idempotency import IdempotencyKey, Result
from shop_core.inventory.model import LineRequest, MovementKind, StockLevel, StockMovement
from shop_core.inventory.service import InventoryService
from shop_core.mail.model import Mail, MailKind, MailMessage
from shop_core.mail.service import MailService
from shop_core.money import Money
from shop_core.orders.comparison import DifferentRange, KnownRange, OrderCopy, OrderDifferences, TaggedOrder
from shop_core.orders.model import (
    LIFECYCLE,
    Order,
    OrderLine,
    OrderQuery,
    OrderStatus,
    PlacementRequest,
    Step,
)
from shop_core.orders.sales import DaySales
from shop_core.orders.service import OrderService
from shop_core.orders.totals import Quote
from shop_core.outbox import OutboxService
from shop_core.pagination import CursorRequest, OffsetRequest, Page, PageRequest
from shop_core.ports import Adapters
from shop_core.pricing.benefits import (
    AmountEach,
    BuyXGetY,
    Condition,
    FixedPrice,
    OrderAmount,
    OrderPercent,
    Percent,
    Selection,
)
from shop_core.pricing.coupons import Coupon, CouponEntry, Redemption
from shop_core.pricing.evaluation import Discount
from shop_core.pricing.explanation import Explanation, WhyNot
from shop_core.pricing.model import Promotion, PromotionDetails, PromotionEntry
from shop_core.pricing.promotion_set import PromotionSet
from shop_core.pricing.rules import Rules, Uses
from shop_core.pricing.service import PricingService
from shop_core.pricing.taxes import TaxAmount, TaxRate
from shop_core.privacy import OrderRecord, PersonalData, PrivacyService
from shop_core.reservations.model import (
    Reservation,
    ReservationLimits,
    ReservationQuery,
    ReservationRequest,
    ReservationState,
    ReservationStep,
    ReservedLine,
)
from shop_core.reservations.service import ReservationService
from shop_core.retention import Kept, Overdue, RetentionAges, RetentionService
from shop_core.shop import Shop

__version__ = "0.1.0"

__all__ = [
    "LIFECYCLE",
    "NOBODY",
    "SYSTEM",
    "UNCHANGED",
    "AccessToken",
    "Account",
    "AccountQuery",
    "AccountService",
    "AccountStatusChange",
    "Actor",
    "Adapters",
    "AmountEach",
    "BuyXGetY",
    "CatalogChanges",
    "CatalogEntry",
    "CatalogService",
    "Category",
    "CategoryChanges",
    "CategoryEntry",
    "CategoryNode",
    "Condition",
    "Coupon",
    "CouponEntry",
    "CursorRequest",
    "DaySales",
    "DifferentRange",
    "Discount",
    "Event",
    "Explanation",
    "Family",
    "FamilyService",
    "FixedPrice",
    "IdempotencyKey",
    "ImageService",
    "ImageSize",
    "ImportPlan",
    "ImportResult",
    "ImportRow",
    "InventoryService",
    "Kept",
    "KnownRange",
    "LineRequest",
    "Login",
    "Mail",
    "MailKind",
    "MailMessage",
    "MailService",
    "Money",
    "MovementKind",
    "OffsetRequest",
    "Order",
    "OrderAmount",
    "OrderCopy",
    "OrderDifferences",
    "OrderEvent",
    "OrderEventKind",
    "OrderLine",
    "OrderPercent",
    "OrderQuery",
    "OrderRecord",
    "OrderService",
    "OrderStatus",
    "OutboxService",
    "Overdue",
    "Page",
    "PageRequest",
    "PasswordReset",
    "Percent",
    "PersonalData",
    "PlacementRequest",
    "PricingService",
    "PrivacyService",
    "Product",
    "ProductChanges",
    "ProductDetails",
    "ProductImage",
    "ProductQuery",
    "ProductSort",
    "ProfileChange",
    "Promotion",
    "PromotionDetails",
    "PromotionEntry",
    "PromotionSet",
    "Quote",
    "Redemption",
    "Refusal",
    "Registration",
    "Rendition",
    "Reservation",
    "ReservationLimits",
    "ReservationQuery",
    "ReservationRequest",
    "ReservationService",
    "ReservationState",
    "ReservationStep",
    "ReservedLine",
    "Result",
    "RetentionAges",
    "RetentionService",
    "Role",
    "Rules",
    "Selection",
    "Session",
    "SessionLives",
    "SessionService",
    "Shop",
    "Step",
    "StockEvent",
    "StockEventKind",
    "StockLevel",
    "StockMovement",
    "TaggedOrder",
    "TaxAmount",
    "TaxRate",
    "Unchanged",
    "Uses",
    "WhyNot",
    "__version__",
]
