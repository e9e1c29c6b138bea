"""Every way in which the shop says no.

    Refusal
    ├── NotFound           what was asked for is not there, or not for this actor to see
    │   └── ProductNotFound · CategoryNotFound · OrderNotFound · ReservationNotFound · AccountNotFound
    │       SessionNotFound
    ├── Conflict           fine as such, but not in the present state of things
    │   ├── InsufficientStock · Oversold · StockBelowZero
    │   ├── IllegalStep · TotalChanged · CategoryInUse · LastAdmin
    │   ├── ReservationExpired · ReservationResolved · TooMuchReserved
    │   └── SkuTaken · SlugTaken · UsernameTaken
    ├── Stale              somebody changed it since the client read it
    ├── Invalid            the input breaks a rule; each broken rule is a Fault
    │   └── InvalidCursor · UnknownProducts · CategoryCycle · WrongPassword · InvalidResetCode
    ├── KeyReused          the idempotency key belongs to another request
    ├── Unauthenticated    nobody is logged in
    │   └── WrongCredentials · InvalidToken
    ├── Forbidden          logged in, but the role does not allow this
    │   └── NotTheOwner · LoginTooOld
    ├── TooMany            this client asks too often
    │   └── TooManyAttempts · TooManyOrders
    └── Unavailable        the shop cannot answer now; the same request may succeed later

A refusal has a `kind` (what a transport maps to a status), a `code` (stable, for programs) and a message
(for people: it names the value, the rule and the next step). It leaves nothing half done behind.
"""

from shop_core.errors.accounts import (
    AccountNotFound,
    InvalidResetCode,
    InvalidToken,
    LastAdmin,
    LoginTooOld,
    SessionNotFound,
    TooManyAttempts,
    UsernameTaken,
    WrongCredentials,
    WrongPassword,
)
from shop_core.errors.catalog import (
    CategoryCycle,
    CategoryInUse,
    CategoryNotFound,
    ProductNotFound,
    SkuTaken,
    SlugTaken,
)
from shop_core.errors.kinds import (
    Conflict,
    Fault,
    Forbidden,
    Invalid,
    InvalidCursor,
    Kind,
    NotFound,
    Refusal,
    Stale,
    TooMany,
    Unauthenticated,
    Unavailable,
    check_version,
)
from shop_core.errors.orders import (
    IllegalStep,
    InsufficientStock,
    NotTheOwner,
    OrderNotFound,
    Oversold,
    Shortage,
    StockBelowZero,
    TooManyOrders,
    TotalChanged,
    UnknownProducts,
)
from shop_core.errors.reservations import (
    KeyReused,
    ReservationExpired,
    ReservationNotFound,
    ReservationResolved,
    TooMuchReserved,
)

__all__ = [
    "AccountNotFound",
    "CategoryCycle",
    "CategoryInUse",
    "CategoryNotFound",
    "Conflict",
    "Fault",
    "Forbidden",
    "IllegalStep",
    "InsufficientStock",
    "Invalid",
    "InvalidCursor",
    "InvalidResetCode",
    "InvalidToken",
    "KeyReused",
    "Kind",
    "LastAdmin",
    "LoginTooOld",
    "NotFound",
    "NotTheOwner",
    "OrderNotFound",
    "Oversold",
    "ProductNotFound",
    "Refusal",
    "ReservationExpired",
    "ReservationNotFound",
    "ReservationResolved",
    "SessionNotFound",
    "Shortage",
    "SkuTaken",
    "SlugTaken",
    "Stale",
    "StockBelowZero",
    "TooMany",
    "TooManyAttempts",
    "TooManyOrders",
    "TooMuchReserved",
    "TotalChanged",
    "Unauthenticated",
    "Unavailable",
    "UnknownProducts",
    "UsernameTaken",
    "WrongCredentials",
    "WrongPassword",
    "check_version",
]
