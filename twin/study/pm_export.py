"""From a finished run to performance measurement files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from twin.base.errors import MissingResultError, UsageError
from twin.base.units import s_to_ns
from twin.measure.pm_counters import counter_rows
from twin.study.pm_xml import write_pm
from twin.study.store import load_measures, read_manifest, read_table, replication_path

#: Vietnam has no daylight saving time.
TIME_ZONE = dt.timezone(dt.timedelta(hours=7))
DAY = dt.date(2026, 1, 1)
GRANULARITY_S = 900.0


def export_pm(run_folder: Path, out: Path | None = None, granularity_s: float = GRANULARITY_S, replication: int = 0,
              day: dt.date = DAY) -> list[Path]:
    """Write the counters of one replication as TS 32.435 XML into `out` (``pm`` in the run folder) and give the files' paths.

    day: the date the simulated day is given; its time of day is the scenario's. A measured time no longer than granularity_s
    is one period.

    Raises:
        MissingResultError: the run or the replication is not there.
        UsageError: a granularity period that the run's time series cannot give.
    """
    manifest = read_manifest(run_folder)
    measures = load_measures(replication_path(run_folder, replication))
    if measures is None:
        raise MissingResultError(f"{run_folder}: replication {replication} is not there or cannot be read; there are "
                                 f"{manifest.get('replications', 0)}, counted from 0")
    if not granularity_s > 0:
        raise UsageError(f"a granularity period of {granularity_s:g} s; give more than 0")
    elements = read_table(run_folder, "elements")
    try:
        counters = counter_rows(measures, elements, s_to_ns(float(manifest["warmup_s"])), s_to_ns(granularity_s))
    except ValueError as error:
        raise UsageError(f"{error}; give a multiple of it, or one as long as the run") from error
    return write_pm(counters, out or run_folder / "pm", _start(manifest, day))


def _start(manifest: dict, day: dt.date) -> dt.datetime:
    """When the simulated time 0 is."""
    simulation = manifest.get("scenario", {}).get("simulation", {})
    time_of_day = dt.time.fromisoformat(simulation.get("start_time_of_day") or "00:00")
    return dt.datetime.combine(day, time_of_day, TIME_ZONE)
