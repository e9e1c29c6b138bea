"""What all contracts have in common."""

from __future__ import annotations

from typing import ClassVar, cast

import pytest

from shop_core.accounts.model import Actor
from shop_core.catalog.model import Product
from shop_core.ports import Adapters
from shop_core.reservations.model import ReservationLimits
from shop_core.shop import Shop
from shop_testing.concurrency import Rendezvous
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Altered, Fixtures


class Contract:
    """A suite of tests for any adapters: subclass it with a fixture `adapters` that returns empty ones.

    Attributes:
        moves_time: its adapters must go by the fixture `clock`, their store too. Else they go by their own clock.
        rounds: how often a race is run. Once is enough where many orders of its calls are tried as well.
        units: how many lamps and chairs there are.
    """

    moves_time: ClassVar[bool] = False
    rounds: ClassVar[int] = 4
    units: ClassVar[int] = 5

    @pytest.fixture
    def adapters(self) -> Adapters:
        """The adapters under test, with nothing stored."""
        raise NotImplementedError(f"{type(self).__name__} needs a fixture `adapters`: see shop_testing")

    @pytest.fixture
    def clock(self) -> MovableClock:
        """For the suites that move time."""
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
    def ada(self, fixtures: Fixtures) -> Actor:
        """A customer."""
        return fixtures.customer()

    @pytest.fixture
    def lamp(self, fixtures: Fixtures) -> Product:
        """A product for 12.50."""
        return fixtures.product("Lamp", units=self.units)

    @pytest.fixture
    def chair(self, fixtures: Fixtures) -> Product:
        """Another one, for 40.00."""
        return fixtures.product("Chair", units=self.units, price=40_00)

    @pytest.fixture
    def contended(self, adapters: Adapters) -> Shop:
        """The same shop, in which use cases that no lock keeps apart always meet."""
        return self.contended_shop(adapters)

    @staticmethod
    def contended_shop(adapters: Adapters, limits: ReservationLimits | None = None) -> Shop:
        """That, with what a customer may have reserved."""
        meeting = Rendezvous(adapters.clock)
        altered = Altered(adapters, begin=meeting.opens(adapters.begin), clock=meeting)
        return Shop(cast("Adapters", altered), limits)
