"""The requests that the fuzzer sends: of every kind, to every operation, and the same ones again for the same seed."""

from __future__ import annotations

import re

from litestar.testing import TestClient
from verification.bad_requests import Mutator, operations_of

from shop_adapters.memory import MemoryAdapters
from shop_core import Shop
from shop_http.app import create_app

KINDS = {"values", "body", "chunked", "query", "path", "header", "token", "bytes"}


def test_every_kind_is_sent_to_every_operation_and_a_number_makes_the_same_request_again() -> None:
    with TestClient(create_app(Shop(MemoryAdapters()), threads=2)) as client:
        operations = operations_of(client.get("/openapi.json").json())
    names = {name for operation in operations for name in re.findall(r"\{(\w+)\}", operation.path)}
    ids = {name: ["01a1fdcd-e7ef-75de-b2e3-e5ed16e9e21d"] for name in names}
    one, other = (Mutator(6, operations, ids, {"admin": "token"}, [[b"Bearer x"]]) for _ in range(2))
    made = [one.attempt(number) for number in range(2_000)]
    assert {attempt.kind for attempt in made} == KINDS
    assert {attempt.operation.id for attempt in made} == {operation.id for operation in operations}
    assert [attempt.raw for attempt in made[:100]] == [other.attempt(number).raw for number in range(100)]
