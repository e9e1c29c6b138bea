"""What is published: the wheel is built, and each extra is tried with nothing installed but what it asks for."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from shop_core import __version__

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NAME: str = PROJECT["name"]
PYRIGHT = Path(sys.executable).with_name("pyright")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, as the build leaves its own folders behind."""
    folder = tmp_path_factory.mktemp("built")
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder / "dist")]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(folder)], check=True)
    (made,) = (folder / "dist").iterdir()
    return made


def needed(requirements: list[str], extras: set[str]) -> Iterator[importlib.metadata.Distribution]:
    """The installed distributions that these requirements ask for, and those that they ask for, and so on."""
    for requirement in map(Requirement, requirements):
        environments = [{"extra": extra} for extra in extras or {""}]
        if requirement.marker and not any(map(requirement.marker.evaluate, environments)):
            continue
        if requirement.name == NAME:
            yield from needed(requirements, requirement.extras)
        else:
            yield (distribution := importlib.metadata.distribution(requirement.name))
            yield from needed(distribution.requires or [], requirement.extras)


@pytest.fixture
def python_with(wheel: Path, tmp_path: Path) -> Callable[[str], Path]:
    """An environment in which there is what the extra asks for, and nothing else; the wheel is not installed yet."""

    def make(extra: str) -> Path:
        venv.create(tmp_path / "venv", symlinks=True)
        (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
        metadata = importlib.metadata.Distribution.at(unpacked(wheel, tmp_path / "unpacked"))
        for distribution in needed(metadata.requires or [], {extra}):
            for top in {
                file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")
            }:
                if not (site / top).exists():
                    (site / top).symlink_to(Path(str(distribution.locate_file(top))))
        return tmp_path / "venv" / "bin" / "python"

    return make


def unpacked(wheel: Path, folder: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return next(folder.glob("*.dist-info"))


def install(wheel: Path, extra: str, python: Path) -> None:
    """As a user does, but from what is there already: pip refuses if anything is missing."""
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-compile"]
    what = f"{wheel}[{extra}]" if extra else str(wheel)
    subprocess.run([*command, "--disable-pip-version-check", what], check=True)


def run(python: Path, program: str) -> str:
    done = subprocess.run([python, "-I", "-c", program], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_says_all_about_itself(wheel: Path, tmp_path: Path) -> None:
    metadata = importlib.metadata.Distribution.at(unpacked(wheel, tmp_path)).metadata
    assert (metadata["Name"], metadata["Version"]) == (NAME, __version__)
    assert (metadata["License-Expression"], metadata["License-File"]) == ("Apache-2.0", "LICENSE")
    for name in ("Summary", "Author", "Keywords", "Requires-Python", "Description-Content-Type"):
        assert metadata[name], name
    urls = {url.split(",")[0] for url in metadata.get_all("Project-URL", [])}
    assert urls == {"Documentation", "Changelog", "Source"}
    classifiers = metadata.get_all("Classifier", [])
    assert "Typing :: Typed" in classifiers
    assert not [one for one in classifiers if one.startswith("License")], "a license expression takes their place"
    packages = {path.name for path in (ROOT / "src").iterdir() if (path / "__init__.py").exists()}
    assert {path.parent.name for path in tmp_path.glob("*/py.typed")} == packages


def test_the_readmes_library_runs_with_the_extra_that_it_names(
    wheel: Path, python_with: Callable[[str], Path], new_database: Callable[[str], str]
) -> None:
    readme = (ROOT / "README.md").read_text()
    assert re.findall(r'pip install "\$\(ls -t dist/\*\.whl \| head -1\)\[(\w+)\]"', readme) == ["postgres", "all"]
    python = python_with("postgres")
    install(wheel, "postgres", python)
    first, sells, _, on_postgres = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    assert run(python, f"{first}{sells}print(order.total)") == "49.80\n"
    url = new_database("shop_wheel")
    program = on_postgres.replace("postgresql://shop@localhost/shop", url)
    assert program != on_postgres
    assert run(python, f"from shop_core import Shop\n{program}{sells}print(order.total)") == "49.80\n"


def test_the_readmes_library_is_right_to_pyright_too(tmp_path: Path) -> None:
    """mypy checks it with all else; editors of users ask pyright, which takes some protocols otherwise."""
    asked = subprocess.run([PYRIGHT, "--version"], capture_output=True, text=True, check=False)
    if asked.returncode:  # the first call brings its program, which is one of Node.js
        pytest.skip(f"pyright cannot be had: {asked.stderr.strip()[-200:]}")
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    first, sells, tested, on_postgres = blocks
    (tmp_path / "in_memory.py").write_text(first + sells + tested)
    (tmp_path / "on_postgres.py").write_text(f"from shop_core import Shop\n{on_postgres}{sells}")
    command = [str(PYRIGHT), "--pythonpath", sys.executable, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("extra", "program"),
    [
        ("", "import shop_core, shop_adapters.memory as m; shop_core.Shop(m.MemoryAdapters())"),
        ("auth", "import shop_adapters.passwords as p, shop_adapters.tokens as t; p.Argon2Passwords().hash('x' * 9)"),
        ("http", "import shop_http.cli.main, shop_http.app, shop_http.server.composition, shop_http.server.serve"),
        ("webhook", "import shop_adapters.publishers.webhook"),
        ("embedded", "import shop_adapters.embedded as e, pathlib; e.EmbeddedPostgres(pathlib.Path('x'))"),
        ("otel", "import shop_http.server.tracing"),
        ("sentry", "import shop_http.server.error_reports"),
        ("testing", "import shop_testing"),
    ],
)
def test_each_extra_is_complete(python_with: Callable[[str], Path], tmp_path: Path, extra: str, program: str) -> None:
    python = python_with(extra)
    run(python, f"import sys; sys.path.insert(0, {str(tmp_path / 'unpacked')!r}); {program}")


def test_the_command_says_which_extra_it_needs(wheel: Path, python_with: Callable[[str], Path]) -> None:
    python = python_with("")
    install(wheel, "", python)
    done = subprocess.run([python.with_name("shop"), "version"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(rf"shop: the Python package \w+ is not installed: pip install '{NAME}\[all\]'\n", done.stderr)


def test_nothing_tells_people_to_install_what_is_not_ours() -> None:
    places = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("src/**/*.py"), ROOT / "pyproject.toml"]
    named = {
        name: path.name
        for path in places
        if path.name != "CHANGELOG.md"
        for name, extra in re.findall(r"([\w-]+)\[(\w+)(?:,\w+)*\]", path.read_text())
        if extra in PROJECT["optional-dependencies"] and name not in ("psycopg",)
    }
    assert set(named) == {NAME}
