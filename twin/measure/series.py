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


def timeseries_rows(measures: Measures, world: World) -> pd.DataFrame:
    """Per bucket (t_s: its start): throughput per park, PRB load per park and operator, load per link, pool and server.

    The buckets are those of the measures; after adding replications the values are means over them.
    """
    parks = labels(world)[0]
    runs = replications_in(measures)
    mbps = measures.series_delivered_bytes * (8e3 / measures.bucket_ns / runs)
    tables = [_long(measures, f"throughput_{direction}_mbps", "park", parks, mbps[:, :, d])
              for d, direction in enumerate(DIRECTIONS)]
    tables += _cells(measures, world)
    load = resource_load_pct(measures.series_busy_ns, float(measures.bucket_ns * runs), world)
    kinds, names = world.resources["kind"].to_numpy(), world.resources["name"].to_numpy(object)
    tables += [_long(measures, kpi, RESOURCE_KINDS[kind], names[kinds == kind], load[:, kinds == kind])
               for kind, kpi in _LOAD_KPI.items()]
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=COLUMNS)


def replications_in(measures: Measures) -> int:
    """How many replications were added up (kept in the totals by whoever adds them)."""
    return max(1, int(measures.totals.get("replications", 1)))


def measured_buckets(measures: Measures) -> slice:
    """The buckets after the warm-up (the series begin with the run, the counts with the end of the warm-up)."""
    n = len(measures.series_busy_ns)
    measured = int(measures.measured_ns // replications_in(measures) // measures.bucket_ns)
    return slice(max(0, n - max(measured, 1)), n)


def prb_per_bucket(measures: Measures) -> np.ndarray:
    """PRBs available to each cell and direction in one bucket, float64 (cells, 2), over all replications added."""
    buckets = measures.measured_ns / replications_in(measures) / measures.bucket_ns
    return ratio(measures.prb_available, buckets)


def _cells(measures: Measures, world: World) -> list[pd.DataFrame]:
    """PRB load of the cells of each park and operator."""
    parks, operators, _ = labels(world)
    names = join(np.repeat(parks, len(operators)), np.tile(operators, len(parks)))
    key = world.cells["park"].to_numpy() * len(operators) + world.cells["operator"].to_numpy()
    used = np.zeros((len(names), *np.delete(measures.series_cell_prb.shape, 1)), dtype=np.int64)
    np.add.at(used, key, measures.series_cell_prb.transpose(1, 0, 2))
    available = np.zeros((len(names), 2))
    np.add.at(available, key, prb_per_bucket(measures))
    load = 100.0 * ratio(used, available[:, None, :])
    filled = np.bincount(key, minlength=len(names)) > 0
    return [_long(measures, f"cell_prb_{direction}_pct", "park_operator", names[filled], load[filled, :, d].T)
            for d, direction in enumerate(("ul", "dl"))]


def _long(measures: Measures, kpi: str, kind: str, names: np.ndarray, values: np.ndarray) -> pd.DataFrame:
    """A table (buckets, names) as rows."""
    t_s = np.arange(len(values)) * (measures.bucket_ns * 1e-9)
    frame = pd.DataFrame({"t_s": np.repeat(t_s, len(names)), "scope": np.tile(names, len(t_s)), "value": values.ravel()})
    return frame.dropna(subset=["value"]).assign(kpi=kpi, scope_kind=kind)[COLUMNS]
