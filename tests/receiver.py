"""A real server for webhooks, which behaves as badly as a test wants it to."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

from shop_testing.concurrency import TIMEOUT_S

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass
class Request:
    """What arrived, and on the how manieth connection."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass
class Talk:
    """One connection, for the script of a test."""

    sock: socket.socket
    ended: Event

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def hang(self) -> None:
        """Say nothing until the test is over."""
        self.ended.wait(TIMEOUT_S)

    def drip(self, data: bytes, every_s: float = 0.02) -> None:
        """Say it byte by byte, until the test is over or nobody listens."""
        for number in range(len(data)):
            if self.ended.wait(every_s):
                return
            self.sock.sendall(data[number : number + 1])


Script = Callable[[Talk], object]


@dataclass
class Receiver:
    """Answers each request by the script at that place of `scripts`, and from then on by the last one.

    A script that returns False ends the connection.
    """

    scripts: list[Script] = field(default_factory=lambda: [lambda talk: talk.send(OK)])
    requests: list[Request] = field(default_factory=list)
    tls: ssl.SSLContext | None = None

    def __enter__(self) -> Receiver:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/hooks?shop=1"
        self._ended = Event()
        self._lock = Lock()
        self._threads: list[Thread] = []
        self._open: list[socket.socket] = []
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(TIMEOUT_S)
            assert not thread.is_alive()
        self._listener.close()

    def _run(self, job: Callable[[], None]) -> None:
        thread = Thread(target=job, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        connection = 0
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            connection += 1
            self._run(lambda sock=sock, number=connection: self._serve(sock, number))  # type: ignore[misc]

    def _serve(self, sock: socket.socket, connection: int) -> None:
        try:
            sock = self.tls.wrap_socket(sock, server_side=True) if self.tls else sock
        except OSError:
            sock.close()
            return
        self._open.append(sock)
        with sock, sock.makefile("rb") as file:
            try:
                while line := file.readline().decode("latin-1").strip():
                    headers = {}
                    while header := file.readline().decode("latin-1").strip():
                        name, _, value = header.partition(":")
                        headers[name.lower()] = value.strip()
                    body = file.read(int(headers.get("content-length", "0")))
                    with self._lock:
                        self.requests.append(Request(line, headers, body, connection))
                        script = self.scripts[min(len(self.requests), len(self.scripts)) - 1]
                    if script(Talk(sock, self._ended)) is False:
                        return
            except OSError:
                return
