"""Writes down which functions of a source tree run; `tools/request_path.py` puts this folder on PYTHONPATH.

Python imports a module of this name by itself when it starts, in the server and in each of its worker processes.
`SHOP_TRACE` names a folder with the file `phase`, one byte long. While it is 0 nothing is noted; otherwise each
function is noted once for each value, as a line of the file `functions`.
"""

from __future__ import annotations

import mmap
import os
import sys
import threading
from pathlib import Path
from types import FrameType


def install(folder: Path, source: str) -> None:
    """Note the functions of files below `source` in this process, in threads that start later, and in its forks."""
    with (folder / "phase").open("rb") as file:
        phases = mmap.mmap(file.fileno(), 1, prot=mmap.PROT_READ)
    noted: set[tuple[int, str, int]] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        phase, code = phases[0], frame.f_code
        if event != "call" or phase == 0 or not code.co_filename.startswith(source):
            return
        key = (phase, code.co_filename, code.co_firstlineno)
        if key not in noted:
            noted.add(key)
            last = max((line for _, _, line in code.co_lines() if line), default=code.co_firstlineno)
            fields = (phase, code.co_filename, code.co_firstlineno, last, code.co_name)
            with (folder / "functions").open("a") as notes:
                notes.write("\t".join(map(str, fields)) + "\n")

    threading.setprofile(note)
    sys.setprofile(note)


if "SHOP_TRACE" in os.environ:
    install(Path(os.environ["SHOP_TRACE"]), os.environ["SHOP_TRACE_SOURCE"])
