"""Where the milliseconds go: delay budgets, and the histograms behind the percentiles."""

from __future__ import annotations

import numpy as np
import pandas as pd

from twin.base import bins
from twin.measure.measures import PARTS, Measures
from twin.measure.scopes import labels, quantiles, ratio, scopes_of
from twin.world.tables import DIRECTIONS, World

BUDGET_COLUMNS = ["park", "application", "direction", "component", "mean_ms", "p99_ms", "share"]
HISTOGRAM_COLUMNS = ["scope_kind", "scope", "direction", "low_ms", "high_ms", "bursts"]


def budget_rows(measures: Measures, world: World) -> pd.DataFrame:
    """Mean and 99th percentile of each part of the delay, and its share of the mean, per park, application and direction.

    Over delivered bursts. Means of the parts add up to the mean delay; percentiles of parts do not add up to one of the delay.
    """
    parks, _, applications = labels(world)
    n_pa, n_parts = measures.part_sum_ns.shape[0], len(PARTS)
    delivered = measures.delivered[:, :3].reshape(len(parks), -1, len(applications), 3).sum(axis=1).reshape(n_pa, 3)
    pa, d = np.nonzero(delivered > 0)
    sums = measures.part_sum_ns[pa, d]
    mean = ratio(sums, delivered[pa, d][:, None]) * 1e-6
    share = ratio(sums, sums.sum(axis=1)[:, None])
    p99 = _part_p99_ms(measures, pa, d, delivered[pa, d])
    pick = np.repeat(pa, n_parts)
    return pd.DataFrame({
        "park": parks[pick // len(applications)], "application": applications[pick % len(applications)],
        "direction": np.repeat(np.array(DIRECTIONS, dtype=object)[d], n_parts), "component": np.tile(PARTS, len(pa)),
        "mean_ms": mean.ravel(), "p99_ms": p99.ravel(), "share": share.ravel(),
    }, columns=BUDGET_COLUMNS)


def _part_p99_ms(measures: Measures, pa: np.ndarray, d: np.ndarray, delivered: np.ndarray) -> np.ndarray:
    """99th percentile of each part, ms (rows of pa, parts). Bursts that a histogram does not hold had a part of zero."""
    first = measures.part_row[pa, d]
    index = np.maximum(first, 0)[:, None] + np.arange(len(PARTS))
    if not len(measures.part_hist) or not len(pa):
        return np.full(index.shape, np.nan)
    counts = measures.part_hist[np.minimum(index, len(measures.part_hist) - 1).ravel()].astype(np.int64)
    counts[:, 0] += np.maximum(np.repeat(delivered, len(PARTS)) - counts.sum(axis=1), 0)
    values = quantiles(counts, (0.99,), bins.PART_BITS).reshape(index.shape) * 1e-6
    return np.where(first[:, None] >= 0, values, np.nan)


def histogram_rows(measures: Measures, world: World) -> pd.DataFrame:
    """The filled bins of the delay histogram of every group and direction: low_ms <= delay < high_ms."""
    scope = next(s for s in scopes_of(world) if s.kind == "group")
    group, d = np.nonzero(measures.delay_row >= 0)
    row, bin_index = np.nonzero(measures.delay_hist[measures.delay_row[group, d]])
    edges = bins.bin_edges(bins.DELAY_BITS) * 1e-6
    return pd.DataFrame({
        "scope_kind": "group", "scope": scope.names[group[row]], "direction": np.array(DIRECTIONS, dtype=object)[d[row]],
        "low_ms": edges[bin_index], "high_ms": edges[bin_index + 1],
        "bursts": measures.delay_hist[measures.delay_row[group, d][row], bin_index],
    }, columns=HISTOGRAM_COLUMNS)
