"""The dependency rule: the domain needs nothing, models decide without the world, and nothing imports upward.

Two checkers: import-linter for who imports whom (contracts in pyproject.toml), and `ast` for what a model calls.
Both are tested on wrong code: a checker that finds nothing must be able to find something.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
CORE = SRC / "shop_core"

WORLDLY = {"time", "random", "secrets", "uuid", "os", "socket", "threading", "logging", "datetime"}
"""Modules that a model may import names of types from, but of which it may call nothing that asks the world."""

QUESTIONS = {
    *("now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter", "sleep"),
    *("uuid1", "uuid3", "uuid4", "uuid5", "uuid6", "uuid7", "uuid8", "getnode"),
    *("random", "randint", "randrange", "choice", "choices", "shuffle", "sample", "getrandbits", "Random", "urandom"),
    *("token_bytes", "token_hex", "token_urlsafe", "SystemRandom", "getLogger", "getenv"),
    *("open", "print", "input", "exec", "eval", "__import__", "import_module"),
}
"""Calls with which code asks for the time, an id, chance, or anything else from outside."""

PURE_ALLOWED = {"__future__", "base64", "binascii", "collections", "dataclasses", "datetime", "enum", "functools"} | {
    *("hashlib", "itertools", "json", "math", "operator", "re", "typing", "unicodedata", "uuid"),
}


def models() -> list[Path]:
    orders = [CORE / "orders" / name for name in ("placement.py", "amendment.py")]
    return [*sorted(CORE.glob("*/model.py")), *orders, CORE / "catalog" / "tree.py", CORE / "events.py"]


def core_modules() -> list[Path]:
    return sorted(CORE.rglob("*.py"))


def imported(source: str) -> set[str]:
    """Every module that `source` imports, and every name that it imports from one, with dots."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def questions(source: str) -> set[str]:
    """The names in `source`, called or handed on, that ask the world for something."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in QUESTIONS:
            found.add(ast.unparse(node))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in QUESTIONS:
            found.add(node.func.id)
        elif isinstance(node, ast.ImportFrom) and node.module in WORLDLY:
            found |= {alias.name for alias in node.names if alias.name in QUESTIONS}
    return found


def faults_of_a_model(source: str) -> list[str]:
    """What a model does that it must not."""
    faults = [f"asks {asked}" for asked in sorted(questions(source))]
    for name in sorted(imported(source)):
        parts = name.split(".")
        if parts[0] == "shop_core":
            if "service" in parts or "ports" in parts or parts[1:2] == ["shop"]:
                faults.append(f"imports {name}")
        elif parts[0] not in PURE_ALLOWED:
            faults.append(f"imports {name}")
    return faults


def foreign_imports(source: str) -> list[str]:
    """What `source` imports that is neither the standard library nor `shop_core` itself."""
    ours = sys.stdlib_module_names | {"shop_core"}
    return sorted(name for name in imported(source) if name.split(".")[0] not in ours)


ROUTES = ("auth", "categories", "docs", "health", "inventory", "metrics", "orders", "products", "reservations", "users")
WAY_IN = re.compile(
    rf"(?<!\w)/(?:{'|'.join(ROUTES)})\b|\b(?:GET|POST|PUT|PATCH|DELETE) /|\bHTTP\b|`shop [a-z-]+"
    r"|\b(?:Idempotency-Key|If-Match|If-None-Match|ETag|Retry-After|Authorization|Bearer|Location)\b"
)
"""Routes, methods, headers and commands."""


def ways_in(source: str) -> list[str]:
    """What `source` says of HTTP or of the command line, in code, messages and docstrings."""
    return [match[0] for match in WAY_IN.finditer(source)]


# ---- the rules hold


def test_there_is_something_to_check() -> None:
    assert {path.parent.name for path in models()} >= {"accounts", "catalog", "inventory", "orders"}
    assert len(core_modules()) > 15


@pytest.mark.parametrize("path", models(), ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_a_model_asks_no_clock_and_makes_no_id_and_knows_no_service_and_no_port(path: Path) -> None:
    assert faults_of_a_model(path.read_text()) == []


@pytest.mark.parametrize("path", core_modules(), ids=lambda path: str(path.relative_to(CORE)))
def test_the_core_imports_only_the_standard_library_and_itself(path: Path) -> None:
    assert foreign_imports(path.read_text()) == []


@pytest.mark.parametrize("path", core_modules(), ids=lambda path: str(path.relative_to(CORE)))
def test_the_core_names_no_route_and_no_command(path: Path) -> None:
    """Its messages and docstrings hold for every way in: HTTP and the command line are two of them."""
    assert ways_in(path.read_text()) == []


def test_importing_the_core_loads_nothing_else() -> None:
    """Read off a fresh interpreter, whatever is installed next to it."""
    script = "import sys; before = set(sys.modules); import shop_core; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded <= sys.stdlib_module_names | {"shop_core"}
    assert not [name for name in done.stdout.split() if name.startswith("shop_testing")]


def test_nothing_imports_upward() -> None:
    """The contracts of import-linter, as pyproject.toml has them."""
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


# ---- and each rule can be broken


@pytest.mark.parametrize(
    "line",
    [
        "from datetime import datetime; at = datetime.now()",
        "import datetime; at = datetime.datetime.utcnow",
        "from time import time_ns",
        "import time",
        "from uuid import uuid4; key = uuid4()",
        "import uuid; make = uuid.uuid7",
        "import random",
        "from secrets import token_hex",
        "import os; key = os.urandom(8)",
        "import logging",
        "from shop_core.orders.service import OrderService",
        "from shop_core.ports import Clock",
        "import shop_core.ports",
        "from shop_core import ports",
        "from shop_core.shop import Shop",
        "import sqlalchemy",
        "from shop_adapters.ids import uuid7",
        "open('x')",
        "print('x')",
    ],
)
def test_a_model_that_does_this_is_found_out(line: str) -> None:
    innocent = (CORE / "inventory" / "model.py").read_text()
    assert faults_of_a_model(innocent) == []
    assert faults_of_a_model(f"{innocent}\n{line}\n") != []


@pytest.mark.parametrize(
    "line",
    [
        "import sqlalchemy",
        "from msgspec import Struct",
        "from shop_adapters.memory import MemoryAdapters",
        "import shop_http",
        "if True:\n    import litestar",
        "from shop_testing import Scene",
        "import pytest",
    ],
)
def test_a_core_module_that_imports_this_is_found_out(line: str) -> None:
    assert foreign_imports("from uuid import UUID\nfrom shop_core.errors import Refusal") == []
    assert foreign_imports(f"from uuid import UUID\n{line}\n") != []


@pytest.mark.parametrize(
    "said",
    [
        "GET /orders lists yours.",
        "`shop audit` prints these.",
        "Send it as Idempotency-Key.",
        "see docs: /reservations",
        "over HTTP",
    ],
)
def test_a_core_module_that_says_this_is_found_out(said: str) -> None:
    assert ways_in("There is no order. Read docs/lifecycle.md, and list your orders.") == []
    assert ways_in(said) != []


UPWARD = {
    "shop_core.accounts.model": ["shop_core.catalog.model"],
    "shop_core.catalog.model": ["shop_core.inventory.model"],
    "shop_core.inventory.model": ["shop_core.orders.model"],
    "shop_core.orders.service": ["shop_core.catalog.service"],
    "shop_core.orders.model": ["shop_core.ports"],
    "shop_core.errors.kinds": ["shop_core.shop"],
    "shop_core.shop": ["shop_testing", "shop_adapters", "sqlalchemy"],
    "shop_adapters.clock": ["shop_http"],
    "shop_http.routing": ["shop_adapters.clock"],
}


def test_every_import_that_goes_up_is_found_out(tmp_path: Path) -> None:
    """In a copy of the source, with the contracts that the project has; all at once, as a run takes a second."""
    copy = tmp_path / "src"
    shutil.copytree(SRC, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for module, imported in UPWARD.items():
        with (copy / f"{module.replace('.', '/')}.py").open("a") as file:
            file.writelines(f"\nimport {name}\n" for name in imported)
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout
    said = " ".join(done.stdout.split())
    assert [
        f"{module} -> {name}"
        for module, names in UPWARD.items()
        for name in names
        if f"{module} -> {name} (l." not in said
    ] == []


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """import-linter with the contracts of `root`, on the source in `root`, which need not be the installed one."""
    assert "importlinter" in tomllib.loads((root / "pyproject.toml").read_text())["tool"], (
        "pyproject.toml has no contracts"
    )
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from importlinter.cli import lint_imports; "
        "sys.exit(lint_imports(config_filename=sys.argv[2], no_cache=True))"
    )
    command = [sys.executable, "-c", script, str(root / "src"), str(root / "pyproject.toml")]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=300)
