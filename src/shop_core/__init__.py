"""The domain of a shop: catalog, stock, orders, accounts. Standard library only; see `Shop`."""

from shop_core.accounts.logins import Login
from shop_core.accounts.model import (
    NOBODY,
    SYSTEM,
    Account,
    AccountQuery,
    AccountStatusChange,
    Actor,
    ProfileChange,
    Role,
)
from shop_core.accounts.service import Registration
from shop_core.catalog.model import (
    CatalogEntry,
    Category,
    CategoryChanges,
    CategoryEntry,
    Product,
    ProductChanges,
    ProductDetails,
    ProductQuery,
    ProductSort,
)
from shop_core.catalog.tree import CategoryNode
from shop_core.errors import Refusal
from shop_core.events import OrderEvent, OrderEventKind
from shop_core.inventory.model import LineRequest, MovementKind, StockLevel, StockMovement
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
from shop_core.pagination import CursorRequest, OffsetRequest, Page
from shop_core.shop import Shop

__version__ = "0.1.0"

__all__ = [
    "LIFECYCLE",
    "NOBODY",
    "SYSTEM",
    "Account",
    "AccountQuery",
    "AccountStatusChange",
    "Actor",
    "CatalogEntry",
    "Category",
    "CategoryChanges",
    "CategoryEntry",
    "CategoryNode",
    "CursorRequest",
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
    "OrderStatus",
    "Page",
    "PlacementRequest",
    "Product",
    "ProductChanges",
    "ProductDetails",
    "ProductQuery",
    "ProductSort",
    "ProfileChange",
    "Refusal",
    "Registration",
    "Role",
    "Shop",
    "Step",
    "StockLevel",
    "StockMovement",
]
