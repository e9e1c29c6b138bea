"""The contract of lists of orders, with every filter and both ways of paging, and of timelines."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shop_core.accounts.model import NOBODY, SYSTEM, Actor, Role
from shop_core.errors import Forbidden, Invalid, InvalidCursor, Unauthenticated
from shop_core.events import OrderEvent, OrderEventKind
from shop_core.orders.model import Order, OrderQuery, OrderStatus, Step
from shop_core.pagination import PAGE_LINES_MAX, CursorRequest, OffsetRequest, Page, make_cursor
from shop_core.shop import Shop
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures

PATHS: tuple[tuple[Step, ...], ...] = (
    *((), (Step.CONFIRM,), (Step.CONFIRM, Step.SHIP), (Step.CONFIRM, Step.SHIP, Step.DELIVER)),
    *((Step.CANCEL,), (Step.DELETE,), (Step.CONFIRM, Step.DELETE)),
)


class OrderListsContract(Contract):
    """`Orders.page` and `OrderEvents`."""

    @pytest.fixture
    def history(self, fixtures: Fixtures) -> list[Order]:
        """Twenty-one orders of three customers in every state, newest first."""
        customers, orders = [fixtures.new_id() for _ in range(3)], []
        for number in range(21):
            order = fixtures.order(customer_id=customers[number % 3])
            for step in PATHS[number % 7]:
                order = order.after(step, SYSTEM, fixtures.clock())
            with fixtures.begin() as uow:
                uow.orders.update(order)
            orders.append(order)
        return orders[::-1]

    @settings(
        max_examples=80,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(data=st.data())
    def test_every_query_is_answered_as_the_plain_rules_say_in_either_way_of_paging(
        self, fixtures: Fixtures, history: list[Order], data: st.DataObject
    ) -> None:
        one = st.none() | st.sampled_from(history)
        of, since, until, named = (data.draw(one, name) for name in ("customer", "from", "before", "number"))
        late = data.draw(st.sampled_from([timedelta(0), timedelta(microseconds=1)]), "late")
        query = OrderQuery(
            customer_id=of.customer_id if of else None,
            status=data.draw(st.none() | st.sampled_from(OrderStatus), "status"),
            placed_from=since.created_at + late if since else None,
            placed_before=until.created_at + late if until else None,
            number=named.number.lower() if named and data.draw(st.booleans(), "by number") else None,
            with_deleted=data.draw(st.booleans(), "with deleted"),
            oldest_first=data.draw(st.booleans(), "oldest first"),
            ids=data.draw(
                st.none() | st.lists(st.sampled_from(history)).map(lambda some: tuple(order.id for order in some)),
                "ids",
            ),
        )
        limit, offset = data.draw(st.integers(1, 9), "limit"), data.draw(st.integers(0, 9), "offset")
        expected = [order for order in history[:: -1 if query.oldest_first else 1] if query.matches(order)]

        with fixtures.begin() as uow:
            page = uow.orders.page(query, OffsetRequest(limit, offset))
        assert page == Page(tuple(expected[offset : offset + limit]), count=len(expected))
        assert fixtures.walk(lambda uow, page_request: uow.orders.page(query, page_request), limit) == expected

    def test_an_order_is_found_by_its_number(self, fixtures: Fixtures, shop: Shop, history: list[Order]) -> None:
        for order in history:
            page = shop.orders.find(SYSTEM, OrderQuery(number=f" {order.number.lower()} "), OffsetRequest())
            assert (page.items, page.count) == ((order,), 1)
        nobodys = OrderQuery(number="200101-00000000")
        assert shop.orders.find(SYSTEM, nobodys, OffsetRequest()) == Page((), count=0)

    @pytest.mark.parametrize("number", ["", "x", "261121", "261121-ILOU0000", "261121-0000000", "\x00", "%", "\ud800"])
    def test_what_can_be_no_number_is_refused(self, number: str) -> None:
        with pytest.raises(Invalid) as refused:
            OrderQuery(number=number)
        assert refused.value.faults[0].field == "number"

    def test_staff_see_everybodys_orders_and_customers_only_what_they_have(
        self, fixtures: Fixtures, shop: Shop, history: list[Order]
    ) -> None:
        ada, grace = history[0].customer_id, history[1].customer_id
        everything = shop.orders.find(Actor(fixtures.new_id(), Role.STAFF), OrderQuery(), OffsetRequest())
        assert (everything.items, everything.count) == (tuple(history), 21)
        customer = Actor(ada, Role.CUSTOMER)
        own = tuple(order for order in history if order.customer_id == ada and order.deleted_at is None)
        for query in (OrderQuery(), OrderQuery(customer_id=ada), OrderQuery(with_deleted=True)):
            assert shop.orders.find(customer, query, OffsetRequest()).items == own
        for other in (grace, fixtures.new_id()):
            with pytest.raises(Forbidden):
                shop.orders.find(customer, OrderQuery(customer_id=other), OffsetRequest())
        with pytest.raises(Unauthenticated):
            shop.orders.find(NOBODY, OrderQuery(), OffsetRequest())
        assert shop.orders.find(customer, OrderQuery(number=history[1].number), OffsetRequest()).items == ()

    def test_a_walk_sees_what_stays_unchanged_once_while_others_are_placed_changed_and_deleted(
        self, fixtures: Fixtures, history: list[Order]
    ) -> None:
        leavers = itertools.count(0, 5)
        stays = {order.id for order in history if order.deleted_at is None}

        def others_are_at_work() -> None:
            fixtures.order()
            leaver = history[next(leavers) % 21]
            if leaver.status is OrderStatus.PLACED and leaver.id in stays:
                with fixtures.begin() as uow:
                    uow.orders.update(leaver.after(Step.DELETE, SYSTEM, fixtures.clock()))
                stays.discard(leaver.id)

        query = OrderQuery(with_deleted=False)
        seen = fixtures.walk(lambda uow, page_request: uow.orders.page(query, page_request), 3, others_are_at_work)
        ids = [order.id for order in seen]
        assert len(ids) == len(set(ids))
        assert stays <= set(ids)

    def test_a_page_has_no_more_lines_than_one_order_may_have_and_the_list_goes_on(self, fixtures: Fixtures) -> None:
        customer_id = fixtures.new_id()
        lines = [{fixtures.new_product(): 1 for _ in range(count)} for count in (1, 900, PAGE_LINES_MAX, 1_100, 900, 2)]
        orders = [fixtures.order(requested, customer_id) for requested in lines][::-1]
        query, pages = OrderQuery(customer_id), [orders[:2], orders[2:3], orders[3:4], orders[4:]]
        cursor: str | None = None
        for number, expected in enumerate(pages):
            with fixtures.begin() as uow:
                by_cursor = uow.orders.page(query, CursorRequest(2 if number == 0 else 50, cursor))
                by_offset = uow.orders.page(query, OffsetRequest(50, orders.index(expected[0])))
            assert by_cursor.items == by_offset.items == tuple(expected)
            assert (by_offset.count, by_offset.is_cut) == (6, number < 3)
            cursor = by_cursor.cursor
        assert cursor is None

    # ---- timelines

    def test_events_come_back_as_they_were_added_oldest_first(self, fixtures: Fixtures) -> None:
        order = fixtures.new_order()
        events = _events(fixtures, order, 5)
        with fixtures.begin() as uow:
            uow.events.add_all(events[3:])
            uow.events.add_all(events[:3])
            uow.events.add_all([])
        with fixtures.begin() as uow:
            page = uow.events.timeline(order.customer_id, order.id, OffsetRequest(limit=3, offset=1))
            nobodys = uow.events.timeline(fixtures.new_id(), order.id, OffsetRequest())
        assert page == Page(tuple(events[1:4]), count=5)
        assert nobodys == Page((), count=0)
        assert page.items[0].at.utcoffset() == timedelta(0)

    def test_a_timeline_can_be_walked(self, fixtures: Fixtures) -> None:
        order = fixtures.new_order()
        events = _events(fixtures, order, 5)
        with fixtures.begin() as uow:
            uow.events.add_all(events)
        assert fixtures.walk(lambda uow, page: uow.events.timeline(order.customer_id, order.id, page), 2) == events

    @pytest.mark.parametrize("seq", [-1, 2**31, 2**63 - 1, 2**80, True, "1", None])
    def test_a_forged_cursor_of_a_timeline_is_refused(self, fixtures: Fixtures, seq: object) -> None:
        order = fixtures.order()
        for listing in (f"events of {order.id}", "orders"):
            forged = make_cursor(listing, (seq, str(order.id)))  # type: ignore[arg-type]
            with pytest.raises(InvalidCursor), fixtures.begin() as uow:
                uow.events.timeline(order.customer_id, order.id, CursorRequest(2, forged))

    def test_an_event_is_written_once(self, fixtures: Fixtures) -> None:
        order = fixtures.order()
        (event,) = _events(fixtures, order, 1)
        with pytest.raises(Exception, match=r"already|duplicate"), fixtures.begin() as uow:
            uow.events.add_all([event])


def _events(fixtures: Fixtures, order: Order, count: int) -> list[OrderEvent]:
    kinds = list(OrderEventKind)
    actors = [(order.customer_id, Role.CUSTOMER), (fixtures.new_id(), Role.STAFF), (None, None)]
    return [
        OrderEvent(
            fixtures.new_id(),
            *(order.customer_id, order.id, seq, kinds[seq % len(kinds)], order.status, order.total, fixtures.clock()),
            *actors[seq % 3],
            fixtures.money(seq * 10**15) if seq % 2 else None,
        )
        for seq in range(1, count + 1)
    ]
