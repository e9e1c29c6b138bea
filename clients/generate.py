"""Makes the clients from the description of the API.

    python clients/generate.py            write clients/openapi.json and what is generated from it
    python clients/generate.py --check    exit 1 if any of it would change

The generators are pinned: `python/requirements.txt` and `typescript/package-lock.json`.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from litestar.testing import TestClient

from shop_adapters.memory import MemoryAdapters
from shop_core import Shop
from shop_http.app import create_app

HERE = Path(__file__).resolve().parent
DESCRIPTION = HERE / "openapi.json"
PYTHON = HERE / "python"
TYPESCRIPT = HERE / "typescript"
GENERATED = {
    "python": (PYTHON / "shop_client/generated", PYTHON / "shop_client/generated_operations.py"),
    "typescript": (TYPESCRIPT / "src/generated.ts", TYPESCRIPT / "src/generated_operations.ts"),
}
HARMLESS = {"log_in", "refresh_tokens", "log_out", "quote_order", "compare_orders"}
"""What takes no key, and may be asked for again all the same when the answer is lost."""

_LISTS_IN_QUERIES = (
    "params = {k: v for k, v in params.items() if v is not UNSET and v is not None}",
    'params = {k: ",".join(v) if isinstance(v, list) else v'
    " for k, v in params.items() if v is not UNSET and v is not None}",
)
"""The generator does not look at `explode: false`: it would give each value of a list a parameter of its own."""

Json = dict[str, Any]


def description() -> str:
    """The description of the API, one that does not depend on where it is served."""
    with TestClient(create_app(Shop(MemoryAdapters()), threads=2)) as client:
        return json.dumps(client.get("/openapi.json").json(), indent=1, ensure_ascii=False) + "\n"


def without_key(document: Json) -> list[tuple[str, str, bool]]:
    """The operations that change something and take no key: method, path, whether they may be repeated."""
    found = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            takes_key = any(parameter["name"] == "Idempotency-Key" for parameter in operation["parameters"])
            if method != "get" and not takes_key:
                found.append((method.upper(), path, operation["operationId"] in HARMLESS))
    return found


def python_operations(document: Json) -> str:
    """The same as Python."""
    lines = ['"""Operations that take no Idempotency-Key. Made by clients/generate.py."""', "", "import re", ""]
    for name, only_harmful in (("UNKEYED", False), ("NOT_REPEATABLE", True)):
        lines.append(f"{name} = [")
        for method, path, is_harmless in without_key(document):
            if not (only_harmful and is_harmless):
                lines.append(f'    ("{method}", re.compile(r"{_pattern(path)}")),')
        lines.append("]")
    return "\n".join(lines) + "\n"


def typescript_operations(document: Json) -> str:
    """The same as TypeScript."""
    lines = ["// Operations that take no Idempotency-Key. Made by clients/generate.py.", ""]
    for name, only_harmful in (("UNKEYED", False), ("NOT_REPEATABLE", True)):
        lines.append(f"export const {name}: readonly (readonly [string, RegExp])[] = [")
        for method, path, is_harmless in without_key(document):
            if not (only_harmful and is_harmless):
                pattern = _pattern(path).replace("/", "\\/")
                lines.append(f'  ["{method}", /^{pattern}$/],')
        lines.append("];")
    return "\n".join(lines) + "\n"


def _pattern(path: str) -> str:
    return re.sub(r"\{\w+\}", "[^/]+", path)


def generate_python(source: Path, package: Path, operations: Path) -> None:
    """Make the package of the Python client."""
    generator = PYTHON / ".venv/bin/openapi-python-client"
    settings = PYTHON / "generator.yaml"
    command: list[str | Path] = [generator, "generate", "--path", source, "--output-path", package, "--meta", "none"]
    subprocess.run(
        [
            *command,
            "--config",
            settings,
            "--custom-template-path",
            PYTHON / "templates",
            "--overwrite",
            "--fail-on-warning",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for module in (package / "api").rglob("*.py"):
        module.write_text(module.read_text().replace(*_LISTS_IN_QUERIES))
    operations.write_text(python_operations(json.loads(source.read_text())))


def generate_typescript(source: Path, types: Path, operations: Path) -> None:
    """Make the types of the TypeScript client."""
    generator = TYPESCRIPT / "node_modules/.bin/openapi-typescript"
    subprocess.run([generator, source, "--output", types, "--alphabetize"], check=True, stdout=subprocess.DEVNULL)
    operations.write_text(typescript_operations(json.loads(source.read_text())))


GENERATORS = {"python": generate_python, "typescript": generate_typescript}


def main() -> int:
    """0 if all is as it was, or is written."""
    parser = argparse.ArgumentParser(prog="python clients/generate.py")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", choices=GENERATORS)
    given = parser.parse_args()
    now, stale = description(), []
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory) / "openapi.json"
        source.write_text(now)
        stale += [DESCRIPTION] if not DESCRIPTION.exists() or DESCRIPTION.read_text() != now else []
        for language in [given.only] if given.only else GENERATORS:
            places = GENERATED[language]
            made = [Path(directory) / place.name for place in places]
            GENERATORS[language](source, *made)
            stale += [place for new, place in zip(made, places, strict=True) if not _same(new, place)]
            if not given.check:
                for new, place in zip(made, places, strict=True):
                    _replace(new, place)
    if not given.check:
        DESCRIPTION.write_text(now)
        return 0
    for place in stale:
        print(f"{place.relative_to(HERE.parent)} is not what the API is now: run `make clients`")
    return 1 if stale else 0


def _same(new: Path, old: Path) -> bool:
    if not old.exists():
        return False
    if new.is_file():
        return filecmp.cmp(new, old, shallow=False)
    found = [{path.relative_to(folder) for path in folder.rglob("*.py")} for folder in (new, old)]
    return found[0] == found[1] and not any(filecmp.cmpfiles(new, old, map(str, found[0]), shallow=False)[1:])


def _replace(new: Path, old: Path) -> None:
    if old.is_dir():
        shutil.rmtree(old)
    shutil.move(new, old)


if __name__ == "__main__":
    sys.exit(main())
