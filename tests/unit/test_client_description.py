"""The clients stand on the API as it is; `make compare-clients` makes them anew, and compares all of them."""

from __future__ import annotations

import json

from clients.generate import DESCRIPTION, GENERATED, description, python_operations, typescript_operations

MEND = "run `make clients`"


def test_the_clients_are_made_from_the_description_that_the_shop_serves_now() -> None:
    assert DESCRIPTION.read_text() == description(), MEND


def test_the_clients_know_which_operations_take_no_key() -> None:
    document = json.loads(DESCRIPTION.read_text())
    for language, made in (("python", python_operations), ("typescript", typescript_operations)):
        assert GENERATED[language][1].read_text() == made(document), MEND
