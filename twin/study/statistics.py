"""Means over replications and how sure they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import stdtrit

CONFIDENCE = 0.95
KEYS = ["kpi", "scope_kind", "scope"]
SUMMARY_COLUMNS = [*KEYS, "mean", "ci_low", "ci_high", "n", "unit"]


def half_width(std: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Half of the Student-t interval of a mean from the sample deviation (ddof 1) of n values; nan for n < 2."""
    n = np.asarray(n, dtype=float)
    t = stdtrit(np.maximum(n - 1.0, 1.0), 0.5 + CONFIDENCE / 2.0)
    return np.where(n > 1, t * np.asarray(std, dtype=float) / np.sqrt(np.maximum(n, 1.0)), np.nan)


def summarise(kpis: pd.DataFrame) -> pd.DataFrame:
    """Mean and 95 % interval over replications of every KPI and scope; shares stay within 0 and 1.

    n counts the replications that had a value. With one replication there is no interval (nan).
    """
    if not len(kpis):
        return pd.DataFrame(columns=SUMMARY_COLUMNS)
    grouped = kpis.groupby(KEYS, sort=False)
    table = grouped["value"].agg(["mean", "std", "count"])
    half = half_width(table["std"].to_numpy(), table["count"].to_numpy())
    mean = table["mean"].to_numpy()
    unit = grouped["unit"].first()
    share = (unit == "share").to_numpy()
    low, high = mean - half, mean + half
    out = pd.DataFrame({
        "mean": mean, "ci_low": np.where(share, np.maximum(low, 0.0), low),
        "ci_high": np.where(share, np.minimum(high, 1.0), high), "n": table["count"].to_numpy(), "unit": unit.to_numpy(),
    }, index=table.index)
    return out.reset_index()[SUMMARY_COLUMNS]
