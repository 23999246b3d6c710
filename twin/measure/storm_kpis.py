"""KPIs of storms: how long until the devices of a script are back, and what the network went through meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twin.base import bins
from twin.measure.control import ControlMeasures
from twin.measure.control_names import REGISTRATIONS, Storms, function_load_pct, storms_of
from twin.measure.measures import Measures
from twin.measure.network import PCT
from twin.measure.scopes import Rows, ratio, rows
from twin.measure.series import replications_in, seconds_of_buckets
from twin.world.signalling_tables import Signalling

QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


def storm_kpis(measures: Measures, tables: Signalling) -> Iterator[Rows]:
    """One scope a storm of the scenario, whatever the number of its scripts; times are since its beginning.

    storm_devices: those that it really took away and that should come back. storm_recovery_p95_s: until 95 % of them were
    connected again; no row if fewer were. Retries, collisions, backlog and load are of the whole network from the storm's time
    until the next one begins.
    """
    control, storms = measures.control, storms_of(tables)
    if control is None or not len(storms.names):
        return
    names = storms.names
    devices, hist = storms.summed(control.script_devices), storms.summed(control.recovery_hist)
    count = np.where(devices > 0, devices / replications_in(measures), np.nan)
    yield rows("storm_devices", "storm", names, count, "devices")
    yield rows("storm_recovered_share", "storm", names, ratio(hist.sum(axis=1), devices), "share")
    times = recovery_s(hist, devices)
    for column, q in enumerate(QUANTILES):
        yield rows(f"storm_recovery_{q}_s", "storm", names, times[:, column], "s")
    if len(control.series_backlog):
        yield from _meanwhile(measures, control, tables, storms)


def recovery_s(hist: np.ndarray, devices: np.ndarray) -> np.ndarray:
    """Seconds (scripts, QUANTILES) until that share of all devices was back; nan where fewer came back."""
    cumulated = np.cumsum(hist, axis=1)
    edges = bins.bin_edges(bins.DELAY_BITS)
    middle = (edges[:-1] + edges[1:] - 1) / 2.0
    out = np.full((len(hist), len(QUANTILES)), np.nan)
    for column, q in enumerate(QUANTILES.values()):
        needed = np.ceil(q * devices - 1e-9)
        index = (cumulated < needed[:, None]).sum(axis=1)
        reached = (index < hist.shape[1]) & (devices > 0)
        out[reached, column] = middle[index[reached]] * 1e-9
    return out


def windows(times: np.ndarray, bucket_ns: int, buckets: int) -> list[slice]:
    """The buckets of storms that begin at those times: until the next later one, or the end."""
    found = []
    for t in times:
        later = times[times > t]
        end = -(-int(later.min()) // bucket_ns) if len(later) else buckets
        first = min(int(t) // bucket_ns, buckets - 1)
        found.append(slice(first, max(first + 1, min(end, buckets))))
    return found


def _meanwhile(measures: Measures, control: ControlMeasures, tables: Signalling, storms: Storms) -> Iterator[Rows]:
    """The worst of the time after the storm began, from the time series."""
    buckets, names = len(control.series_backlog), storms.names
    spans = windows(storms.t_ns, measures.bucket_ns, buckets)
    seconds = _seconds(measures, buckets)
    load = function_load_pct(control.series_busy_ns, 1e9 * seconds[:, None], tables)
    registration = np.isin(tables.procedures["trigger"].to_numpy(), REGISTRATIONS)
    registered = ratio(control.series_procedures[:, registration, 1].sum(axis=1), seconds)
    started, retries = (control.series_procedures[:, :, i].sum(axis=1) for i in (0, 3))
    preambles, collided, failed = (control.series_access[:, i] for i in (1, 2, 4))

    def each(values: list[float] | list[np.ndarray]) -> np.ndarray:
        return np.array(values, dtype=float)

    def total(series: np.ndarray) -> np.ndarray:
        return each([series[span].sum() for span in spans])

    per_run = replications_in(measures)
    yield rows("storm_retry_share", "storm", names, ratio(total(retries), total(started)), "share")
    yield rows("storm_collision_share_per_attempt", "storm", names, ratio(total(collided), total(preambles)), "share")
    yield rows("storm_accesses_failed", "storm", names, total(failed) / per_run, "accesses")
    yield rows("storm_procedures_started", "storm", names, total(started) / per_run, "procedures")
    if control.series_backlog.shape[1]:
        yield rows("storm_peak_backlog", "storm", names, each([control.series_backlog[s].max() for s in spans]), "messages")
        yield rows("storm_peak_function_load_pct", "storm", names, each([np.nan_to_num(load[s]).max() for s in spans]), PCT)
    yield rows("storm_peak_registrations_per_s", "storm", names, each([np.nan_to_num(registered[s]).max() for s in spans]), "1/s")


def _seconds(measures: Measures, buckets: int) -> np.ndarray:
    """Length of the control plane's buckets, over all replications added."""
    seconds = seconds_of_buckets(measures)
    if len(seconds) == buckets:
        return seconds
    return np.full(buckets, measures.bucket_ns * 1e-9 * replications_in(measures))
