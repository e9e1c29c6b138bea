"""The staff panel in Debian's Chromium: what staff do in a day, by mouse, by keyboard alone, and without JavaScript.

One server and one browser for all. `SHOP_PANEL_PICTURES=docs/panel python -m pytest THIS_FILE -k accessible` makes the
pictures of docs/panel.md.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from shop_adapters.media.encoder import PictureProcess
from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, Order, OrderQuery, OrderStatus, ProductQuery, Registration, Role, Shop
from shop_core.events import Event
from shop_core.inventory.model import LineRequest
from shop_core.orders.model import PlacementRequest
from shop_core.pagination import OffsetRequest
from shop_core.ports import Undelivered
from shop_core.reservations.model import ReservationRequest
from shop_http.app import create_app
from shop_http.cli.demo_data import add_demo_data

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
PASSWORD = "correct horse battery"
PICTURES = os.environ.get("SHOP_PANEL_PICTURES", "")
TOUR = (ROOT / "docs" / "panel.md").read_text()
TABS_MAX = 120

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no /usr/bin/chromium on this machine")


@dataclass
class Running:
    """A shop with demo products and a panel."""

    shop: Shop
    url: str

    @cached_property
    def customer_id(self) -> UUID:
        login = self.shop.sessions.log_in("ada", PASSWORD)
        return self.shop.sessions.authenticate(login.access).account_id

    def order(self, sku: str = "EQP-003") -> Order:
        """A new order of Ada's."""
        entry = self.shop.catalog.product_by_sku(sku)
        assert entry is not None
        lines = (LineRequest(entry.product.id, 1),)
        return self.shop.orders.place(PlacementRequest(self.customer_id, lines))

    def status(self, order: Order) -> OrderStatus:
        return self.shop.orders.get(SYSTEM, order.id).status

    def on_hand(self, sku: str) -> int:
        entry = self.shop.catalog.product_by_sku(sku)
        assert entry is not None
        return self.shop.inventory.level(SYSTEM, entry.product.id).on_hand


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    days_ago = 14
    clock = lambda: datetime.now(UTC) - timedelta(days=days_ago)  # noqa: E731
    shop = Shop(MemoryAdapters(clock=clock, image_encoder=PictureProcess()))
    add_demo_data(shop)
    shop.accounts.register(Registration("grace", PASSWORD), actor=SYSTEM, role=Role.STAFF)
    shop.accounts.register(Registration("boss", PASSWORD), actor=SYSTEM, role=Role.ADMIN)
    shop.accounts.register(Registration("ada", PASSWORD, "ada@shop.example", "Ada", "Lovelace"))
    made = Running(shop, "")
    for days_ago in range(13, -1, -1):
        for _ in range(3 + days_ago * 7 % 5):
            order = made.order("EQP-002" if days_ago % 2 else "COF-001")
            for step in (shop.orders.confirm, shop.orders.ship, shop.orders.deliver):
                step(SYSTEM, order.id)
    _leave_work(made)
    server = uvicorn.Server(uvicorn.Config(create_app(shop, threads=4), port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    made.url = f"http://127.0.0.1:{port}/staff"
    yield made
    assert shop.audit() == []
    server.should_exit = True
    thread.join(30)


def _leave_work(running: Running) -> None:
    """Some of all that today shows: an event that could not be delivered, a product that is low, and a reservation."""
    shop, receiver = running.shop, Receiver()
    while shop.outbox.relay(receiver):
        pass
    receiver.is_gone = True
    running.order()
    shop.outbox.relay(receiver)
    entry = shop.catalog.product_by_sku("CUP-003")
    assert entry is not None
    shop.inventory.set_low_stock_level(SYSTEM, entry.product.id, entry.available + 1)
    lines = (LineRequest(entry.product.id, 1),)
    shop.reservations.reserve(ReservationRequest(running.customer_id, lines, ttl=timedelta(hours=1)))


@dataclass
class Receiver:
    """Of events: takes them, or is gone for good."""

    is_gone: bool = False

    def publish(self, event: Event) -> None:
        if self.is_gone:
            raise Undelivered("the receiver answered 404 Not Found", is_final=True)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


class Hands(Protocol):
    """How somebody uses a page."""

    def press(self, target: Locator) -> None:
        """A link, a button or a box."""

    def type(self, target: Locator, text: str) -> None:
        """Into a field."""


class Mouse:
    """With a mouse."""

    def press(self, target: Locator) -> None:
        target.click()

    def type(self, target: Locator, text: str) -> None:
        target.fill(text)


class Keyboard:
    """With the keyboard alone: from field to field with Tab."""

    def press(self, target: Locator) -> None:
        self._go_to(target)
        target.page.keyboard.press("Space" if target.get_attribute("type") == "checkbox" else "Enter")

    def type(self, target: Locator, text: str) -> None:
        self._go_to(target)
        target.page.keyboard.press("Control+A")
        target.page.keyboard.type(text)

    def _go_to(self, target: Locator) -> None:
        expect(target).to_be_visible()
        element = target.element_handle()  # to look for it after each Tab would take most of the time
        for _ in range(TABS_MAX):
            if element.evaluate("element => element === document.activeElement"):
                return
            target.page.keyboard.press("Tab")
        raise AssertionError(f"{target} cannot be reached with Tab")


@dataclass
class Desk:
    """Somebody of the staff at the panel."""

    running: Running
    page: Page
    hands: Hands

    def open(self, path: str) -> None:
        self.page.goto(f"{self.running.url}{path}")

    def button(self, name: str) -> None:
        self.hands.press(self.page.get_by_role("button", name=name, exact=True))

    def link(self, name: str) -> None:
        self.hands.press(self.page.get_by_role("link", name=name, exact=True).first)

    def type(self, label: str, text: str) -> None:
        self.hands.type(self.page.get_by_label(label, exact=True), text)

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible()

    def log_in(self, username: str = "grace") -> None:
        self.open("/login")
        self.type("Username", username)
        self.type("Password", PASSWORD)
        self.button("Log in")
        expect(self.page.get_by_role("heading", name="Today")).to_be_visible()

    def log_out(self) -> None:
        self.button("Log out")
        expect(self.page.get_by_role("button", name="Log in", exact=True)).to_be_visible()


@pytest.fixture(scope="module", params=["mouse", "keyboard", "without JavaScript"])
def desk(request: pytest.FixtureRequest, running: Running, chromium: Browser) -> Iterator[Desk]:
    """Logged in, one for each way to use it."""
    context = chromium.new_context(java_script_enabled=request.param != "without JavaScript")
    context.set_default_timeout(20_000)
    made = Desk(running, context.new_page(), Keyboard() if request.param == "keyboard" else Mouse())
    made.log_in()
    yield made
    context.close()


# ---- what staff do in a day


def test_the_order_of_a_customer_is_found_confirmed_shipped_and_its_slip_printed(desk: Desk, running: Running) -> None:
    order = running.order()
    desk.open("/orders")
    desk.type("Customer", "lovelace")
    desk.button("Search")
    desk.link(order.number)
    desk.button("Confirm")
    desk.sees("The order is confirmed.")
    desk.button("Ship")
    desk.sees("The order is shipped.")
    desk.link("Packing slip")
    desk.sees("EQP-003")
    desk.page.emulate_media(media="print")
    expect(desk.page.get_by_role("navigation")).to_have_count(0)
    desk.page.emulate_media(media="screen")
    assert running.status(order) is OrderStatus.SHIPPED


def test_twenty_orders_are_shipped_at_once(desk: Desk, running: Running) -> None:
    orders = [running.order() for _ in range(20)]
    for order in orders:
        running.shop.orders.confirm(SYSTEM, order.id)
    desk.open("/orders?status=confirmed")
    for order in orders:
        desk.hands.press(desk.page.get_by_label(f"Select {order.number}"))
    desk.button("Ship the selected")
    desk.sees("20 orders are shipped.")
    assert {running.status(order) for order in orders} == {OrderStatus.SHIPPED}


def test_an_order_is_cancelled_with_a_reason(desk: Desk, running: Running) -> None:
    order = running.order()
    desk.open(f"/orders/{order.id}")
    desk.hands.press(desk.page.get_by_text("Cancel the order"))
    desk.type("Why", "It broke in the warehouse.")
    desk.button("Cancel it")
    desk.sees("The order is cancelled")
    desk.sees("It broke in the warehouse.")
    assert running.status(order) is OrderStatus.CANCELLED


def test_the_lines_of_an_order_are_changed_for_its_customer(desk: Desk, running: Running) -> None:
    order = running.order()
    desk.open(f"/orders/{order.id}")
    desk.hands.press(desk.page.get_by_text("Change the lines"))
    desk.type(f"Units of {order.lines[0].name} (EQP-003)", "2")
    desk.type("SKU", "CUP-001")
    desk.button("Change the order")
    desk.sees("The order comes to")
    lines = running.shop.orders.get(SYSTEM, order.id).lines
    assert [(line.sku, line.quantity) for line in lines] == [("EQP-003", 2), ("CUP-001", 1)]


def test_stock_is_received_as_with_a_scanner(desk: Desk, running: Running) -> None:
    """A scanner types the SKU and Enter; the field for the next one has the focus."""
    before = running.on_hand("CUP-001"), running.on_hand("CUP-002")
    desk.open("/stock")
    for sku in ("CUP-001", "CUP-002"):
        expect(desk.page.get_by_label("SKU", exact=True)).to_be_focused()
        desk.page.keyboard.type(sku)
        desk.page.keyboard.press("Enter")
        desk.sees(f"({sku}) received")
    assert (running.on_hand("CUP-001"), running.on_hand("CUP-002")) == (before[0] + 1, before[1] + 1)


def test_stock_is_counted_and_the_difference_seen_first(desk: Desk, running: Running) -> None:
    counted = running.on_hand("COF-003") - 2
    desk.open("/stock/count")
    desk.type("SKU", "COF-003")
    desk.type("Counted", str(counted))
    desk.button("Compare")
    desk.sees("-2")
    desk.button("Correct the stock")
    desk.sees(f"{counted} on hand (-2)")
    assert running.on_hand("COF-003") == counted


def test_a_product_is_added_with_pictures_and_options(desk: Desk, running: Running, tmp_path: Path) -> None:
    family = running.shop.families.create(SYSTEM, f"Bowl {id(desk)}", ["size"])
    desk.open("/products/new")
    desk.type("SKU", f"BOWL-{id(desk)}")
    desk.type("Name", "Bowl, large")
    desk.type("Price, EUR", "14,50")
    desk.page.get_by_label("Family", exact=True).select_option(str(family.id))
    desk.button("Add the product")
    desk.type("Size", "large")  # the page asks for what the family needs
    desk.button("Add the product")
    desk.sees("The product is in the catalog.")
    for name, colour in (("front", (30, 90, 160)), ("back", (160, 90, 30)), ("wrong", (0, 0, 0))):
        file = tmp_path / f"{name}.png"
        Image.new("RGB", (500, 400), colour).save(file)
        desk.page.get_by_label("Add a picture").set_input_files(file)
        desk.type("What it shows", f"The {name}")
        desk.button("Add the picture")
        desk.sees("The picture is added.")
    desk.button("Remove picture 3")
    desk.sees("The picture is removed.")
    desk.type("Place of picture 2", "1")
    desk.type("What picture 2 shows", "The back of the bowl")
    desk.button("Save picture 2")
    desk.sees("The picture is saved.")
    shown = desk.page.locator(".pictures img")
    expect(shown).to_have_count(2)
    assert [each.get_attribute("alt") for each in shown.all()] == ["The back of the bowl", "The front"]
    assert shown.first.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    text = tmp_path / "notes.png"
    text.write_text("no picture")
    desk.page.get_by_label("Add a picture").set_input_files(text)
    desk.button("Add the picture")
    desk.sees("is damaged, is no JPEG, PNG or WebP")
    (entry,) = running.shop.catalog.products(ProductQuery(family_id=family.id), OffsetRequest()).items
    assert (str(entry.product.price), entry.product.options) == ("14.50", (("size", "large"),))
    assert [image.alt for image in entry.product.images] == ["The back of the bowl", "The front"]


def test_a_file_is_previewed_and_imported_and_nothing_of_a_refused_one(desk: Desk, tmp_path: Path) -> None:
    sku = f"JUG-{id(desk)}"
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(f"sku,name,price\n{sku},Jug,12\n")
    bad.write_text(f"sku,name,price\n{sku},Jug,13\nJUG-0,Jug,a lot\n")
    for file, said in ((good, "New products"), (bad, "Nothing is imported while a row is bad.")):
        desk.open("/products/import")
        desk.page.get_by_label("CSV file, 1 MiB at most").set_input_files(file)
        desk.button("See what will change")
        desk.sees(said)
        if file == good:
            desk.button("Import it")
            desk.sees("1 products are new, 0 changed.")
    entry = desk.running.shop.catalog.product_by_sku(sku)
    assert entry is not None
    assert str(entry.product.price) == "12.00"


def test_a_promotion_is_made_and_shows_in_what_a_cart_would_cost(desk: Desk) -> None:
    label = f"Cups for less {id(desk)}"
    desk.open("/promotions/new")
    desk.type("What customers read", label)
    desk.page.get_by_label("What it gives", exact=True).select_option("amount_each")
    desk.type("How much", "0,50")
    desk.type("SKUs", "CUP-001")
    desk.button("Start it")
    desk.sees("The promotion is made.")
    desk.open("/cart")
    desk.type("SKUs", "CUP-001 3")
    desk.button("Ask")
    desk.sees(label)
    desk.link("Promotions")
    desk.link(label)
    desk.button("End the promotion")
    desk.sees("The promotion has ended.")


def test_a_role_is_given_by_an_admin(desk: Desk, running: Running) -> None:
    username = f"hopper{id(desk)}"
    account = running.shop.accounts.register(Registration(username, PASSWORD))
    desk.log_out()
    desk.log_in("boss")
    desk.open("/users")
    desk.type("Name or email address", username)
    desk.button("Search")
    desk.link(username)
    desk.page.locator("#role").select_option("staff")
    desk.button("Give this role")
    desk.sees(f"{username} is staff now.")
    assert running.shop.accounts.account(SYSTEM, account.id).role is Role.STAFF
    desk.log_out()
    desk.log_in()


def test_a_search_shows_what_is_found_while_one_types(running: Running, chromium: Browser) -> None:
    with chromium.new_context() as context:
        desk = Desk(running, context.new_page(), Mouse())
        desk.log_in()
        desk.open("/products")
        words = desk.page.get_by_label("Words")
        words.press_sequentially("kettle")
        expect(desk.page.locator("#list tbody tr")).to_have_count(1)
        expect(words).to_be_focused()
        desk.page.wait_for_url(re.compile("keyword=kettle"))


def test_a_search_that_is_refused_says_why_and_keeps_the_words(running: Running, chromium: Browser) -> None:
    with chromium.new_context() as context:
        desk = Desk(running, context.new_page(), Mouse())
        desk.log_in()
        desk.open("/products")
        desk.page.get_by_label("Words").fill("kettle")
        price = desk.page.get_by_label("Price from")
        price.fill("ten")
        price.press("Tab")
        desk.sees("Min price: 'ten'")
        expect(desk.page.get_by_label("Words")).to_have_value("kettle")
        expect(price).to_have_value("ten")


def test_a_search_after_the_session_has_ended_asks_for_a_login(running: Running, chromium: Browser) -> None:
    with chromium.new_context() as context:
        desk = Desk(running, context.new_page(), Mouse())
        desk.log_in()
        desk.open("/products")
        context.clear_cookies(name="shop-session")
        desk.page.get_by_label("Words").press_sequentially("kettle")
        expect(desk.page.get_by_label("Password")).to_be_visible()


# ---- every screen


def screens(running: Running) -> dict[str, str]:
    """Name and path of each."""
    order = running.shop.orders.find(SYSTEM, OrderQuery(), OffsetRequest(limit=1)).items[0]
    product = order.lines[0].product_id
    return {
        "today": "/",
        "orders": "/orders?status=placed",
        "order": f"/orders/{order.id}",
        "slip": f"/orders/{order.id}/slip",
        "products": "/products",
        "product": f"/products/{product}",
        "new-product": "/products/new",
        "ledger": f"/products/{product}/ledger",
        "import": "/products/import",
        "receive": "/stock",
        "count": "/stock/count?sku=COF-001&counted=100",
        "promotions": "/promotions",
        "new-promotion": "/promotions/new",
        "promotion": f"/promotions/{running.shop.prices.promotions(SYSTEM, OffsetRequest(1)).items[0].promotion.id}",
        "cart": "/cart?lines=CUP-001+3",
        "users": "/users",
        "user": f"/users/{order.customer_id}",
        "low-stock": "/stock/low",
        "events": "/events",
        "mails": "/mails",
        "no-such-page": "/nowhere",
        "refused": "/stock/count?sku=NONE&counted=100",
        "not-found": "/orders/00000000-0000-0000-0000-000000000001",
    }


def test_every_screen_is_accessible_and_fits_a_phone(running: Running, chromium: Browser) -> None:
    for _ in range(3):
        running.order()
    found: dict[str, str] = {}
    with chromium.new_context() as context:
        desk, errors = Desk(running, context.new_page(), Mouse()), list[str]()
        desk.page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        desk.open("/login")
        found |= faults_of(desk, "login")
        desk.log_in()
        for name, path in screens(running).items():
            desk.open(path)
            found |= faults_of(desk, name)
    assert found == {}
    assert [error for error in errors if "Failed to load resource" not in error] == []  # none of the policy


def faults_of(desk: Desk, name: str) -> dict[str, str]:
    """What axe-core finds on the page that is open, and whether it fits: by all rules on a phone and a desk. Contrast
    takes the longest, and depends on colours alone: it is looked at once in light, and once in dark.
    """
    found: dict[str, str] = {}
    contrast: Any = {"runOnly": ["color-contrast"]}
    others: Any = {"rules": {"color-contrast": {"enabled": False}}}
    axe = Axe()
    looks: list[tuple[Any, int, Any]] = [("dark", 1280, contrast), ("light", 390, {}), ("light", 1280, others)]
    for scheme, width, rules in looks:
        desk.page.emulate_media(color_scheme=scheme)
        desk.page.set_viewport_size({"width": width, "height": 800})
        results = axe.run(desk.page, options={"resultTypes": ["violations"]} | rules)
        if results.violations_count:
            found[f"{name} {scheme} {width}"] = results.generate_report()
        axe = Axe("0")  # the page has it now
        if desk.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found[f"{name} {scheme} {width} width"] = "it is wider than the screen"
    if PICTURES and f"/{name}.png" in TOUR:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        desk.page.screenshot(path=f"{PICTURES}/{name}.png")
    return found
