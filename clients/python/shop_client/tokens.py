"""The tokens of whoever is logged in: sent with each request, refreshed when they end, kept by the application."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from copy import copy
from dataclasses import dataclass
from typing import Protocol

import httpx

from shop_client.refusals import code_of, says_nothing_was_done
from shop_client.retries import IS_WANTED, MAY_HAVE_HAPPENED, NoAnswer

REFRESH = "/api/v1/auth/token/refresh"


class LoggedOut(Exception):
    """The session has ended: ask for the password again."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A pair of tokens. The refresh token gives the next pair, once.

    Args:
        access: sent with each request.
        refresh: gives the next pair.
        username: of whom they are, in small letters: what they asked for is never sent with tokens of somebody else.
    """

    access: str
    refresh: str
    username: str


class TokenStore(Protocol):
    """Where an application keeps the tokens, e.g. in the keychain of the phone. Several threads may use it."""

    def load(self) -> Tokens | None:
        """The tokens that were saved last; None: nobody is logged in."""

    def save(self, tokens: Tokens | None) -> None:
        """Keep them; None: forget them."""

    def load_device(self, username: str) -> str | None:
        """The device token that was saved last for this username; None: there is none."""

    def save_device(self, username: str, device: str) -> None:
        """Keep the device token of a username, in small letters, beside those of others. `save(None)` leaves it."""


class MemoryTokens:
    """Keeps the tokens as long as the process runs."""

    def __init__(self) -> None:
        self._tokens: Tokens | None = None
        self._devices: dict[str, str] = {}

    def load(self) -> Tokens | None:
        """The tokens that were saved last."""
        return self._tokens

    def save(self, tokens: Tokens | None) -> None:
        """Keep them."""
        self._tokens = tokens

    def load_device(self, username: str) -> str | None:
        """The device token that was saved last for this username."""
        return self._devices.get(username)

    def save_device(self, username: str, device: str) -> None:
        """Keep it."""
        self._devices[username] = device


class TokenTransport(httpx.BaseTransport):
    """Sends the access token with each request to the shop.

    When it has ended, one request refreshes it and all others wait: a refresh token works once.

    Args:
        inner: sends a request until there is an answer.
        store: keeps the tokens.

    Attributes:
        lock: held while the store is changed, so that nobody overwrites what another thread has saved.
    """

    def __init__(self, inner: httpx.BaseTransport, store: TokenStore) -> None:
        self._inner, self._store, self.lock = inner, store, threading.Lock()
        self._refreshes: dict[Tokens, Future[httpx.Response | None]] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer. It takes three requests if the token has ended.

        If the shop refuses the refresh for now, such as by 429, that is the answer.

        Raises:
            LoggedOut: the session has ended, and what was asked for has not happened.
            NoAnswer: it may have happened.
        """
        request.read()  # a body that is a file or a stream is read once, and sent again after a refresh
        tokens = self._store.load()
        request.headers.pop("authorization", None)
        if tokens is None or request.url.path == REFRESH:
            return self._inner.handle_request(request)
        response = self._send(request, tokens)
        if response.status_code != 401 or code_of(response) != "invalid_token":
            return response
        may_have_happened = response.extensions.get(MAY_HAVE_HAPPENED, False)
        request.extensions[MAY_HAVE_HAPPENED] = may_have_happened
        try:
            response = self._send_refreshed(request, tokens)
        except LoggedOut as error:
            if may_have_happened:
                raise NoAnswer(request, str(error)) from error
            raise
        if may_have_happened and (response.status_code == 401 or says_nothing_was_done(response)):
            raise NoAnswer(request, f"{response.status_code} {response.text[:200]}")
        return response

    def _send_refreshed(self, request: httpx.Request, ended: Tokens) -> httpx.Response:
        """The answer with new tokens, or the refusal of those for now. Raises LoggedOut, NoAnswer."""
        refusal = self._refresh(ended, request)
        if refusal is not None:
            return refusal
        current = self._store.load()
        if current is None or current.username != ended.username:
            raise LoggedOut("The session has ended: log in again.")
        return self._send(request, current)

    def _send(self, request: httpx.Request, tokens: Tokens) -> httpx.Response:
        request.headers["authorization"] = f"Bearer {tokens.access}"
        return self._inner.handle_request(request)

    def _refresh(self, ended: Tokens, request: httpx.Request) -> httpx.Response | None:
        """The refusal, if there is one for now. All who wait get the result of one refresh. Raises NoAnswer."""
        with self.lock:
            if self._store.load() != ended:  # somebody else has refreshed them, or logged in
                return None
            others = self._refreshes.get(ended)
            result = self._refreshes[ended] = others or Future()
        if others is None:
            try:
                result.set_result(self._send_refresh(ended, request))
            except BaseException as error:
                result.set_exception(error)
            with self.lock:
                del self._refreshes[ended]
        try:
            return copy(result.result())
        except NoAnswer as error:
            raise NoAnswer(request, str(error)) from error

    def _send_refresh(self, ended: Tokens, request: httpx.Request) -> httpx.Response | None:
        def is_wanted() -> bool:
            return self._store.load() == ended  # or somebody else, with the same store, has refreshed them or logged in

        refresh = httpx.Request(
            "POST",
            request.url.copy_with(path=REFRESH, query=None),
            json={"refresh": ended.refresh},
            extensions={**request.extensions, MAY_HAVE_HAPPENED: False, IS_WANTED: is_wanted},  # also its timeout
        )
        try:
            answer = self._inner.handle_request(refresh)
        except NoAnswer:
            if is_wanted():
                raise
            return None
        with self.lock:
            if not is_wanted():
                return None
            if answer.status_code == 200:
                pair = answer.json()
                self._store.save(Tokens(pair["access"], pair["refresh"], ended.username))
            elif answer.status_code == 401:
                self._store.save(None)
        return answer if says_nothing_was_done(answer) else None

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()
