"""A browser without a screen, for the staff panel in process: it keeps cookies, reads forms and sends them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx
from litestar.testing import TestClient

from shop_http.routing import App

ORIGIN = "http://127.0.0.1"


@dataclass
class FoundForm:
    """A form on a page, with what a browser would send."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[FoundForm] = []
        self.text: list[str] = []
        self._area = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(FoundForm(given.get("action", ""), given.get("method", "get")))
        elif not self.forms:
            return
        elif tag == "input" and given.get("type") not in ("checkbox", "file"):
            self.forms[-1].fields[given["name"]] = given.get("value", "")
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and (self._select not in self.forms[-1].fields or "selected" in given):
            self.forms[-1].fields[self._select] = given.get("value", "")
        elif tag == "textarea":
            self._area = given["name"]

    def handle_endtag(self, tag: str) -> None:
        if tag in ("select", "textarea"):
            self._select = self._area = ""

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._area:
            self.forms[-1].fields[self._area] = self.forms[-1].fields.get(self._area, "") + data.lstrip("\n")


@dataclass
class Browser:
    """A browser at the panel.

    Args:
        client: of the application; its cookies are the browser's.
    """

    client: TestClient[App]

    def get(self, path: str = "") -> httpx.Response:
        """The page at `path`, below `/staff`."""
        return self.client.get(f"{ORIGIN}/staff{path}")

    def post(self, path: str, fields: dict[str, Any], **headers: str) -> httpx.Response:
        """Send fields as a browser sends a form, and follow where it leads."""
        sent = {
            name: value.replace("\n", "\r\n") if isinstance(value, str) else value for name, value in fields.items()
        }
        return self.client.post(f"{ORIGIN}/staff{path}", data=sent, headers={"origin": ORIGIN} | headers)

    def form(self, page: httpx.Response, path: str) -> FoundForm:
        """The form of a page that is posted to `path`, below `/staff`."""
        (found,) = (form for form in forms_of(page) if (form.action, form.method) == (f"/staff{path}", "post"))
        return found

    def submit(self, page: httpx.Response, path: str, **fields: Any) -> httpx.Response:
        """Fill in that form and send it."""
        return self.post(path, self.form(page, path).fields | fields)

    def log_in(self, username: str, password: str) -> httpx.Response:
        """Log in; the page that comes after it."""
        return self.submit(self.get("/login"), "/login", username=username, password=password)


def forms_of(page: httpx.Response) -> list[FoundForm]:
    """All forms of a page."""
    parser = _Forms()
    parser.feed(page.text)
    return parser.forms


def text_of(page: httpx.Response) -> str:
    """What a page says, in one line."""
    parser = _Forms()
    parser.feed(page.text)
    return " ".join(" ".join(parser.text).split())
