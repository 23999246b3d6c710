"""The control plane over time: load and devices, and after a storm its time line."""

from __future__ import annotations

from typing import Any

import pandas as pd

from twin.report.charts import Palette, chart
from twin.report.folder import RunData
from twin.report.texts import Texts

#: What says that a function or core had anything to do: idle ones are not drawn.
_ASKED = {"function": "function_messages_per_s"}
_BACK_MARKS = (50.0, 95.0, 99.0)
_ALWAYS = (("function_load_pct", "function", "%"), ("host_load_pct", "host", "%"), ("procedures_started_per_s", "core", "1/s"),
           ("connected_devices", "core", ""))
_IN_STORMS = (("function_backlog", "function", ""), ("registrations_succeeded_per_s", "core", "1/s"))


def core_charts(run: RunData, texts: Texts) -> list[dict[str, Any]]:
    """Load, procedures and devices over time; after a storm its time line, too."""
    palette = Palette([])
    drawn = [_of(run, kpi, kind, unit, texts, palette) for kpi, kind, unit in _ALWAYS]
    storm = _table(run, "storm_back_share", "storm")
    accesses = _accesses(run, texts)
    if len(storm) or run.kpi_means("ra_collision_share_per_attempt", "network").get("network", 0.0) > 0.01:
        drawn += [_draw(accesses, "ra_accesses", "1/s", texts, palette),
                  _draw(100 * _table(run, "ra_collision_share_per_attempt", "network"), "ra_collisions", "%", texts, palette)]
    if len(storm):
        drawn += [_of(run, kpi, kind, unit, texts, palette) for kpi, kind, unit in _IN_STORMS]
        drawn += [_draw(100 * _table(run, "procedure_retry_share", "core"), "procedure_retry_share", "%", texts, palette),
                  _draw(100 * storm, "storm_back_share", "%", texts, palette, _BACK_MARKS, 100.0)]
    return [found for found in drawn if found is not None]


def _accesses(run: RunData, texts: Texts) -> pd.DataFrame:
    """Accesses begun, succeeded and failed a second, in words."""
    columns = {kpi: _table(run, f"ra_accesses_{kpi}per_s", "network") for kpi in ("", "succeeded_", "failed_")}
    named = [table.set_axis([texts(f"core.accesses_{kpi.rstrip('_') or 'begun'}")], axis=1)
             for kpi, table in columns.items() if table.shape[1] == 1]
    return pd.concat(named, axis=1) if named else pd.DataFrame()


def _table(run: RunData, kpi: str, scope_kind: str) -> pd.DataFrame:
    """Times down, scopes across; empty where the run has no such series."""
    series = run.timeseries
    rows = series[(series["kpi"] == kpi) & (series["scope_kind"] == scope_kind)]
    asked = run.kpi_means(_ASKED[scope_kind], scope_kind) if scope_kind in _ASKED else {}
    rows = rows[[asked.get(str(scope), 1.0) > 0 for scope in rows["scope"]]]
    return rows.pivot_table(index="t_s", columns="scope", values="value") if len(rows) else pd.DataFrame()


def _of(run: RunData, kpi: str, kind: str, unit: str, texts: Texts, palette: Palette) -> dict[str, Any] | None:
    return _draw(_table(run, kpi, kind), kpi, unit, texts, palette)


def _draw(table: pd.DataFrame, key: str, unit: str, texts: Texts, palette: Palette, marks: tuple[float, ...] = (),
          top: float | None = None) -> dict[str, Any] | None:
    """A chart, or none where there are fewer than two times or nothing ever happened."""
    if len(table) < 2:
        return None
    table = table.loc[:, (table > 0).any()]
    if not table.shape[1]:
        return None
    return chart(table, texts(f"chart.{key}"), unit, texts, palette, marks, top)
