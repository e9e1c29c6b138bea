"""What most unit tests start from: a shop in memory, whose clock stands still until it is moved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from litestar.testing import TestClient

from panel_browser import ORIGIN, Browser
from phones import PASSWORD, Setup
from shop_adapters.memory import MemoryAdapters
from shop_core import Shop
from shop_http.app import create_app
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


@pytest.fixture
def setup() -> Setup:
    return Setup(units=5)


@pytest.fixture
def browser(setup: Setup) -> Iterator[Browser]:
    with TestClient(create_app(setup.shop, threads=2), base_url=ORIGIN) as client:
        browser = Browser(client)
        browser.log_in("grace", PASSWORD)
        yield browser
