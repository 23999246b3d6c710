"""What a provincial department may see of a run: totals per park, nothing that belongs to one operator."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from twin.report.budgets import coarse
from twin.report.core import core_names
from twin.report.folder import RunData

#: What of the manifest is public: nothing that describes an operator's network.
_PUBLIC_MANIFEST = ("run_id", "status", "engine", "seed", "replications", "replications_done", "horizon_s", "warmup_s",
                    "started_at", "finished_at", "wall_s", "code_version", "git_commit", "versions")
_PUBLIC_SCOPES = ("network", "park", "application", "park_application")
_PUBLIC_APPLICATION = ("name_vi", "name_en", "deadline_ms", "reliability", "reliability_pct", "reliability_target")
#: Services, devices, stations and cells in total: all that a department sees. Nothing of core, transport or money.
_PUBLIC_KPI = (r"^(share_within_deadline.*|latency_.*|throughput_.*|offered.*|delivered.*|lost.*|in_flight.*|bursts_per_s"
               r"|devices.*|stations_\dg|cell_prb_(ul|dl)_pct"
               r"|procedures_per_s|procedure_success_share|registered_devices_mean|connected_devices_mean|messages_per_s|ra_.*)$")
#: In a park with one operator these totals would be that operator's own figures.
_RADIO_KPI = r"^(stations_|cell_|ra_)"
#: With the core of one operator only, these would be its own figures.
_CORE_KPI = r"^(procedure|registered_|connected_|messages_per_s|ra_)"
_HIDDEN_TABLES = ("resources", "sites", "cells", "assumptions", "bottlenecks")


def for_department(run: RunData) -> RunData:
    """The run reduced to totals per park.

    Tables that can name a site, link, cell or core node are dropped as a whole, not filtered by name: what the page
    does not hold it cannot leak.
    """
    kpis = run.kpis[run.kpis["scope_kind"].isin(_PUBLIC_SCOPES) & run.kpis["kpi"].astype(str).str.match(_PUBLIC_KPI)]
    series = run.timeseries[run.timeseries["scope_kind"].isin(("network", "park"))]
    series = series[series["kpi"].astype(str).str.match(_PUBLIC_KPI)]
    if len({name.partition("/")[0] for name in run.kpis.loc[run.kpis["scope_kind"] == "core", "scope"].astype(str)}) < 2:
        kpis, series = (frame[~frame["kpi"].astype(str).str.match(_CORE_KPI)] for frame in (kpis, series))
    alone = kpis["scope"].isin(_parks_with_one_operator(run)) & kpis["kpi"].astype(str).str.match(_RADIO_KPI)
    hidden = {name: len(getattr(run, name)) for name in _HIDDEN_TABLES} | {"warnings": len(run.warnings)}
    empty = {name: getattr(run, name).iloc[:0] for name in _HIDDEN_TABLES}
    return replace(run, manifest=_public_manifest(run), kpis=kpis[~alone], timeseries=series, budget=coarse(run.budget),
                   warnings=(), hidden=hidden, **empty)


def _parks_with_one_operator(run: RunData) -> set[str]:
    operators = run.cells.groupby("park")["operator"].nunique()
    alone = {str(park) for park, count in operators.items() if count < 2}
    return alone if run.cells["operator"].nunique() > 1 else alone | {"network"}


def confidential_names(run: RunData) -> set[str]:
    """Names of operators, sites, cells and resources in a run, each also without its leading path."""
    names: set[str] = set()
    for frame, column in ((run.sites, "name"), (run.sites, "owner"), (run.cells, "name"), (run.cells, "operator"),
                          (run.resources, "name"), (run.resources, "operator")):
        names |= {str(value) for value in frame[column].dropna().unique()}
    names |= {str(name) for name in run.setting("operators", default={})} | core_names(run)
    groups = run.kpis.loc[run.kpis["scope_kind"] == "group", "scope"].astype(str)
    names |= {scope.split("/")[1] for scope in groups if scope.count("/") > 1}
    names |= set(run.kpis.loc[run.kpis["scope_kind"] == "operator", "scope"].astype(str))
    return {name for name in names if len(name) > 1} - {str(park) for park in run.parks["park_id"]}


def _public_manifest(run: RunData) -> dict[str, Any]:
    public = {key: run.manifest[key] for key in _PUBLIC_MANIFEST if key in run.manifest}
    found = run.setting("applications", default={})
    applications = {name: {key: value for key, value in item.items() if key in _PUBLIC_APPLICATION}
                    for name, item in found.items() if isinstance(item, dict)}
    scenario = {"simulation": run.setting("simulation", default={}), "report": run.setting("report", default={}),
                "applications": applications}
    texts = {key: _without_names(run, str(run.manifest.get(key) or run.setting(key) or "")) for key in ("name", "question")}
    return public | {"scenario": scenario} | texts


def _without_names(run: RunData, text: str) -> str:
    """Free text of a scenario, or nothing where it mentions an operator or a part of its network."""
    lower = text.lower()
    mentioned = (re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", lower) for name in confidential_names(run))
    return "" if any(mentioned) else text
