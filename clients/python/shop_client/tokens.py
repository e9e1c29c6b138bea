"""The tokens of whoever is logged in: sent with each request, refreshed when they end, kept by the application."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

import httpx

from shop_client.refusals import code_of, says_nothing_was_done

REFRESH = "/api/v1/auth/token/refresh"


class LoggedOut(Exception):
    """The session has ended: ask for the password again."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A pair of tokens. The refresh token gives the next pair, once."""

    access: str
    refresh: str


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


class TokenAuth(httpx.Auth):
    """Sends the access token with each request to the shop.

    When it has ended, one request refreshes it and all others wait for that: a refresh token works once.

    Args:
        store: keeps the tokens.
    """

    requires_request_body = True  # a body that is a file or a stream is read once, and sent again after a refresh
    requires_response_body = True

    def __init__(self, store: TokenStore) -> None:
        self._store = store
        self._refreshing = threading.Lock()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """One request, or three where the token has ended.

        If the shop refuses the refresh for now, such as by 429, that is the answer. Raises LoggedOut.
        """
        tokens = self._store.load()
        request.headers.pop("authorization", None)
        if tokens is None or request.url.path == REFRESH:
            yield request
            return
        request.headers["authorization"] = f"Bearer {tokens.access}"
        response = yield request
        if response.status_code != 401 or code_of(response) != "invalid_token":
            return
        if not (yield from self._refresh(tokens, request)):
            return
        current = self._store.load()
        if current is None:
            raise LoggedOut("The session has ended: log in again.")
        request.headers["authorization"] = f"Bearer {current.access}"
        yield request

    def _refresh(self, ended: Tokens, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, bool]:
        """False: refused for now."""
        with self._refreshing:
            if self._store.load() != ended:  # somebody else has refreshed them
                return True
            answer = yield httpx.Request(
                "POST", request.url.copy_with(path=REFRESH, query=None), json={"refresh": ended.refresh}
            )
            if answer.status_code == 200:
                pair = answer.json()
                self._store.save(Tokens(pair["access"], pair["refresh"]))
            elif answer.status_code == 401:
                self._store.save(None)
            return not says_nothing_was_done(answer)
