"""What is random is drawn by each process for itself: workers are forked from one that has imported everything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import shop_http
from shop_http.server.supervisor import WORKER

SOURCE = Path(shop_http.__file__).parent

WALK = """
import importlib, json, os, pkgutil, sys

def drawn(value):
    if isinstance(value, str | bytes | int | float):
        return repr(value)
    if type(value).__module__.startswith("shop_") and hasattr(value, "__dict__"):
        return repr({name: drawn(each) for name, each in vars(value).items()})
    return type(value).__name__

def snapshot():
    modules = [module for name, module in sorted(sys.modules.items()) if name.startswith("shop_")]
    names = ((module, name) for module in modules for name in vars(module) if not name.startswith("__"))
    return {f"{module.__name__}.{name}": drawn(vars(module)[name]) for module, name in names}

for package in ("shop_core", "shop_adapters", "shop_http"):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if ".migrations" not in module.name:
            importlib.import_module(module.name)
parents = snapshot()
reading, writing = os.pipe()
if os.fork() == 0:
    with os.fdopen(writing, "w") as pipe:
        json.dump(snapshot(), pipe)
    os._exit(0)
os.close(writing)
with os.fdopen(reading) as pipe:
    print(json.dumps([parents, json.load(pipe)]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_what_differs_from_process_to_process_differs_after_a_fork_too() -> None:
    """What two interpreters draw alike at import is no randomness; the rest must be drawn again by a forked child."""

    def run() -> tuple[dict[str, str], dict[str, str]]:
        output = subprocess.run([sys.executable, "-c", WALK], capture_output=True, check=True, text=True).stdout
        parents, childs = json.loads(output)
        return parents, childs

    (one, child), (other, _) = run(), run()
    assert one.keys() == other.keys()
    drawn = {name for name, value in one.items() if value != other[name]}
    assert drawn, "request ids have a random part for each process"
    assert [name for name in sorted(drawn) if child[name] == one[name]] == []


def test_all_that_answers_requests_is_imported_before_workers_are_forked() -> None:
    """So a worker that replaces another one is of the same version, even if another one was installed meanwhile."""
    program = f"import sys, {WORKER}; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout
    answering = [SOURCE / "app.py", *(SOURCE / "routes").glob("*.py"), *(SOURCE / "pages").glob("*.py")]
    modules = {".".join(("shop_http", *file.relative_to(SOURCE).with_suffix("").parts)) for file in answering}
    assert sorted(modules - {name for name in modules if name.endswith("__init__")} - set(imported.split())) == []
