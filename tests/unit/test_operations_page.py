"""What docs/operations.md and docs/data.md say in writing is what the code does."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

from shop_adapters import tokens
from shop_adapters.memory import MemoryAdapters
from shop_adapters.passwords import Argon2Passwords
from shop_adapters.postgres.schema import metadata
from shop_core import Shop
from shop_core.accounts import sessions
from shop_http.app import create_app
from shop_http.routes import media
from shop_http.routing import described
from shop_http.server.metrics import Metrics
from shop_http.server.settings import Settings
from shop_http.server.worker_pools import Pool

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
DATA = (ROOT / "docs" / "data.md").read_text()
LEVELS = {"public", "internal", "personal", "secret"}


def section(title: str) -> str:
    return re.split(r"^## ", OPERATIONS.partition(f"\n## {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def test_every_column_of_the_database_has_one_level() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (\w+) \|$", DATA, re.MULTILINE)
    named = {(table, column) for table, columns, _ in rows for column in re.findall(r"`(\w+)`", columns)}
    levels: Counter[tuple[str, str]] = Counter()
    for table, columns, level in rows:
        assert level in LEVELS
        every = [column.name for column in metadata.tables[table].columns]
        all_others = [column for column in every if (table, column) not in named]
        levels.update((table, column) for column in re.findall(r"`(\w+)`", columns) or all_others)
    columns = [(table.name, column.name) for table in metadata.tables.values() for column in table.columns]
    assert levels == Counter(columns)


def test_every_secret_is_named_that_may_be_in_a_file() -> None:
    secrets = {f"SHOP_{each.name.upper()}" for each in fields(Settings) if each.metadata.get("hidden")}
    listed = section("Settings and secrets").partition("Secrets are `")[2].partition(". Files")[0]
    assert set(re.findall(r"SHOP_\w+", listed)) == secrets


def test_every_key_is_in_the_inventory() -> None:
    source = Path(tokens.__file__).read_text()
    purposes = re.findall(r'_derived\(\w+, "([\w ]+)"\)', source)
    assert len(purposes) >= 3
    inventory = section("Keys, and what each is for")
    assert [purpose for purpose in purposes if f"| `{purpose}` |" not in inventory] == []
    algorithms = set(re.findall(r"\b(HS\d+|RS\d+|ES\d+|EdDSA)\b", source))
    assert algorithms == set(re.findall(r"\b(HS\d+|RS\d+|ES\d+|EdDSA)\b", inventory)) == {"HS256"}
    found = re.search(r"m=(\d+),t=(\d+),p=(\d+)", Argon2Passwords().hash("correct horse"))
    assert found
    memory_kib, passes, parallelism = map(int, found.groups())
    assert f"argon2id ({memory_kib // 1024} MiB, {passes} passes, parallelism {parallelism})" in inventory


def test_every_address_that_the_shop_calls_is_listed() -> None:
    listed = section("With whom it talks")
    told_to_clients = {"base_url", "media_url"}
    named = [name for name in Settings.__dataclass_fields__ if name.endswith("_url") and name not in told_to_clients]
    assert named == ["database_url", "webhook_url", "smtp_url"]
    assert [name for name in (*named, "sentry_dsn") if f"`SHOP_{name.upper()}`" not in listed] == []


def test_the_lives_of_sessions_are_the_written_ones() -> None:
    text = " ".join(section("Sessions").split())
    for life in (
        *(sessions.ACCESS_TOKEN_LIFE, sessions.REFRESH_TOKEN_LIFE, sessions.REMEMBERED_TOKEN_LIFE),
        *(sessions.SESSION_LIFE, sessions.RECENT_LOGIN),
    ):
        assert _in_words(life) in text
    assert f"may have {sessions.SESSIONS_MAX} sessions" in text


def _in_words(life: timedelta) -> str:
    if life < timedelta(days=1):
        return f"{life // timedelta(minutes=1)} minutes"
    return f"{life.days} day" + "s" * (life.days > 1)


def test_slow_operations_are_listed() -> None:
    app = create_app(Shop(MemoryAdapters()), threads=2)
    slow = {operation.id for _, _, operation in described(app.litestar) if operation.pool is not Pool.FAST}
    assert {"log_in", "list_users", "list_products"} <= slow
    listed = section("What takes long, and what keeps it from the rest")
    assert sorted(name for name in slow if f"`{name}`" not in listed) == []
    assert f"`GET {media.PATH}/...`" in listed


def test_every_metric_is_listed_and_no_other() -> None:
    page = Metrics(Shop(MemoryAdapters())).page().decode()
    shown = {name.removesuffix("_total") for name in re.findall(r"^# TYPE (\w+) ", page, re.MULTILINE)}
    listed = set(re.findall(r"`(shop_\w+)`(?=[^|]*\|[^|]*\|[^|]*\|$)", section("What is logged"), re.MULTILINE))
    assert listed == {name for name in shown if not name.endswith("_created")}
