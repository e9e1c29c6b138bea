"""Servers of every earlier schema go on while their database is migrated: `python -m verification.old_servers`.

For each revision from `WORKS_WITH` on: the code of the last commit at that revision, from the history of this
repository, serves a database of its own schema. Customers register, log in, browse, reserve, place, edit and delete
orders. Meanwhile today's migration brings the database to today's schema. Nobody may be answered with 5xx, before or
after; and the audit of today's code must find nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import random
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

from sqlalchemy import make_url

from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.migrate import MIGRATIONS, REVISIONS, WORKS_WITH, migrate
from shop_core import Shop
from verification.bystanders import busyness
from verification.client import API, Connection, Lost
from verification.databases import new_database, temporary_server
from verification.shop_process import CannotStart, environment, free_port, running

ROOT = Path(__file__).parents[1]
SECRET = "the secret of old and new servers"
CUSTOMERS = 3
_PASSWORD = "numbers are music"


class NoHistory(Exception):
    """The history of the repository is not here: a shallow clone, or none at all."""


def last_commits() -> dict[str, str]:
    """For each revision from `WORKS_WITH` on but the newest, the last commit at which it was the newest.

    Raises:
        NoHistory: some are not known here.
    """
    found = {}
    for revision, following in pairwise(REVISIONS):
        if revision >= WORKS_WITH:
            before_next = [f"{commit}^" for commit in _commits_that_added(following)]
            commits = [
                each for each in (*before_next, *_commits_that_added(revision)) if _revisions(each)[-1:] == [revision]
            ]
            if not commits:
                raise NoHistory(f"no commit whose newest revision is {revision} is known here: fetch the history")
            found[revision] = _git("rev-parse", commits[0]).strip()
    return found


def _commits_that_added(revision: str) -> list[str]:
    return _git("log", "--diff-filter=A", "--format=%H", "--", f":(glob)**/versions/{revision}_*.py").split()


def _revisions(commit: str) -> list[str]:
    """The revisions that a commit has; none if two have the same number, as in a merge that is not finished."""
    files = _git("ls-tree", "--name-only", commit, f"{MIGRATIONS.relative_to(ROOT)}/versions/").split()
    numbers = sorted(Path(file).name[:4] for file in files if Path(file).name[:4].isdecimal())
    return numbers if len(set(numbers)) == len(numbers) else []


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoHistory(f"git {arguments[0]}: {getattr(error, 'stderr', error)}".strip()) from error
    return done.stdout


class OldShop:
    """The code of a commit in a folder, run with the packages that are installed here, or with its own."""

    def __init__(self, commit: str, folder: Path, database_url: str) -> None:
        files = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(files)) as archive:
            archive.extractall(folder, filter="data")
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        module, _, function = project["scripts"]["shop"].partition(":")
        name, number = project["name"], project.get("version", "0")
        installed = folder / "src" / f"{name}-{number}.dist-info"  # some ask for their own version
        installed.mkdir()
        (installed / "METADATA").write_text(f"Name: {name}\nVersion: {number}\n")
        self.command = [sys.executable, "-c", f"from {module} import {function}; raise SystemExit({function}())"]
        self.env = environment(SHOP_DATABASE_URL=database_url, SHOP_SECRET_KEY=SECRET, SHOP_WORKERS="1")
        self._folder = folder
        self.env["PYTHONPATH"] = str(folder / "src")
        self.log = folder / "server.log"

    def run(self, *arguments: str) -> None:
        """Run a command of it to its end. Raises CannotStart: it fails."""
        command = [*self.command, *arguments]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=300, check=False)
        if "ModuleNotFoundError" in done.stderr and self._install():
            done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            raise CannotStart(f"shop {' '.join(arguments)}: {done.stderr[-500:]}")

    def _install(self) -> bool:
        """Install the packages that it was locked with; some are not used any more. Whether that worked."""
        packages = self._folder / "packages"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        from_lock = ["--target", str(packages), "-r", str(self._folder / "requirements.txt")]
        self.env["PYTHONPATH"] += f"{os.pathsep}{packages}"
        return not subprocess.run([*pip, *from_lock], capture_output=True, timeout=600, check=False).returncode

    def said(self) -> str:
        """The end of what its server said."""
        return self.log.read_text()[-500:] if self.log.exists() else ""

    @contextmanager
    def serving(self) -> Iterator[int]:
        """A server of it, with demo products: its port."""
        port = free_port()
        command = [*self.command, "serve", "--demo", "--port", str(port)]
        with self.log.open("wb") as log, running(command, f"http://127.0.0.1:{port}", self.env, log.fileno()):
            yield port


class Customers:
    """They use the shop until they are told to stop, and count what they are answered."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answers: Counter[tuple[str, int]] = Counter()
        self.said: dict[tuple[str, int], str] = {}
        self.rounds = 0
        self.is_over = False

    async def use(self) -> None:
        """One customer after the other."""
        with closing(Connection(self.port)) as connection:
            while not self.is_over:
                await self._round(connection)
                self.rounds += 1

    async def _round(self, connection: Connection) -> None:
        token = ""

        async def ask(step: str, method: str, path: str, body: object = None, **headers: str) -> dict[str, object]:
            try:
                answer = await connection.ask(method, f"{API}{path}", body, token=token, headers=headers, wait_s=30)
            except Lost:
                self.answers[step, 0] += 1
                return {}
            self.answers[step, answer.status] += 1
            if answer.status >= 500:
                self.said.setdefault((step, answer.status), answer.body.decode()[-300:])
            return answer.json if answer.body and answer.status < 300 else {}

        account = {"username": f"ada-{uuid4().hex[:12]}", "password": _PASSWORD}
        await ask("register", "POST", "/auth/register", account)
        pair = await ask("log in", "POST", "/auth/token", account)
        pair = await ask("refresh", "POST", "/auth/token/refresh", {"refresh": pair.get("refresh")})
        token = str(pair.get("access"))
        await ask("search", "GET", "/products?keyword=travel+mug&in_stock=true")
        products = (await ask("browse", "GET", "/products?limit=50&in_stock=true")).get("results")
        assert isinstance(products, list)
        lines = [{"product_id": each["id"], "quantity": 1} for each in random.sample(products, 2)]
        order = await ask("place", "POST", "/orders", {"lines": lines}, **{"Idempotency-Key": uuid4().hex})
        await ask("edit", "PUT", f"/orders/{order.get('id')}", {"lines": [*lines[:1], lines[-1] | {"quantity": 2}]})
        await ask("list orders", "GET", "/orders")
        held = await ask("reserve", "POST", "/reservations", {"lines": lines, "ttl_seconds": 60})
        if held:
            await ask("place reserved", "POST", "/orders", {"reservation_id": held["id"]})
        await ask("delete", "DELETE", f"/orders/{order.get('id')}")


async def _play(port: int, url: str, seconds: float) -> tuple[Customers, Customers]:
    """Customers before and during the migration, and after it."""
    before, after = Customers(port), Customers(port)
    engine = make_engine(url, connections=1)
    tasks = [asyncio.create_task(before.use()) for _ in range(CUSTOMERS)]
    await asyncio.sleep(seconds)
    await asyncio.to_thread(migrate, engine, "EUR")
    before.is_over = True
    await asyncio.gather(*tasks)
    tasks = [asyncio.create_task(after.use()) for _ in range(CUSTOMERS)]
    await asyncio.sleep(seconds)
    after.is_over = True
    await asyncio.gather(*tasks)
    engine.dispose()
    return before, after


def try_revision(server: str, revision: str, commit: str, seconds: float) -> list[str]:
    """What was found with the servers of a revision."""
    url = new_database(server, f"old_{revision}")
    with tempfile.TemporaryDirectory(prefix="shop-old-") as folder:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        old = OldShop(commit, Path(folder), plain)
        began = time.monotonic()
        try:
            old.run("migrate")
            with old.serving() as port:
                before, after = asyncio.run(_play(port, url, seconds))
        except CannotStart as why:
            findings = [f"a server of {revision} ({commit[:9]}) does not start: {why} {old.said()}"]
            print(f"    {findings[0]}", flush=True)
            return findings
    answers = before.answers + after.answers
    findings = [
        f"{step}: {status} ({count} times) {(before.said | after.said).get((step, status), '')}"
        for (step, status), count in answers.items()
        if status >= 500 or status == 0 or (status >= 400 and status not in (404, 409))
    ]
    placed = sum(count for (step, status), count in after.answers.items() if step == "place" and status == 201)
    findings += ["nobody could order after the migration"] * (not placed)
    findings += ["nobody came to an end"] * (not (before.rounds and after.rounds))
    engine = make_engine(url, connections=1)
    findings += [f"the audit finds {each}" for each in Shop(PostgresAdapters(engine, SECRET.encode())).audit()[:3]]
    engine.dispose()
    rounds = f"{before.rounds} customers before and during the migration, {after.rounds} after it"
    print(f"servers of {revision} ({commit[:9]}): {rounds}, {time.monotonic() - began:.0f} s", flush=True)
    for finding in findings:
        print(f"    {finding}", flush=True)
    return findings


def main() -> int:
    """Run it: 0 if nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, help="nothing here is left to chance")
    parser.add_argument("--seconds", type=float, default=3.0, help="before the migration, and after it")
    parser.add_argument("--revision", action="append", help="only this one; may be repeated")
    given = parser.parse_args()
    try:
        commits = last_commits()
    except NoHistory as missing:
        print(f"nothing was tried: {missing}")
        return 0
    with temporary_server() as server:
        findings = [
            finding
            for revision, commit in commits.items()
            if not given.revision or revision in given.revision
            for finding in try_revision(server, revision, commit, given.seconds)
        ]
    print(f"findings: {len(findings)}; {busyness()}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
