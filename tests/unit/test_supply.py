"""What the shop is made of is locked, listed, and can be asked about."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tools.sbom import bill_of_materials

from shop_http.pages import assets

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("lock", sorted(path.name for path in ROOT.glob("requirements*.txt")))
def test_every_package_is_locked_with_its_hashes_and_without_an_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    blocks = [block for block in re.split(r"\n(?=[A-Za-z0-9])", text) if re.match(r"[A-Za-z0-9]", block)]
    assert len(blocks) > 10
    for block in blocks:
        assert re.match(r"[A-Za-z0-9._\[\],-]+==", block), block.splitlines()[0]
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert "://" not in text


def test_the_bill_of_materials_names_every_locked_package_with_its_files() -> None:
    lock = (ROOT / "requirements.txt").read_text()
    document = bill_of_materials(lock)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    named = {(one["name"], one["version"]) for one in document["components"]}
    assert len(named) == len(document["components"]) == len(re.findall(r"^[A-Za-z0-9].*==", lock, re.MULTILINE))
    hashes = [one["value"] for part in document["components"] for one in part["properties"] if "sha256" in one["name"]]
    assert sorted(hashes) == sorted(re.findall(r"sha256:([0-9a-f]{64})", lock))
    assert document["dependencies"][0]["dependsOn"] == sorted(one["purl"] for one in document["components"])


def _ask(folder: Path, script: str | None) -> subprocess.CompletedProcess[str]:
    """Ask with a `pip-audit` that does as the script says."""
    if script is not None:
        program = folder / "pip-audit"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    command = [sys.executable, "-m", "tools.known_faults", "requirements.txt"]
    environment = os.environ | {"PATH": f"{folder}:/bin"} if script is not None else os.environ | {"PATH": str(folder)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (None, 2),
        ("echo requests.exceptions.ConnectionError: no route >&2; exit 1", 2),
        ("echo 'jinja2   Dependency not found on PyPI'; echo No known vulnerabilities found >&2", 2),
        ("echo No known vulnerabilities found >&2", 0),
        ("echo 'jinja2 2.0 PYSEC-1'; exit 1", 1),
    ],
)
def test_a_source_that_cannot_be_reached_is_told_apart_from_a_fault(
    tmp_path: Path, script: str | None, code: int
) -> None:
    done = _ask(tmp_path, script)
    assert done.returncode == code, done.stderr
    assert (len(done.stderr.splitlines()) == 1 and "Not known" in done.stderr) is (code == 2)


def test_the_server_needs_nothing_that_is_for_tests() -> None:
    """Neither installed for it, nor imported by it."""
    for_tests = ("pytest", "hypothesis", "schemathesis")
    names = re.findall(r"^([\w.-]+)==", (ROOT / "requirements-server.txt").read_text(), re.MULTILINE)
    assert "litestar" in names
    assert [name for name in names if name.startswith((*for_tests, "mypy", "ruff"))] == []
    program = (
        "import sys, shop_http.cli.main, shop_http.server.composition, shop_http.app, shop_http.server.serve;"
        " import shop_adapters.postgres;"
        " print(*sys.modules)"
    )
    imported = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert [name for name in imported.split() if name.startswith((*for_tests, "shop_testing"))] == []


def test_htmx_is_the_file_that_its_package_has() -> None:
    """Of another version: put it there with its license, and write its version and hash into the docstring."""
    assert hashlib.sha256(assets.content_of("htmx.min.js")).hexdigest() in (assets.__doc__ or "")
    version = re.search(r'version:"([\d.]+)"', assets.content_of("htmx.min.js").decode())
    assert version is not None
    assert f"version {version[1]}," in (assets.__doc__ or "")
