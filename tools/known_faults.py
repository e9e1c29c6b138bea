"""Whether a locked package has a fault that is publicly known: `make audit`. It asks by pip-audit.

Ends with 0 if none has, with 1 if one has, and with 2 and one line if that could not be found out.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence

_UNREACHABLE = ("ConnectionError", "Max retries exceeded", "Timeout", "ServiceError", "Failed to resolve")


def main(locks: Sequence[str]) -> int:
    """Ask about each lock."""
    program = shutil.which("pip-audit")
    if program is None:
        return _unknown("pip-audit is not installed: `make audit` installs it")
    for lock in locks:
        command = [program, "--require-hashes", "--disable-pip", "--progress-spinner", "off", "-r", lock]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if skipped := re.findall(r"^(\S+) +Dependency not found", done.stdout, re.MULTILINE):  # and "no faults found"
            return _unknown(f"the source of pip-audit does not know {len(skipped)} packages, {skipped[0]} among them")
        if done.returncode and any(word in done.stderr for word in _UNREACHABLE):
            return _unknown(f"pip-audit cannot reach its source: {done.stderr.strip().splitlines()[-1][:200]}")
        print(done.stdout + done.stderr, end="")
        if done.returncode:
            return 1
    return 0


def _unknown(reason: str) -> int:
    print(f"Not known whether a dependency has a known fault: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
