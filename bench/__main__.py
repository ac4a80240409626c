"""Runs every measurement, or those named: python -m bench [NAME …]."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SHELL = {"__init__", "__main__", "measure", "registry_files"}


def main(names: list[str]) -> int:
    """Each measurement is a process of its own, so that one's memory is not another's."""
    known = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in SHELL)
    unknown = set(names) - set(known)
    if unknown:
        print(f"No such measurement: {', '.join(sorted(unknown))}. There are: {', '.join(known)}.")
        return 2
    failed = 0
    for name in names or known:
        print(f"\n# {name}", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False, env=os.environ).returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
