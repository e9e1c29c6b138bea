"""Passwords that leaked are found in a list of any length, and only they."""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_adapters.breached_passwords import BreachedPasswords
from shop_adapters.memory import MemoryAdapters
from shop_core import Registration, Shop
from shop_core.errors import Invalid
from shop_http.server.database import breached_passwords
from shop_http.server.settings import Settings, SettingsError

LEAKED = "trustnö1-never"


def line(password: str, count: int | None, end: str = "\n") -> str:
    digest = hashlib.sha1(password.encode("utf-8", "surrogatepass")).hexdigest().upper()
    return digest + ("" if count is None else f":{count}") + end


def write(folder: str | Path, lines: list[str]) -> Path:
    path = Path(folder) / "leaked.txt"
    path.write_text("".join(sorted(lines)), newline="")
    return path


@given(
    leaked=st.dictionaries(st.text(), st.none() | st.integers(1, 10**12), min_size=1, max_size=40),
    others=st.lists(st.text(), max_size=20),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_passwords_of_the_list_are_found_and_no_others(
    leaked: dict[str, int | None], others: list[str], end: str
) -> None:
    with TemporaryDirectory() as folder:
        is_breached = BreachedPasswords(write(folder, [line(each, count, end) for each, count in leaked.items()]))
    assert all(map(is_breached, leaked))  # the file may be gone: it is open
    assert [each for each in others if is_breached(each)] == [each for each in others if each in leaked]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "password\n",
        line("a", 1).lower(),
        hashlib.sha256(b"a").hexdigest()[:39] + "\n",
        "".join(sorted((line(each, 3) for each in "abcde"), reverse=True)),
    ],
)
def test_an_invalid_list_is_refused_at_the_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"SHOP_BREACHED_PASSWORDS is '.*list': it has no sorted lines"):
        breached_passwords(Settings(breached_passwords=str(path)))
    with pytest.raises(SettingsError, match="No such file"):
        breached_passwords(Settings(breached_passwords=str(tmp_path / "none")))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_nobody_sets_a_password_that_leaked(tmp_path: Path, form: Literal["NFC", "NFD"]) -> None:
    path = write(tmp_path, [line(LEAKED, 7), line("another one", 1)])
    leaked = unicodedata.normalize(form, LEAKED)
    shop = Shop(MemoryAdapters(), is_breached=breached_passwords(Settings(breached_passwords=str(path))))
    with pytest.raises(Invalid) as refused:
        shop.accounts.register(Registration("ada", leaked))
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [("password", "breached_password")]
    assert leaked not in str(refused.value)
    ada = shop.accounts.register(Registration("ada", "numbers are music"))
    with pytest.raises(Invalid, match="leaked elsewhere"):
        shop.accounts.change_password(ada.actor, "numbers are music", leaked)
    assert shop.sessions.log_in("ada", "numbers are music")
