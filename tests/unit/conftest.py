"""What most unit tests start from: a shop in memory, whose clock stands still until it is moved."""

from __future__ import annotations

import pytest

from shop_adapters.memory import MemoryAdapters
from shop_core import Shop
from shop_testing import Fixtures, MovableClock


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def adapters(clock: MovableClock) -> MemoryAdapters:
    return MemoryAdapters(clock=clock)


@pytest.fixture
def shop(adapters: MemoryAdapters) -> Shop:
    return Shop(adapters)


@pytest.fixture
def fixtures(adapters: MemoryAdapters) -> Fixtures:
    return Fixtures(adapters)
