"""What a user waits for: imports, help, the first run after an install and the next one."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.row import Goal, Row, Settings
from benchmarks.timing import seconds

TWIN = "import sys; from twin.cli import main; sys.exit(main())"


def _run(*arguments: str, environment: dict[str, str] | None = None) -> float:
    """Seconds of a Python process, start of the interpreter included.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    command = [sys.executable, "-c", *arguments]
    return seconds(lambda: subprocess.run(command, check=True, capture_output=True, env={**os.environ, **(environment or {})}))


def _median(what: str, repetitions: int, *arguments: str) -> Row:
    _run(*arguments)  # writes the .pyc files
    values = tuple(_run(*arguments) for _ in range(repetitions))
    return Row(what, statistics.median(values), "s", Goal(0.5), f"median of {repetitions}", values)


def start(settings: Settings) -> list[Row]:
    """Import of the package and the help, each a process from start to end."""
    return [_median("import twin", 5, "import twin"), _median("twin --help", 5, TWIN, "--help")]


def first_run(settings: Settings) -> list[Row]:
    """`twin run scenarios/one-park.yaml` with no compiled code anywhere, then again with fresh results."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"NUMBA_CACHE_DIR": str(Path(folder) / "compiled")}
        walls = [_run(TWIN, "run", "scenarios/one-park.yaml", "--results", str(Path(folder) / name), environment=environment)
                 for name in ("first", "second")]
    return [Row("twin run one-park, first after install (compiles)", walls[0], "s", Goal(60), "one run"),
            Row("twin run one-park, second run", walls[1], "s", Goal(10), "one run")]
