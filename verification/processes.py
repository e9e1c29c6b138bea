"""Who is whose child, and what a process is. On Linux from /proc, elsewhere from `ps`."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A process that runs: neither ended nor a zombie."""

    pid: int
    parent: int
    command: str


def children(parent: int) -> list[Process]:
    """The processes that `parent` started and that still run, oldest first."""
    found = _from_proc() if Path("/proc/self/stat").exists() else _from_ps()
    return sorted((one for one in found if one.parent == parent), key=lambda one: one.pid)


def kill(pid: int) -> bool:
    """`kill -9`; False if it is gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def _from_proc() -> list[Process]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # pid (name) state parent ...; the name may have spaces and brackets
                state, parent = (entry / "stat").read_text().rpartition(") ")[2].split(" ")[:2]
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if state != "Z":
                    found.append(Process(int(entry.name), int(parent), command.strip()))
    return found


def _from_ps() -> list[Process]:
    listing = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,command="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split(None, 3) for line in listing.splitlines())
    return [Process(int(row[0]), int(row[1]), row[3]) for row in rows if len(row) == 4 and not row[2].startswith("Z")]
