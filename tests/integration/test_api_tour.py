"""docs/api.md is what the API answers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOUR = Path(__file__).resolve().parents[2] / "docs" / "api_tour.py"


def test_the_tour_of_the_api_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(TOUR), "--check"], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
