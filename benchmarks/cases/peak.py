"""A process that simulates the plan with every device cellular for some seconds and prints its peak memory (MiB)."""

from __future__ import annotations

import resource
import sys
from pathlib import Path


def peak_mib() -> float:
    """Most memory this process has held. The kernel's own figure of this image is free of what the parent held before it."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def main() -> None:
    from benchmarks.worlds import scenario_world
    from twin.engine.run import simulate
    from twin.world.tables import Clock

    second = 1_000_000_000
    simulate(scenario_world("plan-2026", "devices.access=all_cellular"), Clock(int(sys.argv[1]) * second))
    print(peak_mib())


if __name__ == "__main__":
    main()
