"""Stacked bars of the delay budget: which part of the network takes the milliseconds."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from twin.measure.measures import PARTS
from twin.report.folder import RunData, records

#: Colours of the parts: radio uplink blue, grants violet, transport green, core orange, downlink teal, processing grey.
COLOURS = {
    "access": "#5b3a8c", "grant": "#7e57c2", "tdd_alignment": "#b39ddb", "radio_queue": "#1f4e8c", "transmission": "#3d85c6",
    "harq": "#9fc5e8", "processing": "#8a8f98", "transport_queue": "#1b7837", "serialisation": "#5aae61",
    "propagation": "#b8dfb0", "upf": "#e08214", "server": "#fdb863", "dl_alignment": "#7fcdbb", "dl_queue": "#0c7c7c",
    "dl_transmission": "#41a6a6", "dl_harq": "#c7e9e4", "radio": "#3d85c6", "network": "#5aae61",
}
_RADIO = {"access", "grant", "tdd_alignment", "radio_queue", "transmission", "harq", "dl_alignment", "dl_queue",
          "dl_transmission", "dl_harq"}
_ORDER = {name: row for row, name in enumerate((*PARTS, "radio", "network"))}
_DIRECTIONS = {"ul": 0, "dl": 1, "rtt": 2}


def coarse(budget: pd.DataFrame) -> pd.DataFrame:
    """Radio and the rest only: fibre delay and UPF time would tell where an operator's core stands."""
    if budget.empty:
        return budget
    lumped = budget.assign(component=["radio" if part in _RADIO else "network" for part in budget["component"]])
    keys = ["park", "application", "direction", "component"]
    # A percentile of a sum is not the sum of the percentiles, so it is dropped.
    return lumped.groupby(keys, as_index=False)["mean_ms"].sum().assign(p99_ms=math.nan)


def stacks(run: RunData, park: str | None = None) -> list[dict[str, Any]]:
    """One bar an application and direction: `segments` (component, mean, p99, width in per cent of the longest bar).

    Without a park the bars are means over the parks, each weighted by the messages it had delivered.
    """
    budget = run.budget if park is None else run.budget[run.budget["park"] == park]
    budget = budget[budget["mean_ms"] > 0]
    if budget.empty:
        return []
    mean = _over_parks(run, budget)
    totals = mean.groupby(["application", "direction"])["mean_ms"].sum()
    longest = float(totals.max())
    bars = [_stack(rows, longest) for _, rows in mean.groupby(["application", "direction"])]
    return sorted(bars, key=lambda bar: (bar["application"], _DIRECTIONS.get(bar["direction"], 9)))


def _over_parks(run: RunData, budget: pd.DataFrame) -> pd.DataFrame:
    weights = {f"{scope}/{d}": value for d in _DIRECTIONS
               for scope, value in run.kpi_means(f"delivered_{d}_bursts", "park_application").items()}
    key = budget["park"] + "/" + budget["application"] + "/" + budget["direction"]
    weighted = budget.assign(weight=key.map(weights).fillna(0.0 if weights else 1.0))
    weighted = weighted.assign(mean_ms=weighted["mean_ms"] * weighted["weight"], p99_ms=weighted["p99_ms"] * weighted["weight"])
    keys = ["application", "direction"]
    # A part that is absent in a park is zero there, so the weights are those of all parks that have the pair at all.
    total = weighted.drop_duplicates([*keys, "park"]).groupby(keys)["weight"].sum()
    sums = weighted.groupby([*keys, "component"])[["mean_ms", "p99_ms"]].sum(min_count=1).reset_index()
    divisor = pd.MultiIndex.from_frame(sums[keys]).map(total.to_dict())
    sums = sums.assign(mean_ms=sums["mean_ms"] / divisor, p99_ms=sums["p99_ms"] / divisor)
    return sums[sums["mean_ms"] > 0]


def _stack(rows: pd.DataFrame, longest: float) -> dict[str, Any]:
    total = float(rows["mean_ms"].sum())
    ordered = sorted(records(rows), key=lambda row: _ORDER.get(str(row["component"]), 99))
    segments = [{"part": row["component"], "mean": row["mean_ms"], "p99": row["p99_ms"], "width": 100 * row["mean_ms"] / longest}
                for row in ordered]
    return {"application": ordered[0]["application"], "direction": ordered[0]["direction"], "total": total, "segments": segments}
