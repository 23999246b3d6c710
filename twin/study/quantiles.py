"""Which percentile speaks for an application, and whether enough messages carry it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from twin.study.statistics import enough_samples
from twin.world.tables import DIRECTIONS

#: Where several directions are as bad, or none has a deadline: the round trip, then uplink, then downlink.
_ORDER = ("rtt", "ul", "dl")


def worst_p99(kpis: pd.DataFrame, scopes: pd.Index) -> tuple[np.ndarray, np.ndarray]:
    """For each park and application (``TL2/camera``) the p99 in ms, mean over replications, and its direction.

    The direction is the one with the largest p99 relative to the deadline there; directions without a deadline count only where
    none has one. nan where fewer than 500 messages were delivered in the smallest replication.
    """
    p99, samples = np.full((len(scopes), len(_ORDER)), np.nan), np.zeros((len(scopes), len(_ORDER)))
    deadline = np.full((len(scopes), len(_ORDER)), np.nan)
    applications = [str(scope).partition("/")[2] for scope in scopes]
    for column, d in enumerate(_ORDER):
        p99[:, column] = _by_scope(kpis, f"latency_{d}_p99_ms", "park_application", "mean").reindex(scopes)
        samples[:, column] = _by_scope(kpis, f"delivered_{d}_bursts", "park_application", "min").reindex(scopes).fillna(0.0)
        deadline[:, column] = _by_scope(kpis, f"deadline_{d}_ms", "application", "mean").reindex(applications)
    badness = np.where(np.isnan(p99), -2.0, np.where(np.isnan(deadline), -1.0, p99 / deadline))
    pick = np.arange(len(scopes)), badness.argmax(axis=1) if len(scopes) else np.zeros(0, dtype=np.int64)
    found = np.where(enough_samples(samples[pick], 0.99), p99[pick], np.nan)
    return found, np.where(np.isnan(p99[pick]), "", np.array(_ORDER, dtype=object)[pick[1]])


def too_few(kpis: pd.DataFrame, scope_kind: str, q: float) -> set[tuple[str, str]]:
    """Scopes and directions whose smallest replication delivered too few messages to tell the quantile q."""
    return {(str(scope), d) for d in DIRECTIONS
            for scope, n in _by_scope(kpis, f"delivered_{d}_bursts", scope_kind, "min").items() if not enough_samples(n, q)}


def _by_scope(kpis: pd.DataFrame, kpi: str, scope_kind: str, how: str) -> pd.Series:
    """One KPI over the replications, by scope."""
    found = kpis[(kpis["kpi"] == kpi) & (kpis["scope_kind"] == scope_kind)]
    return found.groupby(found["scope"].astype(str))["value"].agg(how).astype(float)
