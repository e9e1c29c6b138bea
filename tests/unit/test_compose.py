"""`compose.yaml`, as far as it can be tried without a container engine: its secrets are made, the rest is read."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from shop_http.server.serve import _END_S_MAX
from shop_http.server.settings import Settings

ROOT = Path(__file__).parents[2]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
SHOP_UID = 10001


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    for name in ("secrets", "database"):
        (tmp_path / name).mkdir()
    return tmp_path / "secrets"


def up(secrets: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What the service `secrets` does at each `docker compose up`."""
    command = ["sh", str(ROOT / "deploy" / "make-secrets.sh"), str(secrets), str(secrets.parent / "database")]
    return subprocess.run(
        command, env={"PATH": os.environ["PATH"], **variables}, capture_output=True, text=True, check=False
    )


def kept(secrets: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in secrets.iterdir()}


def test_the_first_up_makes_secrets_and_later_ones_keep_them(secrets: Path) -> None:
    assert up(secrets).returncode == 0
    first = kept(secrets)
    (secrets.parent / "database" / "PG_VERSION").write_text("18\n")
    assert up(secrets).returncode == 0
    assert kept(secrets) == first
    assert re.fullmatch("[0-9a-f]{64}", first["secret_key"])
    assert first["database_url"] == f"postgresql://shop:{first['postgres_password']}@database:5432/shop"
    assert first["secret_key"] != first["postgres_password"]
    settings = Settings.read(
        {"SHOP_DATABASE_URL_FILE": f"{secrets}/database_url", "SHOP_SECRET_KEY_FILE": f"{secrets}/secret_key"}, {}
    )
    assert settings.secret_key == first["secret_key"].encode()
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets.iterdir()} == {0o600}
    if os.geteuid() == 0:
        owners = {file.name: file.stat().st_uid for file in secrets.iterdir()}
        assert owners == {"postgres_password": 999, "secret_key": SHOP_UID, "database_url": SHOP_UID}
        assert f"--uid {SHOP_UID} " in (ROOT / "Dockerfile").read_text()


def test_secrets_of_your_own_are_kept_and_a_different_one_is_refused_later(secrets: Path) -> None:
    own = {"POSTGRES_PASSWORD": "abc123", "SHOP_SECRET_KEY": "x" * 40}
    (secrets.parent / "database" / "PG_VERSION").write_text("18\n")  # as earlier versions of compose.yaml left it
    assert "set POSTGRES_PASSWORD to it once" in up(secrets).stderr
    assert up(secrets, **own).returncode == 0
    assert kept(secrets)["postgres_password"] == "abc123"
    assert up(secrets).returncode == up(secrets, **own).returncode == 0
    refused = up(secrets, POSTGRES_PASSWORD="another1")
    assert refused.returncode != 0
    assert "POSTGRES_PASSWORD differs from" in refused.stderr
    assert kept(secrets)["postgres_password"] == "abc123"
    assert "letters and digits only" in up(secrets, POSTGRES_PASSWORD="a@b").stderr


def test_what_serves_starts_again_by_itself_and_what_is_done_once_does_not() -> None:
    assert {name: service["restart"] for name, service in SERVICES.items()} == {
        "secrets": "no",
        "database": "unless-stopped",
        "migrate": "no",
        "shop": "unless-stopped",
    }


def test_the_migration_does_not_take_the_server_that_sets_the_database_up_for_the_database() -> None:
    """The image's server for the first setup listens at the Unix socket alone, and ends when it is done."""
    assert SERVICES["migrate"]["depends_on"]["database"]["condition"] == "service_healthy"
    command = SERVICES["database"]["healthcheck"]["test"]
    assert command[:2] == ["CMD", "pg_isready"]
    assert "--host=127.0.0.1" in command


def test_a_stop_waits_for_the_requests_under_way() -> None:
    seconds = {"s": 1, "m": 60}
    grace = SERVICES["shop"]["stop_grace_period"]
    assert int(grace[:-1]) * seconds[grace[-1]] > Settings().drain_s + _END_S_MAX


def test_every_service_gets_its_secrets_from_the_volume_that_the_first_one_fills() -> None:
    place = SERVICES["secrets"]["entrypoint"][2]
    assert f"secrets:{place}" in SERVICES["secrets"]["volumes"]
    assert ["./deploy/make-secrets.sh", "database"] == [
        SERVICES["secrets"]["volumes"][index].split(":")[0] for index in (0, 2)
    ]
    for name in ("database", "migrate", "shop"):
        assert f"secrets:{place}:ro" in SERVICES[name]["volumes"]
        files = [value for key, value in SERVICES[name]["environment"].items() if key.endswith("_FILE")]
        assert files
        assert all(file.startswith(f"{place}/") for file in files)
    assert SERVICES["database"]["depends_on"]["secrets"]["condition"] == "service_completed_successfully"
