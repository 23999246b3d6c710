"""`python -m benchmarks [NAME…] [--quick] [--full] [--json]`: measure and print one table."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from typing import Any

from benchmarks.cases import CASES, LONG
from benchmarks.machine import describe
from benchmarks.table import print_table


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure parktwin's speed; one table.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"cases to measure: {', '.join(CASES)}; all unless given")
    parser.add_argument("--quick", action="store_true", help=f"shorter, without {', '.join(LONG)} and a million devices")
    parser.add_argument("--full", action="store_true", help="memory at 10 minutes against an hour of simulated time")
    parser.add_argument("--json", action="store_true", help="JSON on stdout instead of the table")
    found = parser.parse_args(arguments)
    unknown = [name for name in found.names if name not in CASES]
    if unknown:
        parser.error(f"no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    return found


def _measure(name: str, flags: list[str]) -> tuple[list[dict[str, Any]], str]:
    """Rows of a case from a process of its own, and why there are none."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.child", name, *flags], capture_output=True, text=True)
    if done.returncode:
        return [], (done.stderr.strip().splitlines() or ["no message"])[-1]
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return rows, ""


def main(arguments: list[str] | None = None) -> int:
    """Measure the cases one after the other; 1 when one of them failed, whatever the figures are."""
    chosen = _arguments(arguments)
    names = chosen.names or [name for name in CASES if not (chosen.quick and name in LONG)]
    flags = [flag for flag in ("quick", "full") if getattr(chosen, flag)]
    machine, rows, failures = describe(), [], {}
    started = time.perf_counter()
    for name in names:
        print(f"measuring {name} …", file=sys.stderr)
        found, message = _measure(name, flags)
        rows += found
        if message:
            failures[name] = message
    machine["took_s"] = round(time.perf_counter() - started, 1)
    if chosen.json:
        print(json.dumps({"machine": machine, "rows": rows, "failures": failures}, indent=1, ensure_ascii=False))
    else:
        print_table(machine, rows, failures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
