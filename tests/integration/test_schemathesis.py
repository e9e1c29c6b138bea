"""The server does what its description says: Schemathesis, with all of its checks, and few examples of each.

`make verify` tries more. The servers are its own: what it makes of the shop is nothing for other tests.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from verification.schema import check, new_admin

from http_client import Server
from http_servers import memory_serving, postgres_serving

pytestmark = pytest.mark.slow
SEED = 6


def test_every_answer_of_a_shop_in_memory_is_as_described(tmp_path: Path) -> None:
    with memory_serving() as server:
        found, said = schemathesis(server, tmp_path, "--phases", "examples,coverage")
    assert found == 0, said


def test_every_answer_of_a_shop_in_postgresql_is_so_too(
    migrated_database: Callable[[str], str], tmp_path: Path
) -> None:
    with postgres_serving(migrated_database("shop_schemathesis")) as server:
        found, said = schemathesis(server, tmp_path, "--phases", "examples,fuzzing,stateful")
    assert found == 0, said


def schemathesis(server: Server, folder: Path, *options: str) -> tuple[int, str]:
    """Its exit code and the end of what it says."""
    admin = new_admin(server.url, server.staff_username, server.staff_password)
    found, said = check(server.url, admin, folder, SEED, 3, *options)
    return found, said[-4_000:]
