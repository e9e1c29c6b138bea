"""Who may do what: every operation of the API, tried by everybody, against one table.

Somebody else's things answer exactly like things that do not exist. An operation without a row fails the last test.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest

from hostile_pictures import encoded, picture
from http_client import (
    ACCESS_TOKEN_USED_S_MAX,
    API,
    PASSWORD,
    Server,
    assert_problem,
    log_in,
    new_order,
    new_product,
    order_of,
    register,
    unique,
)

WHO = ("nobody", "owner", "other", "staff", "admin")

# What each gets: nobody, the customer whose things they are, another customer, staff, admin.
TABLE = """
    register           201 201 201 201 201
    log_in             200 200 200 200 200
    refresh_tokens     200 200 200 200 200
    log_out            204 204 204 204 204
    get_me             401 200 200 200 200
    edit_me            401 200 200 200 200
    change_password    401 204 204 204 204
    get_my_data        401 200 200 200 200
    erase_me           401 400 400 400 400
    list_sessions      401 200 200 200 200
    end_session        401 204 404 404 404
    list_users         401 403 403 200 200
    get_user           401 403 403 200 200
    assign_user        401 403 403 403 200
    get_user_data      401 403 403 403 200
    erase_user         401 403 403 403 204
    list_categories    200 200 200 200 200
    get_category       200 200 200 200 200
    create_category    401 403 403 201 201
    edit_category      401 403 403 200 200
    remove_category    401 403 403 204 204
    list_products      200 200 200 200 200
    get_product        200 200 200 200 200
    create_product     401 403 403 201 201
    replace_product    401 403 403 200 200
    edit_product       401 403 403 200 200
    remove_product     401 403 403 204 204
    restore_product    401 403 403 200 200
    add_image          401 403 403 201 201
    edit_image         401 403 403 200 200
    remove_image       401 403 403 204 204
    list_catalog_changes 200 200 200 200 200
    list_families      200 200 200 200 200
    get_family         200 200 200 200 200
    create_family      401 403 403 201 201
    edit_family        401 403 403 200 200
    remove_family      401 403 403 204 204
    list_promotions    401 403 403 200 200
    create_promotion   401 403 403 201 201
    get_promotion      401 403 403 200 200
    edit_promotion     401 403 403 200 200
    delete_promotion   401 403 403 204 204
    create_coupons     401 403 403 201 201
    list_coupons       401 403 403 200 200
    list_redemptions   401 403 403 200 200
    list_tax_rates     401 403 403 200 200
    set_tax_rates      401 403 403 200 200
    compare_orders     401 200 200 200 200
    quote_order        200 200 200 200 200
    get_stock_level    401 403 403 200 200
    set_low_stock_level 401 403 403 200 200
    list_low_stock     401 403 403 200 200
    change_stock       401 403 403 200 200
    list_stock_movements 401 403 403 200 200
    reset_password     400 400 400 400 400
    ask_for_password_reset      409 409 409 409 409
    confirm_email               400 400 400 400 400
    ask_for_email_confirmation  401 409 409 409 409
    offer_password_reset 401 403 403 403 200
    reserve            401 201 201 201 201
    list_reservations  401 200 200 200 200
    get_reservation    401 200 404 200 200
    extend_reservation 401 200 404 200 200
    release_reservation 401 204 404 204 204
    list_orders        401 200 200 200 200
    place_order        401 201 201 201 201
    get_order          401 200 404 200 200
    edit_order         401 200 404 200 200
    cancel_order       401 200 404 200 200
    delete_order       401 204 404 403 403
    list_order_events  401 200 404 200 200
    confirm_order      401 403 403 200 200
    ship_order         401 403 403 200 200
    deliver_order      401 403 403 200 200
    is_live            200 200 200 200 200
    is_ready           200 200 200 200 200
"""

EXPECTED = {
    name: dict(zip(WHO, map(int, statuses), strict=True))
    for name, *statuses in (line.split() for line in TABLE.split("\n") if line.strip())
}

CASES = [(operation, who) for operation in EXPECTED for who in WHO]
HIDDEN = [operation for operation, expected in EXPECTED.items() if expected["other"] == 404]
CLOSED = [
    *HIDDEN,
    *"get_user assign_user get_user_data erase_user offer_password_reset edit_category remove_category".split(),
]
CLOSED += "replace_product edit_product remove_product restore_product get_stock_level change_stock".split()
CLOSED += ["set_low_stock_level", "add_image", "edit_image", "remove_image"]
CLOSED += "list_stock_movements confirm_order ship_order deliver_order".split()
CLOSED += "edit_family remove_family get_promotion edit_promotion delete_promotion".split()
CLOSED += "create_coupons list_coupons list_redemptions".split()
PROMOTION = {"label": "Tried", "benefit": {"kind": "order_percent", "percent": "1"}, "needs_coupon": True}
PICTURE = encoded(picture(), "PNG")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass
class Scenario:
    """A fresh thing of each kind for one test, most of them the owner's; and clients for everybody."""

    server: Server
    clients: dict[str, httpx.Client]
    usernames: dict[str, str]

    def path_parameters(self, operation: str) -> dict[str, str]:
        """The ids that the operation's path names: of things on which the right one can do it."""
        parameters = {}
        if "session" in operation:
            log_in(self.clients["nobody"], self.usernames["owner"])
            mine = self.clients["owner"].get("/users/me/sessions").json()["results"]
            parameters["session_id"] = next(one["id"] for one in mine if not one["current"])
        elif "categor" in operation:
            parameters["category_id"] = self._category()
        elif "famil" in operation:
            made = self.clients["admin"].post("/families", json={"name": "Shirts"})
            parameters["family_id"] = str(made.json()["id"])
        elif "promotion" in operation or "coupons" in operation or operation == "list_redemptions":
            parameters["promotion_id"] = self._promotion(operation)
        elif "reservation" in operation:
            held = self.clients["owner"].post("/reservations", json=order_of((self.product, 2)))
            parameters["reservation_id"] = str(held.json()["id"])
        elif "order" in operation:
            parameters["order_id"] = self._order(operation)
        elif operation in ("edit_image", "remove_image"):
            parameters["product_id"] = self.product["id"]
            path = f"/products/{parameters['product_id']}/images"
            made = self.clients["admin"].post(path, content=PICTURE, headers={"content-type": "image/png"})
            parameters["image_id"] = str(made.json()["images"][0]["id"])
        elif "user" in operation or operation == "offer_password_reset":
            parameters["user_id"] = register(self.clients["nobody"])["id"]
        else:
            parameters["product_id"] = self.product["id"]
        return parameters

    @property
    def product(self) -> dict[str, str]:
        return new_product(self.clients["admin"], stock=9)

    def body(self, operation: str, who: str) -> object:
        """What to send: a body with which the right one succeeds; None where there is none."""
        username = self.usernames.get(who) or self.usernames["owner"]
        match operation:
            case "register":
                return {"username": unique("new"), "password": PASSWORD}
            case "log_in":
                return {"username": username, "password": PASSWORD}
            case "refresh_tokens" | "log_out":
                return {"refresh": log_in(self.clients["nobody"], username)["refresh"]}
            case "edit_me":
                return {"first_name": "Ada"}
            case "change_password":
                return {"old_password": PASSWORD, "new_password": PASSWORD + "!"}
            case "erase_me":
                return {"password": "not theirs"}
            case "ask_for_password_reset":  # this shop sends no mails
                return {"email": "ada@shop.example"}
            case "confirm_email":
                return {"code": "made up"}
            case "reset_password":
                return {"code": "made up", "new_password": PASSWORD + "!"}
            case "assign_user":
                return {"active": False}
            case "create_category":
                return {"name": "Lamps", "slug": unique("lamps")}
            case "edit_category":
                return {"name": "Lights"}
            case "create_family" | "edit_family":
                return {"name": "T-shirt"}
            case "create_promotion":
                return PROMOTION
            case "edit_promotion":
                return {"label": "Tried"}
            case "create_coupons":
                return {"count": 2}
            case "set_tax_rates":
                return {"rates": [{"tax_class": "tried", "rate": "1.00"}]}
            case "create_product" | "replace_product":
                return {"sku": unique("SKU-"), "name": "Lamp", "price": "2.20"}
            case "edit_product":
                return {"price": "2.30"}
            case "add_image":
                return PICTURE
            case "edit_image":
                return {"alt": "A lamp"}
            case "change_stock":
                return {"kind": "received", "quantity": 1, "reason": "found"}
            case "set_low_stock_level":
                return {"low_stock_level": 5}
            case "extend_reservation":
                return {"ttl_seconds": 60}
            case "compare_orders":
                return {"limit": 1}
            case "place_order" | "edit_order" | "reserve" | "quote_order":
                return order_of((self.product, 2))
        return None

    def _promotion(self, operation: str) -> str:
        """A promotion; always the same, as there may be only so many, unless it is going to be deleted."""
        admin = self.clients["admin"]
        promotions = admin.get("/promotions").json()["results"]
        if not promotions or operation == "delete_promotion":
            promotions = [admin.post("/promotions", json=PROMOTION).json()]
        return str(promotions[-1]["id"])

    def _category(self) -> str:
        made = self.clients["admin"].post("/categories", json={"name": "Shelf", "slug": unique("shelf")})
        return str(made.json()["id"])

    def _order(self, operation: str) -> str:
        """An order of the owner, in the state that the operation starts from."""
        order_id = str(new_order(self.clients["owner"], (self.product, 2))["id"])
        steps = {"ship_order": ["confirm"], "deliver_order": ["confirm", "ship"]}.get(operation, [])
        for step in steps:
            assert self.clients["admin"].post(f"/orders/{order_id}/{step}").status_code == 200
        return order_id


@pytest.fixture(scope="module")
def usernames(server: Server) -> dict[str, str]:
    """A username for each role; the admin that came with the server makes the others."""
    with server.client(server.staff_token) as admin:
        users = {who: register(admin) for who in ("owner", "other", "staff", "admin")}
        for role in ("staff", "admin"):
            assert admin.patch(f"/users/{users[role]['id']}", json={"role": role}).status_code == 200
    return {who: user["username"] for who, user in users.items()}


@pytest.fixture(scope="module")
def log_ins(server: Server, usernames: dict[str, str]) -> Callable[[], dict[str, str]]:
    """An access token for each of them, renewed before it can end."""
    tokens: dict[str, str] = {}
    since = 0.0

    def fresh() -> dict[str, str]:
        nonlocal since
        if time.monotonic() - since > ACCESS_TOKEN_USED_S_MAX:
            since = time.monotonic()
            with server.client() as visitor:
                tokens.update((who, log_in(visitor, username)["access"]) for who, username in usernames.items())
        return tokens

    return fresh


@pytest.fixture
def scenario(server: Server, usernames: dict[str, str], log_ins: Callable[[], dict[str, str]]) -> Iterator[Scenario]:
    """Everybody, logged in. Users of their own where an operation ends sessions."""
    clients = {"nobody": server.client(), **{who: server.client(token) for who, token in log_ins().items()}}
    yield Scenario(server, clients, usernames)
    for client in clients.values():
        client.close()


@pytest.fixture(scope="module")
def operations(server: Server) -> dict[str, tuple[str, str]]:
    """Method and path of every operation in the document that this server gives out."""
    document = httpx.get(f"{server.url}/openapi.json", trust_env=False).json()
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def send(
    scenario: Scenario,
    call: tuple[str, str],
    who: str,
    ids: dict[str, str],
    body: object,
    how: dict[str, str] | None = None,
) -> httpx.Response:
    method, path = call
    url = scenario.server.url + re.sub(r"\{(\w+)\}", lambda name: ids[name[1]], path)
    sent = {"json": body} if body else {}
    if isinstance(body, bytes):
        sent, how = {"content": body}, {**(how or {}), "content-type": "image/png"}
    return scenario.clients[who].request(method, url, headers=how, **sent)  # type: ignore[arg-type]


@pytest.mark.parametrize(("operation", "who"), CASES)
def test_everybody_gets_what_the_table_says(
    scenario: Scenario, operations: dict[str, tuple[str, str]], operation: str, who: str
) -> None:
    if operation == "change_password" and who != "nobody":  # a user of their own: it ends every session
        scenario.usernames = scenario.usernames | {who: register(scenario.clients["nobody"])["username"]}
        scenario.clients[who].close()
        scenario.clients[who] = scenario.server.client(
            log_in(scenario.clients["nobody"], scenario.usernames[who])["access"]
        )
    ids = scenario.path_parameters(operation) if "{" in operations[operation][1] else {}
    answer = send(scenario, operations[operation], who, ids, scenario.body(operation, who))
    assert answer.status_code == EXPECTED[operation][who], answer.text
    if answer.status_code == 401:
        assert_problem(answer, 401, "unauthenticated")
    elif answer.status_code == 403:
        assert_problem(answer, 403, "not_the_owner" if operation == "delete_order" else "forbidden")


@pytest.mark.parametrize("operation", CLOSED)
@pytest.mark.parametrize("who", ["nobody", "other"])
def test_another_customers_things_look_as_if_they_did_not_exist(
    scenario: Scenario, operations: dict[str, tuple[str, str]], operation: str, who: str
) -> None:
    """Whatever is asked of it, and however: by its status, its body and the names of its headers."""
    call, body = operations[operation], scenario.body(operation, who)
    theirs = scenario.path_parameters(operation)
    nowhere = {name: str(UUID(int=UUID(value).int ^ 1)) for name, value in theirs.items()}
    for how in ({}, {"If-Match": '"1"'}, {"If-Match": '"99"'}, {"If-None-Match": "*"}):
        for sent in (body, {"nonsense": 1}) if body else (None,):
            answers = [send(scenario, call, who, ids, sent, how) for ids in (theirs, nowhere)]
            assert answers[0].status_code in {EXPECTED[operation][who], 400}
            assert _impersonal(answers[0], theirs) == _impersonal(answers[1], nowhere), (how, sent)
    can_be_read = any(path == call[1] and EXPECTED[name]["nobody"] == 200 for name, (_, path) in operations.items())
    for method in () if can_be_read else METHODS:
        answers = [send(scenario, (method, call[1]), who, ids, None) for ids in (theirs, nowhere)]
        assert _impersonal(answers[0], theirs) == _impersonal(answers[1], nowhere), method


def test_a_reservation_of_somebody_else_cannot_be_bought_and_looks_like_none(scenario: Scenario) -> None:
    held = scenario.clients["owner"].post("/reservations", json=order_of((scenario.product, 2))).json()["id"]
    nowhere = str(UUID(int=UUID(held).int ^ 1))
    answers = [scenario.clients["other"].post("/orders", json={"reservation_id": each}) for each in (held, nowhere)]
    assert answers[0].status_code == 404
    assert _impersonal(answers[0], {"": held}) == _impersonal(answers[1], {"": nowhere})


def test_a_key_of_somebody_else_is_as_good_as_new(scenario: Scenario) -> None:
    product, key = scenario.product, {"Idempotency-Key": unique("key")}
    made = [
        scenario.clients[who].post("/orders", json=order_of((product, 2)), headers=key) for who in ("owner", "other")
    ]
    assert [answer.status_code for answer in made] == [201, 201]
    assert "idempotency-replayed" not in made[1].headers
    assert made[0].json()["id"] != made[1].json()["id"]


def test_lists_show_only_what_belongs_to_the_user(scenario: Scenario) -> None:
    order_id = scenario.path_parameters("get_order")["order_id"]
    for path in ("/orders", "/orders?cursor=", "/orders?limit=1", "/orders?page=2&limit=1"):
        assert order_id not in scenario.clients["other"].get(path).text
    assert order_id in scenario.clients["owner"].get("/orders").text


def test_every_path_that_names_something_is_tried(operations: dict[str, tuple[str, str]]) -> None:
    open_to_all = {operation for operation in EXPECTED if EXPECTED[operation]["nobody"] == 200}
    assert {operation for operation, (_, path) in operations.items() if "{" in path} - open_to_all == set(CLOSED)
    assert {operation for operation in CLOSED if EXPECTED[operation]["other"] == 404} == set(HIDDEN)


def _impersonal(answer: httpx.Response, ids: dict[str, str]) -> tuple[int, list[str], str]:
    """All of an answer but what differs between any two: the id that was asked for, and the id of the request."""
    text = answer.text.replace(answer.headers["x-request-id"], "REQUEST")
    for value in ids.values():
        text = text.replace(value, "ID")
    return answer.status_code, sorted(answer.headers), text


def test_every_operation_has_a_row(operations: dict[str, tuple[str, str]]) -> None:
    assert operations.keys() == EXPECTED.keys(), "say in the table who may do what"


def test_a_malformed_id_is_refused_like_an_unknown_one(
    scenario: Scenario, operations: dict[str, tuple[str, str]]
) -> None:
    for operation, call in operations.items():
        if "{" in call[1]:
            ids = dict.fromkeys(re.findall(r"\{(\w+)\}", call[1]), "not-an-id")
            answer = send(scenario, call, "admin", ids, scenario.body(operation, "admin"))
            assert answer.status_code == 404, (operation, answer.text)
            assert json.loads(answer.text)["code"] == "not_found"
            assert call[1].startswith(API)
