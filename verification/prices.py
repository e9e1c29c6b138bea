"""The laws of pricing over many carts: `python -m verification.prices --cases 100000`.

The laws are the properties of `tests/unit/test_pricing_laws.py`; here each gets its share of the cases, other ones for
each seed.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, seed, settings

LAWS = Path(__file__).resolve().parents[1] / "tests" / "unit"


def laws() -> dict[str, Any]:
    """The properties that draw examples, by name."""
    sys.path.insert(0, str(LAWS))
    module = importlib.import_module("test_pricing_laws")
    return {name: test for name, test in vars(module).items() if hasattr(test, "hypothesis")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000, help="of all laws together")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    checked = laws()
    each = -(-options.cases // len(checked))
    usual = settings(max_examples=each, deadline=None, database=None, derandomize=False)
    for name, law in checked.items():
        began = time.monotonic()
        settings(usual, suppress_health_check=list(HealthCheck))(seed(options.seed)(law))()
        print(f"{name}: {each} cases, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{len(checked)} laws, {each * len(checked)} cases, 0 broken")
    return 0


if __name__ == "__main__":
    sys.exit(main())
