"""How the control plane moves over the run: accesses, collisions, procedures, load and backlog of functions, devices."""

from __future__ import annotations

import numpy as np
import pandas as pd

from twin.base import bins
from twin.measure.control import GAUGES, PROCEDURE_SERIES, ControlMeasures
from twin.measure.control_kpis import GAUGE_KPIS
from twin.measure.control_names import (
    REGISTRATIONS,
    core_names,
    function_load_pct,
    host_load_pct,
    of_core,
    of_functions,
    owned_names,
    storms_of,
)
from twin.measure.measures import Measures
from twin.measure.scopes import ratio
from twin.measure.series import COLUMNS, long_rows, measured_buckets, replications_in, seconds_of_buckets
from twin.world.signalling_tables import Signalling
from twin.world.tables import World

_NETWORK = np.array(["network"], dtype=object)


def control_timeseries(measures: Measures, world: World, warmup_ns: int | None = None) -> pd.DataFrame:
    """Per bucket (t_s: its start): rates of accesses and procedures after the warm-up, load and backlog of functions and
    devices over the whole run, share of a storm's devices that are back by then. Means over replications (backlog: largest).
    """
    control, tables = measures.control, world.signalling
    if control is None or tables is None or not len(control.series_access):
        return pd.DataFrame(columns=COLUMNS)
    seconds = seconds_of_buckets(measures, warmup_ns)
    if len(seconds) != len(control.series_access):
        seconds = np.full(len(control.series_access), measures.bucket_ns * 1e-9 * replications_in(measures))
    first = measured_buckets(measures, warmup_ns).start if len(measures.series_busy_ns) else 0
    parts = [*_accesses(measures, control, seconds, first), *_procedures(measures, control, tables, seconds, first),
             *_functions(measures, control, tables, seconds), *_gauges(measures, control, tables),
             *_recovery(measures, control, tables)]
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=COLUMNS)


def _accesses(measures: Measures, control: ControlMeasures, seconds: np.ndarray, first: int) -> list[pd.DataFrame]:
    """Accesses begun, succeeded, failed and preambles a second, and the share of preambles that collided."""
    begun, preambles, collided, succeeded, failed = control.series_access[first:].T
    kpis = {"ra_accesses_per_s": begun, "ra_preambles_per_s": preambles, "ra_accesses_succeeded_per_s": succeeded,
            "ra_accesses_failed_per_s": failed}
    found = [long_rows(measures, kpi, "network", _NETWORK, ratio(values, seconds[first:])[:, None], first)
             for kpi, values in kpis.items()]
    share = ratio(collided, preambles)[:, None]
    return [*found, long_rows(measures, "ra_collision_share_per_attempt", "network", _NETWORK, share, first)]


def _procedures(measures: Measures, control: ControlMeasures, tables: Signalling, seconds: np.ndarray,
                first: int) -> list[pd.DataFrame]:
    """Procedures a second of every core, those of each kind, and registrations that succeed."""
    core = tables.procedures["core"].to_numpy(dtype=np.int64)
    counts, per_s, n = control.series_procedures[first:], seconds[first:, None], len(tables.cores)
    names, of = core_names(tables), owned_names(tables, tables.procedures)
    found = []
    by_core = of_core(core, counts.transpose(1, 0, 2), n).transpose(1, 0, 2)
    for column, what in enumerate(PROCEDURE_SERIES):
        found.append(long_rows(measures, f"procedures_{what}_per_s", "core", names, ratio(by_core[:, :, column], per_s), first))
        if what in ("started", "succeeded"):
            rate = ratio(counts[:, :, column], per_s)
            found.append(long_rows(measures, f"procedures_{what}_per_s", "procedure", of, rate, first))
    registration = np.isin(tables.procedures["trigger"].to_numpy(), REGISTRATIONS)
    done = of_core(core[registration], counts[:, registration, 1].T, n).T
    share = ratio(by_core[:, :, 3], by_core[:, :, 0])
    return [*found, long_rows(measures, "registrations_succeeded_per_s", "core", names, ratio(done, per_s), first),
            long_rows(measures, "procedure_retry_share", "core", names, share, first)]


def _functions(measures: Measures, control: ControlMeasures, tables: Signalling, seconds: np.ndarray) -> list[pd.DataFrame]:
    """Load and largest backlog of every function."""
    names = owned_names(tables, tables.functions)
    load = function_load_pct(control.series_busy_ns, 1e9 * seconds[:, None], tables)
    host = host_load_pct(control.series_busy_ns, 1e9 * seconds[:, None], tables)
    return [long_rows(measures, "function_load_pct", "function", names, load),
            long_rows(measures, "host_load_pct", "host", tables.hosts["name"].to_numpy(object), host),
            long_rows(measures, "function_host_load_pct", "function", names, of_functions(host, tables)),
            long_rows(measures, "function_backlog", "function", names, control.series_backlog.astype(float))]


def _gauges(measures: Measures, control: ControlMeasures, tables: Signalling) -> list[pd.DataFrame]:
    """Devices registered and connected and sessions of every core at the bucket's end."""
    runs = replications_in(measures)
    return [long_rows(measures, GAUGE_KPIS[gauge], "core", core_names(tables), control.series_gauges[:, :, column] / runs)
            for column, gauge in enumerate(GAUGES)]


def _recovery(measures: Measures, control: ControlMeasures, tables: Signalling) -> list[pd.DataFrame]:
    """Share of each storm's devices that are back, at the start of each bucket."""
    storms = storms_of(tables)
    if not len(storms.names):
        return []
    hist = storms.summed(control.recovery_hist)
    upper = bins.bin_edges(bins.DELAY_BITS)[1:]
    start = np.arange(len(control.series_access)) * measures.bucket_ns
    since = start[:, None] - storms.t_ns
    cumulated = np.concatenate([np.zeros((len(hist), 1), np.int64), np.cumsum(hist, axis=1)], axis=1)
    index = np.searchsorted(upper, np.maximum(since, 0), side="right")
    back = ratio(cumulated[np.arange(len(hist)), index], storms.summed(control.script_devices))
    return [long_rows(measures, "storm_back_share", "storm", storms.names, np.where(since >= 0, back, np.nan))]
