"""Random work on a shop, and after every step a look at what must hold.

Subclass a machine with `open_adapters`, and use its `.TestCase`. With two adapters, alike in clock and ids, every
answer must be the same in both, word for word: so an adapter is compared with the one in memory.

    ShopMachine    everything: accounts, catalog, stock, prices, orders, reservations, keys, outbox, all lists
    TradeMachine   a catalog that does not change: nearly every step places, reserves, confirms, expires or repeats
    PriceMachine   the same with promotions, coupons and taxes: an order costs what its quote said, and stays so

The machines state what must hold after a step, not what the answer must be: the rules are in the contract suites.
To extend one, subclass it and add rules that `ask`.
"""

from __future__ import annotations

from shop_testing.machine.accounts import AccountRules
from shop_testing.machine.catalog import CatalogRules
from shop_testing.machine.lists import ListRules
from shop_testing.machine.prices import PriceMachine
from shop_testing.machine.trade import TradeMachine

__all__ = ["PriceMachine", "ShopMachine", "TradeMachine"]


class ShopMachine(ListRules, PriceMachine, CatalogRules, AccountRules):
    """All rules."""
