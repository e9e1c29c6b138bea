"""Every refusal of the shop.

    Refusal
    ├── NotFound           it does not exist, or this actor may not see it
    │   └── ProductNotFound · CategoryNotFound · OrderNotFound · ReservationNotFound · AccountNotFound
    │       SessionNotFound · PromotionNotFound · FamilyNotFound · ImageNotFound
    ├── Conflict           the present state does not allow it
    │   ├── InsufficientStock · Oversold · StockBelowZero · NotAllOnHand
    │   ├── IllegalStep · TotalChanged · OrderDeleted · OrdersOpen · CategoryInUse · LastAdmin · NoMail
    │   ├── ReservationExpired · ReservationResolved · TooMuchReserved
    │   ├── CouponNotUsable · TooManyPromotions · FamilyInUse · TooManyImages · NoPictures
    │   └── SkuTaken · SlugTaken · UsernameTaken · CouponCodeTaken · OptionsTaken
    ├── Stale              it changed since the client read it
    ├── CursorExpired      it is too old, or from before a restore: start again
    ├── Invalid            the input breaks rules; each broken rule is a Fault
    │   └── InvalidCursor · UnknownProducts · CategoryCycle · WrongPassword · InvalidResetCode
    │       InvalidConfirmationCode · UnusableImage
    ├── KeyReused          the idempotency key was used for another request
    ├── Unauthenticated    nobody is logged in
    │   └── WrongCredentials · InvalidToken
    ├── Forbidden          the actor's role does not allow it
    │   └── NotTheOwner · LoginTooOld
    ├── TooMany            this client sends too many requests
    │   └── TooManyAttempts · TooManyOrders · TooManyLines · TooManyMails
    └── Unavailable        the shop cannot answer now; the same request may succeed later
        └── Busy

A refusal has a `kind` (which a transport maps to a status), a `code` (stable, for programs) and a message (for people:
it names the value, the rule and the next step). Nothing is left half done.
"""

from shop_core.errors.accounts import (
    AccountNotFound,
    InvalidConfirmationCode,
    InvalidResetCode,
    InvalidToken,
    LastAdmin,
    LoginTooOld,
    NoMail,
    SessionNotFound,
    TooManyAttempts,
    TooManyMails,
    UsernameTaken,
    WrongCredentials,
    WrongPassword,
)
from shop_core.errors.catalog import (
    CategoryCycle,
    CategoryInUse,
    CategoryNotFound,
    FamilyInUse,
    FamilyNotFound,
    ImageNotFound,
    NoPictures,
    OptionsTaken,
    ProductNotFound,
    SkuTaken,
    SlugTaken,
    TooManyImages,
    UnusableImage,
)
from shop_core.errors.kinds import (
    Busy,
    Conflict,
    CursorExpired,
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
    Versions,
    check_seen,
    check_version,
)
from shop_core.errors.orders import (
    IllegalStep,
    InsufficientStock,
    NotAllOnHand,
    NotTheOwner,
    OrderDeleted,
    OrderNotFound,
    OrdersOpen,
    Oversold,
    Shortage,
    StockBelowZero,
    TooManyLines,
    TooManyOrders,
    TotalChanged,
    UnknownProducts,
)
from shop_core.errors.pricing import CouponCodeTaken, CouponNotUsable, PromotionNotFound, TooManyPromotions
from shop_core.errors.reservations import (
    KeyReused,
    ReservationExpired,
    ReservationNotFound,
    ReservationResolved,
    TooMuchReserved,
)

__all__ = [
    "AccountNotFound",
    "Busy",
    "CategoryCycle",
    "CategoryInUse",
    "CategoryNotFound",
    "Conflict",
    "CouponCodeTaken",
    "CouponNotUsable",
    "CursorExpired",
    "FamilyInUse",
    "FamilyNotFound",
    "Fault",
    "Forbidden",
    "IllegalStep",
    "ImageNotFound",
    "InsufficientStock",
    "Invalid",
    "InvalidConfirmationCode",
    "InvalidCursor",
    "InvalidResetCode",
    "InvalidToken",
    "KeyReused",
    "Kind",
    "LastAdmin",
    "LoginTooOld",
    "NoMail",
    "NoPictures",
    "NotAllOnHand",
    "NotFound",
    "NotTheOwner",
    "OptionsTaken",
    "OrderDeleted",
    "OrderNotFound",
    "OrdersOpen",
    "Oversold",
    "ProductNotFound",
    "PromotionNotFound",
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
    "TooManyImages",
    "TooManyLines",
    "TooManyMails",
    "TooManyOrders",
    "TooManyPromotions",
    "TooMuchReserved",
    "TotalChanged",
    "Unauthenticated",
    "Unavailable",
    "UnknownProducts",
    "UnusableImage",
    "UsernameTaken",
    "Versions",
    "WrongCredentials",
    "WrongPassword",
    "check_seen",
    "check_version",
]
