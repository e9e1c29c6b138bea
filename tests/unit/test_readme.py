"""README's code runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_python_of_the_readme_runs_from_top_to_bottom() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert len([line for line in blocks[0].splitlines() if line]) == 3, "README promises a shop in three lines"
    names: dict[str, object] = {}
    for block in blocks:
        if "needs a database" not in block:
            exec(block, names)
    assert "order" in names
