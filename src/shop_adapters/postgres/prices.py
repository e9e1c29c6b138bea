"""Promotions, coupons, their uses, and tax rates in PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

import psycopg
from sqlalchemy import text

from shop_adapters.postgres.arrays import Array, Texts, Uuids, columns
from shop_adapters.postgres.catalog_version import CatalogVersion, StampedVersion
from shop_adapters.postgres.database import UNIQUE, Row, Transaction
from shop_adapters.postgres.promotion_rows import columns_of, promotion_of
from shop_core.errors import CouponCodeTaken, Refusal
from shop_core.pagination import OffsetRequest, Page
from shop_core.pricing.coupons import Coupon, CouponEntry, Redemption
from shop_core.pricing.model import Promotion, PromotionEntry
from shop_core.pricing.rules import Rules, Uses
from shop_core.pricing.taxes import TaxRate
from shop_core.times import FIRST

_VERSION = """
version.promotion_id, version.version, version.label, version.starts_at, version.ends_at, version.needs_coupon,
version.combines, version.uses_max, version.customer_uses_max, version.terms
"""
_LIVE = text(f"""
SELECT {_VERSION}
FROM promotions AS promotion
JOIN promotion_versions AS version
  ON version.promotion_id = promotion.id AND version.version = promotion.version
WHERE promotion.withdrawn_at IS NULL
ORDER BY promotion.id
""")
_TAX_RATES = text("""
SELECT tax_class, rate, valid_from FROM tax_rates ORDER BY tax_class, valid_from
""")
_ENTRIES = f"""
SELECT {_VERSION}, used.uses
FROM promotions AS promotion
JOIN promotion_versions AS version
  ON version.promotion_id = promotion.id AND version.version = promotion.version
JOIN promotion_uses AS used ON used.id = promotion.id
WHERE promotion.withdrawn_at IS NULL
"""
_ENTRY = text(f"""{_ENTRIES}
AND promotion.id = :promotion_id
""")
_PAGE = text(f"""{_ENTRIES}
ORDER BY promotion.id DESC
LIMIT :limit OFFSET :offset
""")
_COUNT = text("""
SELECT count(*) FROM promotions WHERE withdrawn_at IS NULL
""")
_VERSIONS = text(f"""
SELECT {_VERSION}
FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS integer[])) AS agreed (id, version)
JOIN promotion_versions AS version ON version.promotion_id = agreed.id AND version.version = agreed.version
""")
_ADD = text("""
INSERT INTO promotions (id, version) VALUES (:id, :version)
""")
_SET_VERSION = text("""
UPDATE promotions SET version = :version WHERE id = :id
""")
_WITHDRAW = text("""
UPDATE promotions SET withdrawn_at = clock_timestamp() WHERE id = :id
""")
_ADD_VERSION = text("""
INSERT INTO promotion_versions
    (promotion_id, version, label, starts_at, ends_at, needs_coupon, combines, uses_max, customer_uses_max, terms)
VALUES
    (:id, :version, :label, :starts_at, :ends_at, :needs_coupon, :combines, :uses_max, :customer_uses_max,
     CAST(:terms AS jsonb))
""")
_ADD_COUPONS = text("""
INSERT INTO coupons (id, promotion_id, code, created_at, uses_max, customer_uses_max)
SELECT * FROM unnest(
    CAST(:ids AS uuid[]), CAST(:promotion_ids AS uuid[]), CAST(:codes AS text[]), CAST(:created_at AS timestamptz[]),
    CAST(:uses_max AS integer[]), CAST(:customer_uses_max AS integer[])
)
""")
_COUPONS_BY_CODE = text("""
SELECT id, promotion_id, code, created_at, uses_max, customer_uses_max
FROM coupons
WHERE code = ANY (CAST(:codes AS text[]))
""")
_COUPONS = text("""
SELECT coupon.id, coupon.promotion_id, coupon.code, coupon.created_at, coupon.uses_max, coupon.customer_uses_max,
       used.uses
FROM coupons AS coupon
JOIN promotion_uses AS used ON used.id = coupon.id
WHERE coupon.promotion_id = :promotion_id
ORDER BY coupon.promotion_id DESC, coupon.id DESC
LIMIT :limit OFFSET :offset
""")
_COUPONS_ADDED_WITH = text("""
SELECT coupon.id, coupon.promotion_id, coupon.code, coupon.created_at, coupon.uses_max, coupon.customer_uses_max,
       used.uses
FROM coupons AS first
JOIN coupons AS coupon ON coupon.promotion_id = first.promotion_id AND coupon.created_at = first.created_at
JOIN promotion_uses AS used ON used.id = coupon.id
WHERE first.id = :coupon_id AND coupon.id >= first.id
ORDER BY coupon.id
LIMIT :count
""")
_COUNT_COUPONS = text("""
SELECT count(*) FROM coupons WHERE promotion_id = :promotion_id
""")
_ADD_USES = text("""
INSERT INTO promotion_uses (id, uses, uses_max)
SELECT id, 0, uses_max FROM unnest(CAST(:ids AS uuid[]), CAST(:uses_max AS integer[])) AS new (id, uses_max)
""")
_LIMIT_USES = text("""
UPDATE promotion_uses SET uses_max = :uses_max WHERE id = :id
""")
# The time of the last row is one after all locks, as with stock.
_LOCK_USES = text("""
WITH locked AS (
    SELECT id, uses, uses_max FROM promotion_uses WHERE id = ANY (CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE
)
SELECT id, uses, uses_max, clock_timestamp() AS time FROM locked
""")
_READ_USES = text("""
SELECT id, uses, uses_max FROM promotion_uses WHERE id = ANY (CAST(:ids AS uuid[]))
""")
_USES_OF_CUSTOMERS = text("""
SELECT redemption.customer_id, used.id, count(*) AS uses
FROM redemptions AS redemption,
LATERAL (VALUES (redemption.promotion_id), (redemption.coupon_id)) AS used (id)
WHERE redemption.customer_id = ANY (CAST(:customer_ids AS uuid[])) AND redemption.given_back_at IS NULL
  AND used.id = ANY (CAST(:ids AS uuid[]))
GROUP BY redemption.customer_id, used.id
""")
_COUNT_USES = text("""
UPDATE promotion_uses AS used
SET uses = used.uses + change.uses
FROM unnest(CAST(:used_ids AS uuid[]), CAST(:uses AS integer[])) AS change (id, uses)
WHERE used.id = change.id
""")
_REDEEM = text("""
INSERT INTO redemptions (customer_id, order_id, promotion_id, version, coupon_id, at)
SELECT unnest(CAST(:customer_ids AS uuid[])), unnest(CAST(:order_ids AS uuid[])),
       unnest(CAST(:promotion_ids AS uuid[])), unnest(CAST(:versions AS integer[])),
       unnest(CAST(:coupon_ids AS uuid[])), unnest(CAST(:at AS timestamptz[]))
""")
_GIVE_BACK = text("""
UPDATE redemptions AS redemption
SET given_back_at = :now
FROM unnest(CAST(:customer_ids AS uuid[]), CAST(:order_ids AS uuid[]), CAST(:promotion_ids AS uuid[]))
    AS returned (customer_id, order_id, promotion_id)
WHERE redemption.customer_id = returned.customer_id AND redemption.order_id = returned.order_id
  AND redemption.promotion_id = returned.promotion_id
""")
_FORGET_GIVEN_BACK = text("""
DELETE FROM redemptions AS redemption
USING unnest(CAST(:customer_ids AS uuid[]), CAST(:order_ids AS uuid[]), CAST(:promotion_ids AS uuid[]))
    AS again (customer_id, order_id, promotion_id)
WHERE redemption.customer_id = again.customer_id AND redemption.order_id = again.order_id
  AND redemption.promotion_id = again.promotion_id AND redemption.given_back_at IS NOT NULL
""")
_REDEEM_AND_COUNT = text(f"WITH redeemed AS ({_REDEEM.text}) {_COUNT_USES.text}")
_GIVE_BACK_AND_COUNT = text(f"WITH given_back AS ({_GIVE_BACK.text}) {_COUNT_USES.text}")
_REDEEMED = text("""
SELECT customer_id, order_id, promotion_id, version, coupon_id, at, given_back_at
FROM redemptions
WHERE customer_id = :customer_id AND order_id = :order_id AND given_back_at IS NULL
""")
_REDEMPTIONS = text("""
SELECT customer_id, order_id, promotion_id, version, coupon_id, at, given_back_at
FROM redemptions
WHERE promotion_id = :promotion_id
ORDER BY promotion_id DESC, order_id DESC
LIMIT :limit OFFSET :offset
""")
_COUNT_REDEMPTIONS = text("""
SELECT count(*) FROM redemptions WHERE promotion_id = :promotion_id
""")
_SET_TAX_RATES = text("""
INSERT INTO tax_rates (tax_class, valid_from, rate)
SELECT * FROM unnest(CAST(:classes AS text[]), CAST(:valid_from AS timestamptz[]), CAST(:rates AS integer[]))
ON CONFLICT (tax_class, valid_from) DO UPDATE SET rate = excluded.rate WHERE tax_rates.rate <> excluded.rate
RETURNING tax_class
""")

COUPONS_KEPT_MAX = 10_000


class RulesCache:
    """The rules of one version of the catalog, in this process.

    Attributes:
        kept: the version, its rules, and coupons by their codes: these never change. Nothing in it is changed, it is
            replaced as one, so that threads may share it.
    """

    def __init__(self, *, includes_tax: bool) -> None:
        self.includes_tax = includes_tax
        self.kept: tuple[StampedVersion | None, Rules, dict[str, Coupon]] = (None, Rules(), {})


class PostgresPrices:
    """See `shop_core.ports.Prices`."""

    def __init__(self, transaction: Transaction, currency: str, version: CatalogVersion, cache: RulesCache) -> None:
        self._transaction, self._currency = transaction, currency
        self._version, self._cache = version, cache

    def rules(self, *, anew: bool = False) -> Rules:
        version = (None if anew else self._version.seen) or self._version.read_with_stamp()
        kept, rules, _ = self._cache.kept
        if version != kept or self._version.is_changed:
            rules = self._read_rules()
            if not self._version.is_changed:  # what only this unit of work sees yet is not for others
                self._cache.kept = version, rules, {}
        return rules

    def _read_rules(self) -> Rules:
        run = self._transaction.run
        promotions = tuple(promotion_of(row, self._currency) for row in run(_LIVE))
        rates = tuple(TaxRate(row.tax_class, row.rate, row.valid_from) for row in run(_TAX_RATES))
        return Rules(self._cache.includes_tax, promotions, rates)

    def lock_count(self) -> int:
        self._version.lock()
        return cast("int", self._transaction.value(_COUNT))

    def add_promotion(self, promotion: Promotion) -> None:
        self._version.change()
        self._transaction.run(_ADD, {"id": promotion.id, "version": promotion.version})
        self._transaction.run(_ADD_VERSION, columns_of(promotion))
        self._add_uses([promotion])

    def promotion(self, promotion_id: UUID) -> PromotionEntry | None:
        row = self._transaction.one(_ENTRY, {"promotion_id": promotion_id})
        return self._entry(row) if row else None

    def lock_promotion(self, promotion_id: UUID) -> PromotionEntry | None:
        self.uses([promotion_id], [], lock=True)
        return self.promotion(promotion_id)

    def update_promotion(self, promotion: Promotion) -> None:
        self._version.change()
        self._transaction.run(_SET_VERSION, {"id": promotion.id, "version": promotion.version})
        self._transaction.run(_ADD_VERSION, columns_of(promotion))
        self._transaction.run(_LIMIT_USES, {"id": promotion.id, "uses_max": promotion.uses_max})

    def withdraw_promotion(self, promotion_id: UUID) -> None:
        self._version.change()
        self._transaction.run(_WITHDRAW, {"id": promotion_id})

    def promotions(self, page_request: OffsetRequest) -> Page[PromotionEntry]:
        rows = self._transaction.run(_PAGE, {"limit": page_request.limit, "offset": page_request.offset})
        return Page(tuple(map(self._entry, rows)), self._transaction.value(_COUNT))

    def versions(self, ids: Iterable[tuple[UUID, int]]) -> list[Promotion]:
        if not (agreed := list(ids)):
            return []
        return [
            promotion_of(row, self._currency) for row in self._transaction.run(_VERSIONS, columns(_VERSIONS, agreed))
        ]

    def add_coupons(self, coupons: Sequence[Coupon]) -> None:
        def refusal(state: str, diagnostic: psycopg.errors.Diagnostic) -> Refusal | None:
            taken = [coupon.code for coupon in coupons if f"({coupon.code})" in (diagnostic.message_detail or "")]
            return CouponCodeTaken(taken[0] if taken else coupons[0].code) if state == UNIQUE else None

        rows = [(c.id, c.promotion_id, c.code, c.created_at, c.uses_max, c.customer_uses_max) for c in coupons]
        self._transaction.run(_ADD_COUPONS, columns(_ADD_COUPONS, rows), refusal)
        self._add_uses(coupons)

    def coupons_by_code(self, codes: Iterable[str]) -> dict[str, Coupon]:
        codes, (version, rules, known) = list(codes), self._cache.kept
        found = {code: known[code] for code in codes if code in known}
        if unknown := Texts([code for code in codes if code not in found]):
            rows = self._transaction.run(_COUPONS_BY_CODE, {"codes": unknown})
            read = {row.code: Coupon(*row) for row in rows}
            found |= read
            self._cache.kept = version, rules, known | read if len(known) + len(read) <= COUPONS_KEPT_MAX else read
        return found

    def coupons(self, promotion_id: UUID, page_request: OffsetRequest) -> Page[CouponEntry]:
        of = {"promotion_id": promotion_id}
        rows = self._transaction.run(_COUPONS, of | {"limit": page_request.limit, "offset": page_request.offset})
        return Page(tuple(map(_coupon, rows)), self._transaction.value(_COUNT_COUPONS, of))

    def coupons_added_with(self, coupon_id: UUID, count: int) -> list[CouponEntry]:
        rows = self._transaction.run(_COUPONS_ADDED_WITH, {"coupon_id": coupon_id, "count": count})
        return [_coupon(row) for row in rows]

    def uses(self, ids: Iterable[UUID], customer_ids: Iterable[UUID], *, lock: bool) -> Uses:
        used = Uuids(self._transaction.lock_order.enter("uses", ids) if lock else ids)
        if not used:
            return Uses()
        rows = self._transaction.run(_LOCK_USES if lock else _READ_USES, {"ids": used})
        total = {row.id: row.uses for row in rows}
        limits = {row.id: row.uses_max for row in rows if row.uses_max is not None}
        if lock and rows:
            self._transaction.note_time(rows[-1].time)
        customers = Uuids(customer_ids)
        if not customers:
            return Uses(total, limits=limits)
        # In a statement of its own: the one before does not see what was committed while it waited.
        rows = self._transaction.run(_USES_OF_CUSTOMERS, {"customer_ids": customers, "ids": used})
        return Uses(total, {(row.customer_id, row.id): row.uses for row in rows}, limits)

    def redeem(self, redemptions: Sequence[Redemption]) -> None:
        if not redemptions:
            return
        # An order that is edited is locked, and may have given the same use back before. A new one is not.
        new = self._transaction.lock_order.unlocked("orders", [each.order_id for each in redemptions])
        if len(new) < len(redemptions):
            again = columns(_FORGET_GIVEN_BACK, [each[:3] for each in redemptions])
            self._transaction.run(_FORGET_GIVEN_BACK, again)
        written = columns(_REDEEM, [each[:6] for each in redemptions])
        self._transaction.run(_REDEEM_AND_COUNT, written | self._counted(redemptions, +1))

    def give_back(self, redemptions: Sequence[Redemption], now: datetime) -> None:
        if redemptions:
            returned = columns(_GIVE_BACK, [each[:3] for each in redemptions])
            counted = self._counted(redemptions, -1)
            self._transaction.run(_GIVE_BACK_AND_COUNT, {**returned, **counted, "now": now})

    def redeemed(self, customer_id: UUID, order_id: UUID) -> list[Redemption]:
        rows = self._transaction.run(_REDEEMED, {"customer_id": customer_id, "order_id": order_id})
        return [Redemption(*row) for row in rows]

    def redemptions(self, promotion_id: UUID, page_request: OffsetRequest) -> Page[Redemption]:
        of = {"promotion_id": promotion_id}
        rows = self._transaction.run(_REDEMPTIONS, of | {"limit": page_request.limit, "offset": page_request.offset})
        return Page(tuple(Redemption(*row) for row in rows), self._transaction.value(_COUNT_REDEMPTIONS, of))

    def set_tax_rates(self, rates: Sequence[TaxRate]) -> None:
        if rates:  # a key cannot be NULL: FIRST stands for None, which `TaxRate` makes of it again
            # Sorted, as an upsert locks row by row: two in opposite orders would wait for each other.
            rows = sorted((rate.tax_class, rate.valid_from or FIRST, rate.basis_points) for rate in rates)
            if self._transaction.run(_SET_TAX_RATES, columns(_SET_TAX_RATES, rows)):
                self._version.change()

    def _add_uses(self, of: Sequence[Promotion] | Sequence[Coupon]) -> None:
        self._transaction.run(_ADD_USES, columns(_ADD_USES, [(each.id, each.uses_max) for each in of]))

    def _counted(self, redemptions: Sequence[Redemption], uses: int) -> dict[str, Array]:
        """By how much each counter changes; they are locked."""
        counted = Counter([used_id for redemption in redemptions for used_id in redemption.used_ids])
        if self._transaction.lock_order.unlocked("uses", counted):
            self.uses(counted, (), lock=True)
        return columns(_COUNT_USES, [(used_id, uses * number) for used_id, number in counted.items()])

    def _entry(self, row: Row) -> PromotionEntry:
        return PromotionEntry(promotion_of(row, self._currency), row.uses)


def _coupon(row: Row) -> CouponEntry:
    *coupon, uses = row
    return CouponEntry(Coupon(*coupon), uses)
