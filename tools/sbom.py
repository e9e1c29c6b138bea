"""What the shop is made of, as CycloneDX 1.6 JSON: `make sbom`, or `python -m tools.sbom requirements.txt`.

From the lock alone: every package with its version and the SHA-256 of each file that `pip --require-hashes` accepts.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from shop_core import __version__

ROOT = Path(__file__).parent.parent
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)(?: ; (.+?))?(?: \\)?$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def bill_of_materials(lock: str) -> dict[str, Any]:
    """The document for a lock in the form of requirements.txt."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    shop = _component("application", project["name"], __version__)
    shop["licenses"] = [{"license": {"id": project["license"]}}]
    components: list[dict[str, Any]] = []
    for line in lock.splitlines():
        if pinned := _PINNED.match(line):
            name, version, marker = pinned.groups()
            components.append(_component("library", re.sub(r"[-_.]+", "-", name).lower(), version))
            if marker:
                components[-1]["properties"] = [{"name": "shop:marker", "value": marker}]
        elif found := _HASH.search(line):
            components[-1].setdefault("properties", []).append({"name": "shop:file:sha256", "value": found[1]})
    needs = sorted(one["bom-ref"] for one in components)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": shop},
        "components": components,
        "dependencies": [{"ref": shop["bom-ref"], "dependsOn": needs}],
    }


def _component(kind: str, name: str, version: str) -> dict[str, Any]:
    purl = f"pkg:pypi/{name}@{version}"
    return {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl}


if __name__ == "__main__":
    json.dump(bill_of_materials(Path(sys.argv[1]).read_text()), sys.stdout, indent=2)
    print()
