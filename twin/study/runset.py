"""A run and its replications as the user sees them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twin.study.quantiles import worst_p99
from twin.study.statistics import summarise
from twin.study.store import FAILURES, read_manifest, read_table

VERDICT_COLUMNS = ["park", "application", "share_within_deadline", "ci_low", "ci_high", "deadline_ms", "target_share", "status",
                   "share_without_coverage", "p99_ms", "direction", "bottleneck", "cell_direction", "limited_by", "load_pct",
                   "growth_to_headroom", "growth_is_upper_bound", "next_step"]
MET, MISSED, UNSURE = "met", "missed", "?"
#: Target where the scenario names none, as in the report.
DEFAULT_TARGET = 0.99
#: No status from fewer messages than these, over all replications.
FEWEST_MESSAGES = 10


@dataclass(frozen=True)
class RunSet:
    """The results of one scenario over its replications. Tables are read from the folder on first use."""

    folder: Path
    manifest: dict[str, Any]
    from_cache: bool = False

    @classmethod
    def load(cls, folder: str | Path, from_cache: bool = False) -> RunSet:
        """A run from its folder.

        Raises:
            MissingResultError: the folder holds no run.
        """
        return cls(Path(folder), read_manifest(Path(folder)), from_cache)

    @property
    def run_id(self) -> str:
        """Name of the run: a hash of scenario, code, seed and engine."""
        return str(self.manifest["run_id"])

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the reader of the figures should know."""
        return tuple(map(str, self.manifest.get("warnings", ())))

    @property
    def complete(self) -> bool:
        """Every replication is there."""
        return self.manifest.get("status") == "complete"

    @property
    def failures(self) -> list[dict[str, Any]]:
        """Replications that failed: replication, error, traceback."""
        import json

        path = self.folder / FAILURES
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []

    @cached_property
    def kpis(self) -> pd.DataFrame:
        """replication, kpi, scope_kind, scope, value, unit."""
        return read_table(self.folder, "kpis")

    @cached_property
    def summary(self) -> pd.DataFrame:
        """kpi, scope_kind, scope, mean, ci_low, ci_high (95 % over replications, shares by `share_bounds`), n, unit."""
        return summarise(self.kpis)

    @cached_property
    def budget(self) -> pd.DataFrame:
        """park, application, direction, component, mean_ms, p99_ms, share."""
        return read_table(self.folder, "budget")

    @cached_property
    def resources(self) -> pd.DataFrame:
        """Load of every cell, link, pool and server queue, the first to give way on top."""
        return read_table(self.folder, "resources")

    @cached_property
    def timeseries(self) -> pd.DataFrame:
        """t_s, kpi, scope_kind, scope, value: means over the replications."""
        return read_table(self.folder, "timeseries")

    @cached_property
    def histograms(self) -> pd.DataFrame:
        """scope_kind, scope, direction, low_ms, high_ms, bursts: all replications together."""
        return read_table(self.folder, "histograms")

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """Per park and application: share within the deadline with its interval, p99 of the delay, first bottleneck.

        deadline_ms, target_share: of the application. status: `met` or `missed` where the whole interval (of a single replication
        the share) lies on one side of the target and 10 messages or more were offered, else `?`.
        share_without_coverage: messages of devices that no cell reaches, of all offered; they count as not within the deadline.
        p99_ms is that of the worst direction, the one whose p99 is largest beside its deadline, named in `direction`; not a
        number where too few messages were delivered to tell it (fewer than 500 in the smallest replication).
        """
        of = self.summary[self.summary["scope_kind"] == "park_application"]
        table = of[of["kpi"] == "share_within_deadline"].set_index("scope")[["mean", "ci_low", "ci_high"]]
        table = table.rename(columns={"mean": "share_within_deadline"})
        offered, lonely = (of[of["kpi"] == k].set_index("scope")["mean"] for k in ("offered", "lost_no_coverage"))
        table["share_without_coverage"] = lonely / offered
        table["p99_ms"], table["direction"] = worst_p99(self.kpis, table.index)
        names = table.index.to_series().str.split("/", n=1, expand=True).reindex(columns=[0, 1])
        table = table.assign(park=names[0].astype(object), application=names[1].astype(object))
        named = self.manifest.get("scenario", {}).get("applications", {})
        settings = [named.get(application, {}) for application in table["application"]]
        limits = of[of["kpi"].isin([f"deadline_{d}_ms" for d in ("ul", "dl", "rtt")])].groupby("scope")["mean"].max()
        own = pd.Series([item.get("deadline_ms") for item in settings], index=table.index, dtype=float)
        table["deadline_ms"] = own.fillna(limits.reindex(table.index))
        percent = pd.Series([item.get("reliability_pct") for item in settings], index=table.index, dtype=float)
        table["target_share"] = (percent / 100.0).fillna(DEFAULT_TARGET)
        messages = of[of["kpi"] == "offered"].set_index("scope")[["mean", "n"]].prod(axis=1)
        table["status"] = _status(table, messages.reindex(table.index))
        table = table.reset_index(drop=True)
        found = read_table(self.folder, "bottlenecks")
        found = found.rename(columns={"direction": "cell_direction"})
        order = {park: i for i, park in enumerate(read_table(self.folder, "parks")["park_id"])}
        table = table.merge(found, on=["park", "application"], how="left").sort_values("application", ignore_index=True)
        return table.sort_values("park", key=lambda c: c.map(order), kind="stable", ignore_index=True)[VERDICT_COLUMNS]


def _status(table: pd.DataFrame, messages: pd.Series) -> np.ndarray:
    """`met` or `missed` where the whole interval is on one side of the target, else `?`; without an interval by the share."""
    share, target = table["share_within_deadline"], table["target_share"]
    low, high, enough = table["ci_low"].fillna(share), table["ci_high"].fillna(share), messages >= FEWEST_MESSAGES
    return np.select([enough & (low >= target), enough & (high < target)], [MET, MISSED], UNSURE)
