"""The benchmark runs, and its checks hold: on a small shop, for moments, so its figures mean nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from verification.shop_process import environment

pytestmark = pytest.mark.slow


@pytest.mark.skipif(shutil.which("wrk") is None, reason="needs the load client wrk: apt-get install wrk")
def test_a_small_benchmark_measures_both_sides_and_finds_every_order_it_placed() -> None:
    command = [sys.executable, "-m", "benchmarks", "--tiny", "--only", "place,sale"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the same rows by pgbench" in done.stdout
    assert "600 buyers, 60 units" in done.stdout
    assert "audit of all of it, the rows of pgbench too: 0 differences" in done.stdout
    assert "60.00 orders (60.00 to 60.00)" in done.stdout
    assert "WRONG" not in done.stdout
