"""What needs hands today."""

from __future__ import annotations

import htpy as h

from shop_core import OffsetRequest, OrderQuery, OrderStatus
from shop_http.pages.handlers import StaffRequest, page
from shop_http.pages.layout import Screen
from shop_http.server.worker_pools import Pool


@page("/", pool=Pool.SLOW)
def show_today(request: StaffRequest) -> Screen:
    """How many orders wait for what."""
    return Screen(
        "Today",
        h.div(".cards")[
            _waiting(request, OrderStatus.PLACED, "Orders to confirm"),
            _waiting(request, OrderStatus.CONFIRMED, "Orders to ship"),
        ],
    )


def _waiting(request: StaffRequest, status: OrderStatus, heading: str) -> h.Element:
    count = request.shop.orders.find(request.actor, OrderQuery(status=status), OffsetRequest(limit=1)).count
    return h.section(".card")[
        h.h2[heading],
        h.p(".figure")[str(count)],
        h.a(href=f"/staff/orders?status={status}")["Show them"],
    ]


ROUTES = (show_today,)
