"""The proxies of `deploy/`, as the real thing before a running shop."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event

import httpx
import pytest
from verification.shop_process import SHOP, free_port, running, shop_with_admin

from http_client import API, PASSWORD, STAFF, WAIT_S_MAX, new_product, order_of, staff_and_customer, wait_until
from http_servers import launched, serving
from shop_testing import in_background

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
PATH = "/usr/sbin:/usr/bin:/bin"
NGINX, CADDY, OPENSSL = (shutil.which(name, path=PATH) or "" for name in ("nginx", "caddy", "openssl"))
INSIDE = ("/metrics", "/metrics/", "/health/ready", "/health/live/")
IDLE_CONNECTIONS = 1_300
REQUESTS_PER_HOUR = 5_000
_NGINX_MAIN = """
daemon off; {user} pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {site}
}}
"""

pytestmark = pytest.mark.skipif(not (NGINX and OPENSSL), reason="nginx or openssl is not installed")


@pytest.fixture(scope="module")
def shop_env(migrated_database: Callable[[str], str]) -> dict[str, str]:
    """The environment of a shop whose settings are those that the head of `shop.conf` asks for."""
    said = re.search(r"^#   (SHOP_.*)$", (DEPLOY / "nginx" / "shop.conf").read_text(), re.MULTILINE)
    assert said
    asked = dict(pair.split("=", 1) for pair in said[1].split())
    variables = {"SHOP_DATABASE_URL": migrated_database("proxies"), "SHOP_SECRET_KEY": "x" * 40, "SHOP_WORKERS": "1"}
    asked |= {"SHOP_RATE_LIMIT": f"{REQUESTS_PER_HOUR}/hour", "SHOP_METRICS": "public"}
    return shop_with_admin(STAFF, PASSWORD, **variables, **asked)


@pytest.fixture(scope="module")
def shop_url(shop_env: dict[str, str]) -> Iterator[str]:
    with serving("--demo", env=shop_env) as (url, _):
        yield url


@pytest.fixture(scope="module")
def nginx_port(shop_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with nginx(tmp_path_factory.mktemp("nginx"), shop_url, shop_url) as port:
        yield port


@contextmanager
def nginx(folder: Path, first_url: str, second_url: str) -> Iterator[int]:
    """`deploy/nginx/shop.conf` before two servers; other ports and a certificate of its own are all that differs."""
    port, plain = free_port(), free_port()
    key, certificate, config = folder / "key.pem", folder / "certificate.pem", folder / "nginx.conf"
    command = [OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=shop.example", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *names], check=True, capture_output=True)
    site = (DEPLOY / "nginx" / "shop.conf").read_text()
    for pattern, ours in (
        (r"listen 443", f"listen 127.0.0.1:{port}"),
        (r"listen 80", f"listen 127.0.0.1:{plain}"),
        (r"listen \[::\].*", ""),
        (r"127\.0\.0\.1:8000", first_url.removeprefix("http://")),
        (r"127\.0\.0\.1:8010", second_url.removeprefix("http://")),
        (r"/etc/letsencrypt\S*/fullchain\.pem", str(certificate)),
        (r"/etc/letsencrypt\S*/privkey\.pem", str(key)),
    ):
        site, count = re.subn(pattern, ours, site)
        assert count, f"shop.conf has no {pattern}"
    config.write_text(_NGINX_MAIN.format(folder=folder, site=site, user="user root;" if os.geteuid() == 0 else ""))
    with subprocess.Popen([NGINX, "-p", folder, "-c", config], stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + WAIT_S_MAX
        while not _listens(port):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.02)
        try:
            yield port
        finally:
            process.terminate()


@contextmanager
def caddy(folder: Path, shop_url: str) -> Iterator[str]:
    """`deploy/caddy/Caddyfile` before a server, without a certificate and with health checks on the server's port."""
    port, config = free_port(), folder / "Caddyfile"
    server = shop_url.removeprefix("http://")
    site = (DEPLOY / "caddy" / "Caddyfile").read_text()
    for known, ours in (
        ("{\n\tservers", "{\n\tadmin off\n\tservers"),
        ("\nshop.example {", f"\nhttp://127.0.0.1:{port} {{"),
        ("127.0.0.1:8000", server),
        ("health_port 18000", f"health_port {server.partition(':')[2]}"),
    ):
        assert known in site
        site = site.replace(known, ours)
    config.write_text(site)
    env = {"HOME": str(folder), "PATH": PATH}
    with subprocess.Popen([CADDY, "run", "--config", config], env=env, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: process.poll() is not None or _listens(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@pytest.fixture
def client(nginx_port: int) -> Iterator[httpx.Client]:
    with new_client(nginx_port) as inside:
        yield inside


def new_client(port: int) -> httpx.Client:
    headers = {"Host": "shop.example"}
    return httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=_tls(), headers=headers, trust_env=False)


def _tls() -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return tls


def test_links_lead_back_to_the_proxy(client: httpx.Client) -> None:
    page = client.get("/api/v1/products", params={"limit": 1}).json()
    assert re.match(r"https://shop\.example/|/", page["next"])


def test_a_request_has_one_id_which_the_client_may_choose(client: httpx.Client) -> None:
    first, second = (client.get("/api/v1/products").headers["x-request-id"] for _ in range(2))
    assert re.fullmatch(r"[0-9a-f]{32}", first)
    assert first != second
    chosen = client.get("/api/v1/products", headers={"X-Request-ID": "phone-7"})
    assert chosen.headers["x-request-id"] == "phone-7"


def test_responses_are_compressed_and_their_tags_still_work(client: httpx.Client) -> None:
    page = client.get("/api/v1/products", headers={"Accept-Encoding": "gzip"})
    assert page.headers["content-encoding"] == "gzip"
    path = f"/api/v1/products/{page.json()['results'][0]['id']}"
    tag = client.get(path).headers["etag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_what_is_for_those_inside_stays_inside(client: httpx.Client, shop_url: str) -> None:
    for path in INSIDE:
        assert httpx.get(f"{shop_url}{path}", trust_env=False).status_code == 200
        assert client.get(path).status_code == 404, path


@pytest.mark.skipif(not CADDY, reason="caddy is not installed")
def test_caddy_keeps_the_same_inside(shop_url: str, tmp_path: Path) -> None:
    with caddy(tmp_path, shop_url) as url, httpx.Client(base_url=url, trust_env=False) as client:
        assert client.get(f"{API}/products").status_code == 200
        assert {path: client.get(path).status_code for path in INSIDE} == dict.fromkeys(INSIDE, 404)


def test_a_client_cannot_make_up_its_address(client: httpx.Client) -> None:
    """Requests without a login are counted by address: with invented ones the count would begin anew."""
    for headers in ({}, {"X-Forwarded-For": "203.0.113.7"}, {"Forwarded": "for=203.0.113.8"}):
        limit = client.get("/api/v1/products", headers=headers).headers["ratelimit"]
    assert not limit.startswith(f'"client";r={REQUESTS_PER_HOUR - 1};')


def test_requests_are_answered_while_many_clients_only_connect(client: httpx.Client, nginx_port: int) -> None:
    with ExitStack() as connections:
        for _ in range(IDLE_CONNECTIONS):
            connections.enter_context(socket.create_connection(("127.0.0.1", nginx_port)))
        assert client.get("/api/v1/products", params={"limit": 1}).status_code == 200


def test_one_address_has_so_many_requests_at_a_time_and_is_told_in_the_form_of_the_shop(
    client: httpx.Client, nginx_port: int
) -> None:
    """Requests whose body does not come count; what is refused looks as if the shop had refused it."""
    head = b"POST /api/v1/orders HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 9\r\n\r\n"
    with ExitStack() as connections:
        for _ in range(100):
            plain = connections.enter_context(socket.create_connection(("127.0.0.1", nginx_port)))
            connections.enter_context(_tls().wrap_socket(plain)).sendall(head)
        deadline = time.monotonic() + 8  # nginx ends those that wait after 10 s
        while (refused := client.get("/api/v1/products")).status_code == 200:
            assert time.monotonic() < deadline
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["code"] == "too_many_requests"


def test_two_servers_that_are_replaced_one_after_the_other_lose_no_request(
    shop_env: dict[str, str], tmp_path: Path
) -> None:
    """The second one ends as soon as the first is back: nginx must ask that one again at once."""
    first, second = free_port(), free_port()

    def server(port: int) -> AbstractContextManager[subprocess.Popen[str]]:
        command: list[str | Path] = [*launched(), SHOP, "serve", "--port", str(port)]
        return running(command, f"http://127.0.0.1:{port}", shop_env | {"SHOP_DRAIN_S": "1"})

    def end(process: subprocess.Popen[str]) -> None:
        process.terminate()
        process.wait(WAIT_S_MAX)

    with ExitStack() as opened:
        servers = [opened.enter_context(server(port)) for port in (first, second)]
        staff, customer = opened.enter_context(staff_and_customer(f"http://127.0.0.1:{second}"))
        product = new_product(staff, stock=10_000)
        urls = (f"http://127.0.0.1:{port}" for port in (first, second))
        client = opened.enter_context(new_client(opened.enter_context(nginx(tmp_path, *urls))))
        client.headers["Authorization"] = customer.headers["Authorization"]
        answers: Counter[int] = Counter()
        is_over = Event()

        def order_on_and_on() -> None:
            while not is_over.wait(0.02):  # below the 100 requests a second that nginx lets through
                answers[client.post(f"{API}/orders", json=order_of((product, 1))).status_code] += 1

        orders = in_background(order_on_and_on)
        opened.callback(is_over.set)
        wait_until(lambda: answers.total() >= 10)
        end(servers[0])
        opened.enter_context(server(first))
        end(servers[1])
        answered = answers.total()
        wait_until(lambda: answers.total() >= answered + 20)
        is_over.set()
        orders.result(WAIT_S_MAX)
    assert answers.keys() == {201}


def test_a_shop_that_is_away_is_a_problem_document(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with nginx(tmp_path, nobody, nobody) as port, new_client(port) as client:
        away = client.get("/api/v1/products")
    assert away.status_code == 503
    assert away.headers["content-type"] == "application/problem+json"
    assert (away.json()["code"], away.json()["request_id"]) == ("unavailable", away.headers["x-request-id"])
