"""Accounts can be erased: their tokens stay for an hour without them, and an event tells it

Revision ID: 0014
Revises: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"

_KINDS = "kind IN ('reservation_expired', 'stock_short', 'account_erased')"


def upgrade() -> None:
    op.drop_constraint(op.f("refresh_tokens_account_id_fkey"), "refresh_tokens", type_="foreignkey")
    op.drop_constraint(op.f("stock_events_kind_known"), "stock_events", type_="check")
    op.create_check_constraint(op.f("stock_events_kind_known"), "stock_events", _KINDS)
    op.create_table_comment(
        "stock_events", "Facts that no order tells, about stock and accounts; rows are added, never changed."
    )
    op.create_table_comment(
        "order_events", "The timelines of orders; rows are added, never changed, but for the erasure of reasons."
    )
