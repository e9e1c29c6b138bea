"""Replay a year of a real shop against a running one, over HTTP, as its customers and staff would.

    python bench/replay.py online-retail.csv.xz --serve
    python bench/replay.py online-retail.csv.xz --url http://127.0.0.1:8000 --data-dir DIR --limit-invoices 2000

`year.py` says what the rows of the file become; here it happens: products are created and all stock that the year
needs is received, customers register and log in, then orders, cancellations and stock corrections follow in the
order of the year. `--clients` connections work at once; what one customer does stays in order.

Every answer is checked (lines and total of each order), then the stock that the shop shows against what must be left,
then `shop audit`. The tool asks for nothing that the documented rules forbid, so any refusal is news. Exit status: 0 if
all is as it must be, 1 if not, 2 if it could not start.
"""

from __future__ import annotations

import argparse
import getpass
import http.client
import json
import lzma
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from year import Cancellation, Correction, Event, Goods, Order, Tally, Year, read_rows, year_of

Json = dict[str, Any]
T = TypeVar("T")

API = "/api/v1"
PASSWORD_VARIABLE = "SHOP_REPLAY_PASSWORD"
RENEW_BEFORE_S = 30
PATIENCE_S = 60
"""How long one request is tried again while the shop answers that it is busy (429, 503)."""


class CannotStart(Exception):
    """In one line: what is missing, and how to get it."""


class Refused(Exception):
    """The shop answered something else than was hoped for, or not at all."""

    def __init__(self, asked: str, status: int, answer: Json) -> None:
        self.code = f"{asked}: {status} {answer.get('code', '')}".strip()
        super().__init__(f"{self.code} {answer.get('detail', '')}")


class Wrong(Exception):
    """The shop did it, but its answer does not say what it must."""


# ---- one connection


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


@dataclass(slots=True)
class Login:
    """A session that stays logged in: access tokens live for minutes."""

    access: str
    refresh: str
    renew_at: float
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def start(cls, connection: Connection, username: str, password: str) -> Login:
        """Log in."""
        body = packed(username=username, password=password)
        return cls("", "", 0)._take(connection.ask("POST", f"{API}/auth/token", body))

    def token(self, connection: Connection) -> str:
        """An access token that is good for a while."""
        with self._lock:
            if time.monotonic() > self.renew_at:
                body = packed(refresh=self.refresh)
                self._take(connection.ask("POST", f"{API}/auth/token/refresh", body))
            return self.access

    def _take(self, pair: Json) -> Login:
        self.access, self.refresh = pair["access"], pair["refresh"]
        self.renew_at = time.monotonic() + pair["expires_in"] - RENEW_BEFORE_S
        return self


# ---- many at once


class Lanes:
    """Hands out jobs in their order, but never two of one lane at the same time."""

    def __init__(self, jobs: Iterable[T], lane_of: Callable[[T], object]) -> None:
        self._jobs = deque((lane_of(job), job) for job in jobs)
        self._behind: dict[object, deque[Any]] = {}
        self._lock = threading.Lock()

    def walk(self) -> Iterator[Any]:
        """The jobs for one worker. A job counts as done when its worker asks for the next one."""
        lane: object = None
        while True:
            with self._lock:
                if behind := self._behind.get(lane):
                    job = behind.popleft()
                else:
                    self._behind.pop(lane, None)
                    while self._jobs:
                        lane, job = self._jobs.popleft()
                        if lane not in self._behind:
                            self._behind[lane] = deque()
                            break
                        self._behind[lane].append(job)
                    else:
                        return
            yield job


class Phase:
    """One kind of work, done by all clients at once, with its progress and its time."""

    def __init__(self, title: str, url: SplitResult, clients: int, trouble: Tally) -> None:
        self.title, self.url, self.clients = title, url, clients
        self.trouble = trouble
        self.done = 0
        self.seconds = 0.0
        self._lock = threading.Lock()
        self._stop = False

    def run(
        self, jobs: Sequence[T], work: Callable[[Connection, T], None], lane_of: Callable[[T], object] = id
    ) -> None:
        """Let every job be worked at; what is refused or wrong is noted as trouble, and the others go on."""
        lanes = Lanes(jobs, lane_of)
        threads = [threading.Thread(target=self._client, args=(lanes, work), daemon=True) for _ in range(self.clients)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        try:
            with progress_of(self.title, len(jobs)) as show:
                while any(thread.is_alive() for thread in threads):
                    threads[0].join(0.1) if threads[0].is_alive() else time.sleep(0.1)
                    show(self.done)
        finally:
            self._stop = True
        self.seconds = time.monotonic() - started

    def _client(self, lanes: Lanes, work: Callable[[Connection, Any], None]) -> None:
        connection = Connection(self.url)
        for job in lanes.walk():
            if self._stop:
                return
            try:
                work(connection, job)
            except Refused as refused:
                self._note(refused.code, f"{named(job)}: {refused}")
            except (Wrong, KeyError, TypeError, ValueError, ArithmeticError) as wrong:
                self._note(f"{self.title}: a wrong answer", f"{named(job)}: {wrong!r}")
            with self._lock:
                self.done += 1

    def _note(self, reason: str, example: str) -> None:
        with self._lock:
            self.trouble.add(reason, example[:300])


def named(job: object) -> str:
    """What a job is about, for people."""
    for attribute in ("invoice", "sku"):
        if hasattr(job, attribute):
            return f"{attribute} {getattr(job, attribute)}"
    return str(job)


@contextmanager
def progress_of(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows how far the work is: a bar on a terminal, else a line every five seconds."""
    if sys.stdout.isatty():
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns) as bar:
            task = bar.add_task(title, total=total)
            yield lambda done: bar.update(task, completed=done)
        return
    started = last = time.monotonic()

    def line(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 5:
            last = now
            print(f"{title}: {done:,} of {total:,}, {done / (now - started):,.0f}/s", flush=True)

    yield line


# ---- the year, over HTTP


@dataclass(slots=True)
class Listed:
    """A product as the shop has it, and the units that must be left of it."""

    id: str
    price: Decimal
    left: int


class Replay:
    """The year on its way into the shop."""

    def __init__(self, year: Year, url: SplitResult, staff: Login, clients: int) -> None:
        self.year, self.url, self.staff = year, url, staff
        self.trouble = Tally()
        self.phases = {name: Phase(name, url, clients, self.trouble) for name in ("products", "customers", "orders")}
        self.products: dict[str, Listed] = {}
        self.customers: dict[str, Login] = {}
        self.placed: dict[str, tuple[str, Order]] = {}
        self.done = dict.fromkeys(("orders placed", "orders cancelled", "stock corrections"), 0)
        self.lines_placed = 0
        self._needed = year.stock_needed()
        self._run = secrets.token_hex(3)  # in usernames, so that a year can be replayed twice in one shop
        self._lock = threading.Lock()

    def everything(self) -> None:
        """Products, customers, then what happened."""
        known = self._catalog()
        self.products = {sku: product for sku, product in known.items() if sku in self.year.goods}
        self.phases["products"].run(list(self.year.goods.values()), self._stock_up)
        self.phases["customers"].run(self.year.customers, self._register)
        self.phases["orders"].run(self.year.events, self._happen, lane_of=_lane)

    def stock_differences(self) -> list[str]:
        """Products of which the shop shows another number of available units than must be left."""
        shown = self._catalog()
        return [
            f"{sku}: {shown[sku].left if sku in shown else 'nothing'} available, must be {product.left}"
            for sku, product in self.products.items()
            if sku not in shown or shown[sku].left != product.left
        ]

    def _catalog(self) -> dict[str, Listed]:
        connection = Connection(self.url)
        found = {}
        path = f"{API}/products?limit=200"
        while path:
            page = connection.ask("GET", path, token=self.staff.token(connection))
            for product in page["results"]:
                left = product["quantity_in_stock"]
                found[product["sku"]] = Listed(product["id"], Decimal(product["price"]), left)
            following = urlsplit(page.get("next") or "")
            path = following.path and f"{following.path}?{following.query}"
        return found

    def _stock_up(self, connection: Connection, goods: Goods) -> None:
        """The product, and on its shelf whatever the year will ask of it."""
        token = self.staff.token(connection)
        if goods.sku not in self.products:
            body = packed(sku=goods.sku, name=goods.name, price=str(goods.price))
            product = connection.ask("POST", f"{API}/products", body, token, hoped=201)
            self.products[goods.sku] = Listed(product["id"], Decimal(product["price"]), 0)
        product_id, needed = self.products[goods.sku].id, self._needed[goods.sku]
        while needed > 0:
            quantity = min(needed, 1_000_000)
            self._move_stock(connection, goods.sku, product_id, "received", quantity, "for the year to come")
            needed -= quantity

    def _move_stock(self, connection: Connection, sku: str, product_id: str, kind: str, units: int, why: str) -> None:
        body = packed(kind=kind, quantity=units, reason=why)
        connection.ask("POST", f"{API}/products/{product_id}/stock", body, self.staff.token(connection))
        self._leave(sku, units)

    def _leave(self, sku: str, units: int) -> None:
        with self._lock:
            self.products[sku].left += units

    def _register(self, connection: Connection, customer: str) -> None:
        username = f"{re.sub('[^A-Za-z0-9.-]', '-', customer)[:100]}.{self._run}"
        password = secrets.token_urlsafe()
        connection.ask("POST", f"{API}/auth/register", packed(username=username, password=password), hoped=201)
        self.customers[customer] = Login.start(connection, username, password)

    def _happen(self, connection: Connection, event: Event) -> None:
        if isinstance(event, Order):
            self._place(connection, event)
        elif isinstance(event, Cancellation):
            self._cancel(connection, event)
        else:
            self._correct(connection, event)

    def _place(self, connection: Connection, order: Order) -> None:
        for sku in order.wanted:
            if sku not in self.products:
                raise Wrong(f"its product {sku} could not be created")
        if order.customer not in self.customers:
            raise Wrong(f"its customer {order.customer} could not register")
        token = self.customers[order.customer].token(connection)
        lines = ",".join(f'{{"product_id":"{self.products[sku].id}","quantity":{units}}}' for sku, units in order.lines)
        answer = connection.ask("POST", f"{API}/orders", f'{{"lines":[{lines}]}}'.encode(), token, hoped=201)
        self.placed[order.invoice] = answer["id"], order
        for sku, units in order.wanted.items():
            self._leave(sku, -units)
        with self._lock:
            self.done["orders placed"] += 1
            self.lines_placed += order.rows
        self._check(order, answer)

    def _check(self, order: Order, answer: Json) -> None:
        """Compare the order with the invoice."""
        wanted = {self.products[sku].id: units for sku, units in order.wanted.items()}
        lines = {line["product_id"]: line["quantity"] for line in answer["lines"]}
        if lines != wanted or len(answer["lines"]) != len(wanted):
            raise Wrong(f"order {answer['id']} has other lines than its invoice")
        total = sum(self.products[sku].price * units for sku, units in order.wanted.items())
        if Decimal(answer["total"]) != total or answer["status"] != "placed":
            raise Wrong(f"order {answer['id']} is {answer['status']} for {answer['total']}, must be placed for {total}")

    def _cancel(self, connection: Connection, cancellation: Cancellation) -> None:
        if cancellation.order not in self.placed:
            raise Wrong(f"its order {cancellation.order} was not placed")
        order_id, order = self.placed[cancellation.order]
        token = self.customers[cancellation.customer].token(connection)
        answer = connection.ask("POST", f"{API}/orders/{order_id}/cancel", token=token)
        for sku, units in order.wanted.items():
            self._leave(sku, units)
        with self._lock:
            self.done["orders cancelled"] += 1
        if answer["status"] != "cancelled":
            raise Wrong(f"order {order_id} is {answer['status']} after it was cancelled")

    def _correct(self, connection: Connection, correction: Correction) -> None:
        for sku, change in correction.changes:
            if sku not in self.products:
                raise Wrong(f"its product {sku} could not be created")
            why = f"{correction.invoice}: {correction.remark}"
            self._move_stock(connection, sku, self.products[sku].id, "adjusted", change, why)
        with self._lock:
            self.done["stock corrections"] += 1


def _lane(event: Event) -> object:
    """What stays in order: everything of one customer. Corrections hinder nobody, enough is in stock for all."""
    return event.invoice if isinstance(event, Correction) else ("customer", event.customer)


# ---- the shop's command line


def shop_command(*arguments: str, data_dir: str | None) -> list[str]:
    """A `shop` command of the environment in which this runs, on the data directory if one is given."""
    shop = Path(sys.executable).with_name("shop")
    return [str(shop), *arguments, *(("--data-dir", data_dir) if data_dir else ())]


def make_admin(data_dir: str | None) -> tuple[str, str]:
    """A new admin with a name and a password of its own."""
    username, password = f"replay.{secrets.token_hex(4)}", secrets.token_urlsafe()
    command = shop_command("create-admin", username, data_dir=data_dir)
    try:
        made = subprocess.run(command, input=f"{password}\n", capture_output=True, text=True, timeout=120)
    except OSError as error:
        raise CannotStart(
            f"Cannot run {command[0]} ({error.strerror}): install the project in this environment."
        ) from None
    if made.returncode:
        said = " ".join((made.stderr or made.stdout).split())
        raise CannotStart(f"shop create-admin said: {said[-300:]}. Give its --data-dir, or an account with --admin.")
    return username, password


@contextmanager
def served(data_dir: str, port: int) -> Iterator[str]:
    """A `shop serve` of our own, on `port` or a free one, until the end of the block."""
    if not port:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = shop_command("serve", "--host", "127.0.0.1", "--port", str(port), data_dir=data_dir)
    with tempfile.TemporaryFile() as log:
        try:
            server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        except OSError as error:
            raise CannotStart(f"Cannot run {command[0]} ({error.strerror}): install the project here.") from None
        try:
            until = time.monotonic() + PATIENCE_S
            while not is_ready(urlsplit(url)):
                if server.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    last = " ".join(log.read().decode(errors="replace").split())[-500:]
                    raise CannotStart(f"shop serve did not become ready. It said last: {last}")
                time.sleep(0.1)
            yield url
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def is_ready(url: SplitResult) -> bool:
    """Whether a shop answers there."""
    try:
        Connection(url).ask("GET", "/health/ready")
    except Refused:
        return False
    return True


def audit(data_dir: str | None) -> bool:
    """Run `shop audit`, show its answer, and say whether all adds up."""
    return subprocess.run(shop_command("audit", data_dir=data_dir)).returncode == 0


# ---- report


def say(text: str = "") -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


def show_tally(title: str, tally: Tally) -> None:
    """A table of reasons with how often and one example each."""
    if tally.counts:
        say(f"\n{title}")
        for reason, count in tally.counts.most_common():
            say(f"{count:>9,}  {reason}   (e.g. {tally.examples[reason]})")


def show_year(year: Year) -> None:
    """What the file has, and what it becomes."""
    kinds = Counter(type(event) for event in year.events)
    say(
        f"{year.invoices:,} invoices with {year.rows:,} rows, {len(year.goods):,} products: {kinds[Order]:,} orders of "
        f"{len(year.customers):,} customers, {kinds[Cancellation]:,} cancellations, {kinds[Correction]:,} stock "
        f"corrections; {year.invoices_left_out.total:,} invoices left out"
    )
    show_tally("invoices left out", year.invoices_left_out)
    show_tally("rows left out", year.rows_left_out)
    say()


def show_replay(replay: Replay) -> None:
    """Times, speed, and what went wrong."""
    say()
    for phase in replay.phases.values():
        rate = phase.done / phase.seconds if phase.seconds else 0
        say(f"{phase.title:>9}: {phase.done:,} in {phase.seconds:,.1f} s, {rate:,.0f}/s")
    seconds = replay.phases["orders"].seconds or 1
    say(f"{replay.done['orders placed'] / seconds:,.0f} orders/s, {replay.lines_placed / seconds:,.0f} order rows/s")
    show_tally("refused or wrong", replay.trouble)
    done = ", ".join(f"{count:,} {what}" for what, count in replay.done.items())
    say(f"\nof {replay.year.invoices:,} invoices: {done}, {replay.year.invoices_left_out.total:,} left out")


def faults_of(replay: Replay) -> list[str]:
    """Everything that is not as it must be."""
    year, done = replay.year, sum(replay.done.values())
    faults = year.faults()
    if done + year.invoices_left_out.total != year.invoices:
        missing = year.invoices - year.invoices_left_out.total - done
        faults.append(f"{missing:,} invoices did not get into the shop")
    if replay.trouble.total:
        faults.append(f"{replay.trouble.total:,} requests were refused or answered wrongly")
    differences = replay.stock_differences()
    if differences:
        faults.append(f"{len(differences):,} products have another stock than they must, e.g. {differences[0]}")
    return faults


# ---- command line


def arguments_of(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="replay.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the Online Retail data set as .csv or .csv.xz")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", default="http://127.0.0.1:8000", help="the running shop (default: %(default)s)")
    where.add_argument("--serve", action="store_true", help="start a shop for this, and stop it at the end")
    parser.add_argument("--data-dir", metavar="DIR", help="of that shop; with --serve by default a temporary one")
    parser.add_argument(
        "--clients", type=int, default=8, metavar="N", help="connections at once (default: %(default)s)"
    )
    parser.add_argument("--limit-invoices", type=int, metavar="N", help="only the first N invoices of the year")
    parser.add_argument(
        "--admin",
        metavar="USER",
        help=f"this account instead of a new one; password from {PASSWORD_VARIABLE} or asked for",
    )
    arguments = parser.parse_args(argv)
    if arguments.clients < 1 or (arguments.limit_invoices or 1) < 1:
        parser.error("--clients and --limit-invoices must be at least 1")
    return arguments


def address_of(text: str) -> SplitResult:
    """The address of the shop."""
    try:
        url = urlsplit(text)
        usable = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise CannotStart(f"{text!r} is no address: give one such as http://127.0.0.1:8000.")
    return url


def log_in(arguments: argparse.Namespace, url: SplitResult) -> Login:
    """The staff session: of a new admin, or of the account that was given."""
    if arguments.admin:
        username = arguments.admin
        password = os.environ.get(PASSWORD_VARIABLE) or getpass.getpass(f"password of {username}: ")
    else:
        username, password = make_admin(arguments.data_dir)
    try:
        return Login.start(Connection(url), username, password)
    except Refused as refused:
        raise CannotStart(f"{username} cannot log in at {url.geturl()}: {refused}") from None


def run(arguments: argparse.Namespace) -> int:
    """Replay, check, report."""
    try:
        year = year_of(read_rows(arguments.file), invoices_max=arguments.limit_invoices)
    except (OSError, ValueError, EOFError, lzma.LZMAError) as error:
        raise CannotStart(f"Cannot read {arguments.file}: {error}") from None
    show_year(year)
    with ExitStack() as stack:
        if arguments.serve:
            arguments.data_dir = arguments.data_dir or stack.enter_context(
                tempfile.TemporaryDirectory(prefix="replay-")
            )
            arguments.url = stack.enter_context(served(arguments.data_dir, port=0))
        url = address_of(arguments.url)
        if not is_ready(url):
            start = "start one with `shop serve --data-dir DIR` and give the same --data-dir, or use --serve"
            raise CannotStart(f"No shop is ready at {arguments.url}: {start}.")
        replay = Replay(year, url, log_in(arguments, url), arguments.clients)
        replay.everything()
        show_replay(replay)
        faults = faults_of(replay)
        if arguments.admin and not arguments.data_dir:
            say("audit: left out, --data-dir was not given")
        elif not audit(arguments.data_dir):
            faults.append("shop audit found differences")
    for fault in faults:
        say(f"FAULT: {fault}")
    say("Every invoice is accounted for, and all adds up." if not faults else "It does not add up.")
    return 1 if faults else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run, with a last line for people whatever happens."""
    try:
        return run(arguments_of(argv))
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 2
    except Refused as refused:
        print(f"The shop stopped answering: {refused}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
