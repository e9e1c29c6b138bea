"""The secret that an embedded shop keeps beside its data."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from shop_http.server.database import kept_secret
from shop_http.server.settings import SettingsError


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_all_who_start_at_the_same_moment_use_the_one_secret_that_stays(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(kept_secret, [tmp_path] * 32))
    assert found == {(tmp_path / "secret_key").read_bytes()}
    assert os.listdir(tmp_path) == ["secret_key"]
    assert mode_of(tmp_path / "secret_key") == 0o600


def test_it_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    for name in ("fsync", "link"):
        done = getattr(os, name)

        def noted(*given: Any, name: str = name, done: Any = done) -> None:
            steps.append(name)
            done(*given)

        monkeypatch.setattr(os, name, noted)
    kept_secret(tmp_path)
    assert steps == ["fsync", "link", "fsync"]


def test_a_damaged_one_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("short")
    with pytest.raises(SettingsError, match=r"^.*secret_key has 5 bytes, a secret has at least 32: restore it .*$"):
        kept_secret(tmp_path)
    assert (tmp_path / "secret_key").read_text() == "short"


@pytest.mark.parametrize("has_target", [True, False])
def test_no_link_is_followed(tmp_path: Path, has_target: bool) -> None:
    target, data_dir = tmp_path / "theirs", tmp_path / "data"
    data_dir.mkdir()
    (data_dir / "secret_key").symlink_to(target)
    if has_target:
        target.write_text("x" * 64)
    with pytest.raises(SettingsError, match=r"^.*secret_key cannot be read: .*links.*SHOP_SECRET_KEY_FILE$"):
        kept_secret(data_dir)
    assert target.exists() == has_target


def test_one_that_was_opened_to_others_is_closed_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    secret = kept_secret(tmp_path)
    (tmp_path / "secret_key").chmod(0o755)  # as `chmod -R` leaves it
    assert kept_secret(tmp_path) == secret
    assert mode_of(tmp_path / "secret_key") == 0o600
    assert "was open to other users" in caplog.text
