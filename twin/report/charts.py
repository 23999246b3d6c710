"""Small line charts of the time series, as points for inline SVG."""

from __future__ import annotations

from typing import Any

import pandas as pd

from twin.report.folder import RunData
from twin.report.texts import Texts

WIDTH, HEIGHT, LEFT, BOTTOM = 420.0, 170.0, 46.0, 22.0
_COLOURS = ("#1f4e8c", "#e08214", "#1b7837", "#7e57c2", "#0c7c7c", "#b3261e", "#5aae61", "#fdb863", "#3d85c6", "#8a8f98")
#: KPI of the charts -> kinds of scope that are drawn together, the first that has rows; and the unit with its layer.
_CHARTS = (
    ("throughput_ul_mbps", ("park", "network"), "Mbit/s"), ("throughput_dl_mbps", ("park", "network"), "Mbit/s"),
    ("cell_prb_ul_pct", ("park", "park_operator"), "%"), ("cell_prb_dl_pct", ("park", "park_operator"), "%"),
    ("link_load_pct", ("link",), "%"), ("pool_busy_pct", ("pool",), "%"),
)
_MAX_LINES = len(_COLOURS)


def line_charts(run: RunData, texts: Texts) -> list[dict[str, Any]]:
    """The charts that have rows: lines of the scopes with the largest means, axes from zero."""
    drawn = []
    for kpi, kinds, unit in _CHARTS:
        rows = run.timeseries[run.timeseries["kpi"] == kpi]
        kind = next((kind for kind in kinds if (rows["scope_kind"] == kind).any()), None)
        if kind is None:
            continue
        table = rows[rows["scope_kind"] == kind].pivot_table(index="t_s", columns="scope", values="value")
        if len(table) > 1:
            drawn.append(_chart(table, texts("chart." + kpi), unit, texts))
    return drawn


def _chart(table: pd.DataFrame, title: str, unit: str, texts: Texts) -> dict[str, Any]:
    table = table[table.mean().sort_values(ascending=False).index[:_MAX_LINES]].fillna(0.0)
    times = table.index.to_numpy(dtype=float)
    top = _round_up(float(table.to_numpy().max()))
    x0, x1 = times.min(), times.max()

    def point(t: float, value: float) -> str:
        x = LEFT + (t - x0) / (x1 - x0) * (WIDTH - LEFT - 8)
        return f"{x:.1f},{HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - 10):.1f}"

    lines = [{"name": str(scope), "colour": _COLOURS[row], "points": " ".join(map(point, times, table[scope]))}
             for row, scope in enumerate(table.columns)]
    ticks = [{"y": HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - 10), "label": texts.given(part * top)}
             for part in (0.0, 0.5, 1.0)]
    return {"title": title, "unit": unit, "lines": lines, "ticks": ticks, "start": texts.number(x0), "end": texts.number(x1)}


def _round_up(value: float) -> float:
    """The next round number at or above a value: 1, 2, 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 1e-9
    while power * 10 < value:
        power *= 10
    return next((step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= value), 1.0)
