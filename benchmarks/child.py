"""A process that measures one case and prints it as JSON: `python -m benchmarks.child NAME [quick] [full]`."""

from __future__ import annotations

import json
import sys

from benchmarks.cases import run_case
from benchmarks.machine import calibration
from benchmarks.row import Settings


def main(name: str, *flags: str) -> None:
    """The fixed loops run before and after the case: their mean stands beside its rows."""
    before = calibration()
    rows = [row.as_dict() for row in run_case(name, Settings("quick" in flags, "full" in flags))]
    after = calibration()
    beside = {key: (before[key] + after[key]) / 2 for key in before}
    print(json.dumps([{"case": name, **row, **beside} for row in rows]))


if __name__ == "__main__":
    main(*sys.argv[1:])
