"""README's tour runs as it is written, on a fresh `shop serve`, and prints what README shows."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

from verification.shop_process import SHOP, environment, serving

ROOT = Path(__file__).resolve().parents[2]
NEXT = "---- next block ----"


def blocks_of(section: str) -> list[tuple[str, str]]:
    """Each block of commands in a section of README, with the output that is shown after it."""
    text = (ROOT / "README.md").read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    fenced = re.findall(r"```(sh|text)\n(.*?)```", text, re.DOTALL)
    found: list[tuple[str, str]] = []
    for kind, content in fenced:
        found = [*found, (content, "")] if kind == "sh" else [*found[:-1], (found[-1][0], content)]
    return found


def pattern(shown: str) -> str:
    """Matches output that has what is shown; `…` stands for anything."""
    return ".*?".join(re.escape(part.strip("\n")) for part in shown.split("…"))


def test_the_tour_runs_as_it_is_written_and_prints_what_it_shows(tmp_path: Path) -> None:
    blocks = blocks_of("A tour")
    assert len(blocks) >= 5
    script = f"echo '{NEXT}'\n".join(commands for commands, _ in blocks)
    data = {"SHOP_DATA_DIR": str(tmp_path / "data")}
    with serving("--demo", env=environment(**data)) as (url, _):
        script = script.replace("http://127.0.0.1:8000", url).replace(".venv/bin/shop", shlex.quote(str(SHOP)))
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=ROOT,
            env=environment(**data),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout.split(f"{NEXT}\n")
    assert len(printed) == len(blocks)
    for (commands, shown), output in zip(blocks, printed, strict=True):
        assert re.search(pattern(shown), output, re.DOTALL), f"{commands}\nprinted\n{output}\nand not\n{shown}"
