"""What others run against their own adapter. `pip install shop-no-oversell[testing]` brings pytest and Hypothesis.

**Contract suites.** An adapter is right when it passes the contract of its port. Give the fixture, and test all:

    import pytest
    from shop_testing import MovableClock, contract_tests
    from my_adapters import MyAdapters

    class MyFixture:
        @pytest.fixture
        def adapters(self, clock: MovableClock):
            return MyAdapters(clock=clock if self.moves_time else None)  # empty at the start of every test

    globals().update(contract_tests(MyFixture))  # or one: class TestStock(MyFixture, StockContract): ...

    accounts sessions credentials attempts     who may do what: accounts, refresh tokens, passwords, tokens, guesses
    catalog catalog_lists _products _categories    products and categories
    catalog_feed                               what changed in the catalog, for those who keep a copy
    prices price_edits price_changes families  promotions, coupons, taxes, quotes; families
    images media                               pictures of products, and where their files are kept
    inventory                                  stock levels and the ledger
    orders order_lists _placement _amendment   orders, and how they change
    order_comparison                           where a copy of somebody's orders differs from them
    cursors                                    pages by cursor, of every list
    reservations reservation_expiry            units held for a time
    keys keyed_changes outbox publishers       idempotency keys, events and who receives them
    mails                                      who gets which mail, and with what in it
    privacy retention                          who leaves, and what is kept for too long
    unit_of_work audit                         transactions and locks; what the audit must find
    races                                      all that happens at the same time

**A state machine** (`machine`) does random work on your adapters, by themselves or beside the ones in memory, which
must give the same answers:

    from shop_adapters.memory import MemoryAdapters
    from shop_testing import SeededIds, ShopMachine
    from my_adapters import MyAdapters

    class MyMachine(ShopMachine):
        def open_adapters(self):
            return [kind(clock=self.clock, new_id=SeededIds()) for kind in (MyAdapters, MemoryAdapters)]

    TestMyMachine = MyMachine.TestCase

**Fixtures** (`fixtures`, `determinism`, `concurrency`): things to start from, a clock that moves only when it is told,
ids that are the same for the same seed, and threads that cannot hang.

Tests with threads end within a minute whatever the adapter does. They use events and barriers, never sleeps. Where a
test must see that a thread waits, it watches for a fifth of a second that the thread does not get through.
"""

import pkgutil

import pytest

# So that a broken promise shows both sides of the comparison. Must come before the modules are imported.
pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)))

from shop_testing.accounts import AccountsContract, RefreshTokensContract  # noqa: E402
from shop_testing.attempts import AttemptsContract  # noqa: E402
from shop_testing.audit import AuditContract  # noqa: E402
from shop_testing.catalog import CatalogContract  # noqa: E402
from shop_testing.catalog_feed import CatalogCopy, CatalogFeedContract  # noqa: E402
from shop_testing.concurrency import in_background, still_waits, together  # noqa: E402
from shop_testing.contract import Contract  # noqa: E402
from shop_testing.credentials import PasswordsContract, TokensContract  # noqa: E402
from shop_testing.cursors import CursorsContract  # noqa: E402
from shop_testing.determinism import MovableClock, SeededIds, TickingClock  # noqa: E402
from shop_testing.families import FamiliesContract  # noqa: E402
from shop_testing.fixtures import Fixtures  # noqa: E402
from shop_testing.image_files import ImageFilesContract  # noqa: E402
from shop_testing.images import ImagesContract  # noqa: E402
from shop_testing.inventory import StockContract  # noqa: E402
from shop_testing.keyed_changes import KeyedChangesContract  # noqa: E402
from shop_testing.keys import KeysContract  # noqa: E402
from shop_testing.machine import PriceMachine, ShopMachine, TradeMachine  # noqa: E402
from shop_testing.mails import MailsContract  # noqa: E402
from shop_testing.media import MediaBench, MediaContract, PlainEncoder  # noqa: E402
from shop_testing.order_amendment import OrderAmendmentContract  # noqa: E402
from shop_testing.order_comparison import OrderComparisonContract, OwnOrders  # noqa: E402
from shop_testing.order_lists import OrderListsContract  # noqa: E402
from shop_testing.order_placement import OrderPlacementContract  # noqa: E402
from shop_testing.orders import OrdersContract  # noqa: E402
from shop_testing.outbox import OutboxContract  # noqa: E402
from shop_testing.price_changes import PriceChangesContract  # noqa: E402
from shop_testing.price_edits import PriceEditsContract  # noqa: E402
from shop_testing.prices import PricesContract  # noqa: E402
from shop_testing.privacy import PrivacyContract  # noqa: E402
from shop_testing.publishers import PublisherBench, PublisherContract  # noqa: E402
from shop_testing.races import RacesContract  # noqa: E402
from shop_testing.reservation_expiry import ReservationExpiryContract  # noqa: E402
from shop_testing.reservations import ReservationsContract  # noqa: E402
from shop_testing.retention import RetentionContract  # noqa: E402
from shop_testing.sessions import SessionsContract  # noqa: E402
from shop_testing.unit_of_work import UnitOfWorkContract  # noqa: E402

CONTRACTS: tuple[type[Contract], ...] = (
    *(UnitOfWorkContract, AccountsContract, RefreshTokensContract, AttemptsContract, SessionsContract, PrivacyContract),
    RetentionContract,
    *(
        CatalogContract,
        CatalogFeedContract,
        FamiliesContract,
        ImageFilesContract,
        ImagesContract,
        StockContract,
        OrdersContract,
        OrderListsContract,
        OrderAmendmentContract,
    ),
    OrderComparisonContract,
    *(OrderPlacementContract, PricesContract, PriceEditsContract, PriceChangesContract),
    *(ReservationsContract, ReservationExpiryContract, RacesContract),
    *(KeysContract, KeyedChangesContract, MailsContract),
    *(OutboxContract, PasswordsContract, TokensContract, AuditContract, CursorsContract),
)
"""What adapters are held to. Publishers and media have contracts of their own: `PublisherContract`, `MediaContract`."""


def contract_tests(fixture: type) -> dict[str, type]:
    """A test class for each of `CONTRACTS`, by its name, e.g. `TestStock`.

    Args:
        fixture: has the fixture `adapters`, and, for the audit, the method `damage`.
    """
    names = {contract: contract.__name__.removesuffix("Contract") for contract in CONTRACTS}
    return {f"Test{name}": type(f"Test{name}", (fixture, contract), {}) for contract, name in names.items()}


__all__ = [
    "CONTRACTS",
    "AccountsContract",
    "AttemptsContract",
    "AuditContract",
    "CatalogContract",
    "CatalogCopy",
    "CatalogFeedContract",
    "Contract",
    "CursorsContract",
    "FamiliesContract",
    "Fixtures",
    "ImageFilesContract",
    "ImagesContract",
    "KeyedChangesContract",
    "KeysContract",
    "MailsContract",
    "MediaBench",
    "MediaContract",
    "MovableClock",
    "OrderAmendmentContract",
    "OrderComparisonContract",
    "OrderListsContract",
    "OrderPlacementContract",
    "OrdersContract",
    "OutboxContract",
    "OwnOrders",
    "PasswordsContract",
    "PlainEncoder",
    "PriceChangesContract",
    "PriceEditsContract",
    "PriceMachine",
    "PricesContract",
    "PrivacyContract",
    "PublisherBench",
    "PublisherContract",
    "RacesContract",
    "RefreshTokensContract",
    "ReservationExpiryContract",
    "ReservationsContract",
    "RetentionContract",
    "SeededIds",
    "SessionsContract",
    "ShopMachine",
    "StockContract",
    "TickingClock",
    "TokensContract",
    "TradeMachine",
    "UnitOfWorkContract",
    "contract_tests",
    "in_background",
    "still_waits",
    "together",
]
