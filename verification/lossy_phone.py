"""A phone on a line that loses 60 % of the answers: its wishes happen once, and none that happened seems failed.

    python -m verification.lossy_phone --seed 7 --wishes 12

The phone does what docs/api.md says: it makes a key before the first try, keeps it, and repeats the same request until
it gets an answer. Every answer that it gets must be a success.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

import httpx

from verification.shop_process import environment, serving, shop

API = "/api/v1"
LOSS = 0.6
TRIES_MAX = 200
STAFF, PASSWORD = "grace", "numbers are music"


class LossyPhone:
    """Somebody's phone.

    Args:
        url: of the server.
        rng: decides which answers are lost.
        loss: the share of them.

    Attributes:
        lost: how many answers were lost.
        failed: what got an answer that says it failed.
    """

    def __init__(self, url: str, rng: Random, loss: float = LOSS) -> None:
        self.client = httpx.Client(base_url=url + API, trust_env=False, timeout=60)
        self.rng, self.loss = rng, loss
        self.lost = 0
        self.failed: list[str] = []

    def insist(self, method: str, path: str, body: object = None, *, is_keyed: bool = True, **headers: str) -> Any:
        """Send a request until an answer arrives, and read it."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"idempotency-key": f"{self.rng.getrandbits(128):032x}"} if is_keyed else {}
        for _ in range(TRIES_MAX):
            response = self.client.request(method, path, json=body, headers=sent)
            if self.rng.random() >= self.loss:
                break
            self.lost += 1
        if not response.is_success:
            self.failed.append(f"{method} {path}: {response.status_code} {response.text}")
        return response.json() if response.content else None

    def log_in(self, username: str) -> None:
        """Get a pair of tokens, lose answers to a refresh, and go on with the next pair."""
        login = {"username": username, "password": PASSWORD, "remember": True, "device_name": "lossy"}
        tokens = self.insist("POST", "/auth/token", login, is_keyed=False)
        tokens = self.insist("POST", "/auth/token/refresh", {"refresh": tokens["refresh"]}, is_keyed=False)
        self.client.headers["authorization"] = f"Bearer {tokens['access']}"


def play(url: str, seed: int, wishes: int) -> tuple[Counter[str], list[str]]:
    """Register, order, edit, cancel and delete, leave the shop, and receive stock, each `wishes` times on a lossy line.

    Returns:
        How much there is of everything in the end, and what was reported as failed.
    """
    rng = Random(seed)
    clerk = LossyPhone(url, rng)
    clerk.log_in(STAFF)
    lamp = clerk.insist("POST", "/products", {"sku": f"LAMP-{seed}", "name": "Lamp", "price": "2.50"})["id"]
    for _ in range(wishes):
        clerk.insist("POST", f"/products/{lamp}/stock", {"kind": "received", "quantity": 10, "reason": "note"})
    phone, name = LossyPhone(url, rng), f"ada{seed}"
    for number in range(wishes):
        phone.insist("POST", "/auth/register", {"username": f"{name}x{number}", "password": PASSWORD})
    phone.log_in(f"{name}x0")
    lines: Mapping[int, Any] = {units: {"lines": [{"product_id": lamp, "quantity": units}]} for units in (1, 2)}
    orders = [phone.insist("POST", "/orders", lines[1])["id"] for _ in range(wishes)]
    for order in orders:
        phone.insist("PUT", f"/orders/{order}", lines[2], if_match='"1"')
    for order in orders[: wishes // 2]:
        phone.insist("POST", f"/orders/{order}/cancel", if_match='"2"')
    for order in orders[: wishes // 4]:
        phone.insist("DELETE", f"/orders/{order}", if_match='"3"')
    leaving = [LossyPhone(url, rng) for _ in range(wishes)]
    for number, leaver in enumerate(leaving):
        leaver.insist("POST", "/auth/register", {"username": f"{name}gone{number}", "password": PASSWORD})
        leaver.log_in(f"{name}gone{number}")
        order = leaver.insist("POST", "/orders", lines[1])["id"]
        leaver.insist("POST", f"/orders/{order}/cancel", if_match='"1"')
        leaver.insist("DELETE", "/users/me", {"password": PASSWORD})
        leaver.client.close()
    clerk.loss = phone.loss = 0.0
    placed = phone.insist("GET", "/orders?limit=200", is_keyed=False)["results"]
    level = clerk.insist("GET", f"/products/{lamp}/stock", is_keyed=False)
    registered = clerk.insist("GET", f"/users?search={name}&limit=200", is_keyed=False)["count"]
    everybody = (clerk, phone, *leaving)
    for phone_of in (clerk, phone):
        phone_of.client.close()
    counts = Counter(order["status"] for order in placed)
    counts.update(on_hand=level["on_hand"], allocated=level["allocated"], registered=registered)
    counts["lost"] = sum(each.lost for each in everybody)
    return counts, [line for each in everybody for line in each.failed]


def expected(wishes: int) -> Counter[str]:
    """What there is if every wish happened once."""
    cancelled, deleted = wishes // 2, wishes // 4
    kept = wishes - cancelled
    return Counter(
        placed=kept,
        cancelled=cancelled - deleted,
        on_hand=10 * wishes,
        allocated=2 * kept,
        registered=wishes,
    )


def main() -> int:
    """0 if everything happened once, and nothing was reported as failed."""
    parser = argparse.ArgumentParser(prog="python -m verification.lossy_phone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--wishes", type=int, default=12)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        env = environment(SHOP_DATA_DIR=directory)
        with serving("--workers", "2", env=env) as (url, _):
            made = shop("create-admin", STAFF, env=env, stdin=f"{PASSWORD}\n")
            if made.returncode != 0:
                raise RuntimeError(made.stderr)
            counts, failed = play(url, given.seed, given.wishes)
    lost = counts.pop("lost")
    print(f"{given.wishes} wishes of each kind, {lost} answers lost: {dict(counts)}, {len(failed)} reported as failed")
    for line in failed:
        print(line)
    if counts != expected(given.wishes):
        print(f"expected {dict(expected(given.wishes))}")
    return 0 if not failed and counts == expected(given.wishes) else 1


if __name__ == "__main__":
    sys.exit(main())
