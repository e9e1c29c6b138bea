"""What is stored about a person."""

from __future__ import annotations

from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from shop_core import Actor
from shop_core.pricing.coupons import Redemption
from shop_core.privacy import OrderRecord, PersonalData
from shop_http.schemas.accounts import AccountBody, SessionBody
from shop_http.schemas.common import Credential, Link, Timestamp
from shop_http.schemas.orders import OrderBody, OrderEventBody
from shop_http.schemas.reservations import ReservationBody


class ErasureForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """The password of the account that is erased, once more."""

    password: Credential


class OrderRedemptionBody(Struct, kw_only=True):
    """A use of a promotion by an order; `coupon_id` is that of the coupon that unlocked it."""

    promotion_id: UUID
    version: int
    coupon_id: UUID | UnsetType = UNSET
    at: Timestamp

    @classmethod
    def of(cls, redemption: Redemption) -> OrderRedemptionBody:
        """The schema of `redemption`."""
        return cls(
            promotion_id=redemption.promotion_id,
            version=redemption.version,
            coupon_id=redemption.coupon_id or UNSET,
            at=redemption.at,
        )


class OrderRecordBody(Struct, kw_only=True):
    """An order, what happened to it, and the uses of promotions that it has."""

    order: OrderBody
    events: tuple[OrderEventBody, ...]
    redemptions: tuple[OrderRedemptionBody, ...]

    @classmethod
    def of(cls, record: OrderRecord) -> OrderRecordBody:
        """The schema of `record`."""
        return cls(
            order=OrderBody.of(record.order),
            events=tuple(map(OrderEventBody.of, record.events)),
            redemptions=tuple(map(OrderRedemptionBody.of, record.redemptions)),
        )


class PersonalDataBody(Struct, kw_only=True):
    """A page of what is stored about a person. `next` is the link to the next one, null at the end."""

    account: AccountBody
    sessions: tuple[SessionBody, ...]
    orders: tuple[OrderRecordBody, ...]
    reservations: tuple[ReservationBody, ...]
    next: Link | None
    next_cursor: str | UnsetType = UNSET

    @classmethod
    def of(cls, data: PersonalData, actor: Actor, following: str | None) -> PersonalDataBody:
        """The schema of `data`, for the one who asks."""
        return cls(
            account=AccountBody.of(data.account),
            sessions=tuple(SessionBody.of(session, actor) for session in data.sessions),
            orders=tuple(map(OrderRecordBody.of, data.orders)),
            reservations=tuple(map(ReservationBody.of, data.reservations)),
            next=following,
            next_cursor=data.cursor or UNSET,
        )
