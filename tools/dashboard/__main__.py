"""Draws `docs/dashboard.svg`: `python -m tools.dashboard [--seconds 240]`. It needs Prometheus, e.g. Debian's.

A shop with two servers has a busy hour in so many seconds, and a Prometheus asks it for its figures. Each panel of
`deploy/grafana/shop.json` is then drawn from what that Prometheus answers to the queries of the panel. It ends with an
error, and draws nothing, if a query is refused or is answered with nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from pathlib import Path

from tools.dashboard.busy_hour import GUESSES, RECEIVER_AWAY, REPLACED, SALE, SLOW, Hour, busy_shop
from tools.dashboard.drawing import picture
from tools.dashboard.panels import SCRAPE_S, STEP_S, Panel, Series, panels, prometheus

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "dashboard.svg"


def main() -> None:
    """Play, ask, draw."""
    parser = argparse.ArgumentParser(prog="python -m tools.dashboard", description=__doc__)
    parser.add_argument("--seconds", type=float, default=240, help="how long the hour takes")
    seconds = parser.parse_args().seconds
    drawn = _played(seconds)
    if silent := [panel.title for panel, lines in drawn if panel.queries and not lines]:
        sys.exit(f"Prometheus knows nothing of these panels, so there is no picture: {', '.join(silent)}")
    PICTURE.write_text(picture(drawn, seconds, _notes(seconds)))
    print(f"Wrote {PICTURE.name}.")


def _played(seconds: float) -> list[tuple[Panel, list[Series]]]:
    """The panels with their lines."""
    with busy_shop() as shop, tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as servers:
        servers.enter_context(shop.serving(shop.ports[0]))
        replaced = servers.enter_context(contextlib.ExitStack())
        replaced.enter_context(shop.serving(shop.ports[1]))
        scraper = servers.enter_context(prometheus(Path(folder), shop.targets))
        time.sleep(5 * SCRAPE_S)  # a rate needs some scrapes, so that the first point of a line is one
        start = time.time()
        asyncio.run(Hour(shop, seconds, replaced).play())
        end = start + seconds
        return [
            (panel, [line for query in panel.queries for line in scraper.answers(query, start, end)])
            for panel in panels()
        ]


def _notes(seconds: float) -> tuple[str, ...]:
    def at(part: float) -> str:
        minutes, rest = divmod(round(part * seconds), 60)
        return f"{minutes}:{rest:02}"

    away, back, sale, slow, guesses, replaced = map(at, (*RECEIVER_AWAY, SALE[0], SLOW, GUESSES[0], REPLACED))
    return (
        "Drawn by `python -m tools.dashboard` from what a Prometheus answers to the queries of the dashboard; not by "
        "Grafana.",
        f"The shop is real: two servers with a worker each, asked for their figures every {SCRAPE_S} s, with a point "
        f"every {STEP_S} s. The receiver of events is away from {away} to {back}.",
        f"A flash sale begins at {sale}. Twelve clients send half a request at {slow}. Somebody guesses a password "
        f"from {guesses} on. A server is replaced at {replaced}.",
    )


if __name__ == "__main__":
    main()
