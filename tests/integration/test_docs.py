"""The documentation: a valid description of the API, and a page that shows it with the network cut."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from http_client import API, Server

Json = dict[str, Any]
PROBLEM = "#/components/schemas/Problem"
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def description(memory_server: Server, docs: httpx.Client) -> Json:
    """The description of the API."""
    described: Json = docs.get("/openapi.json").json()
    return described


@pytest.fixture
def docs(memory_server: Server) -> Any:
    """A client of the server itself, outside of the API."""
    with httpx.Client(base_url=memory_server.url, trust_env=False) as client:
        yield client


def operations(description: Json) -> list[tuple[str, str, Json]]:
    """Every operation: path, method, description."""
    return [
        (path, method, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]


def component(description: Json, reference: Json) -> Json:
    """The schema that `reference` names."""
    found: Json = description["components"]["schemas"][reference["$ref"].rpartition("/")[2]]
    return found


def test_the_description_is_valid_openapi_3_1(description: Json) -> None:
    assert description["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(description).validate()


CATALOG = tuple(f"{API}/{path}" for path in ("products", "categories", "families", "catalog"))
SENT = {"CategoryPatch", "LowStockForm", "ProductPatch", "PromotionForm", "PromotionPatch"}
TAKEN_AWAY = {"category", "parent", "family", "condition", "starts_at", "ends_at", "max_uses", "max_per_customer"}
TAKEN_AWAY |= {"low_stock_level"}
"""The fields that null empties."""


def test_every_operation_is_named_summed_up_and_grouped(description: Json) -> None:
    found = operations(description)
    ids = [operation["operationId"] for _, _, operation in found]
    assert len(set(ids)) == len(ids) == 76
    tags = {tag["name"] for tag in description["tags"]}
    for _, _, operation in found:
        assert operation["summary"]
        assert set(operation["tags"]) <= tags


FILE = {"type": "string", "format": "binary"}
"""The body of an upload: an example would be a picture."""


def test_every_body_has_an_example(description: Json) -> None:
    for path, method, operation in operations(description):
        contents = [operation.get("requestBody", {}).get("content", {})]
        answers = operation["responses"].items()
        contents += [answer["content"] for status, answer in answers if status not in {"202", "204", "304"}]
        for content in contents:
            for shown in content.values():
                assert shown["schema"] == FILE or "example" in shown or "examples" in shown, (path, method)


def test_every_error_is_a_problem(description: Json) -> None:
    for path, method, operation in operations(description):
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                (shown,) = answer["content"].items()
                assert shown[0] == "application/problem+json", (path, method, status)
                schema = shown[1]["schema"]
                for one in schema.get("anyOf", [schema]):
                    problem = component(description, one)
                    assert {"code", "detail", "request_id"} <= set(problem["required"])
                    others = set(problem["properties"]) - set(
                        description["components"]["schemas"]["Problem"]["properties"]
                    )
                    assert others if one["$ref"] != PROBLEM else not others


def test_a_problem_with_members_of_its_own_has_a_schema_of_its_own(description: Json) -> None:
    conflict = description["paths"][f"{API}/orders"]["post"]["responses"]["409"]["content"]["application/problem+json"]
    names = [each["$ref"].rpartition("/")[2] for each in conflict["schema"]["anyOf"]]
    assert names[-1] == "Problem", "the general one comes last, as it fits all"
    assert set(names) == {"ShortageProblem", "TotalProblem", "ReservationProblem", "ExpiredProblem", "Problem"}
    stale = description["paths"][f"{API}/products/{{product_id}}"]["patch"]["responses"]["412"]["content"]
    assert "version" in component(description, stale["application/problem+json"]["schema"])["required"]


def test_generated_clients_get_the_types_that_there_are(description: Json) -> None:
    schemas = description["components"]["schemas"]
    for name, schema in schemas.items():
        assert "\n " not in schema["description"], f"{name}: Markdown would show indented text as code"
        for field, shown in schema.get("properties", {}).items():
            assert "default" not in shown, (name, field)
            assert len(shown.get("enum", [])) < 2, f"{name}.{field}: an enum is a schema of its own"
            if field.endswith("_at") or field == "at":
                assert "date-time" in {each.get("format") for each in shown.get("anyOf", [shown])}, (name, field)
    assert schemas["ProductBody"]["properties"]["image_urls"]["items"]["format"] == "uri"
    assert schemas["ProductPage"]["properties"]["next"]["anyOf"][0]["format"] == "uri-reference"
    for path, method, operation in operations(description):
        for parameter in operation["parameters"]:
            assert {"default", "enum"}.isdisjoint(parameter["schema"]), (path, method, parameter["name"])
    assert description["servers"] == [{"url": "/"}]


def test_an_operation_that_needs_a_login_says_so_and_no_other(description: Json) -> None:
    for path, method, operation in operations(description):
        public = path.startswith(("/health", f"{API}/auth")) or (
            method == "get" and path.startswith(CATALOG) and "stock" not in path
        )
        if path == f"{API}/orders/quote":
            assert operation["security"][0] == {}, "a quote needs no login, but takes one"
        else:
            assert operation["security"] == ([] if public else [{"access_token": []}]), (path, method)
        assert ("401" in operation["responses"]) is (operation["security"] != []) or "auth" in path


def test_placing_an_order_names_all_its_refusals(description: Json) -> None:
    answers = description["paths"][f"{API}/orders"]["post"]["responses"]
    assert answers.keys() == {"201", "400", "401", "404", "408", "409", "413", "415", "422", "429", "500", "503"}
    (shown,) = answers["409"]["content"].values()
    codes = {
        "insufficient_stock",
        "total_changed",
        "coupon_not_usable",
        "order_deleted",
        "reservation_expired",
        "reservation_resolved",
    }
    assert shown["examples"].keys() == codes
    assert shown["examples"]["insufficient_stock"]["value"]["shortages"]


def test_operations_that_take_an_idempotency_key_say_so(description: Json) -> None:
    keyed = set()
    for path, method, operation in operations(description):
        names = {parameter["name"] for parameter in operation["parameters"]}
        assert ("Idempotency-Key" in names) is ("422" in operation["responses"]), (path, method)
        if "Idempotency-Key" in names:
            keyed.add(operation["operationId"])
            done = min(operation["responses"])
            assert "Idempotency-Replayed" in operation["responses"][done]["headers"]
    assert len(keyed) > 20
    assert {"place_order", "change_stock", "register"} <= keyed
    assert keyed.isdisjoint({"log_in", "refresh_tokens", "list_products"})


def test_bounds_and_choices_are_described(description: Json) -> None:
    parameters = {
        parameter["name"]: parameter["schema"]
        for parameter in description["paths"][f"{API}/products"]["get"]["parameters"]
    }
    assert parameters["limit"] == {"type": "integer", "minimum": 1, "maximum": 200}
    assert parameters["page"]["minimum"] == 1
    assert set(component(description, parameters["sort"])["enum"]) == {"newest", "name", "price", "-price", "relevance"}
    assert parameters["category"]["format"] == "uuid"
    line = description["components"]["schemas"]["LineForm"]
    assert line["additionalProperties"] is False
    assert (line["properties"]["quantity"]["minimum"], line["properties"]["quantity"]["maximum"]) == (1, 1_000_000)


def test_nothing_that_clients_get_is_nullable_but_the_links_of_lists(description: Json) -> None:
    for name, schema in description["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            nullable = "null" in msgspec.json.encode(described).decode()
            says_nothing = name in SENT and field in TAKEN_AWAY  # in what clients send, not get
            assert nullable is (field in {"next", "previous"} or says_nothing), (name, field)


def test_the_root_points_to_the_docs(docs: httpx.Client) -> None:
    response = docs.get("/")
    assert response.is_redirect
    assert response.headers["location"] == "/docs"


class Addresses(HTMLParser):
    """Collects what a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the addresses of one element."""
        self.found += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_the_page_and_its_files_come_from_here_and_load_nothing_from_elsewhere(docs: httpx.Client) -> None:
    page = docs.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    addresses = Addresses()
    addresses.feed(page.text)
    assert len(addresses.found) == 5
    for address in addresses.found:
        assert address.startswith("/docs/")
        served = docs.get(address)
        assert served.status_code == 200
        assert served.headers["cache-control"].startswith("public, max-age=")
        if address.endswith(".css"):
            assert re.findall(r"""@import|url\((?!["']?data:)""", served.text) == []
    assert "validatorUrl: null" in docs.get("/docs/start.js").text
    # Whatever the 1.5 MB of script may try: the browser is told to let it ask nobody but this server.
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "http" not in policy


def chromium(url: str, folder: Path, *what: str) -> str:
    """What headless Chromium prints about `url`, with no network but this machine."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("there is no Chromium on PATH")
    flags = [
        *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
        *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--no-proxy-server"),
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
        f"--user-data-dir={folder}",
        "--virtual-time-budget=20000",
        "--window-size=1200,1600",
    ]
    done = subprocess.run([browser, *flags, *what, url], capture_output=True, text=True, timeout=300, check=True)
    return done.stdout


def test_a_browser_without_internet_shows_every_operation(
    memory_server: Server, description: Json, tmp_path: Path
) -> None:
    shown = chromium(f"{memory_server.url}/docs", tmp_path, "--dump-dom")
    for path, method, operation in operations(description):
        assert f"operations-{operation['tags'][0]}-{operation['operationId']}" in shown, (path, method)
        assert operation["summary"] in shown
    assert "Failed to load API definition" not in shown
    assert "validator.swagger.io" not in shown
    assert re.findall(r"""(?:src|action)=["']https?://""", shown) == []
