"""The control plane of the reference engine, counted into measures.

Procedures and accesses are counted as the compiled engine counts them. Messages and functions' work are those of the whole
horizon scaled to the measured part; devices registered and connected are those at the end; the core's part of delays,
backlogs, losses of functions, storms' recovery and time series are not kept.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from twin.base import bins
from twin.measure.control import (
    ACCESS_SERIES,
    FUNCTION_COUNTS,
    GAUGES,
    PROCEDURE_COUNTS,
    PROCEDURE_SERIES,
    ControlMeasures,
)
from twin.reference.run import Result
from twin.world.signalling_tables import ACCESS_OUTCOMES, OUTCOMES, Signalling
from twin.world.tables import Clock

_GOING_ON = -1


def control_measures(tables: Signalling, clock: Clock, result: Result) -> ControlMeasures:
    """Measures of what the reference says of procedures, accesses, messages and functions."""
    n_p, n_f, n_c = len(tables.procedures), len(tables.functions), len(tables.cores)
    measured = clock.horizon_ns - clock.warmup_ns
    share = measured / clock.horizon_ns
    counts, duration_sum, duration_hist = _procedures(result.procedures, n_p, clock.warmup_ns)
    tx, delay_sum, delay_hist = _accesses(result.accesses, tables, clock.warmup_ns)
    functions = np.zeros((n_f, len(FUNCTION_COUNTS)), dtype=np.int64)
    functions[:, FUNCTION_COUNTS.index("messages")] = result.function_messages * share
    functions[:, FUNCTION_COUNTS.index("busy_ns")] = result.function_busy_ns * share
    gauges, n_bins = np.asarray(result.gauges, dtype=np.int64), bins.n_bins(bins.DELAY_BITS)

    def none(*shape: int) -> np.ndarray:
        return np.zeros(shape, dtype=np.int64)

    return ControlMeasures(
        procedure_counts=counts, duration_sum_ns=duration_sum, duration_hist=duration_hist, core_part_sum_ns=none(n_p),
        core_part_hist=none(n_p, n_bins), message_counts=(result.message_counts * share).astype(np.int64),
        function_counts=functions, ra_counts=np.asarray(result.access_counts, dtype=np.int64), ra_tx_hist=tx,
        ra_delay_hist=delay_hist, ra_delay_sum_ns=delay_sum, gauges=gauges, gauges_max=gauges.copy(),
        gauge_area_ns=gauges * measured, held_bursts=none(n_c), script_devices=none(len(tables.scripts)),
        recovery_hist=none(len(tables.scripts), n_bins), prb_signalling=(result.prb_signalling * share).astype(np.int64),
        series_procedures=none(0, n_p, len(PROCEDURE_SERIES)), series_access=none(0, len(ACCESS_SERIES)),
        series_busy_ns=none(0, n_f), series_backlog=none(0, n_f), series_gauges=none(0, n_c, len(GAUGES)),
    )


def _procedures(table: pd.DataFrame, n: int, warmup_ns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts of procedures in the measured time, and durations of those that succeeded in it."""
    counts = np.zeros((n, len(PROCEDURE_COUNTS)), dtype=np.int64)
    start, end, outcome, procedure = (table[c].to_numpy() for c in ("t_start", "t_end", "outcome", "procedure"))
    np.add.at(counts[:, 0], procedure[start >= warmup_ns], 1)
    ended = (outcome != _GOING_ON) & (end >= warmup_ns)
    column = np.array([PROCEDURE_COUNTS.index(name) for name in OUTCOMES])
    np.add.at(counts, (procedure[ended], column[outcome[ended]]), 1)
    np.add.at(counts[:, PROCEDURE_COUNTS.index("in_progress")], procedure[outcome == _GOING_ON], 1)
    good = ended & (outcome == OUTCOMES.index("succeeded"))
    return counts, *_durations(procedure[good], (end - start)[good], n)


def _accesses(table: pd.DataFrame, tables: Signalling, warmup_ns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Transmissions and delays of the accesses that succeeded in the measured time, by random access configuration."""
    good = table[(table["outcome"] == ACCESS_OUTCOMES.index("succeeded")) & (table["t_end"] >= warmup_ns)]
    rach = tables.cells["rach"].to_numpy(dtype=np.int64)[good["cell"].to_numpy()]
    offset, period = (tables.rach[name].to_numpy(dtype=np.int64)[rach] for name in ("rao_offset_ns", "rao_period_ns"))
    first = offset + np.maximum(-(-(good["t_begin"].to_numpy() - offset) // period), 0) * period
    tx = np.zeros((len(tables.rach), tables.rach_detect_q32.shape[1]), dtype=np.int64)
    np.add.at(tx, (rach, good["transmissions"].to_numpy()), 1)
    return tx, *_durations(rach, good["t_end"].to_numpy() - first, len(tables.rach))


def _durations(row: np.ndarray, ns: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums and histograms of durations by row."""
    total = np.zeros(n, dtype=np.int64)
    np.add.at(total, row, ns)
    hist = np.zeros((n, bins.n_bins(bins.DELAY_BITS)), dtype=np.int64)
    edges = bins.bin_edges(bins.DELAY_BITS)
    place = np.clip(np.searchsorted(edges, ns, side="right") - 1, 0, hist.shape[1] - 1)
    np.add.at(hist, (row, place), 1)
    return total, hist
