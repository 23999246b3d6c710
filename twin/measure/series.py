"""How load and throughput move over the run."""

from __future__ import annotations

import numpy as np
import pandas as pd

from twin.measure.measures import Measures
from twin.measure.network import resource_load_pct
from twin.measure.scopes import join, labels, ratio
from twin.world.tables import DIRECTIONS, LINK, POOL, RESOURCE_KINDS, SERVER, World

COLUMNS = ["t_s", "kpi", "scope_kind", "scope", "value"]
_LOAD_KPI = {LINK: "link_load_pct", POOL: "pool_busy_pct", SERVER: "server_busy_pct"}


def traffic_timeseries(measures: Measures, world: World, warmup_ns: int | None = None) -> pd.DataFrame:
    """Per bucket (t_s: its start): throughput per park, PRB load per park and operator, load per link, pool and server.

    The buckets are those of the measures, the last one as long as the run leaves it; after adding replications the values are
    means over them. Throughput starts after the warm-up, since only messages generated after it are counted.
    """
    parks = labels(world)[0]
    seconds = seconds_of_buckets(measures, warmup_ns)
    measured = measured_buckets(measures, warmup_ns)
    mbps = (measures.series_delivered_bytes * 8e-6)[measured] / seconds[measured, None, None]
    tables = [long_rows(measures, f"throughput_{direction}_mbps", "park", parks, mbps[:, :, d], measured.start)
              for d, direction in enumerate(DIRECTIONS)]
    tables += _cells(measures, world, warmup_ns)
    load = resource_load_pct(measures.series_busy_ns, 1e9 * seconds[:, None], world)
    kinds, names = world.resources["kind"].to_numpy(), world.resources["name"].to_numpy(object)
    tables += [long_rows(measures, kpi, RESOURCE_KINDS[kind], names[kinds == kind], load[:, kinds == kind])
               for kind, kpi in _LOAD_KPI.items()]
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=COLUMNS)


def replications_in(measures: Measures) -> int:
    """How many replications were added up (kept in the totals by whoever adds them)."""
    return max(1, int(measures.totals.get("replications", 1)))


def _warmup_ns(measures: Measures, warmup_ns: int | None) -> int:
    """The warm-up; where it is not known, what whole buckets leave beside the measured time."""
    if warmup_ns is not None:
        return warmup_ns
    return max(0, len(measures.series_busy_ns) * measures.bucket_ns - measures.measured_ns // replications_in(measures))


def seconds_of_buckets(measures: Measures, warmup_ns: int | None = None) -> np.ndarray:
    """Length of each bucket in seconds, over all replications added: the last one ends with the run."""
    horizon = measures.measured_ns // replications_in(measures) + _warmup_ns(measures, warmup_ns)
    start = np.arange(len(measures.series_busy_ns)) * measures.bucket_ns
    length = np.clip(horizon - start, 0, measures.bucket_ns)
    return length * (1e-9 * replications_in(measures))


def measured_buckets(measures: Measures, warmup_ns: int | None = None) -> slice:
    """The buckets after the warm-up (the series begin with the run, the counts with the end of the warm-up).

    A bucket that holds the end of the warm-up is left out, unless it is the last.
    """
    n = len(measures.series_busy_ns)
    first = -(-_warmup_ns(measures, warmup_ns) // measures.bucket_ns)
    return slice(max(0, min(first, n - 1)), n)


def prb_per_bucket(measures: Measures, warmup_ns: int | None = None) -> np.ndarray:
    """PRBs available in each bucket to each cell and direction, float64 (buckets, cells, 2), over all replications added."""
    share = seconds_of_buckets(measures, warmup_ns) / (measures.measured_ns * 1e-9)
    return share[:, None, None] * measures.prb_available


def _cells(measures: Measures, world: World, warmup_ns: int | None) -> list[pd.DataFrame]:
    """PRB load of the cells of each park and operator."""
    parks, operators, _ = labels(world)
    names = join(np.repeat(parks, len(operators)), np.tile(operators, len(parks)))
    key = world.cells["park"].to_numpy() * len(operators) + world.cells["operator"].to_numpy()
    used = np.zeros((len(names), *np.delete(measures.series_cell_prb.shape, 1)), dtype=np.int64)
    np.add.at(used, key, measures.series_cell_prb.transpose(1, 0, 2))
    available = np.zeros(used.shape)
    np.add.at(available, key, prb_per_bucket(measures, warmup_ns).transpose(1, 0, 2))
    load = 100.0 * ratio(used, available)
    filled = np.bincount(key, minlength=len(names)) > 0
    return [long_rows(measures, f"cell_prb_{direction}_pct", "park_operator", names[filled], load[filled, :, d].T)
            for d, direction in enumerate(("ul", "dl"))]


def long_rows(measures: Measures, kpi: str, kind: str, names: np.ndarray, values: np.ndarray, first: int = 0) -> pd.DataFrame:
    """A table (buckets from `first` on, names) as rows of the time series; nan has none."""
    t_s = np.arange(first, first + len(values)) * (measures.bucket_ns * 1e-9)
    frame = pd.DataFrame({"t_s": np.repeat(t_s, len(names)), "scope": np.tile(names, len(t_s)), "value": values.ravel()})
    return frame.dropna(subset=["value"]).assign(kpi=kpi, scope_kind=kind)[COLUMNS]
