"""KPIs of a core test: how the core served procedures that come at a rate or at once, without radio and transport."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twin.base.bins import DELAY_BITS
from twin.measure.control import FUNCTION_COUNTS, PROCEDURE_COUNTS, ControlMeasures
from twin.measure.scopes import Rows, quantiles, ratio, rows
from twin.world.signalling_tables import ROLES, SCRIPTS, Signalling

PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
#: Not counted as the core's CPU: the subscriber data base and the IoT platform.
_BEHIND = [ROLES.index("DB"), ROLES.index("IOT")]


def core_test_kpis(control: ControlMeasures, tables: Signalling) -> Iterator[Rows]:
    """One scope a core test. core_test_last_served_s: when all come at once, how long until the last one served has been served.

    core_test_cpu_ms: work of the core's functions without the data base, a procedure that started.
    """
    scripts = tables.scripts
    test = np.flatnonzero(scripts["kind"].to_numpy() == SCRIPTS.index("procedure"))
    if not len(test):
        return
    names = scripts["name"].to_numpy(object)[test]
    procedure = scripts["target"].to_numpy(dtype=np.int64)[test]
    counts = dict(zip(PROCEDURE_COUNTS, control.procedure_counts[procedure].T))
    started, succeeded = counts["started"], counts["succeeded"]
    core, hist = control.core_part_hist[procedure], control.duration_hist[procedure]
    yield rows("core_test_devices", "test", names, started, "procedures")
    yield rows("core_test_success_share", "test", names, ratio(succeeded, started), "share")
    mean_ns = ratio(control.core_part_sum_ns[procedure], core.sum(axis=1))
    yield rows("core_test_core_part_mean_ms", "test", names, mean_ns * 1e-6, "ms")
    values = quantiles(core, PERCENTILES.values(), DELAY_BITS) * 1e-6
    for column, q in enumerate(PERCENTILES):
        yield rows(f"core_test_core_part_{q}_ms", "test", names, values[:, column], "ms")
    at_once = scripts["spread_ns"].to_numpy()[test] == 0
    last_ns = quantiles(hist, [1.0], DELAY_BITS)[:, 0]
    yield rows("core_test_last_served_s", "test", names, np.where(at_once, last_ns, np.nan) * 1e-9, "s")
    yield rows("core_test_cpu_ms", "test", names, ratio(_busy_ns(control, tables, procedure), started) * 1e-6, "ms")


def _busy_ns(control: ControlMeasures, tables: Signalling, procedure: np.ndarray) -> np.ndarray:
    """Work of all functions of each procedure's core but those behind it."""
    core = tables.functions["core"].to_numpy(dtype=np.int64)
    counted = ~np.isin(tables.functions["role"].to_numpy(), _BEHIND)
    busy = control.function_counts[:, FUNCTION_COUNTS.index("busy_ns")]
    of_core = np.bincount(core[counted], busy[counted], minlength=len(tables.cores))
    return np.asarray(of_core[tables.procedures["core"].to_numpy(dtype=np.int64)[procedure]])
