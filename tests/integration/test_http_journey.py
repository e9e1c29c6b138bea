"""The whole life of an order, as a customer and the staff of a shop see it over HTTP. Read this test first."""

from __future__ import annotations

from http_client import API, PASSWORD, Server, assert_problem, unique


def test_a_customer_finds_a_candle_holder_orders_three_and_gets_them(server: Server) -> None:
    with server.client(server.staff_token) as staff, server.client() as ada:
        # The shop puts a candle holder on its shelf, and receives four.
        slug = unique("candles")
        shelf = staff.post("/categories", json={"name": "Candle holders", "slug": slug}).json()
        word = unique("heart")
        product = staff.post(
            "/products",
            json={"sku": unique("85123A-"), "name": f"White {word} holder", "price": "2.20", "category": shelf["id"]},
        ).json()
        assert product["quantity_in_stock"] == 0
        delivery = {"kind": "received", "quantity": 4, "reason": "delivery note 4711"}
        assert staff.post(f"/products/{product['id']}/stock", json=delivery).json()["available"] == 4

        # Ada looks around without an account, and finds it by the beginning of a word.
        found = ada.get("/products", params={"keyword": f"white {word[:9]}", "in_stock": "true"}).json()
        assert [hit["id"] for hit in found["results"]] == [product["id"]]
        assert found["results"][0]["quantity_in_stock"] == 4

        # To order she needs one.
        order = {"lines": [{"product_id": product["id"], "quantity": 3}]}
        assert_problem(ada.post("/orders", json=order), 401, "unauthenticated")
        username = unique("ada")
        assert ada.post("/auth/register", json={"username": username, "password": PASSWORD}).status_code == 201
        tokens = ada.post("/auth/token", json={"username": username, "password": PASSWORD}).json()
        ada.headers["Authorization"] = f"{tokens['token_type']} {tokens['access']}"

        # Five are more than there are: nothing is taken, and she learns how many she can have.
        too_many = {"lines": [{"product_id": product["id"], "quantity": 5}]}
        problem = assert_problem(ada.post("/orders", json=too_many), 409, "insufficient_stock")
        assert problem["shortages"] == [
            {"product_id": product["id"], "requested": 5, "available": 4}
            | {"sku": product["sku"], "product_name": product["name"]}
        ]
        placed = ada.post("/orders", json=order)
        assert placed.status_code == 201
        assert (placed.json()["status"], placed.json()["total"]) == ("placed", "6.60")
        assert placed.headers["location"] == f"{API}/orders/{placed.json()['id']}"
        assert ada.get(f"/products/{product['id']}").json()["quantity_in_stock"] == 1

        # The shop confirms, ships and delivers; Ada follows it, and can no longer call it off.
        where = f"/orders/{placed.json()['id']}"
        for step, status in (("confirm", "confirmed"), ("ship", "shipped")):
            assert staff.post(f"{where}/{step}").json()["status"] == status
            assert ada.get(where).json()["status"] == status
        problem = assert_problem(ada.post(f"{where}/cancel"), 409, "illegal_order_step")
        assert problem["possible"] == []
        assert staff.post(f"{where}/deliver").json()["status"] == "delivered"
        assert [past["id"] for past in ada.get("/orders").json()["results"]] == [placed.json()["id"]]

        # The ledger tells what became of the four units.
        ledger = staff.get(f"/products/{product['id']}/stock/movements").json()["results"]
        assert [(line["kind"], line["quantity"]) for line in ledger] == [
            ("shipped", 3),
            ("allocated", 3),
            ("received", 4),
        ]
