"""Slow, salted password hashes: argon2id and scrypt."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shop_core.errors import Unavailable

if TYPE_CHECKING:
    from argon2 import PasswordHasher as Argon2Hasher

_NO_MEMORY = "Memory allocation error"  # argon2-cffi has one exception for this and for broken hashes


def _encoded(password: str) -> bytes:
    """The bytes to hash: composed (NFC), as keyboards differ in how they send an é; any str at all has some."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


class Argon2Passwords:
    """argon2id with what OWASP's Password Storage Cheat Sheet recommends: 19 MiB, 2 passes, parallelism 1. Some 20 ms.

    Needs the extra `auth`. A hash takes its memory while it runs: limit how many run at once.

    Args:
        memory_kib: memory for one hash.
        passes: over that memory.
        parallelism: threads that one hash may use.
    """

    def __init__(self, *, memory_kib: int = 19 * 1024, passes: int = 2, parallelism: int = 1) -> None:
        from argon2 import PasswordHasher as Argon2Hasher  # here, so that scrypt needs no installation

        self._hasher: Argon2Hasher = Argon2Hasher(time_cost=passes, memory_cost=memory_kib, parallelism=parallelism)
        self._nobody = self._hasher.hash(secrets.token_bytes(16))

    def hash(self, password: str) -> str:
        """The hash to store, with its salt and parameters.

        Raises:
            Unavailable: there is not enough memory at the moment.
        """
        from argon2.exceptions import HashingError

        try:
            return self._hasher.hash(_encoded(password))
        except HashingError as failed:
            raise Unavailable("Passwords cannot be hashed at the moment.") from failed

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether `password` made the hash. With None, or another kind of hash: False, after as much work.

        Raises:
            Unavailable: there is not enough memory at the moment.
        """
        from argon2.exceptions import VerificationError, VerifyMismatchError

        try:
            matches = self._hasher.verify(password_hash or self._nobody, _encoded(password))
        except VerifyMismatchError:
            return False
        except (VerificationError, ValueError) as failed:
            if str(failed) == _NO_MEMORY:
                raise Unavailable("Passwords cannot be checked at the moment.") from failed
            return self.verify(None, password)  # it is no argon2 hash
        return matches and bool(password_hash)

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's, or in another way."""
        from argon2.exceptions import InvalidHashError

        try:
            return self._hasher.check_needs_rehash(password_hash)
        except InvalidHashError:
            return True


@dataclass(frozen=True, slots=True)
class _Scrypt:
    """A scrypt hash (RFC 7914) in its parts, and as the text `$scrypt$ln=14,r=8,p=1$salt$key`."""

    log_n: int
    salt: bytes
    key: bytes

    _R = 8
    _TEXT = re.compile(r"\$scrypt\$ln=([1-9]|1[0-9]|2[0-4]),r=8,p=1\$([\w+/]{22}==)\$([\w+/]{43}=)", re.ASCII)

    @classmethod
    def of(cls, password: str, log_n: int, salt: bytes) -> _Scrypt:
        n = 1 << log_n
        memory = 2 * 128 * cls._R * n + 1_000_000  # twice what it takes: OpenSSL refuses at its own default
        key = hashlib.scrypt(_encoded(password), salt=salt, n=n, r=cls._R, p=1, maxmem=memory, dklen=32)
        return cls(log_n, salt, key)

    @classmethod
    def parse(cls, text: str) -> _Scrypt | None:
        match = cls._TEXT.fullmatch(text)
        return match and cls(int(match[1]), base64.b64decode(match[2]), base64.b64decode(match[3]))

    def __str__(self) -> str:
        salt, key = base64.b64encode(self.salt).decode(), base64.b64encode(self.key).decode()
        return f"$scrypt$ln={self.log_n},r={self._R},p=1${salt}${key}"


class ScryptPasswords:
    """scrypt from the standard library, where argon2 cannot be installed.

    Args:
        n: the cost, a power of two from 2 to 2**24; a hash takes 1 KiB times `n` of memory. The default takes some
            50 ms; OWASP asks for 2**17 where argon2id cannot be had.

    Raises:
        ValueError: `n` is not such a power of two.
    """

    def __init__(self, n: int = 2**14) -> None:
        self._log_n = n.bit_length() - 1
        if not 1 <= self._log_n <= 24 or n != 1 << self._log_n:
            raise ValueError(f"n must be a power of two from 2 to 2**24, this is {n}")
        self._nobody = _Scrypt.of(secrets.token_hex(16), self._log_n, secrets.token_bytes(16))

    def hash(self, password: str) -> str:
        """The hash to store, with its salt and cost."""
        return str(_Scrypt.of(password, self._log_n, secrets.token_bytes(16)))

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether `password` made the hash. With None, or another kind of hash: False, after as much work."""
        stored = _Scrypt.parse(password_hash) if password_hash is not None else None
        expected = stored or self._nobody
        actual = _Scrypt.of(password, expected.log_n, expected.salt)
        return hmac.compare_digest(actual.key, expected.key) and stored is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with a lower cost than today's, or in another way."""
        stored = _Scrypt.parse(password_hash)
        return stored is None or stored.log_n < self._log_n
