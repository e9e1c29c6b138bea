"""The facade: one object with everything a shop can do."""

from __future__ import annotations

from datetime import datetime

from shop_core.accounts.passwords import IsBreached, never_breached
from shop_core.accounts.service import AccountService
from shop_core.accounts.session_service import SessionService
from shop_core.accounts.sessions import SessionLives
from shop_core.catalog.family_service import FamilyService
from shop_core.catalog.image_service import ImageService
from shop_core.catalog.service import CatalogService
from shop_core.inventory.service import InventoryService
from shop_core.mail.service import MailService
from shop_core.orders.service import OrderService
from shop_core.outbox import OutboxService
from shop_core.ports import Adapters, Discrepancy
from shop_core.pricing.service import PricingService
from shop_core.privacy import PrivacyService
from shop_core.reservations.model import ReservationLimits
from shop_core.reservations.service import ReservationService
from shop_core.retention import RetentionService


class Shop:
    """A shop, on the adapters of your choice. Each of its services has the operations of one feature.

        catalog families images     products and categories, variants of one product, pictures
        inventory reservations      stock and its ledger, units held for a time
        orders prices               orders and their life; promotions, coupons, taxes and quotes
        accounts sessions           who there is and what role they have; logins and tokens
        privacy retention           what is stored of a person, erasure, what is kept for too long
        outbox mails                events for others, mails for customers

    Args:
        adapters: storage, clock, ids, passwords and tokens.
        limits: how much one customer may have reserved at once.
        is_breached: whether a password has leaked, so that it may not be set; by default none has.
        lives: how long a session may be idle.

    >>> from shop_adapters.memory import MemoryAdapters
    >>> shop = Shop(MemoryAdapters())
    >>> shop.audit()
    []
    """

    def __init__(
        self,
        adapters: Adapters,
        limits: ReservationLimits | None = None,
        is_breached: IsBreached = never_breached,
        lives: SessionLives | None = None,
    ) -> None:
        begin, clock, new_id = adapters.begin, adapters.clock, adapters.new_id
        self.currency, self.clock = adapters.currency, clock
        passwords, tokens, revocations = adapters.passwords, adapters.tokens, adapters.new_revocations()
        self.mails = MailService(begin, clock, new_id, tokens, has_mail=adapters.has_mail)
        self.accounts = AccountService(
            begin, clock, new_id, passwords, tokens, revocations, is_breached, has_mail=adapters.has_mail
        )
        self.sessions = SessionService(begin, clock, new_id, passwords, tokens, revocations, lives or SessionLives())
        self.privacy = PrivacyService(begin, new_id, passwords, tokens, revocations)
        self.retention = RetentionService(begin, new_id, revocations)
        self.catalog = CatalogService(begin, clock, new_id, adapters.currency)
        self.families = FamilyService(begin, new_id)
        self.images = ImageService(begin, clock, new_id, adapters.media, adapters.image_encoder)
        self.prices = PricingService(begin, clock, new_id, adapters.currency)
        self.inventory = InventoryService(begin, new_id)
        self.reservations = ReservationService(begin, new_id, limits or ReservationLimits())
        self.orders = OrderService(begin, new_id)
        self.outbox = OutboxService(begin, clock)
        self._begin = begin

    def now(self) -> datetime:
        """The time on the one clock of the store, by which stock goes, however wrong that of this process is.

        Raises:
            Unavailable: the store cannot be reached in time.
        """
        with self._begin() as unit_of_work:
            return unit_of_work.now()

    def audit(self) -> list[Discrepancy]:
        """All records that contradict each other: counters and ledger, orders and lines ... It repairs nothing.

        Pictures, too: products that name files which are not there. Raises Unavailable: their store cannot be reached.
        """
        with self._begin() as uow:
            found = uow.audit()
        return found + self.images.missing()
