"""Clients that mean harm, a few of each kind. `make verify ONLY=hostile_clients` plays with thousands."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from verification.heavy_requests import beside_an_unread_log
from verification.hostile_clients import Flood, health_in_a_flood
from verification.shop_process import free_port

from http_servers import serving


def test_a_health_check_is_answered_in_a_flood_of_connections(own_shop: dict[str, str]) -> None:
    few = {"SHOP_HTTP_CONNECTIONS": "30", "SHOP_HTTP_CONNECTIONS_PER_CLIENT": "20", "SHOP_WORKERS": "1"}
    few["SHOP_HEALTH_PORT"] = str(apart := free_port())
    flood = Flood(idle=30, writers=30, readers=5)
    with serving(env=own_shop | few) as (url, _):
        for health_port in (apart, None):
            health = health_in_a_flood(urlsplit(url).port or 0, flood, seconds=1, health_port=health_port)
            assert health.findings == []
            assert health.checks > 0


def test_a_log_that_nobody_reads_holds_up_no_request(own_shop: dict[str, str]) -> None:
    """A pipe takes some 270 lines."""
    with serving(env=own_shop | {"SHOP_LOG_LEVEL": "info", "SHOP_WORKERS": "1"}) as (url, _):
        outcome = asyncio.run(beside_an_unread_log(urlsplit(url).port or 0, 600))
    assert outcome.findings == []
