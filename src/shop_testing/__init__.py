"""What every adapter of the shop must pass. Needs pytest and Hypothesis: `pip install shop[testing]`.

An adapter is right when it passes the contract of its port. To verify your own, subclass and give the fixture:

    import pytest
    from shop_testing import OrderPlacementContract, StockContract, UnitOfWorkContract
    from my_adapters import MyAdapters

    class MyFixture:
        @pytest.fixture
        def adapters(self):
            return MyAdapters()  # empty at the start of every test

    class TestMyUnitOfWork(MyFixture, UnitOfWorkContract): ...
    class TestMyStock(MyFixture, StockContract): ...
    class TestMyPlacement(MyFixture, OrderPlacementContract): ...

and drive it with random work, alone or next to another adapter that must give the same answers:

    class MyMachine(ShopMachine):
        def open_adapters(self):
            return [MyAdapters(clock=self.clock, new_id=SeededIds()), MemoryAdapters(clock=self.clock, new_id=...)]

    TestMyMachine = MyMachine.TestCase

Tests with threads end within a minute whatever the adapter does. They use events and barriers, never sleeps; where
a test must see that somebody waits, it gives him a fifth of a second in which he must not get through.
"""

import pkgutil

import pytest

# So that a broken promise shows both sides of the comparison. Must come before the modules are imported.
pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)))

from shop_testing.accounts import AccountsContract, RefreshTokensContract  # noqa: E402
from shop_testing.attempts import AttemptsContract  # noqa: E402
from shop_testing.audit import AuditContract  # noqa: E402
from shop_testing.catalog import CatalogContract  # noqa: E402
from shop_testing.concurrency import in_background, still_waits, together  # noqa: E402
from shop_testing.credentials import PasswordsContract, TokensContract  # noqa: E402
from shop_testing.determinism import MovableClock, SeededIds, TickingClock  # noqa: E402
from shop_testing.fixtures import Fixtures  # noqa: E402
from shop_testing.inventory import StockContract  # noqa: E402
from shop_testing.keys import KeysContract  # noqa: E402
from shop_testing.machine import ShopMachine, TradeMachine  # noqa: E402
from shop_testing.order_amendment import OrderAmendmentContract  # noqa: E402
from shop_testing.order_lists import OrderListsContract  # noqa: E402
from shop_testing.order_placement import OrderPlacementContract  # noqa: E402
from shop_testing.orders import OrdersContract  # noqa: E402
from shop_testing.outbox import OutboxContract  # noqa: E402
from shop_testing.publishers import PublisherBench, PublisherContract  # noqa: E402
from shop_testing.races import RacesContract  # noqa: E402
from shop_testing.reservation_expiry import ReservationExpiryContract  # noqa: E402
from shop_testing.reservations import ReservationsContract  # noqa: E402
from shop_testing.sessions import SessionsContract  # noqa: E402
from shop_testing.unit_of_work import UnitOfWorkContract  # noqa: E402

__all__ = [
    "AccountsContract",
    "AttemptsContract",
    "AuditContract",
    "CatalogContract",
    "Fixtures",
    "KeysContract",
    "MovableClock",
    "OrderAmendmentContract",
    "OrderListsContract",
    "OrderPlacementContract",
    "OrdersContract",
    "OutboxContract",
    "PasswordsContract",
    "PublisherBench",
    "PublisherContract",
    "RacesContract",
    "RefreshTokensContract",
    "ReservationExpiryContract",
    "ReservationsContract",
    "SeededIds",
    "SessionsContract",
    "ShopMachine",
    "StockContract",
    "TickingClock",
    "TokensContract",
    "TradeMachine",
    "UnitOfWorkContract",
    "in_background",
    "still_waits",
    "together",
]
