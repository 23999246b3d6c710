"""Delays and throughput as table rows."""

from __future__ import annotations

import math
from typing import Any

from twin.measure.flows import PERCENTILES
from twin.report.folder import RunData
from twin.report.sections import Names
from twin.report.texts import Texts
from twin.study.quantiles import too_few

_DIRECTIONS = ("ul", "dl", "rtt")
_LATENCIES = ("mean", "p50", "p95", "p99", "p999", "max")
_MAX_LATENCY_ROWS = 400


def latency_rows(run: RunData, scope_kind: str, names: Names, texts: Texts) -> list[dict[str, Any]]:
    """Delays and throughput of each group (or park and application) and direction, means over the replications.

    A percentile that too few messages carry (fewer than 5 / (1 - q) in the smallest replication) is a dash.
    """
    means = {(d, column): run.kpi_means(f"latency_{d}_{column}_ms", scope_kind) for d in _DIRECTIONS for column in _LATENCIES}
    mbps = {d: run.kpi_means(f"throughput_{d}_mbps", scope_kind) for d in _DIRECTIONS}
    scopes = sorted({scope for found in means.values() for scope in found})
    few = {column: too_few(run.kpis, scope_kind, q) for column, q in PERCENTILES.items()}
    rows = []
    for scope, d in ((scope, d) for scope in scopes for d in _DIRECTIONS if scope in means[d, "mean"]):
        park, *operator, application = scope.split("/")
        rows.append({"park": names.park(park), "operator": "".join(operator), "application": names.application(application),
                     "direction": texts(f"direction.{d}"), "mbps": texts.measure(mbps[d].get(scope)) if scope in mbps[d] else "–",
                     "values": ["–" if (scope, d) in few.get(column, ()) else texts.measure(means[d, column].get(scope, math.nan))
                                for column in _LATENCIES]})
    return rows[:_MAX_LATENCY_ROWS]
