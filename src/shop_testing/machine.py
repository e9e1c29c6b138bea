"""Random work on one shop, or the same work on several, and after every step a look at everything that must hold.

`ShopMachine` drives any number of shops with the same inputs. It compares their answers with `Expected`, which says
the rules a second time, and with each other, word for word. With two shops it goes by the name of `SideBySide`.
To extend it, subclass and add rules that `ask`; what is to be known later goes into `Expected`.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from shop_core.accounts.model import SYSTEM
from shop_core.errors import Invalid, ProductNotFound, Refusal, StockBelowZero
from shop_core.inventory.model import StockLevel, StockMovement, fold
from shop_core.pagination import CursorRequest
from shop_core.ports import Adapters
from shop_core.shop import Shop
from shop_testing.account_rules import AccountRules
from shop_testing.catalog_changes import CatalogChangeRules
from shop_testing.catalog_rules import UNKNOWN, picks
from shop_testing.order_rules import goods, impossible
from shop_testing.outbox_rules import OutboxRules
from shop_testing.reservation_rules import ReservationRules

reasons = st.sampled_from(["", "delivery 7", "broken", "№ 7 🚚", "two\nlines", "\x00"])


class ShopMachine(AccountRules, ReservationRules, OutboxRules, CatalogChangeRules):
    """The work of a shop: see the module. Subclass it with `open_adapters`, and use `.TestCase`."""

    # ---- stock

    @rule(pick=goods, quantity=st.integers(1, 9) | impossible, reason=reasons)
    def receive(self, pick: int, quantity: int, reason: str) -> None:
        product_id = self.product(pick)
        level = self.ask(lambda shop: shop.inventory.receive(SYSTEM, product_id, quantity, reason))
        if isinstance(level, StockLevel):
            self.expected.products[product_id].on_hand += quantity
            self.expected.products[product_id].moved = True
            self._check_level(level)
        else:
            assert isinstance(level, ProductNotFound if product_id == UNKNOWN else Invalid)

    @rule(pick=goods, change=st.integers(-9, 9), reason=reasons)
    def adjust(self, pick: int, change: int, reason: str) -> None:
        product_id = self.product(pick)
        level = self.ask(lambda shop: shop.inventory.adjust(SYSTEM, product_id, change, reason))
        if isinstance(level, StockLevel):
            self.expected.products[product_id].on_hand += change
            self.expected.products[product_id].moved = True
            self._check_level(level)
        elif product_id == UNKNOWN:
            assert isinstance(level, ProductNotFound | Invalid)  # what is wrong with the reason comes first
        elif not isinstance(level, Invalid):
            assert isinstance(level, StockBelowZero)
            assert self.expected.refusal_to_change(product_id, change) is StockBelowZero

    @rule(counted=st.dictionaries(picks, st.integers(-1, 9), max_size=3))
    def take_stock(self, counted: dict[int, int]) -> None:
        units = {self.product(pick): found for pick, found in counted.items()}
        levels = self.ask(lambda shop: shop.inventory.count_all(SYSTEM, units, "stock-take"))
        if isinstance(levels, Refusal):
            assert UNKNOWN in units or min(units.values()) < 0
            return
        for product_id, found in units.items():
            product = self.expected.products[product_id]
            product.moved = product.moved or found != product.on_hand
            product.on_hand = found
            self._check_level(levels[product_id])

    @rule(pick=goods, limit=st.integers(1, 5))
    def read_the_ledger(self, pick: int, limit: int) -> None:
        product_id = self.product(pick)
        movements: list[StockMovement] = []
        cursor: str | None = None
        while True:
            page = self.ask(
                lambda shop, cursor=cursor: shop.inventory.movements(SYSTEM, product_id, CursorRequest(limit, cursor))  # type: ignore[misc]
            )
            if isinstance(page, Refusal):
                assert isinstance(page, ProductNotFound)
                assert product_id == UNKNOWN
                return
            movements += page.items
            if (cursor := page.cursor) is None:
                break
        self._check_level(fold(product_id, movements[::-1]))

    # ---- what must hold after every step

    @invariant()
    def everything_adds_up(self) -> None:
        assert self.ask(Shop.audit) == []

    @invariant()
    def stock_is_what_it_must_be(self) -> None:
        levels = self.ask_ports(self._levels)
        assert not isinstance(levels, Refusal)
        promised, held = self.expected.promised_by_orders(), self.expected.held_by_reservations()
        for level in levels:
            self._check_level(level)
            assert (level.allocated, level.reserved) == (promised[level.product_id], held[level.product_id])

    def _levels(self, adapters: Adapters) -> list[StockLevel]:
        with adapters.begin() as uow:
            return list(uow.stock.lock(self.expected.products).values())  # all in one statement

    def _check_level(self, level: StockLevel) -> None:
        product = self.expected.products[level.product_id]
        assert (level.on_hand, level.allocated, level.reserved) == (
            product.on_hand,
            product.promised,
            product.reserved,
        )
        assert (level.available, level.shortfall) == (product.available, product.short)
        assert level.allocated + level.reserved <= level.on_hand + level.shortfall, "oversold"


class SideBySide(ShopMachine):
    """The same, for two adapters that must be one: return both from `open_adapters`, alike in clock and ids."""

    def __init__(self) -> None:
        super().__init__()
        assert len(self.adapters) > 1, "side by side needs two"
