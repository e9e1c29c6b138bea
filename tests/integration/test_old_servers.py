"""Servers of earlier versions go on while the database is migrated under them, and afterwards."""

from __future__ import annotations

import pytest
from verification import old_servers

from shop_adapters.postgres.migrate import REVISIONS, WORKS_WITH


@pytest.mark.slow
@pytest.mark.parametrize("revision", [each for each in REVISIONS[:-1] if each >= WORKS_WITH])
def test_nobody_is_answered_with_5xx_while_the_database_is_migrated(postgres_url: str, revision: str) -> None:
    try:
        commit = old_servers.last_commits()[revision]
    except old_servers.NoHistory as missing:
        pytest.skip(str(missing))
    assert old_servers.try_revision(postgres_url, revision, commit, seconds=1) == []
