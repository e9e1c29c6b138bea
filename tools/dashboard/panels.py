"""The panels of `deploy/grafana/shop.json`, and what a Prometheus answers to their expressions."""

from __future__ import annotations

import contextlib
import json
import math
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from verification.shop_process import READY_S_MAX, CannotStart, free_port

DASHBOARD = Path(__file__).resolve().parents[2] / "deploy" / "grafana" / "shop.json"
SCRAPE_S = 1
"""How often the shop is asked for its figures: fifteen times as often as `deploy/prometheus` does it."""
STEP_S = 2


@dataclass(frozen=True, slots=True)
class Query:
    """What a panel asks, with Grafana's `$__rate_interval` in it, and how it calls the answers (`{{label}}`)."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel, or the title of a row of panels, which asks nothing. Its place is in units of the grid, 24 to a row."""

    title: str
    x: int
    y: int
    width: int
    height: int
    unit: str
    is_stacked: bool
    queries: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a panel: its name, and the figure at each second since the beginning."""

    name: str
    figures: Mapping[float, float]


def panels() -> list[Panel]:
    """Those of the dashboard, in its order."""
    return [_panel(described) for described in json.loads(DASHBOARD.read_text())["panels"]]


def _panel(described: Mapping[str, Any]) -> Panel:
    place, how = described["gridPos"], described.get("fieldConfig", {}).get("defaults", {})
    return Panel(
        title=described["title"],
        x=place["x"],
        y=place["y"],
        width=place["w"],
        height=place["h"],
        unit=how.get("unit", "none"),
        is_stacked=how.get("custom", {}).get("stacking", {}).get("mode") == "normal",
        queries=tuple(Query(target["expr"], target["legendFormat"]) for target in described.get("targets", ())),
    )


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A Prometheus that runs."""

    url: str

    def answers(self, query: Query, start: float, end: float) -> list[Series]:
        """The lines of a query between two times of the system's clock.

        Raises:
            RuntimeError: Prometheus refuses the query.
        """
        # As Grafana fills it in: a rate needs more than one scrape, however close the points of a panel are.
        rate_interval_s = max(STEP_S + SCRAPE_S, 4 * SCRAPE_S)
        expression = query.expression.replace("$__rate_interval", f"{rate_interval_s}s")
        asked = urlencode({"query": expression, "start": start, "end": end, "step": STEP_S})
        try:
            with urlopen(f"{self.url}/api/v1/query_range?{asked}", timeout=60) as answer:
                found = json.load(answer)["data"]["result"]
        except HTTPError as error:
            raise RuntimeError(f"Prometheus refuses {expression}: {error.read().decode()}") from error
        return [_series(query, one, start) for one in found]


def _series(query: Query, found: Mapping[str, Any], start: float) -> Series:
    name = re.sub(r"\{\{(\w+)\}\}", lambda label: str(found["metric"].get(label[1], "")), query.legend)
    points = ((at - start, float(figure)) for at, figure in found["values"])
    return Series(name, {at: figure for at, figure in points if math.isfinite(figure)})


@contextlib.contextmanager
def prometheus(folder: Path, targets: Sequence[str]) -> Iterator[Prometheus]:
    """Debian's Prometheus, which keeps its data in `folder` and asks `targets`, each `host:port`, for their figures.

    Raises:
        CannotStart: it does not become ready.
    """
    settings = folder / "prometheus.yml"
    scraped = {"job_name": "shop", "scrape_interval": f"{SCRAPE_S}s", "static_configs": [{"targets": list(targets)}]}
    settings.write_text(json.dumps({"scrape_configs": [scraped]}))  # JSON is YAML
    where = f"127.0.0.1:{free_port()}"
    command = ["prometheus", f"--config.file={settings}", f"--web.listen-address={where}"]
    command += [f"--storage.tsdb.path={folder / 'figures'}", "--log.level=error"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            _wait_until_ready(f"http://{where}", process)
            yield Prometheus(f"http://{where}")
        finally:
            process.terminate()
            process.communicate()


def _wait_until_ready(url: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + READY_S_MAX
    while True:
        with contextlib.suppress(URLError, OSError), urlopen(f"{url}/-/ready", timeout=5):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise CannotStart(f"Prometheus did not become ready: {process.communicate()[1]}")
        time.sleep(0.05)
