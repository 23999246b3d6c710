"""Means over replications and how sure they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

CONFIDENCE = 0.95
#: A quantile q is shown only where at least this many samples lie beyond it, on average.
SAMPLES_BEYOND = 5.0
KEYS = ["kpi", "scope_kind", "scope"]
SUMMARY_COLUMNS = [*KEYS, "mean", "ci_low", "ci_high", "n", "unit"]


def half_width(std: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Half of the Student-t interval of a mean from the sample deviation (ddof 1) of n values; nan for n < 2."""
    n = np.asarray(n, dtype=float)
    t = stdtrit(np.maximum(n - 1.0, 1.0), 0.5 + CONFIDENCE / 2.0)
    return np.where(n > 1, t * np.asarray(std, dtype=float) / np.sqrt(np.maximum(n, 1.0)), np.nan)


def share_bounds(mean: np.ndarray, std: np.ndarray, n: np.ndarray, messages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval (low, high) of shares: the one rule of command line, JSON and report.

    mean, std, n: over replications; messages: of the smallest replication (nan where unknown). The wider of Student t over the
    replications and of Wilson's interval for so many messages; where all or none are within, the other end is 3 / messages
    away (rule of three), so no interval of a share has no width. One replication has an interval by the rule of three only.
    """
    mean, n, messages = (np.asarray(column, dtype=float) for column in (mean, n, messages))
    half = half_width(std, n)
    known = messages > 0
    m = np.where(known, messages, np.nan)
    centre, spread = _wilson(mean, m)
    low, high = np.fmin(mean - half, centre - spread), np.fmax(mean + half, centre + spread)
    low, high = np.where(np.isnan(half), np.nan, low), np.where(np.isnan(half), np.nan, high)
    low = np.where(known & (mean >= 1.0), 1.0 - 3.0 / m, low)
    high = np.where(known & (mean <= 0.0), 3.0 / m, high)
    low, high = np.where(known & (mean <= 0.0), 0.0, low), np.where(known & (mean >= 1.0), 1.0, high)
    return np.maximum(low, 0.0), np.minimum(high, 1.0)


def _wilson(share: np.ndarray, messages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre and half width of Wilson's interval of a share of independent messages."""
    z = float(ndtri(0.5 + CONFIDENCE / 2.0))
    scale = 1.0 + z * z / messages
    centre = (share + z * z / (2.0 * messages)) / scale
    inside = np.clip(share * (1.0 - share), 0.0, None) / messages + (z / (2.0 * messages)) ** 2
    return centre, z * np.sqrt(inside) / scale


def enough_samples(samples: np.ndarray | float, q: float) -> np.ndarray:
    """Whether so many samples carry the quantile q: 5 / (1 - q) of them, 500 for the 99th percentile."""
    return np.asarray(samples, dtype=float) * (1.0 - q) >= SAMPLES_BEYOND - 1e-9


def summarise(kpis: pd.DataFrame) -> pd.DataFrame:
    """Mean and 95 % interval over replications of every KPI and scope; intervals of shares by `share_bounds`.

    n counts the replications that had a value. With one replication there is no interval (nan), but for shares of all or none.
    """
    if not len(kpis):
        return pd.DataFrame(columns=SUMMARY_COLUMNS)
    grouped = kpis.groupby(KEYS, sort=False)
    table = grouped["value"].agg(["mean", "std", "count", "min"]).assign(unit=grouped["unit"].first())
    mean, std, n = (table[column].to_numpy(dtype=float) for column in ("mean", "std", "count"))
    half = half_width(std, n)
    share = (table["unit"] == "share").to_numpy()
    low, high = mean - half, mean + half
    if share.any():
        low[share], high[share] = share_bounds(mean[share], std[share], n[share], _messages(table, table.index[share]))
    out = table.assign(ci_low=low, ci_high=high).rename(columns={"count": "n"})
    return out.reset_index()[SUMMARY_COLUMNS]


def _messages(table: pd.DataFrame, shares: pd.Index) -> np.ndarray:
    """Messages of the smallest replication behind each share, nan where they are not counted."""
    offered = [(counted_by(kpi), kind, scope) for kpi, kind, scope in shares]
    return table["min"].reindex(pd.MultiIndex.from_tuples(offered, names=KEYS)).to_numpy(dtype=float)


#: Shares of something else than messages -> the KPI that counts it.
_COUNTED = {"procedure_success_share": "procedures_started", "procedure_retry_share": "procedures_started",
            "ra_access_success_share": "ra_accesses_begun", "storm_recovered_share": "storm_devices",
            "core_test_success_share": "core_test_devices"}


def counted_by(kpi: str) -> str:
    """The KPI that counts what a share is a share of: messages, or bursts of one direction; '' where nothing does."""
    if not kpi.startswith("share_"):
        return _COUNTED.get(kpi, "")
    direction = kpi.rpartition("_")[2]
    return f"offered_{direction}_bursts" if direction in ("ul", "dl", "rtt") else "offered"
