"""What all contracts have in common."""

from __future__ import annotations

import pytest

from shop_core.ports import Adapters
from shop_core.shop import Shop
from shop_core.testing.scene import Scene


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
