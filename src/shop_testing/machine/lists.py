"""Orders, reservations, timelines and ledgers that are read; on top of `TradeMachine`."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from shop_core.accounts.model import SYSTEM, Actor
from shop_core.errors import Refusal
from shop_core.inventory.model import StockMovement, fold
from shop_core.orders.model import Order, OrderQuery, OrderStatus
from shop_core.pagination import CursorRequest, OffsetRequest
from shop_core.ports import Adapters
from shop_testing.machine.driver import page_requests, picked, picks
from shop_testing.machine.trade import CUSTOMERS, TradeMachine, actors, goods

Paging = OffsetRequest | CursorRequest


class ListRules(TradeMachine):
    """A part of `ShopMachine`."""

    @rule(pick=picks, who=actors)
    def read_an_order(self, pick: int, who: str) -> None:
        order_id, actor = self.order_and_actor(pick, who)
        self.ask(lambda shop: shop.orders.get(actor, order_id))

    @rule(pick=picks, who=actors, page_request=page_requests)
    def read_a_timeline(self, pick: int, who: str, page_request: Paging) -> None:
        order_id, actor = self.order_and_actor(pick, who)
        self.ask(lambda shop: shop.orders.events(actor, order_id, page_request))

    @rule(customer=st.sampled_from(CUSTOMERS), page_request=page_requests)
    def read_my_orders(self, customer: Actor, page_request: Paging) -> None:
        self.ask(lambda shop: shop.orders.mine(customer, page_request))

    @rule(
        who=st.sampled_from([*CUSTOMERS, SYSTEM]),
        of=st.none() | st.sampled_from(CUSTOMERS),
        status=st.none() | st.sampled_from(OrderStatus),
        like=st.none() | picks,
        by_number=st.booleans(),
        page_request=page_requests,
    )
    def find_orders(
        self, who: Actor, of: Actor | None, status: OrderStatus | None, like: int | None, by_number: bool,
        page_request: Paging,
    ) -> None:  # fmt: skip
        order = None if like is None else self.ask(lambda shop: shop.orders.get(SYSTEM, picked(like, [*self.orders])))
        known = order if isinstance(order, Order) else None
        query = OrderQuery(
            customer_id=of.id if of else None,
            status=status,
            placed_from=known.created_at if known and not by_number else None,
            number=known.number if known and by_number else None,
        )
        self.ask(lambda shop: shop.orders.find(who, query, page_request))

    @rule(pick=picks, who=actors)
    def read_a_reservation(self, pick: int, who: str) -> None:
        reservation_id, actor = self.reservation_and_actor(pick, who)
        self.ask(lambda shop: shop.reservations.get(actor, reservation_id))

    @rule(pick=goods, limit=st.integers(1, 5))
    def the_counters_are_the_fold_of_the_ledger(self, pick: int, limit: int) -> None:
        product_id = picked(pick, self.products)
        movements: list[StockMovement] = []
        page_request: CursorRequest | None = CursorRequest(limit)
        while page_request:
            page = self.ask(lambda shop, it=page_request: shop.inventory.movements(SYSTEM, product_id, it))  # type: ignore[misc]
            if isinstance(page, Refusal):
                return
            movements += page.items
            page_request = CursorRequest(limit, page.cursor) if page.cursor else None

        def level(adapters: Adapters) -> object:
            with adapters.begin() as uow:
                return uow.stock.get(product_id)

        assert self.ask_ports(level) == fold(product_id, movements[::-1])
