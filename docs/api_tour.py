"""Writes docs/api.md, the API as a mobile client uses it, from requests that really run.

    python docs/api_tour.py            write docs/api.md
    python docs/api_tour.py --check    exit 1 if it would change

It starts a real server on a shop in memory with a fixed clock and fixed ids, so every run writes the same.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from shop_adapters.media.encoder import PictureProcess
from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, Registration, Role, Shop
from shop_http.app import create_app
from shop_testing import SeededIds, TickingClock

HERE = Path(__file__).resolve().parent
API_MD = HERE / "api.md"
READY_S_MAX = 30
SHOWN_HEADERS = ("location", "etag", "idempotency-replayed", "allow", "www-authenticate", "retry-after")
SECRET = {"access", "device", "refresh"}
DRAWN = re.compile(
    r"(?<=/media/)[0-9a-f]{64}|(?<=: \"\d\.)[0-9a-f]{8}(?=\.\d+\"\n)"
    r"|(?<=after=)[\w-]+|(?<=\"next_cursor\": \")[\w-]+(?=\",\n  \"has_more\")"
)
"""Cursors that have a random number in them, and hashes of pictures, which another processor may encode differently."""


def app() -> object:
    """The application for the server process."""
    shop = Shop(MemoryAdapters(clock=TickingClock(), new_id=SeededIds(), image_encoder=PictureProcess()))
    shop.accounts.register(Registration("grace", os.environ["TOUR_PASSWORD"]), actor=SYSTEM, role=Role.ADMIN)
    return create_app(shop)


@contextlib.contextmanager
def server(password: str) -> Iterator[str]:
    """A server process with that application; yields its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--factory", "--no-proxy-headers", "--log-level", "error"]
    where = ["--port", str(port), "--app-dir", str(HERE), "api_tour:app"]
    with subprocess.Popen([*command, *where], env=os.environ | {"TOUR_PASSWORD": password}) as process:
        try:
            deadline = time.monotonic() + READY_S_MAX
            while time.monotonic() < deadline and process.poll() is None:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@dataclass
class Tour:
    """Sends requests to the API and writes requests and responses down as Markdown."""

    client: httpx.Client
    text: list[str] = field(default_factory=list)
    count: int = 0

    def say(self, *paragraphs: str) -> None:
        """Add paragraphs."""
        self.text += [f"{paragraph}\n" for paragraph in paragraphs]

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str = "",
        status: int = 200,
        shown: bool = True,
        file: bytes | None = None,
        **headers: str,
    ) -> Any:
        """Send a request, check its status, write both down, and return the decoded body.

        Args:
            token: an access token, or none.
            status: the expected one.
            shown: False to leave it out of the page.
            file: the body, if it is not JSON.
            headers: more headers, with underscores for hyphens.
        """
        self.count += 1
        sent = {name.replace("_", "-").title(): value for name, value in headers.items()}
        hidden = {"X-Request-Id": f"tour-{self.count}"} | ({"Authorization": f"Bearer {token}"} if token else {})
        answer = self.client.request(method, f"/api/v1{path}", content=file, json=body, headers=sent | hidden)
        if answer.status_code != status:
            raise SystemExit(f"{method} {path} answered {answer.status_code}, not {status}: {answer.text}")
        if shown:
            self._write(method, path, body, sent | ({"Authorization": "Bearer …"} if token else {}), answer)
        return answer.json() if answer.content else None

    def _write(self, method: str, path: str, body: object, sent: dict[str, str], answer: httpx.Response) -> None:
        request = [f"{method} /api/v1{path}", *(f"{name}: {value}" for name, value in sent.items())]
        if body is not None:
            request += ["", pretty(body)]
        heard = [f"{answer.status_code} {answer.reason_phrase}"]
        heard += [f"{name.title()}: {answer.headers[name]}" for name in SHOWN_HEADERS if name in answer.headers]
        if answer.content:
            heard += ["", pretty(answer.json())]
        self.text += ["```http", *request, "```", "", "```http", *heard, "```", ""]


def picture() -> bytes:
    """A picture of 640 x 480 pixels."""
    out = io.BytesIO()
    Image.new("RGB", (640, 480), (181, 166, 66)).save(out, "PNG")
    return out.getvalue()


def pretty(body: object) -> str:
    """Indented JSON, with tokens replaced, since they differ in each run."""
    return json.dumps(_without_secrets(body), indent=2, ensure_ascii=False)


def _without_secrets(body: Any) -> Any:
    if isinstance(body, dict):
        return {key: "…" if key in SECRET else _without_secrets(value) for key, value in body.items()}
    return [_without_secrets(item) for item in body] if isinstance(body, list) else body


def walk(tour: Tour, password: str) -> None:
    """The whole tour: what a customer's phone sends, and what staff send."""
    tour.say(
        "# A tour of the API",
        "`docs/api_tour.py` writes this page from requests that really ran, on a shop with a fixed clock and fixed ids."
        " `/docs` of a running shop describes every operation. Tokens are shown as `…`.",
        "## Staff: something to sell",
        "Staff send their own token. A fresh shop has no staff; `shop create-admin grace` created this account.",
    )
    grace = tour.call("POST", "/auth/token", {"username": "grace", "password": password}, shown=False)["access"]
    home = tour.call("POST", "/categories", {"name": "Home", "slug": "home"}, token=grace, status=201, shown=False)
    lamps = tour.call(
        "POST", "/categories", {"name": "Lamps", "slug": "lamps", "parent": home["id"]}, token=grace, status=201
    )
    lamp = tour.call(
        "POST",
        "/products",
        {
            "sku": "LAMP-1",
            "name": "Brass lamp",
            "price": "24.90",
            "description": "Warm light for the evening.",
            "category": lamps["id"],
            "image_urls": ["https://shop.example/images/lamp-1.jpg"],
        },
        token=grace,
        status=201,
    )
    stock = {"kind": "received", "quantity": 5, "reason": "delivery note 4711"}
    tour.call("POST", f"/products/{lamp['id']}/stock", stock, token=grace)
    wick = {"sku": "WICK-9", "name": "Wick", "price": "1.20", "description": "Cotton, for a brass lamp."}
    wick = tour.call("POST", "/products", wick, token=grace, status=201, shown=False)
    tour.call("POST", f"/products/{wick['id']}/stock", stock | {"quantity": 100}, token=grace, shown=False)
    tour.say(
        "A picture is sent as it is, with its media type: a JPEG, PNG or WebP of 10 MiB at most. The shop keeps new"
        " files of it, 320, 960 and 1920 pixels wide and none wider than what was sent, upright and without what a"
        " camera says of place and time. Show the smallest file that is wide enough. `PATCH` and `DELETE` of"
        " `/products/{id}/images/{image_id}` change text and place (`alt`, `position`), and take the picture away.",
    )
    path = f"/products/{wick['id']}/images?alt=A+wick"
    tour.call("POST", path, token=grace, status=201, file=picture(), content_type="image/png")

    tour.say(
        "## Look around, without an account",
        "`keyword` is one or more words; the last one may be the beginning of a word. Products that have all of them in"
        " their name or SKU come first, and before those the one whose SKU or name it is. Accents, case, hyphens,"
        " apostrophes and the s of many do not matter: muller finds Müller, tshirt finds T-Shirts.",
    )
    tour.call("GET", "/products?keyword=brass+la&limit=2")
    tour.say("A phone that already has a product asks whether it changed. Every sale changes the `ETag`.")
    etag = tour.client.get(f"/api/v1/products/{lamp['id']}").headers["etag"]
    tour.call("GET", f"/products/{lamp['id']}", if_none_match=etag, status=304)

    tour.say(
        "`ids` shows up to 200 products at once, e.g. those on the screen; orders take it, too. `sku` finds a product,"
        " and `GET /categories?slug=lamps` a category. Lists in pages also have an `ETag`, for `If-None-Match`; only"
        " that of reservations has none, as it says what time it is."
    )
    tour.call("GET", f"/products?ids={wick['id']}")

    tour.say(
        "## Keep a copy",
        "A phone that shows the catalog without a network keeps a copy of it. It goes on with `next_cursor` while"
        " `has_more` is true, and keeps it for the next time. `results` replace what it has, `gone` it drops, and"
        " `categories` are there if any changed. The number of units is that of now: ask for what is on the screen.",
    )
    copied = tour.call("GET", "/catalog/changes?limit=1")
    copied = tour.call("GET", f"/catalog/changes?after={copied['next_cursor']}&limit=200", shown=False)
    tour.say("Later it learns what changed since:")
    old = {"sku": "OLD-1", "name": "Old lamp", "price": "9.90"}
    old = tour.call("POST", "/products", old, token=grace, status=201, shown=False)
    copied = tour.call("GET", f"/catalog/changes?after={copied['next_cursor']}", shown=False)
    tour.call("DELETE", f"/products/{old['id']}", token=grace, status=204, shown=False)
    tour.call("GET", f"/catalog/changes?after={copied['next_cursor']}")
    tour.say("A cursor that is older than 90 days, or from before a restore from a backup, is 410: begin anew.")

    tour.say("## An account")
    ada = {"username": "ada", "password": "numbers are music", "first_name": "Ada"}
    tour.call("POST", "/auth/register", ada, status=201)
    tour.say("Invalid input is refused, and all faults are named together:")
    wrong = {"username": "a b", "password": "numbers are music", "email": "nowhere"}
    tour.call("POST", "/auth/register", wrong, status=400)
    tour.say(
        "On a device of her own Ada stays logged in: with `remember` the session may be idle for 60 days, otherwise for"
        " one. `device_name` shows it in `GET /users/me/sessions`."
    )
    login = {"username": "ada", "password": "numbers are music", "remember": True, "device_name": "Ada's phone"}
    tokens = tour.call("POST", "/auth/token", login)
    tour.say(
        "The access token lasts five minutes. The refresh token gives the next pair, once. If the response is lost,"
        " retry, however much later: you get the same new refresh token until you use it. Reuse of the old one"
        " within a day after that ends the session, because somebody else may have it; later it is only refused."
    )
    ada_token = tour.call("POST", "/auth/token/refresh", {"refresh": tokens["refresh"]})["access"]

    tour.say("## Order", "All lines are placed, or none. Two lines for one product are summed.")
    lines = [{"product_id": lamp["id"], "quantity": 1}, {"product_id": wick["id"], "quantity": 3}]
    order = tour.call("POST", "/orders", {"lines": lines}, token=ada_token, status=201)
    tour.say(
        "If units are missing, every such product is named with the units that are available, and nothing is taken:"
    )
    tour.call("POST", "/orders", {"lines": [{"product_id": lamp["id"], "quantity": 9}]}, token=ada_token, status=409)
    tour.say(
        "## Once, however often it is sent",
        "A phone in a tunnel does not know whether its order arrived. So it makes a key before the first try, keeps it,"
        " and sends the same request with the same key until it gets a response. The order is placed once; a retry gets"
        " that order as it is now. `expected_total` is the total that the customer was shown.",
    )
    once = {"lines": [{"product_id": wick["id"], "quantity": 2}], "expected_total": "2.40"}
    tour.call("POST", "/orders", once, token=ada_token, status=201, idempotency_key="9f0c2f7e-checkout")
    tour.say("The response got lost. Send the same again:")
    tour.call("POST", "/orders", once, token=ada_token, status=201, idempotency_key="9f0c2f7e-checkout")
    tour.say("A key is for one request. It belongs to its customer and never expires. Refusals are not remembered.")
    other = {"lines": [{"product_id": wick["id"], "quantity": 3}]}
    tour.call("POST", "/orders", other, token=ada_token, status=422, idempotency_key="9f0c2f7e-checkout")
    tour.say("The price has changed since Ada saw it: nothing is placed, and the response has the new total.")
    tour.call("PATCH", f"/products/{wick['id']}", {"price": "1.30"}, token=grace, shown=False)
    tour.call("POST", "/orders", once, token=ada_token, status=409, idempotency_key="9f0c2f7e-second")
    tour.call("PATCH", f"/products/{wick['id']}", {"price": "1.20"}, token=grace, shown=False)

    tour.say(
        "## Hold it while I pay",
        "A reservation keeps units for its owner: nobody else can buy them until `expires_at`. A countdown starts from"
        " `server_now`, the time in the shop, since a phone's clock may be wrong.",
    )
    hold = {"lines": [{"product_id": lamp["id"], "quantity": 2}], "ttl_seconds": 300}
    held = tour.call("POST", "/reservations", hold, token=ada_token, status=201, idempotency_key="5b1d8c44-hold")
    tour.say("Paying takes longer than expected:")
    tour.call("POST", f"/reservations/{held['id']}/extend", {"ttl_seconds": 900}, token=ada_token)
    tour.say("The order is made from the reservation in one step; the units are never free in between.")
    sold = {"reservation_id": held["id"], "expected_total": "49.80"}
    bought = tour.call("POST", "/orders", sold, token=ada_token, status=201, idempotency_key="5b1d8c44-order")
    tour.call("GET", f"/reservations/{held['id']}", token=ada_token)
    tour.say("A reservation ends once. A later request learns how it ended:")
    tour.call("DELETE", f"/reservations/{held['id']}", token=ada_token, status=409)
    tour.call("POST", f"/orders/{bought['id']}/cancel", {"reason": "Ordered twice"}, token=ada_token, shown=False)
    tour.say("To give the units back, release the reservation:")
    unwanted = tour.call("POST", "/reservations", hold, token=ada_token, status=201, shown=False)
    tour.call("DELETE", f"/reservations/{unwanted['id']}", token=ada_token, status=204)
    tour.say("Which units are kept for you now? (Staff see everybody's, or with `customer` one customer's.)")
    kept = tour.call("POST", "/reservations", hold, token=ada_token, status=201, shown=False)
    tour.call("GET", "/reservations?active=true", token=ada_token)
    tour.call("DELETE", f"/reservations/{kept['id']}", token=ada_token, status=204, shown=False)

    where = f"/orders/{order['id']}"
    tour.say(
        "## Change your mind",
        "While an order is `placed`, its owner or staff may replace its lines. Only the difference is taken from the"
        " stock or given back. Lines with the same or a smaller quantity keep their price; others get today's price, so"
        " send the `expected_total` that you showed."
        " `If-Match` makes sure that nobody changed the order since it was read.",
    )
    changed = {"lines": [{"product_id": lamp["id"], "quantity": 2}], "expected_total": "49.80"}
    tour.call("PUT", where, changed, token=ada_token, if_match='"1"', idempotency_key="3c7e1a90-edit")
    tour.say(
        "Everything that changes something takes a key: stock, edits, cancellations, profiles, registrations. Logging"
        " in and out and setting passwords cannot honour one, so they refuse it. The response got lost; the same"
        " again succeeds again and changes nothing:"
    )
    tour.call("PUT", where, changed, token=ada_token, if_match='"1"', idempotency_key="3c7e1a90-edit")
    tour.say("Another edit of the version that Ada no longer has is refused:")
    other = {"lines": [{"product_id": lamp["id"], "quantity": 1}]}
    tour.call("PUT", where, other, token=ada_token, if_match='"1"', status=412)

    tour.say("## Confirm, ship, deliver", "Staff take an order through its steps.")
    tour.call("POST", f"{where}/confirm", token=grace, shown=False)
    tour.call("POST", f"{where}/ship", token=grace)
    tour.say("A step that the status does not allow is refused, and the steps that you may take are named:")
    tour.call("POST", f"{where}/cancel", token=grace, status=409)
    tour.say("The timeline says who did what, and when:")
    tour.call("GET", f"{where}/events", token=ada_token)
    tour.say(
        "## My orders",
        "Newest first. `cursor=` starts a list in which each order appears once; follow `next`, a path on the same"
        " host. A page ends early when its orders have 2,000 lines together, so do not count pages.",
    )
    for _ in range(2):
        tour.call("POST", "/orders", {"lines": lines}, token=ada_token, status=201, shown=False)
    tour.call("GET", "/orders?limit=1&cursor=", token=ada_token)
    tour.say(
        "A phone that keeps its orders compares its copy with the shop: it sorts them by id, cuts them into ranges of"
        " about 100, and sends for each range the first id and all tags, combined by XOR. The shop names the orders of"
        " ranges that differ; what it does not name there is gone. Here the phone has the first order as it was"
        " when it was placed, and no other:",
    )
    copy = {"ranges": [{"first": order["id"], "xor": order["tag"]}]}
    tour.call("POST", "/orders/changes", copy, token=ada_token)

    tour.say(
        "## Prices",
        "Staff make a promotion, and coupons for it if it needs one. The shop looks for the cheapest way"
        " to combine promotions; [pricing.md](pricing.md) has the rules.",
    )
    benefit = {"kind": "percent", "percent": "10"}
    welcome = {"label": "Welcome: 10 % off", "benefit": benefit, "needs_coupon": True, "max_per_customer": 1}
    promotion = tour.call("POST", "/promotions", welcome, token=grace, status=201)
    coupons = f"/promotions/{promotion['id']}/coupons"
    tour.call("POST", coupons, {"code": "WELCOME10"}, token=grace, status=201)
    tour.say("A quote says what an order would cost, and why. Nothing is written.")
    lines = [{"product_id": wick["id"], "quantity": 2}]
    tour.call("POST", "/orders/quote", {"lines": lines, "coupons": ["welcome10"]}, token=ada_token)
    tour.say("## Somebody else's things do not exist")
    tour.call("POST", "/auth/register", ada | {"username": "bob"}, status=201, shown=False)
    bob = tour.call("POST", "/auth/token", {"username": "bob", "password": "numbers are music"}, shown=False)["access"]
    tour.call("GET", where, token=bob, status=404)

    tour.say(
        "## Stock that was lost", "A stock-take may find promised units missing. The shortfall is recorded and shown."
    )
    lost = {"kind": "adjusted", "quantity": -3, "reason": "broken in the storeroom"}
    tour.call("POST", f"/products/{lamp['id']}/stock", lost, token=grace)

    tour.say("## Leave", "Logging out ends the session; its refresh token no longer works.")
    tour.call("POST", "/auth/logout", {"refresh": tokens["refresh"]}, status=204)
    tour.say(
        "Leave for good: names, email address, username and sessions are erased, orders stay without a person."
        " `GET /users/me/data` shows before what is stored. Orders that are not shipped have to be cancelled first; if"
        " the response is lost, ask again with the same token."
    )
    tour.call("DELETE", "/users/me", {"password": "numbers are music"}, token=bob, status=204)


def main() -> None:
    """Write docs/api.md, or check it."""
    parser = argparse.ArgumentParser(description="Write docs/api.md from requests that really run.")
    parser.add_argument("--check", action="store_true", help="exit 1 if it would change")
    check = parser.parse_args().check
    password = secrets.token_hex()
    with server(password) as url, httpx.Client(base_url=url, trust_env=False) as client:
        tour = Tour(client)
        walk(tour, password)
    text = re.sub(r"\n{3,}", "\n\n", DRAWN.sub("…", "\n".join(tour.text))).rstrip() + "\n"
    if check and text != API_MD.read_text():
        raise SystemExit("docs/api.md differs from what the API answers: run python docs/api_tour.py")
    if not check:
        API_MD.write_text(text)


if __name__ == "__main__":
    main()
