"""The domain of a shop: catalog, stock, orders, accounts. Standard library only; see `Shop`."""

from shop_core.accounts.logins import Login, SessionService
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
from shop_core.accounts.sessions import Session, SessionLives
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
    ProductQuery,
    ProductSort,
    Unchanged,
)
from shop_core.catalog.service import CatalogService, ImportResult
from shop_core.catalog.tree import CategoryNode
from shop_core.errors import Refusal
from shop_core.events import Event, OrderEvent, OrderEventKind, StockEvent, StockEventKind
from shop_core.idempotency import IdempotencyKey, Result
from shop_core.inventory.model import LineRequest, MovementKind, StockLevel, StockMovement
from shop_core.inventory.service import InventoryService
from shop_core.money import Money
from shop_core.orders.model import (
    LIFECYCLE,
    Order,
    OrderLine,
    OrderQuery,
    OrderStatus,
    PlacementRequest,
    Step,
)
from shop_core.orders.service import OrderService
from shop_core.outbox import OutboxService
from shop_core.pagination import CursorRequest, OffsetRequest, Page, PageRequest
from shop_core.ports import Adapters
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
    "CatalogEntry",
    "CatalogService",
    "Category",
    "CategoryChanges",
    "CategoryEntry",
    "CategoryNode",
    "CursorRequest",
    "Event",
    "IdempotencyKey",
    "ImportResult",
    "ImportRow",
    "InventoryService",
    "LineRequest",
    "Login",
    "Money",
    "MovementKind",
    "OffsetRequest",
    "Order",
    "OrderEvent",
    "OrderEventKind",
    "OrderLine",
    "OrderQuery",
    "OrderService",
    "OrderStatus",
    "OutboxService",
    "Page",
    "PageRequest",
    "PasswordReset",
    "PlacementRequest",
    "Product",
    "ProductChanges",
    "ProductDetails",
    "ProductQuery",
    "ProductSort",
    "ProfileChange",
    "Refusal",
    "Registration",
    "Reservation",
    "ReservationLimits",
    "ReservationQuery",
    "ReservationRequest",
    "ReservationService",
    "ReservationState",
    "ReservationStep",
    "ReservedLine",
    "Result",
    "Role",
    "Session",
    "SessionLives",
    "SessionService",
    "Shop",
    "Step",
    "StockEvent",
    "StockEventKind",
    "StockLevel",
    "StockMovement",
    "Unchanged",
    "__version__",
]
