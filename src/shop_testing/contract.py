"""What all contracts have in common."""

from __future__ import annotations

import pytest

from shop_core.catalog.service import CatalogService
from shop_core.inventory.service import InventoryService
from shop_core.orders.service import OrderService
from shop_core.ports import Adapters
from shop_core.reservations.model import ReservationLimits
from shop_core.reservations.service import ReservationService
from shop_core.shop import Shop
from shop_testing.concurrency import Rendezvous
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Fixtures


class Contract:
    """A suite of tests for any adapters: subclass it with a fixture `adapters` that returns empty ones."""

    @pytest.fixture
    def adapters(self) -> Adapters:
        """The adapters under test, with nothing stored."""
        raise NotImplementedError(f"{type(self).__name__} needs a fixture `adapters`: see shop_testing")

    @pytest.fixture
    def clock(self) -> MovableClock:
        """For the suites that let time pass: their `adapters` must go by it, that of the store too."""
        return MovableClock()

    @pytest.fixture
    def fixtures(self, adapters: Adapters) -> Fixtures:
        """Puts things there."""
        return Fixtures(adapters)

    @pytest.fixture
    def shop(self, adapters: Adapters) -> Shop:
        """The shop on those adapters."""
        return Shop(adapters)

    @pytest.fixture
    def contended(self, adapters: Adapters) -> Shop:
        """The same shop, in which use cases that no lock keeps apart always get in each other's way."""
        shop = Shop(adapters)
        meeting = Rendezvous(adapters.clock)
        begin, new_id = meeting.opens(adapters.begin), adapters.new_id
        shop.catalog = CatalogService(begin, meeting, new_id, adapters.currency)
        shop.inventory = InventoryService(begin, new_id)
        shop.reservations = ReservationService(begin, new_id, ReservationLimits())
        shop.orders = OrderService(begin, new_id)
        return shop
