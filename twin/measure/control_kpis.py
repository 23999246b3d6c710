"""KPIs of the control plane: procedures, messages, network functions, devices registered and connected."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twin.base.bins import DELAY_BITS
from twin.measure.access_kpis import access_kpis
from twin.measure.control import FUNCTION_COUNTS, GAUGES, MESSAGE_COUNTS, PROCEDURE_COUNTS, ControlMeasures
from twin.measure.control_names import (
    background_share,
    core_names,
    function_load_pct,
    host_background,
    host_load_pct,
    interface_names,
    of_core,
    of_functions,
    owned_names,
    touched_roles,
)
from twin.measure.core_test_kpis import core_test_kpis
from twin.measure.licence_kpis import licence_kpis
from twin.measure.measures import Measures
from twin.measure.network import PCT
from twin.measure.scopes import Rows, quantiles, ratio, rows
from twin.measure.storm_kpis import storm_kpis
from twin.world.signalling_tables import GNB, ROLES, UE, Signalling
from twin.world.tables import World

PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
#: Causes of a failed procedure, and their columns of `procedure_counts`.
FAILURES = ("timeout", "sbi_timeout", "nf_overflow", "nf_down", "congestion", "context_lost", "power_off")
_FAILED = [PROCEDURE_COUNTS.index(cause) for cause in FAILURES]
WHOLE = np.array(["network"], dtype=object)
#: Gauge -> KPI of its mean and maximum.
GAUGE_KPIS = {"registered": "registered_devices", "connected": "connected_devices", "sessions": "sessions"}


def control_kpis(measures: Measures, world: World) -> Iterator[Rows]:
    """All KPI rows of the control plane; none where the world has no control plane or nothing counted it."""
    control, tables = measures.control, world.signalling
    if control is None or tables is None:
        return
    seconds = measures.measured_ns * 1e-9
    yield from _procedures(control, tables, seconds)
    yield from _messages(control, tables, seconds)
    yield from _functions(control, tables, measures.measured_ns)
    yield from _roles(control, tables, measures.measured_ns)
    yield from _gauges(control, tables, measures.measured_ns)
    yield from _held(control, tables)
    yield from licence_kpis(measures, world)
    yield from access_kpis(control, tables, seconds)
    yield from _air(control, measures, world)
    yield from storm_kpis(measures, tables)
    yield from core_test_kpis(control, tables)


def _procedures(control: ControlMeasures, tables: Signalling, seconds: float) -> Iterator[Rows]:
    """Procedures one by one, of each core, and of all together: counts, rates, delays."""
    core = tables.procedures["core"].to_numpy(dtype=np.int64)
    n = len(tables.cores)
    arrays = (control.procedure_counts, control.duration_sum_ns, control.duration_hist, control.core_part_sum_ns,
              control.core_part_hist)
    yield from _counts("procedure", owned_names(tables, tables.procedures), control.procedure_counts, seconds)
    yield from _delays("procedure", owned_names(tables, tables.procedures), *arrays)
    for kind, names, folded in (("core", core_names(tables), [of_core(core, a, n) for a in arrays]),
                                ("network", WHOLE, [a.sum(axis=0, keepdims=True) for a in arrays])):
        yield from _counts(kind, names, folded[0], seconds)
        yield from _delays(kind, names, *folded)


def _counts(kind: str, names: np.ndarray, counts: np.ndarray, seconds: float) -> Iterator[Rows]:
    """Counts of the measured time, failures by cause, rates and shares.

    started + in_progress_at_start = succeeded + failed + in_progress: those that were under way when the warm-up ended are not
    among the started.
    """
    of = dict(zip(PROCEDURE_COUNTS, counts.T))
    started, succeeded, failed, at_end = of["started"], of["succeeded"], counts[:, _FAILED].sum(axis=1), of["in_progress"]
    used = (started > 0) | (succeeded + failed + at_end > 0)
    columns = {"started": started, "succeeded": succeeded, "failed": failed, "in_progress": at_end,
               "in_progress_at_start": succeeded + failed + at_end - started,
               **{f"failed_{cause}": of[cause] for cause in FAILURES}}
    for name, values in columns.items():
        yield rows(f"procedures_{name}", kind, names[used], values[used], "procedures")
    yield rows("procedures_per_s", kind, names[used], started[used] / seconds, "1/s")
    yield rows("procedure_success_share", kind, names, ratio(succeeded, succeeded + failed), "share")
    yield rows("procedure_retry_share", kind, names, ratio(of["retries"], started), "share")


def _delays(kind: str, names: np.ndarray, counts: np.ndarray, total_ns: np.ndarray, hist: np.ndarray, core_ns: np.ndarray,
            core_hist: np.ndarray) -> Iterator[Rows]:
    """How long the procedures took that succeeded, and what of it the core's functions took."""
    yield rows("procedure_delay_mean_ms", kind, names, ratio(total_ns, counts[:, 1]) * 1e-6, "ms")
    yield rows("procedure_core_part_mean_ms", kind, names, ratio(core_ns, core_hist.sum(axis=1)) * 1e-6, "ms")
    values = quantiles(hist, PERCENTILES.values(), DELAY_BITS) * 1e-6
    core_values = quantiles(core_hist, PERCENTILES.values(), DELAY_BITS) * 1e-6
    for column, q in enumerate(PERCENTILES):
        yield rows(f"procedure_delay_{q}_ms", kind, names, values[:, column], "ms")
        yield rows(f"procedure_core_part_{q}_ms", kind, names, core_values[:, column], "ms")


def _messages(control: ControlMeasures, tables: Signalling, seconds: float) -> Iterator[Rows]:
    """Messages and bytes sent and messages lost, per interface, core and in all."""
    counts = control.message_counts
    for kind, names, table in (("interface", interface_names(tables), counts.reshape(-1, len(MESSAGE_COUNTS))),
                               ("core", core_names(tables), counts.sum(axis=1)),
                               ("network", WHOLE, counts.sum(axis=(0, 1))[None])):
        used = table[:, 0] > 0
        yield rows("messages_per_s", kind, names[used], table[used, 0] / seconds, "1/s")
        yield rows("message_bytes_per_s", kind, names[used], table[used, 3] / seconds, "B/s (without transport headers)")
        yield rows("messages_lost", kind, names[used], table[used, 2], "messages")


def _functions(control: ControlMeasures, tables: Signalling, elapsed_ns: int) -> Iterator[Rows]:
    """Load, messages, backlog and losses of every function, and the load of the hosts they share."""
    names = owned_names(tables, tables.functions)
    counts = dict(zip(FUNCTION_COUNTS, control.function_counts.T))
    yield rows("function_load_pct", "function", names, function_load_pct(counts["busy_ns"], elapsed_ns, tables), PCT)
    background = 100.0 * background_share(tables)
    yield rows("function_background_pct", "function", names, np.where(background > 0, background, np.nan), PCT)
    yield rows("function_messages_per_s", "function", names, counts["messages"] * (1e9 / elapsed_ns), "1/s")
    for name in ("backlog_max", "lost_overflow", "lost_down"):
        yield rows(f"function_{name}", "function", names, counts[name], "messages")
    load = host_load_pct(counts["busy_ns"], elapsed_ns, tables)
    hosts, background = tables.hosts["name"].to_numpy(object), 100.0 * host_background(tables)
    yield rows("host_load_pct", "host", hosts, load, PCT)
    yield rows("host_background_pct", "host", hosts, np.where(background > 0, background, np.nan), PCT)
    yield rows("function_host_load_pct", "function", names, of_functions(load, tables), PCT)


def _roles(control: ControlMeasures, tables: Signalling, elapsed_ns: int) -> Iterator[Rows]:
    """Of each core and kind of function: procedures that touch it, messages, load of the fullest instance."""
    names, n = core_names(tables), len(tables.cores)
    role, core = (tables.functions[c].to_numpy(dtype=np.int64) for c in ("role", "core"))
    load = function_load_pct(control.function_counts[:, 3], elapsed_ns, tables)
    touched = touched_roles(tables) * control.procedure_counts[:, :1]
    procedures = of_core(tables.procedures["core"].to_numpy(dtype=np.int64), touched, n)
    for r, label in enumerate(ROLES):
        mine = role == r
        has = np.bincount(core[mine], minlength=n) > 0
        if r in (UE, GNB) or not has.any():
            continue
        fullest = np.full(n, np.nan)
        np.fmax.at(fullest, core[mine], load[mine])
        messages = of_core(core[mine], control.function_counts[mine, 0], n)
        prefix = f"core_{label.lower()}"
        yield rows(f"{prefix}_procedures_per_s", "core", names[has], procedures[has, r] * (1e9 / elapsed_ns), "1/s")
        yield rows(f"{prefix}_messages_per_s", "core", names[has], messages[has] * (1e9 / elapsed_ns), "1/s")
        yield rows(f"{prefix}_load_pct", "core", names, fullest, PCT)


def _gauges(control: ControlMeasures, tables: Signalling, elapsed_ns: int) -> Iterator[Rows]:
    """Devices registered and connected and sessions: mean over the time, largest (per core) and at the end."""
    names = core_names(tables)
    for column, gauge in enumerate(GAUGES):
        kpi, unit = GAUGE_KPIS[gauge], "sessions" if gauge == "sessions" else "devices"
        mean = control.gauge_area_ns[:, column] / elapsed_ns
        yield rows(f"{kpi}_mean", "core", names, mean, unit)
        yield rows(f"{kpi}_max", "core", names, control.gauges_max[:, column], unit)
        yield rows(kpi, "core", names, control.gauges[:, column], unit)
        yield rows(f"{kpi}_mean", "network", WHOLE, mean.sum(keepdims=True), unit)
        yield rows(kpi, "network", WHOLE, control.gauges[:, column].sum(keepdims=True), unit)


def _air(control: ControlMeasures, measures: Measures, world: World) -> Iterator[Rows]:
    """PRBs that a cell's signalling asked for, of all it has; above 100 % it asked for more than there is."""
    load = 100.0 * ratio(control.prb_signalling[:len(world.cells)], measures.prb_available)
    for d, direction in enumerate(("ul", "dl")):
        yield rows(f"cell_signalling_prb_{direction}_pct", "cell", world.cells["name"].to_numpy(object), load[:, d], PCT)


def _held(control: ControlMeasures, tables: Signalling) -> Iterator[Rows]:
    """Bursts that waited for their device's access."""
    yield rows("bursts_held", "core", core_names(tables), control.held_bursts, "bursts")
    yield rows("bursts_held", "network", WHOLE, control.held_bursts.sum(keepdims=True), "bursts")
