"""An HTTP/1.1 connection with one deadline for a whole request.

The timeout of a socket is for each read, so a server that sends a byte now and then could hold a client for ever. Here
every step gets only the time that is left. The protocol is h11's, which does no I/O of its own.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import wait
from urllib.parse import SplitResult

import h11

DRAIN_BYTES_MAX = 65_536
DRAIN_S_MAX = 1.0
_RECEIVE_BYTES = 65_536


class Deadline:
    """A moment by which everything must be done.

    Args:
        seconds: from now.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """How many seconds are left, more than 0.

        Raises:
            TimeoutError: none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is up")
        return left

    def or_in(self, seconds: float) -> Deadline:
        """This deadline, or the one in so many seconds if that is sooner."""
        other = Deadline(seconds)
        return other if other._end < self._end else self


@dataclass(frozen=True, slots=True)
class Endpoint:
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
    def of(cls, url: SplitResult, tls: ssl.SSLContext | None = None) -> Endpoint:
        """The endpoint of a checked http or https URL."""
        is_secure = url.scheme == "https"
        context = (tls or ssl.create_default_context()) if is_secure else None
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        return cls(url.hostname or "", url.port or (443 if is_secure else 80), target, context)

    @property
    def host_header(self) -> str:
        """The host, with the port unless it is the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    def connect(self, deadline: Deadline) -> socket.socket:
        """A connection to the first of the host's addresses that answers; none of them may use up all the time.

        Only the look-up of the name has a time limit of its own, that of the operating system.
        """
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        for number, (family, kind, protocol, _, address) in enumerate(found, 1):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(deadline.left() / (len(found) - number + 1))
                sock.connect(address)
                sock.settimeout(deadline.left())
                return self.tls.wrap_socket(sock, server_hostname=self.host) if self.tls else sock
            except OSError:
                sock.close()
                if number == len(found):
                    raise
        raise OSError(f"{self.host} has no address")


class Connection:
    """A connection that is kept for the next message. For one thread at a time.

    Args:
        deadline: by when it must be open.
    """

    def __init__(self, endpoint: Endpoint, deadline: Deadline) -> None:
        self._endpoint = endpoint
        self._socket = endpoint.connect(deadline)
        self._protocol = h11.Connection(h11.CLIENT)

    def post(self, body: bytes, headers: Mapping[str, str], deadline: Deadline) -> tuple[int, bool]:
        """Send a message.

        Returns:
            The status of the answer, and whether the connection can be used again.

        Raises:
            OSError, h11.ProtocolError: no answer came in time, or it was not HTTP.
        """
        named = {"host": self._endpoint.host_header, "content-length": str(len(body)), **headers}
        request = h11.Request(method="POST", target=self._endpoint.target, headers=list(named.items()))
        sent = b"".join(self._protocol.send(event) or b"" for event in (request, h11.Data(body), h11.EndOfMessage()))
        self._socket.settimeout(deadline.left())
        self._socket.sendall(sent)
        while not isinstance(answer := self._next_event(deadline), h11.Response):
            pass  # 100 Continue, and the like
        return answer.status_code, self._is_drained(deadline.or_in(DRAIN_S_MAX))  # it counts, whatever its body does

    def is_quiet(self) -> bool:
        """Whether nothing came since the last answer: neither the end, nor an unexpected answer."""
        return not wait([self._socket], 0)  # unlike select(), also for file descriptors above 1,023

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def _next_event(self, deadline: Deadline) -> h11.Event:
        while (event := self._protocol.next_event()) is h11.NEED_DATA:
            self._socket.settimeout(deadline.left())
            received = self._socket.recv(_RECEIVE_BYTES)
            if not received and self._protocol.their_state is h11.SEND_RESPONSE and not self._protocol.trailing_data[0]:
                raise ConnectionResetError("the connection was closed without an answer")
            self._protocol.receive_data(received)
        assert isinstance(event, h11.Event)  # PAUSED only comes after the end of an answer
        return event

    def _is_drained(self, deadline: Deadline) -> bool:
        """Read the rest of the answer, which does not matter, so that the next answer is the next thing to read."""
        drained = 0
        try:
            while not isinstance(event := self._next_event(deadline), h11.EndOfMessage):
                drained += len(event.data) if isinstance(event, h11.Data) else 0
                if drained > DRAIN_BYTES_MAX or isinstance(event, h11.ConnectionClosed):
                    return False
        except (OSError, h11.ProtocolError):
            return False
        if self._protocol.our_state is not h11.DONE or self._protocol.their_state is not h11.DONE:
            return False
        self._protocol.start_next_cycle()
        return not self._protocol.trailing_data[0]
