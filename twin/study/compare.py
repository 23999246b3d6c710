"""Two runs against each other, replication by replication: the same draws on both sides cancel out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from twin.study.execute import run
from twin.study.runset import RunSet
from twin.study.statistics import KEYS, half_width

if TYPE_CHECKING:
    from twin.scenario.schema import Scenario

COLUMNS = [*KEYS, "mean_a", "mean_b", "difference", "ci_low", "ci_high", "n", "significant", "unit"]


def compare(a: RunSet | Scenario, b: RunSet | Scenario, **run_settings: Any) -> pd.DataFrame:
    """Difference b - a of every KPI and scope both runs have, with its 95 % Student-t interval over paired replications.

    A scenario is run first, with `run_settings` (as for `twin.run`). significant: the interval does not hold 0 (with one
    replication there is no interval and nothing is significant). `.attrs["warnings"]` says what weakens the comparison,
    `.attrs["runs"]` names the two runs and `.attrs["settings"]` the settings that differ: (key, of a, of b).

    Raises:
        MissingResultError: a run is not finished.
    """
    run_a, run_b = (x if isinstance(x, RunSet) else run(x, **run_settings) for x in (a, b))
    on = [*KEYS, "replication"]
    left, right = run_a.kpis, run_b.kpis[[*on, "value"]]
    both = left.merge(right, on=on, suffixes=("_a", "_b"))
    both["difference"] = both["value_b"] - both["value_a"]
    grouped = both.groupby(KEYS, sort=False)
    table = grouped.agg(mean_a=("value_a", "mean"), mean_b=("value_b", "mean"), difference=("difference", "mean"),
                        std=("difference", "std"), n=("difference", "count"), unit=("unit", "first")).reset_index()
    half = half_width(table["std"].to_numpy(), table["n"].to_numpy())
    table = table.assign(ci_low=table["difference"] - half, ci_high=table["difference"] + half)
    table["significant"] = np.where(np.isnan(half), False, (table["ci_low"] > 0) | (table["ci_high"] < 0))
    out = table[COLUMNS]
    out.attrs["warnings"] = _doubts(run_a, run_b)
    out.attrs["runs"] = [f"{r.manifest.get('name', '')} ({r.run_id})" for r in (run_a, run_b)]
    out.attrs["settings"] = different_settings(*(r.manifest.get("scenario") or {} for r in (run_a, run_b)))
    return out


def different_settings(a: dict[str, Any], b: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Settings in which two resolved scenarios differ, as dotted keys with both values; ``-`` where one has none."""
    left, right = _flat(a), _flat(b)
    keys = dict.fromkeys([*left, *right])
    return [(key, left.get(key, "-"), right.get(key, "-")) for key in keys if left.get(key) != right.get(key)]


def _flat(value: Any, key: str = "") -> dict[str, str]:
    """Dotted key -> value as text; a list is one value."""
    if not isinstance(value, dict):
        return {key: str(value)}
    parts = [_flat(item, f"{key}.{name}" if key else str(name)) for name, item in value.items()]
    return {name: text for part in parts for name, text in part.items()}


def _doubts(a: RunSet, b: RunSet) -> list[str]:
    """What a reader of the differences should know."""
    found = []
    if a.manifest.get("seed") != b.manifest.get("seed"):
        found.append("the runs have different seeds: replications share no draws, the intervals are wider than they need be")
    if a.manifest.get("code_version") != b.manifest.get("code_version"):
        found.append("the runs were made by different versions of the code")
    if (a.manifest.get("horizon_s"), a.manifest.get("warmup_s")) != (b.manifest.get("horizon_s"), b.manifest.get("warmup_s")):
        found.append("the runs measured different lengths of time: counts are not comparable, rates and shares are")
    if min(len(r.manifest.get("replications_done", ())) for r in (a, b)) < 2:
        found.append("fewer than two replications: differences come without an interval")
    return found
