"""One side of `benchmarks.against`: places orders at each line of its input, and prints what one cost.

It runs on older commits too, so it imports little, and in functions what they do not have.
"""

from __future__ import annotations

import gc
import random
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

try:
    from benchmarks import seed_data
except ImportError:  # its name up to 5e6ee0e
    from bench.suite import seeding as seed_data  # type: ignore[import-not-found,no-redef]
from shop_adapters.ids import uuid7
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.migrate import migrate
from shop_core import SYSTEM, LineRequest, PlacementRequest, Shop

VARIANTS = ("plain", "taxed", "promoted")
"""No rules; one tax rate; one tax rate, 20 promotions, and a limited coupon in each order."""
BATCH, LINES = 64, 3
BATCHES = 10
"""In one measurement."""
PRODUCTS = 2_000
COUPON = "EVERYBODY"
"""In each order of the last variant."""


def main(url: str, variant: str) -> None:
    """Fill an empty database, then place."""
    engine = make_engine(url, connections=1, wait_s=30)
    migrate(engine, "EUR")
    seed_data.add_products(engine, 1, PRODUCTS)
    seed_data.settle(engine)
    shop = Shop(PostgresAdapters(engine, b"s" * 32))
    codes = _set_rules(shop, variant) if variant != "plain" else {}
    raw = engine.raw_connection()
    server = Path(f"/proc/{raw.driver_connection.info.backend_pid}/schedstat")  # type: ignore[union-attr]
    raw.close()
    customers = [uuid7() for _ in range(100)]
    products = [seed_data.product_id(number) for number in range(1, PRODUCTS + 1)]
    for _ in sys.stdin:
        batches = [
            [
                PlacementRequest(
                    random.choice(customers),
                    tuple(LineRequest(id_, 1) for id_ in random.sample(products, LINES)),
                    **codes,
                )
                for _ in range(BATCH)
            ]
            for _ in range(BATCHES)
        ]
        gc.collect()
        gc.freeze()  # as the server does
        python, postgresql = time.process_time_ns(), _nanoseconds(server)
        for batch in batches:
            shop.orders.place_all(batch)
        python, postgresql = time.process_time_ns() - python, _nanoseconds(server) - postgresql
        orders = BATCHES * BATCH
        print(python / orders / 1000, postgresql / orders / 1000, flush=True)


def _nanoseconds(schedstat: Path) -> int:
    """Processor time of a process so far."""
    return int(schedstat.read_text().split()[0])


def _set_rules(shop: Shop, variant: str) -> dict[str, Any]:
    """Set the rules of a variant; returns what each request then says beside its lines."""
    from benchmarks.prices import promotions
    from shop_core.pricing.model import PromotionDetails
    from shop_core.pricing.taxes import TaxRate

    shop.prices.set_tax_rates(SYSTEM, [TaxRate("standard", 1900)])
    if variant == "taxed":
        return {}
    for offer in promotions():
        details = PromotionDetails(**{each.name: getattr(offer, each.name) for each in fields(PromotionDetails)})
        promotion = shop.prices.create_promotion(SYSTEM, details).promotion
    shop.prices.create_coupons(SYSTEM, promotion.id, code=COUPON, uses_max=1_000_000)
    return {"coupons": (COUPON,)}


if __name__ == "__main__":
    main(*sys.argv[1:])
