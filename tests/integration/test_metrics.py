"""/metrics of a real server: two workers that answer as one, and nothing for who may not see it."""

from __future__ import annotations

import re

import httpx

from http_client import API, Server, new_product, order_of, staff_and_customer, wait_until
from http_servers import serving

TOKEN = "the token of the scraper"
REQUESTS = 40


def figure(page: str, name: str, **labels: str) -> float:
    """The sum of the series of this name that have these labels; 0 if there is none."""
    return sum(
        float(value)
        for found, labelled, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", page, re.MULTILINE)
        if found == name and labels.items() <= dict(re.findall(r'(\w+)="([^"]*)"', labelled)).items()
    )


def test_two_workers_add_up_to_one_shop(own_shop: dict[str, str]) -> None:
    with serving(env=own_shop | {"SHOP_METRICS": "public", "SHOP_WORKERS": "2"}) as (url, _):
        ids = set()
        for number in range(REQUESTS):  # a connection each, so that both workers get some
            for path in (f"{API}/products", f"/nowhere/{number}"):
                ids.add(httpx.get(f"{url}{path}", trust_env=False).headers["x-request-id"])
        assert len(ids) == 2 * REQUESTS, "no two workers give a request the same id"
        with staff_and_customer(url) as (staff, customer):
            lamp, keyed = new_product(staff, stock=3), {"Idempotency-Key": "k-1"}
            statuses = [
                customer.post("/orders", json=order_of((lamp, units)), headers=headers).status_code
                for units, headers in ((1, keyed), (1, keyed), (900, {}))
            ]
            assert statuses == [201, 201, 409]
            held = order_of((lamp, 1)) | {"ttl_seconds": 1}
            assert customer.post("/reservations", json=held).status_code == 201
        expected = {"shop_reservations_expired_total": 1, "shop_batcher_requests_total": 4}

        def metrics() -> str:
            return httpx.get(f"{url}/metrics", trust_env=False).text

        # The order batcher and the sweeper tell a second later.
        wait_until(lambda: all(figure(metrics(), name) == value for name, value in expected.items()))
        page = metrics()
    where = {"method": "GET", "route": f"{API}/products"}
    assert figure(page, "shop_requests_total", **where, status="200") == REQUESTS
    assert figure(page, "shop_request_duration_seconds_count", **where) == REQUESTS
    assert figure(page, "shop_request_duration_seconds_bucket", **where, le="+Inf") == REQUESTS
    assert figure(page, "shop_requests_total", route="none", status="404") == REQUESTS
    assert "/nowhere" not in page
    assert figure(page, "shop_refusals_total", code="insufficient_stock") == 1
    assert figure(page, "shop_replays_total") == 1
    assert 1 <= figure(page, "shop_batcher_batches_total") <= 4
    assert figure(page, "shop_pool_connections_max") == 2 * 8
    for name in (
        "shop_faults_total",
        "shop_batcher_waiting",
        "shop_pool_connections_in_use",
        "shop_outbox_waiting",
        "shop_outbox_dead",
    ):
        assert f"\n{name} " in page
    assert len(page.splitlines()) < 1_000


def test_the_metrics_are_for_who_has_the_token(own_shop: dict[str, str]) -> None:
    with serving(env=own_shop | {"SHOP_METRICS_TOKEN": TOKEN.replace(" ", "-")}) as (url, _):
        answers = [
            httpx.get(f"{url}/metrics", trust_env=False, headers={"Authorization": sent} if sent else {})
            for sent in ("", f"Bearer {TOKEN}", f"Bearer {TOKEN.replace(' ', '-')}")
        ]
    assert [answer.status_code for answer in answers] == [401, 401, 200]
    assert all("shop_requests" not in answer.text for answer in answers[:2])
    assert "shop_requests_total" in answers[2].text


def test_there_are_no_metrics_unless_they_are_asked_for(postgres_server: Server) -> None:
    assert httpx.get(f"{postgres_server.url}/metrics", trust_env=False).status_code == 404
