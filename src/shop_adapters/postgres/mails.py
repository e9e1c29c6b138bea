"""Mails that are still to be sent, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from shop_adapters.postgres.arrays import columns
from shop_adapters.postgres.database import Row, Transaction
from shop_adapters.postgres.queue_table import QueueTable, statements_about
from shop_core.mail.model import Mail, MailKind
from shop_core.pagination import OffsetRequest, Page
from shop_core.ports import Queued

# A mail is due at once, whatever the clocks say; see the outbox.
_ADD = text("""
INSERT INTO mails (id, kind, at, account_id, address, order_id, due_at, attempts, error, is_dead)
SELECT *, 'epoch', 0, '', false FROM unnest(
    CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:times AS timestamptz[]), CAST(:account_ids AS uuid[]),
    CAST(:addresses AS text[]), CAST(:order_ids AS uuid[])
)
ON CONFLICT DO NOTHING
""")
_TAKE = text("""
WITH taken AS (
    SELECT id FROM mails
    WHERE NOT is_dead AND due_at <= :now
    ORDER BY due_at, id
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
)
UPDATE mails SET due_at = :hidden_until
FROM taken
WHERE mails.id = taken.id
RETURNING mails.id, kind, at, account_id, address, order_id, attempts, error
""")
_DEAD = text("""
SELECT id, kind, at, account_id, address, order_id, attempts, error
FROM mails
WHERE is_dead
ORDER BY id
LIMIT :limit OFFSET :offset
""")
_ERASE = text("""
DELETE FROM mails
WHERE account_id = :account_id OR (account_id IS NULL AND address = :address AND address <> '')
""")
_STATEMENTS = statements_about("mails", "id")


class PostgresMails(QueueTable):
    """See `shop_core.ports.Mails`."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction, _STATEMENTS)

    def add_all(self, mails: Sequence[Mail]) -> None:
        if mails:
            self._transaction.run(_ADD, columns(_ADD, map(_row, mails)))

    def erase_all(self, account_id: UUID, address: str) -> None:
        self._transaction.run(_ERASE, {"account_id": account_id, "address": address})

    def take(self, now: datetime, limit: int, hidden_for: timedelta) -> list[Queued[Mail]]:
        rows = self._transaction.run(_TAKE, {"now": now, "limit": limit, "hidden_until": now + hidden_for})
        return sorted(map(_queued, rows), key=lambda queued: queued.event.id)

    def dead(self, page_request: OffsetRequest) -> Page[Queued[Mail]]:
        rows = self._transaction.run(_DEAD, {"limit": page_request.limit, "offset": page_request.offset})
        return Page(tuple(map(_queued, rows)), count=self.count_all_dead())


def _row(mail: Mail) -> Sequence[object]:
    return mail.id, mail.kind, mail.at, mail.account_id, mail.address, mail.order_id


def _queued(row: Row) -> Queued[Mail]:
    mail = Mail(row.id, MailKind(row.kind), row.at, row.account_id, row.address, row.order_id)
    return Queued(mail, row.attempts, row.error)
