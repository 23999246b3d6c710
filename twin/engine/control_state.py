"""State of the control plane: its arrays in `State`, room for events and running procedures, counts."""

from __future__ import annotations

import numpy as np

from twin.base import columns as c
from twin.base import signal_columns as sc
from twin.base.bins import DELAY_BITS, n_bins
from twin.base.names import name_hash
from twin.engine.control import CELLS, CORES, cutting_times, integers
from twin.engine.state import State
from twin.measure.control import PROCEDURE_COUNTS
from twin.world.signalling_start import start_states
from twin.world.signalling_tables import INTERFACES, UE, Signalling

PREFIX, TALLY = "control_", "tally_"
LEAST_ROOM = 1 << 12
MIN_PREAMBLES = 64


def _devices(s: Signalling, key: int) -> np.ndarray:
    rows = c.aligned_rows(len(s.devices), sc.DEVICE_COLUMNS)
    start = start_states(s, key)
    rows[:, sc.DV_HASH] = s.devices["device_hash"].to_numpy(np.uint64).view(np.int64)
    for column, name in ((sc.DV_CORE, "core"), (sc.DV_CELL, "cell"), (sc.DV_BEHAVIOUR, "behaviour")):
        rows[:, column] = s.devices[name].to_numpy(np.int64)
    kind = np.maximum(rows[:, sc.DV_BEHAVIOUR], 0)
    registered = start.state >= sc.IDLE
    if len(s.behaviours):
        rows[:, sc.DV_INACTIVITY] = s.behaviours["inactivity_ns"].to_numpy(np.int64)[kind]
        rows[:, sc.DV_PHASE] = np.where(registered, 1 + s.behaviours["sessions"].to_numpy(np.int64)[kind], 0)
    rows[:, sc.DV_STATE], rows[:, sc.DV_LAST] = start.state, start.last_ns
    rows[:, sc.DV_PERIODIC_AT], rows[:, sc.DV_ASLEEP] = start.periodic_at_ns, start.asleep_from_ns
    rows[:, sc.DV_GUTI] = registered
    for column in (sc.DV_HEAD, sc.DV_TAIL, sc.DV_INSTANCE, sc.DV_NEXT, sc.DV_SCRIPT):
        rows[:, column] = sc.NONE
    return rows


def _functions(s: Signalling) -> np.ndarray:
    rows = c.aligned_rows(len(s.functions), sc.FUNCTION_COLUMNS)
    for column, name in ((sc.FU_CORE, "core"), (sc.FU_ROLE, "role"), (sc.FU_HOST, "host"), (sc.FU_WORKERS, "workers"),
                         (sc.FU_WAKE, "wake_ns"), (sc.FU_LIMIT, "backlog_limit"), (sc.FU_CONGESTION, "congestion_backlog"),
                         (sc.FU_OVERLOAD, "overload_backlog"), (sc.FU_REJECT, "reject_ns")):  # fmt: skip
        rows[:, column] = s.functions[name].to_numpy(np.int64)
    rows[:, sc.FU_KIND] = s.functions["service_kind"] == "exponential"
    rows[:, sc.FU_WORKER_START] = np.cumsum(rows[:, sc.FU_WORKERS]) - rows[:, sc.FU_WORKERS]
    rows[:, [sc.FU_HEAD, sc.FU_TAIL]] = sc.NONE
    rows[:, sc.FU_TAG] = sc.NEVER
    return rows


def _hosts(s: Signalling) -> np.ndarray:
    rows = c.aligned_rows(len(s.hosts), sc.HOST_COLUMNS)
    of = s.functions["host"].to_numpy(np.int64)
    rows[:, sc.HO_COUNT] = np.bincount(of[of >= 0], minlength=len(s.hosts))
    rows[:, sc.HO_FIRST] = np.cumsum(rows[:, sc.HO_COUNT]) - rows[:, sc.HO_COUNT]
    rows[:, sc.HO_CPUS], rows[:, sc.HO_NEXT] = s.hosts["cpus"].to_numpy(np.int64), sc.NEVER
    rows[:, sc.HO_HASH] = np.array([name_hash(name) for name in s.hosts["name"]], np.uint64).view(np.int64)
    return rows


def add_control(state: State, s: Signalling, key: int, n_rates: int) -> None:
    """All arrays of the control plane at time 0."""
    room = max(LEAST_ROOM, 2 * len(s.devices))
    cells = integers(s.cells, CELLS, sc.CELL_COLUMNS)
    cells[:, [sc.SC_HEAD, sc.SC_OCCASION, sc.SC_FIRST, sc.SC_LAST]] = sc.NONE
    functions = _functions(s)
    most = max(MIN_PREAMBLES, int(s.rach["n_preambles"].max()) if len(s.rach) else 0)
    _set(state, PREFIX, {
        "devices": _devices(s, key),
        "cores": integers(s.cores, CORES, sc.CORE_COLUMNS),
        "functions": functions,
        "workers": np.zeros(int(functions[:, sc.FU_WORKERS].sum()) + 1, np.int64),
        "hosts": _hosts(s),
        "cells": cells,
        "instances": c.aligned_rows(LEAST_ROOM, sc.INSTANCE_COLUMNS),
        "free_instances": np.arange(LEAST_ROOM - 1, -1, -1, dtype=np.int64),
        "nodes": c.aligned_rows(LEAST_ROOM, sc.NODE_COLUMNS),
        "free_nodes": np.arange(LEAST_ROOM - 1, -1, -1, dtype=np.int64),
        "heap": c.aligned_rows(room + len(s.script_devices) + n_rates, 4),
        "sizes": np.array([0, LEAST_ROOM, LEAST_ROOM, 0], np.int64),
        "rate_k": np.zeros(n_rates, np.int64),
        "preambles": np.zeros((most, 2), np.int64),
    })  # fmt: skip
    _set(state, TALLY, _tallies(s))
    state.control_fence = np.zeros(1, np.int64)
    first_gauges(state, s)


def _set(state: State, prefix: str, arrays: dict[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        setattr(state, prefix + name, array)


def _tallies(s: Signalling) -> dict[str, np.ndarray]:
    n_cores, n_cells, n_procedures = len(s.cores), len(s.cells), len(s.procedures)
    bins, most_tx = n_bins(DELAY_BITS), s.rach_detect_q32.shape[1]

    def zeros(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.int64)

    return {
        "procedures": zeros(n_procedures, len(PROCEDURE_COUNTS)),
        "duration_sum": zeros(n_procedures), "duration_hist": zeros(n_procedures, bins),
        "core_sum": zeros(n_procedures), "core_hist": zeros(n_procedures, bins),
        "messages": zeros(n_cores, len(INTERFACES), 4),
        "ra": zeros(n_cells, sc.RA_COLUMNS), "ra_tx": zeros(len(s.rach), most_tx),
        "ra_delay_hist": zeros(len(s.rach), bins), "ra_delay_sum": zeros(len(s.rach)),
        "gauges": zeros(n_cores, 3), "gauges_max": zeros(n_cores, 3),
        "gauge_t": zeros(n_cores, 3), "gauge_area": np.zeros((n_cores, 3)),
        "held": zeros(n_cores), "opened": zeros(n_cores, 2), "affected": zeros(len(s.scripts)),
        "recovery": zeros(len(s.scripts), bins),
        "prb": zeros(n_cells, 2), "grants": zeros(n_cells, 2),
    }  # fmt: skip


def first_gauges(state: State, s: Signalling) -> None:
    """Numbers of registered and connected devices and of sessions at time 0."""
    d = state.control_devices
    for column, weight in ((sc.G_REGISTERED, d[:, sc.DV_PHASE] > 0), (sc.G_CONNECTED, d[:, sc.DV_STATE] == sc.CONNECTED),
                           (sc.G_SESSIONS, np.maximum(d[:, sc.DV_PHASE] - 1, 0))):  # fmt: skip
        with_core = d[:, sc.DV_CORE] >= 0
        state.tally_gauges[:, column] = np.bincount(d[with_core, sc.DV_CORE], np.asarray(weight, np.float64)[with_core],
                                                    len(s.cores)).astype(np.int64)  # fmt: skip
    state.tally_gauges_max[:] = state.tally_gauges
    state.tally_opened[:, 0] = state.tally_gauges[:, sc.G_SESSIONS]


def grow_control(state: State) -> None:
    """Double what has run short: the heap, running procedures, waiting pieces of work."""
    sizes = state.control_sizes
    if sizes[sc.SZ_HEAP] + sizes[sc.SZ_JOINED] + 1024 > len(state.control_heap):
        heap = c.aligned_rows(2 * len(state.control_heap) + int(sizes[sc.SZ_JOINED]), 4)
        heap[: sizes[sc.SZ_HEAP]] = state.control_heap[: sizes[sc.SZ_HEAP]]
        state.control_heap = heap
    for pool, free, size in (("instances", "free_instances", sc.SZ_INSTANCES), ("nodes", "free_nodes", sc.SZ_NODES)):
        if sizes[size] < 1024:
            _grow_pool(state, PREFIX + pool, PREFIX + free, size)


def _grow_pool(state: State, pool: str, free: str, size: int) -> None:
    old = getattr(state, pool)
    n, kept = len(old), int(state.control_sizes[size])
    new = c.aligned_rows(2 * n, old.shape[1])
    new[:n] = old
    stack = np.empty(2 * n, np.int64)
    stack[:n] = np.arange(2 * n - 1, n - 1, -1)
    stack[n : n + kept] = getattr(state, free)[:kept]
    setattr(state, pool, new)
    setattr(state, free, stack)
    state.control_sizes[size] = kept + n


__all__ = ["PREFIX", "TALLY", "UE", "add_control", "cutting_times", "grow_control"]
