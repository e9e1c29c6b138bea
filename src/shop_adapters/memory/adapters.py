"""The whole of it: one choice for every port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from shop_adapters.clock import system_clock
from shop_adapters.ids import uuid7
from shop_adapters.media.memory import MemoryMedia
from shop_adapters.memory.store import Store
from shop_adapters.memory.transaction import Transaction
from shop_adapters.memory.unit_of_work import MemoryUnitOfWork
from shop_adapters.passwords import ScryptPasswords
from shop_adapters.revocations import MemoryRevocations
from shop_adapters.tokens import OpaqueTokens
from shop_core.ports import Clock, ImageEncoder, Media, NewId, PasswordHasher, Tokens, UnitOfWork

_SCRYPT_N = 2**4  # next to nothing: a hash protects what is stored somewhere, and this is stored nowhere


class MemoryAdapters:
    """A shop in memory: nothing to install, nothing to clean up. It forgets everything with the process.

    Not a mock: units of work are isolated as in PostgreSQL (READ COMMITTED, row locks, unique keys that wait), roll
    back, and refuse in the same way. Threads may share one. The same contract suite tests both.

    Python's garbage collector traverses everything that a large shop remembers. Call `gc.freeze()` once the catalog is
    loaded, and `gc.set_threshold(50_000, 50, 50)`: that places about a third more orders.

    Passwords are hashed at a cost of next to nothing unless you bring a hasher: the hashes live as long as the process.

    Args:
        currency: the one currency of the shop, an ISO 4217 code.
        clock: the time, of the shop and of what it stores; by default the real one.
        new_id: makes UUIDv7s; by default from time and randomness.
        passwords: by default scrypt, cheap.
        tokens: by default opaque ones, remembered in memory.
        has_mail: whether customers get mails.
        includes_tax: whether prices are gross; if not, taxes are added to them.
        media: where pictures are kept; by default in memory.
        image_encoder: makes the files of pictures, e.g. `shop_adapters.media.encoder.PictureProcess`, which needs
            Pillow. Without one no picture can be added.
        lock_timeout_s: how long to wait for rows that another unit of work has locked, in seconds; then Busy.
        mutex: the condition on which units of work wait for each other; a test scheduler passes its own. See
            `verification.exploration`.

    >>> from shop_core import OffsetRequest, ProductQuery, Shop
    >>> Shop(MemoryAdapters()).catalog.products(ProductQuery(), OffsetRequest()).count
    0
    """

    def __init__(
        self,
        currency: str = "EUR",
        clock: Clock | None = None,
        new_id: NewId | None = None,
        passwords: PasswordHasher | None = None,
        tokens: Tokens | None = None,
        *,
        includes_tax: bool = True,
        has_mail: bool = False,
        media: Media | None = None,
        image_encoder: ImageEncoder | None = None,
        lock_timeout_s: float = 10,
        mutex: Condition | None = None,
    ) -> None:
        self.currency = currency
        self._includes_tax = includes_tax
        self.has_mail = has_mail
        self.media: Media | None = media or MemoryMedia()
        self.image_encoder = image_encoder
        self.clock: Clock = clock or system_clock
        self.new_id: NewId = new_id or uuid7
        self.passwords: PasswordHasher = passwords or ScryptPasswords(_SCRYPT_N)
        self.tokens: Tokens = tokens or OpaqueTokens()
        self.new_revocations = MemoryRevocations
        self._store = Store(lock_timeout_s, self.clock, mutex)

    def snapshot(self) -> int:
        """A token of all that is committed: another one after every unit of work."""
        with self._store.mutex:
            return self._store.commits

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Open a unit of work: committed at the end of the `with` block, rolled back on any exception.

        Raises:
            RuntimeError: inside, a statement was refused and the block went on; nothing was committed.
        """
        transaction = Transaction(self._store)
        try:
            yield MemoryUnitOfWork(transaction, self._includes_tax, self.has_mail)
            transaction.commit()
        finally:
            transaction.close()
