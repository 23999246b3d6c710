"""The machine, and a fixed loop whose time tells how fast and how busy it was."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

PYTHON_STEPS = 200_000
NUMPY_ITEMS = 200_000
REPETITIONS = 5


def cpu_name() -> str:
    """Model of the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def describe() -> dict[str, Any]:
    """What the figures were measured on."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return {"cpu": cpu_name(), "cores": os.cpu_count() or 1, "python": platform.python_version(), "numba": version("numba"),
            "numpy": version("numpy"), "system": platform.system(), "load_before": round(load, 2),
            "date": datetime.now(UTC).date().isoformat()}


def machine_line(machine: dict[str, Any]) -> str:
    """The machine in one line."""
    return (f"{machine['date']}, {machine['cpu']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}, "
            f"numba {machine['numba']}, numpy {machine['numpy']}, load before the run {machine['load_before']}")


def _python_loop() -> int:
    state = 1
    for i in range(PYTHON_STEPS):
        state = (state * 1_103_515_245 + i) % 2_147_483_648
    return state


def _numpy_loop() -> float:
    values = np.random.default_rng(1).random(NUMPY_ITEMS)
    return float(np.sort(np.sqrt(values * 1.000_1 + 0.5))[::7].sum())


def _median_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(REPETITIONS):
        started = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - started))
    return statistics.median(times)


def calibration() -> dict[str, float]:
    """Milliseconds of the fixed loops now."""
    return {"python_ms": _median_ms(_python_loop), "numpy_ms": _median_ms(_numpy_loop)}
