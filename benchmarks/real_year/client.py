"""A client of the shop: one connection that is kept alive, and a login that stays good."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from typing import Any
from urllib.parse import SplitResult

Json = dict[str, Any]

API = "/api/v1"
RENEW_BEFORE_S = 30
PATIENCE_S = 60
"""How long one request is tried again while the shop answers that it is busy (429, 503)."""


class Refused(Exception):
    """The shop answered something else than was hoped for, or not at all."""

    def __init__(self, asked: str, status: int, answer: Json) -> None:
        self.code = f"{asked}: {status} {answer.get('code', '')}".strip()
        super().__init__(f"{self.code} {answer.get('detail', '')}")


class Wrong(Exception):
    """The shop did it, but its answer does not say what it must."""


class Connection:
    """A connection that is kept alive. `http.client` with ready bytes: a tenth of the work of httpx."""

    def __init__(self, url: SplitResult) -> None:
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        self._http = kind(url.hostname or "127.0.0.1", url.port, timeout=PATIENCE_S)

    def ask(self, method: str, path: str, body: bytes | None = None, token: str = "", hoped: int = 200) -> Json:
        """The answer to one request; it waits and tries again as long as the shop is busy.

        Raises:
            Refused: the status is not the one hoped for, or there was no answer.
        """
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if token:
            headers["Authorization"] = f"Bearer {token}"
        until = time.monotonic() + PATIENCE_S
        while True:
            status, wait_s, answer = self._once(method, path, body, headers)
            if status == hoped:
                return answer
            if status not in (429, 503) or time.monotonic() + wait_s > until:
                raise Refused(f"{method} {re.sub('[0-9a-f-]{36}', '{id}', path.partition('?')[0])}", status, answer)
            time.sleep(wait_s)

    def _once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, float, Json]:
        """The status (0 for no answer), the seconds to wait before the next try, and the answer."""
        try:
            self._http.request(method, path, body, headers)
            response = self._http.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            # Not tried again: whether the shop did it is unknown, and twice would be wrong. The next one connects anew.
            self._http.close()
            return 0, 0, {"code": "no_answer", "detail": repr(error)}
        try:
            answer = json.loads(content) if content else {}
        except ValueError:
            answer = {"code": "no_json", "detail": repr(content[:80])}
        wait_s = response.headers.get("Retry-After", "1")
        return response.status, float(wait_s) if wait_s.isdigit() else 1.0, answer


def packed(**fields: object) -> bytes:
    """The fields as a JSON body."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


class Login:
    """A session that stays logged in: access tokens live for minutes."""

    def __init__(self, connection: Connection, username: str, password: str) -> None:
        self._lock = threading.Lock()
        self._take(connection.ask("POST", f"{API}/auth/token", packed(username=username, password=password)))

    def token(self, connection: Connection) -> str:
        """An access token that is good for a while."""
        with self._lock:
            if time.monotonic() > self._renew_at:
                self._take(connection.ask("POST", f"{API}/auth/token/refresh", packed(refresh=self._refresh)))
            return self._access

    def _take(self, pair: Json) -> None:
        self._access: str = pair["access"]
        self._refresh: str = pair["refresh"]
        self._renew_at: float = time.monotonic() + pair["expires_in"] - RENEW_BEFORE_S
