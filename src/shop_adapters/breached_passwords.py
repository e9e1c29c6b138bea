"""Passwords that have leaked elsewhere, looked up in a file that the operator has downloaded."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_HASH_LENGTH = 40
_LINE_MAX = 80  # a hash, a colon, a count and the end of the line


class BreachedPasswords:
    """A list from Have I Been Pwned: lines of `SHA1[:count]` in capital letters, sorted by hash.

    The file, tens of gigabytes if it is complete, stays on disk: some forty short reads find a line.

    Args:
        path: of the file.

    Raises:
        ValueError: its first or last line shows that it is not such a list.
        OSError: the file cannot be read.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = file.write(b"21BD12DC183F740EE76F27B78EB39C8AD972A757:12345\\n") and file.flush()
    ...     leaked = BreachedPasswords(Path(file.name))
    ...     leaked("P@ssw0rd"), leaked("correct horse battery")
    (True, False)
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._size = os.fstat(self._file).st_size
        first, last = self._hash_from(0), self._hash_from(max(0, self._size - _LINE_MAX))
        if not (_is_hash(first) and _is_hash(last) and first <= last):
            os.close(self._file)
            raise ValueError("has no sorted lines of SHA-1 hashes in capital letters")

    def __call__(self, password: str) -> bool:
        """Whether `password` is among them. For any number of threads."""
        digest = hashlib.sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest().upper()
        low, high = 0, self._size  # the first line that is not smaller begins in this range
        while low < high:
            middle = (low + high) // 2
            found = self._hash_from(middle)
            if found and found < digest:
                low = middle + 1
            else:
                high = middle
        return self._hash_from(low) == digest

    def _hash_from(self, position: int) -> str:
        """The hash of the first line that begins there or later; nothing behind the last one."""
        if position == 0:
            return os.pread(self._file, _HASH_LENGTH, 0).decode("latin-1")
        _, _, line = os.pread(self._file, 2 * _LINE_MAX, position - 1).partition(b"\n")
        return line[:_HASH_LENGTH].decode("latin-1")


def _is_hash(text: str) -> bool:
    return len(text) == _HASH_LENGTH and all(sign in "0123456789ABCDEF" for sign in text)
