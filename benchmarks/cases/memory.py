"""Peak memory of a whole run (scenario, world, engine, measures), each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.cases.peak import __name__ as PEAK
from benchmarks.row import Goal, Row, Settings

LIMIT_MIB = 2048.0
SAME = 1.05


def peak_mib(horizon_s: int) -> float:
    """Peak memory of a process that simulates the plan, every device cellular, for so long."""
    done = subprocess.run([sys.executable, "-m", PEAK, str(horizon_s)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def memory(settings: Settings) -> list[Row]:
    """A short and a long horizon. Buffers of overloaded cells fill for a while: what still grows then is a fault."""
    short, long = (600, 3600) if settings.full else (10, 20) if settings.quick else (60, 180)
    peak_mib(1)  # compiles, which takes memory of its own
    at_short, at_long = peak_mib(short), peak_mib(long)
    goal = Goal(LIMIT_MIB)
    return [Row(f"peak memory, plan-2026 all cellular, {short} s simulated", at_short, "MiB", goal, "one run"),
            Row(f"peak memory, the same, {long} s simulated", at_long, "MiB", goal, "one run"),
            Row(f"peak memory of {long} s over {short} s", at_long / at_short, "ratio", Goal(SAME), "one run each")]
