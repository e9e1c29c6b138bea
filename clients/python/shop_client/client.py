"""A connection to a shop, with somebody logged in or not."""

from __future__ import annotations

from http import HTTPStatus

import httpx

from shop_client.generated import AuthenticatedClient
from shop_client.generated.api.accounts import log_in, log_out
from shop_client.generated.models import CredentialsForm, RefreshForm, TokensBody
from shop_client.generated.types import UNSET
from shop_client.refusals import expected, refused
from shop_client.retries import RetryingTransport
from shop_client.tokens import MemoryTokens, Tokens, TokenStore, TokenTransport

TIMEOUT_S = 35.0
"""The shop answers within 30 seconds, if only that it cannot."""


class ShopClient:
    """A connection to a shop. Several threads may use it.

    Args:
        url: of the shop, e.g. `https://shop.example`.
        store: keeps the tokens. None: as long as this object lives; then the shop does not recognise the device later.
        transport: sends one request, or is a `RetryingTransport`. None: connections of httpx.
        timeout_s: how long one try waits for the next byte of an answer.

    Attributes:
        api: what the operations in `shop_client.generated.api` take as their `client`.
    """

    def __init__(
        self,
        url: str,
        *,
        store: TokenStore | None = None,
        transport: httpx.BaseTransport | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._store = store or MemoryTokens()
        if not isinstance(transport, RetryingTransport):
            transport = RetryingTransport(transport or httpx.HTTPTransport())
        self._transport = TokenTransport(transport, self._store)
        http = httpx.Client(base_url=url, transport=self._transport, timeout=timeout_s)
        self.api = AuthenticatedClient(base_url=url, token="").set_httpx_client(http)

    def log_in(self, username: str, password: str, *, remember: bool = False, device_name: str = "") -> None:
        """Log in; the tokens are kept. From the second time on, guesses of others do not make the user wait.

        Args:
            username: of the user, in letters of any case.
            password: of the user.
            remember: whether the session may be idle for longer, on a device of the user's own.
            device_name: shown in the list of sessions.

        Raises Refused, NoAnswer.
        """
        owner = username.strip().lower()
        device = self._store.load_device(owner) or UNSET
        form = CredentialsForm(username, password, device, device_name=device_name or UNSET, remember=remember)
        answer = expected(TokensBody, log_in.sync_detailed(client=self.api, body=form))
        with self._transport.lock:
            self._store.save(Tokens(answer.access, answer.refresh, owner))
        if answer.device:
            self._store.save_device(owner, answer.device)

    def log_out(self) -> None:
        """End the session, and forget the tokens but that of the device. Raises Refused, NoAnswer: all are kept."""
        tokens = self._store.load()
        if tokens is not None:
            answer = log_out.sync_detailed(client=self.api, body=RefreshForm(tokens.refresh))
            if answer.status_code != HTTPStatus.NO_CONTENT:
                raise refused(answer)
            with self._transport.lock:
                current = self._store.load()
                if current is not None and current.username == tokens.username:
                    self._store.save(None)

    def close(self) -> None:
        """Close the connections."""
        self.api.get_httpx_client().close()
