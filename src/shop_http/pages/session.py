"""The session of a browser: a cookie with the tokens of a session of the core, and with the token of its forms. That of
the login form has a cookie of its own.

There is no other record of who is logged in. So a session ends as all do: with a logout, another password, another role
or a deactivation, and when it was idle. The browser sends the cookie to this origin only, and shows it to no script.
"""

from __future__ import annotations

import re
from datetime import timedelta
from hmac import compare_digest
from secrets import token_urlsafe
from typing import NamedTuple
from urllib.parse import SplitResult, quote, unquote, urlsplit

from shop_core import Login
from shop_http.requests import ShopRequest
from shop_http.responses import Header

IDLE_MAX = timedelta(hours=1)
"""After this a session of the panel ends, to within the five minutes of an access token."""
DEVICE_KNOWN_FOR = timedelta(days=180)
NOTICE_SHOWN_WITHIN_S = 60
NOTICE_BYTES_MAX = 3_000
"""Of a cookie; browsers drop one of more than 4,096."""

_SESSION, _LOGIN, _DEVICE, _NOTICE = "shop-session", "shop-login", "shop-device", "shop-notice"
_LOOPBACK = re.compile(r"localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|.+\.localhost", re.ASCII)


class BrowserSession(NamedTuple):
    """What the session cookie has.

    Args:
        access, refresh: the tokens.
        form_token: proves that a form was made for this session, or for one before it of the same account.
    """

    access: str
    refresh: str
    form_token: str

    @classmethod
    def new(cls, login: Login) -> BrowserSession:
        """One that begins, with a form token of its own."""
        return cls(login.access, login.refresh, new_form_token())

    def renewed(self, login: Login) -> BrowserSession:
        """The same session with its next tokens: forms that are open stay good."""
        return self._replace(access=login.access, refresh=login.refresh)

    def made(self, form_token: str) -> bool:
        """Whether a form with this token was made for this session."""
        return is_same_token(form_token, self.form_token)


class Cookies:
    """The cookies of one request, and those of its response.

    Over HTTPS their names begin with `__Host-`: no other host and no plain connection can set them. Over plain HTTP,
    which is for trying things out on one machine, browsers would refuse that prefix.
    """

    def __init__(self, request: ShopRequest) -> None:
        self._is_secure = is_https(request)
        pairs = re.split(r"[;\n]", request.headers.get(b"cookie", b"").decode("latin-1"))
        self._sent: dict[str, str] = dict(pair.strip().partition("=")[::2] for pair in pairs)
        self.headers: list[Header] = []

    @property
    def session(self) -> BrowserSession | None:
        """The session that the browser has, good or not."""
        parts = self._read(_SESSION).split("~")
        return BrowserSession(*parts) if len(parts) == 3 and all(parts) else None

    def keep(self, session: BrowserSession) -> None:
        """Have the browser keep a session until it is closed."""
        self._set(_SESSION, "~".join(session))

    def forget_session(self) -> None:
        """Have the browser keep no session."""
        self._set(_SESSION, "", 0)

    def login_token(self) -> str:
        """The token of the login form, which the browser keeps until it is closed.

        It has a cookie of its own: who is only asked to log in again stays logged in meanwhile.
        """
        token = self._read(_LOGIN)
        if not token:
            token = self._sent[self._name(_LOGIN)] = new_form_token()
            self._set(_LOGIN, token)
        return token

    def made_login(self, form_token: str) -> bool:
        """Whether a login form with this token was made for this browser."""
        return is_same_token(form_token, self._read(_LOGIN))

    @property
    def device(self) -> str:
        """The device token of an earlier login; empty if there was none."""
        return self._read(_DEVICE)

    def keep_device(self, device: str) -> None:
        """Have the browser keep its device token."""
        self._set(_DEVICE, device, int(DEVICE_KNOWN_FOR.total_seconds()))

    @property
    def notice(self) -> str:
        """What the next page was to say; only once."""
        if notice := unquote(self._read(_NOTICE)):
            self._set(_NOTICE, "", 0)
        return notice

    def leave_notice(self, notice: str) -> None:
        """Have the next page say this."""
        while len(quote(notice)) > NOTICE_BYTES_MAX:
            notice = notice[: len(notice) * 9 // 10]
        self._set(_NOTICE, quote(notice), NOTICE_SHOWN_WITHIN_S)

    def _name(self, name: str) -> str:
        return f"__Host-{name}" if self._is_secure else name

    def _read(self, name: str) -> str:
        return self._sent.get(self._name(name), "")

    def _set(self, name: str, value: str, max_age_s: int | None = None) -> None:
        ends = "" if max_age_s is None else f"; Max-Age={max_age_s}"
        secure = "; Secure" if self._is_secure else ""
        cookie = f"{self._name(name)}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{ends}"
        self.headers.append((b"set-cookie", cookie.encode()))


def new_form_token() -> str:
    """A token for the forms of one browser."""
    return token_urlsafe(24)


def is_same_token(sent: str, kept: str) -> bool:
    """Whether a form has the token that the browser's cookie has."""
    return bool(kept) and compare_digest(sent.encode(), kept.encode())


def is_https(request: ShopRequest) -> bool:
    """Whether the browser reaches the shop by HTTPS, as far as the shop knows."""
    return _own_address(request).scheme == "https"


def is_safe_from_listeners(request: ShopRequest) -> bool:
    """Whether nobody between can read a password: by HTTPS, or on one machine."""
    return is_https(request) or bool(_LOOPBACK.fullmatch(_own_address(request).hostname or ""))


def is_from_here(request: ShopRequest) -> bool:
    """Whether a form was sent by a page of this origin, as the browser says: no page can change that.

    Only with a base URL does the shop know its own scheme for sure: a proxy may have taken the TLS off.
    """
    origin, own = urlsplit(request.headers.get(b"origin", b"").decode("latin-1")), _own_address(request)
    is_own_scheme = not request.state.base_url or origin.scheme == own.scheme
    return bool(origin.netloc) and is_own_scheme and origin.netloc.lower() == own.netloc.lower()


def _own_address(request: ShopRequest) -> SplitResult:
    """Where the browser found the shop: the base URL, or what it called the shop itself."""
    host = request.headers.get(b"host", b"").decode("latin-1")
    return urlsplit(request.state.base_url or f"{request.scope['scheme']}://{host}")
