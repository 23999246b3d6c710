"""A run folder as plain tables."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from twin.base.errors import MissingResultError
from twin.study.store import read_parquet

#: name of a file (without ``.parquet``) -> the columns the report reads; what is absent is taken as empty.
TABLES: dict[str, tuple[str, ...]] = {
    "kpis": ("replication", "kpi", "scope_kind", "scope", "value", "unit"),
    "budget": ("park", "application", "direction", "component", "mean_ms", "p99_ms"),
    "timeseries": ("t_s", "kpi", "scope_kind", "scope", "value"),
    "resources": ("name", "kind", "park", "operator", "load_pct", "load_peak_pct", "load_with_one_unit_failed_pct",
                  "headroom_pct", "next_step", "has_spare", "growth_to_headroom", "direction", "limited_by"),
    "bottlenecks": ("park", "application", "bottleneck", "kind", "load_pct", "load_with_one_unit_failed_pct",
                    "growth_to_headroom", "next_step", "direction", "limited_by", "growth_is_upper_bound"),
    "sites": ("name", "park", "owner", "x_m", "y_m", "height_m", "kind"),
    "cells": ("name", "site", "park", "operator", "azimuth_deg", "prb_ul_pct", "prb_dl_pct"),
    "parks": ("park_id", "name_vi", "name_en", "lat", "lon", "x_m", "y_m", "area_ha", "leased_ha", "workers", "wave"),
    "assumptions": ("item", "value", "unit", "source", "confidence"),
}
#: Tables whose `park` column may hold names or rows of the park table.
_WITH_PARK = ("budget", "resources", "sites", "cells", "bottlenecks")


@dataclass(frozen=True)
class RunData:
    """What one run left: the manifest and one data frame a file of `TABLES` (empty where the file is absent)."""

    manifest: dict[str, Any]
    kpis: pd.DataFrame
    budget: pd.DataFrame
    timeseries: pd.DataFrame
    resources: pd.DataFrame
    bottlenecks: pd.DataFrame
    sites: pd.DataFrame
    cells: pd.DataFrame
    parks: pd.DataFrame
    assumptions: pd.DataFrame
    warnings: tuple[str, ...] = ()
    hidden: dict[str, int] = field(default_factory=dict)  # what was left out for the audience -> how many rows

    @property
    def scenario(self) -> dict[str, Any]:
        """The resolved scenario as nested mappings (empty if the manifest holds none)."""
        found = self.manifest.get("scenario")
        return found if isinstance(found, dict) else {}

    def setting(self, *keys: str, default: Any = None) -> Any:
        """A value of the resolved scenario, ``default`` where any key on the way is missing."""
        value: Any = self.scenario
        for key in keys:
            if not isinstance(value, dict) or value.get(key) is None:
                return default
            value = value[key]
        return value

    def kpi(self, name: str, scope_kind: str) -> pd.DataFrame:
        """Rows of one KPI at one kind of scope."""
        return self.kpis[(self.kpis["kpi"] == name) & (self.kpis["scope_kind"] == scope_kind)]

    def kpi_means(self, name: str, scope_kind: str) -> dict[str, float]:
        """Mean over the replications of one KPI, by scope."""
        rows = self.kpi(name, scope_kind)
        means = rows.groupby(rows["scope"].astype(str))["value"].mean()
        return {str(scope): float(value) for scope, value in means.items() if pd.notna(value)}


def read_run(folder: Path) -> RunData:
    """Read a run folder. A missing manifest is an error that names the folder; missing tables are empty."""
    path = folder / "manifest.json"
    if not path.is_file():
        raise MissingResultError(f"{path}: not found; give the folder of one run, results/<scenario>/<run_id>")
    manifest = json.loads(path.read_text(encoding="utf-8"))
    tables: dict[str, Any] = {name: _table(folder / f"{name}.parquet", columns) for name, columns in TABLES.items()}
    tables["parks"] = parks = _parks(tables["parks"], tables["kpis"])
    for name in _WITH_PARK:
        tables[name] = tables[name].assign(park=_park_ids(tables[name]["park"], parks))
    return RunData(manifest=manifest, **tables, warnings=tuple(str(w) for w in manifest.get("warnings") or ()))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as mappings from column to value."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame(columns=list(columns), dtype=object)
    frame = read_parquet(path)
    return frame.reindex(columns=[*columns, *(c for c in frame.columns if c not in columns)])


def _parks(parks: pd.DataFrame, kpis: pd.DataFrame) -> pd.DataFrame:
    """The parks; where the table is absent, those that the KPIs name."""
    if len(parks):
        return parks.reset_index(drop=True)
    scopes = kpis.loc[kpis["scope_kind"].isin(["park", "park_application"]), "scope"]
    found = sorted({str(scope).partition("/")[0] for scope in scopes})
    return parks.reindex(range(len(found))).assign(park_id=found, name_vi=found, name_en=found)


def _park_ids(values: pd.Series, parks: pd.DataFrame) -> list[str]:
    """Park ids of a column that holds ids or rows of the park table; '' where there is none (ring, core)."""
    ids = [str(park) for park in parks["park_id"]]

    def one(value: Any) -> str:
        if isinstance(value, str):
            return value
        return ids[int(value)] if pd.notna(value) and 0 <= int(value) < len(ids) else ""

    return [one(value) for value in values]
