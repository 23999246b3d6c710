"""The verdict on each park and application: within the deadline, how surely, against which target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from twin.report.folder import RunData, records
from twin.report.intervals import Interval, share_interval

#: Target where neither the scenario nor the library names one; the page marks it as assumed.
DEFAULT_TARGET = 0.99
PASS, FAIL, UNSURE, NONE = "pass", "fail", "unsure", "none"


@dataclass(frozen=True)
class ServiceVerdict:
    """One park and application; counts over all replications. `target_given` is False where the default target was taken."""

    park: str
    application: str
    share: Interval
    target: float
    target_given: bool
    deadline_ms: float | None
    offered: float
    unserved: float
    state: str
    largest_part: str | None = None
    largest_part_ms: float = math.nan


def service_verdicts(run: RunData) -> list[ServiceVerdict]:
    """One verdict a park and application that offered anything, in the order of the park table, then of names."""
    order = {str(park): row for row, park in enumerate(run.parks["park_id"])}
    shares = run.kpi("share_within_deadline", "park_application")
    offered, unserved = _counts(run, "offered"), _counts(run, "lost_no_coverage")
    smallest = _counts(run, "offered", "min")
    parts = _largest_parts(run.budget)
    found = []
    for scope, rows in shares.groupby(shares["scope"].astype(str)):
        scope = str(scope)
        park, _, application = scope.partition("/")
        share = share_interval(_as_share(rows).to_numpy(dtype=float), smallest.get(scope, 0.0))
        target, given = reliability_target(run, application)
        part, part_ms = parts.get((park, application), (None, math.nan))
        found.append(ServiceVerdict(park, application, share, target, given, deadline_ms(run, application),
                                    offered.get(scope, 0.0), unserved.get(scope, 0.0), judge(share, target), part, part_ms))
    return sorted(found, key=lambda verdict: (order.get(verdict.park, len(order)), verdict.application))


def judge(share: Interval, target: float) -> str:
    """`pass` or `fail` when the whole interval is on one side of the target, else `unsure`; a single replication without
    an interval is judged by its mean."""
    if share.n == 0:
        return NONE
    low, high = (share.mean if end is None else end for end in (share.low, share.high))
    if low >= target:
        return PASS
    return FAIL if high < target else UNSURE


def tally(verdicts: Sequence[ServiceVerdict]) -> dict[str, int]:
    """How many verdicts there are of each state."""
    return {state: sum(v.state == state for v in verdicts) for state in (PASS, FAIL, UNSURE, NONE)}


def reliability_target(run: RunData, application: str) -> tuple[float, bool]:
    """The application's target as a share, and whether the run names it."""
    item = run.setting("applications", application, default={})
    for key, scale in (("reliability", 1.0), ("reliability_target", 1.0), ("reliability_pct", 0.01)):
        value = item.get(key) if isinstance(item, dict) else None
        if isinstance(value, int | float) and value > 0:
            return float(value) * scale, True
    return DEFAULT_TARGET, False


def deadline_ms(run: RunData, application: str) -> float | None:
    """The application's deadline; the largest of its traffic items' where only those name one."""
    value = run.setting("applications", application, "deadline_ms")
    if isinstance(value, int | float):
        return float(value)
    classes = run.setting("device_classes", default={})
    items = [item for found in classes.values() if isinstance(found, dict) for item in (found.get("traffic") or {}).values()]
    found = [float(item["deadline_ms"]) for item in items
             if isinstance(item, dict) and item.get("application") == application and item.get("deadline_ms")]
    return max(found) if found else None


def _counts(run: RunData, name: str, how: str = "sum") -> dict[str, float]:
    """Messages of all replications (`how` "min": of the smallest) by park and application."""
    counts = run.kpi(name, "park_application").groupby("scope")["value"].agg(how)
    return {str(scope): float(value) for scope, value in counts.items()}


def _as_share(rows: pd.DataFrame) -> pd.Series:
    return rows["value"] * (0.01 if rows["unit"].astype(str).isin(["%", "pct"]).any() else 1.0)


def _largest_parts(budget: pd.DataFrame) -> dict[tuple[str, str], tuple[str, float]]:
    """The largest part of the mean delay of each park and application, over its directions."""
    if budget.empty:
        return {}
    largest = budget.sort_values("mean_ms", kind="stable").groupby(["park", "application"]).tail(1)
    return {(row["park"], row["application"]): (row["component"], float(row["mean_ms"])) for row in records(largest)}
