"""What the server does is what its description says: `python -m verification.schema --examples 50 --seed 7`.

Schemathesis makes requests out of /openapi.json, good and bad ones, alone and one after the other, and holds every
answer against that same document, with all of its checks.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from verification.client import API
from verification.server import PASSWORD, STAFF, ShopServer

SECRET = "the password of those who break things"  # unlike the one in the document, by which they would change it

# A schema knows no rule that looks at two fields, nor what is in the shop: good requests may be refused by those.
_CONFIGURATION = """
[auth.dynamic.openapi.access_token]
path = "{api}/auth/token"
payload = {{ username = "{username}", password = "{password}" }}
extract_selector = "/access"

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "403", "404", "409", "412", "422", "429", "503"]
"""


def new_admin(url: str, staff: str, password: str) -> str:
    """An admin of our own, made by one that is there: his username. His password is `SECRET`."""

    def ask(method: str, path: str, body: object, token: str = "") -> dict[str, str]:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(url + API + path, json.dumps(body).encode(), headers, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
            said: dict[str, str] = json.load(answer)
            return said

    username = f"tester-{time.time_ns():x}"
    made = ask("POST", "/auth/register", {"username": username, "password": SECRET})
    boss = ask("POST", "/auth/token", {"username": staff, "password": password})["access"]
    ask("PATCH", f"/users/{made['id']}", {"role": "admin"}, boss)
    return username


def check(url: str, username: str, folder: Path, seed: int, examples: int, *more: str) -> tuple[int, str]:
    """Run Schemathesis as that admin: its exit code, 0 if it found nothing, and what it said.

    Args:
        folder: where it may leave files.
        examples: of each kind for each operation.
        more: options for it.
    """
    configuration = folder / "schemathesis.toml"
    configuration.write_text(_CONFIGURATION.format(api=API, username=username, password=SECRET))
    command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(configuration), "run"]
    options = ["--checks", "all", "--continue-on-failure", "--max-examples", str(examples), "--seed", str(seed)]
    done = subprocess.run(
        [*command, f"{url}/openapi.json", *options, "--request-timeout", "30", "--warnings", "off", *more],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def main() -> int:
    """Check a server of our own; 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m verification.schema", description=__doc__.partition("\n")[0])
    parser.add_argument("--examples", type=int, default=50)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shop-schema-") as folder, ShopServer(Path(folder)) as server:
        code, output = check(
            server.url,
            new_admin(server.url, STAFF, PASSWORD),
            Path(folder),
            chosen.seed,
            chosen.examples,
            "--workers",
            "2",
        )
        audit = server.command("audit")
    print(f"seed {chosen.seed}:")
    print("\n".join(output.splitlines()[-400 if code else -25 :]))
    if audit.returncode:
        print(f"shop audit: {audit.stdout[-500:]}")
    return 1 if code or audit.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
