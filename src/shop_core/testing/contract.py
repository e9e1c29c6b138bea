"""What all contracts have in common."""

from __future__ import annotations

import pytest

from shop_core.catalog.service import CatalogService
from shop_core.inventory.service import InventoryService
from shop_core.orders.service import OrderService
from shop_core.ports import Adapters
from shop_core.shop import Shop
from shop_core.testing.scene import Scene
from shop_core.testing.threads import Meeting


class Contract:
    """A suite of tests for any adapters: subclass it with a fixture `adapters` that returns empty ones."""

    @pytest.fixture
    def adapters(self) -> Adapters:
        """The adapters under test, with nothing stored."""
        raise NotImplementedError(f"{type(self).__name__} needs a fixture `adapters`: see shop_core.testing")

    @pytest.fixture
    def scene(self, adapters: Adapters) -> Scene:
        """Puts things there."""
        return Scene(adapters)

    @pytest.fixture
    def shop(self, adapters: Adapters) -> Shop:
        """The shop on those adapters."""
        return Shop(adapters)

    @pytest.fixture
    def crowded(self, adapters: Adapters) -> Shop:
        """The same shop, in which use cases that no lock keeps apart always get in each other's way."""
        shop = Shop(adapters)
        meeting = Meeting(adapters.clock)
        shop.catalog = CatalogService(adapters.begin, meeting, adapters.new_id, adapters.currency)
        shop.inventory = InventoryService(adapters.begin, meeting, adapters.new_id)
        shop.orders = OrderService(adapters.begin, meeting, adapters.new_id)
        return shop
