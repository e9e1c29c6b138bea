"""One HTTP connection that never takes longer than it may.

The timeout of a socket is for each read, so a server that sends a byte now and then holds a client for ever. Here every
step gets only what is left of the time for all of them.
"""

from __future__ import annotations

import io
import select
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, cast
from urllib.parse import SplitResult

DRAIN_BYTES_MAX = 65_536
DRAIN_S_MAX = 1.0


class Deadline:
    """A moment by which everything must be done.

    Args:
        seconds: from now.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """How many seconds there are still, always more than none.

        Raises:
            TimeoutError: none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is up")
        return left

    def or_in(self, seconds: float) -> Deadline:
        """This one, or the one in so many seconds if that is sooner."""
        other = Deadline(seconds)
        return other if other._end < self._end else self


@dataclass(frozen=True, slots=True)
class Address:
    """Where to post to.

    Args:
        target: path and query.
        tls: None for plain HTTP.
    """

    host: str
    port: int
    target: str
    tls: ssl.SSLContext | None

    @classmethod
    def of(cls, url: SplitResult, tls: ssl.SSLContext | None = None) -> Address:
        """The address that a checked http or https URL names."""
        is_secure = url.scheme == "https"
        context = (tls or ssl.create_default_context()) if is_secure else None
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        return cls(url.hostname or "", url.port or (443 if is_secure else 80), target, context)

    def connect(self, deadline: Deadline) -> socket.socket:
        """A connection to the first of its addresses that answers; none of them may use up all the time.

        The look-up of the name alone has a time limit of its own, that of the operating system.
        """
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        for number, (family, kind, protocol, _, address) in enumerate(found, 1):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the body follows the headers at once
                sock.settimeout(deadline.left() / (len(found) - number + 1))
                sock.connect(address)
                sock.settimeout(deadline.left())
                return self.tls.wrap_socket(sock, server_hostname=self.host) if self.tls else sock
            except OSError:
                sock.close()
                if number == len(found):
                    raise
        raise OSError(f"{self.host} has no address")


class Line:
    """A connection that is kept for the next message. For one thread at a time.

    Args:
        address: whom to call.
        deadline: by when the connection must be there.
    """

    def __init__(self, address: Address, deadline: Deadline) -> None:
        self._target = address.target
        self._socket = address.connect(deadline)
        if address.tls:
            self._http: HTTPConnection = HTTPSConnection(address.host, address.port, context=address.tls)
        else:
            self._http = HTTPConnection(address.host, address.port)
        self._http.auto_open = 0  # it would connect without a deadline

    def post(self, body: bytes, headers: Mapping[str, str], deadline: Deadline) -> tuple[int, bool]:
        """Send a message.

        Returns:
            The status of the answer, and whether the line can be used again.

        Raises:
            OSError, HTTPException: no answer came in time, or none that is one.
        """
        timed = _Timed(self._socket, deadline)
        self._http.sock = cast("socket.socket", timed)
        self._http.request("POST", self._target, body, headers)
        response = self._http.getresponse()
        timed.deadline = deadline.or_in(DRAIN_S_MAX)  # the answer counts, whatever becomes of the rest
        return response.status, self._is_read_to_the_end(response)

    def is_quiet(self) -> bool:
        """Whether nothing came since the last answer: neither the end, nor an answer to what nobody asked."""
        return not select.select([self._socket], [], [], 0)[0]

    def close(self) -> None:
        """Hang up."""
        self._http.close()
        self._socket.close()

    @staticmethod
    def _is_read_to_the_end(response: HTTPResponse) -> bool:
        """Read what is of no interest, so that the next answer is the next thing to read."""
        if response.will_close:
            return False
        try:
            for _ in range(DRAIN_BYTES_MAX // 4_096):
                if not response.read(4_096):
                    return True
        except (OSError, HTTPException):
            return False
        return False


class _Timed:
    """What `http.client` needs of a socket, each step within the deadline. Closing it leaves the socket open."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._socket = sock
        self.deadline = deadline

    def sendall(self, data: Any) -> None:
        self._socket.settimeout(self.deadline.left())
        self._socket.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self))

    def read_into(self, buffer: Any) -> int:
        self._socket.settimeout(self.deadline.left())
        return self._socket.recv_into(buffer)

    def close(self) -> None:
        """Left to the line."""


class _Reader(io.RawIOBase):
    def __init__(self, timed: _Timed) -> None:
        self._timed = timed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._timed.read_into(buffer)
