"""Small line charts of the time series, as points for inline SVG."""

from __future__ import annotations

from typing import Any

import pandas as pd

from twin.report.folder import RunData
from twin.report.texts import Texts

WIDTH, HEIGHT, LEFT, BOTTOM = 420.0, 170.0, 46.0, 22.0
_COLOURS = ("#1f4e8c", "#e08214", "#1b7837", "#7e57c2", "#0c7c7c", "#b3261e", "#5aae61", "#fdb863", "#3d85c6", "#8a8f98")
_DASHES = ("", "7 3", "2 3", "9 3 2 3")
#: KPI of the charts -> kinds of scope that are drawn together, the first that has rows; and the unit with its layer.
_CHARTS = (
    ("throughput_ul_mbps", ("park", "network"), "Mbit/s"), ("throughput_dl_mbps", ("park", "network"), "Mbit/s"),
    ("cell_prb_ul_pct", ("park", "park_operator"), "%"), ("cell_prb_dl_pct", ("park", "park_operator"), "%"),
    ("link_load_pct", ("link",), "%"), ("pool_busy_pct", ("pool",), "%"),
)
_MAX_LINES = len(_COLOURS)


class Palette:
    """Colour and dash of every line: a park has one colour on the whole page, its operators differ by their dashes; other
    names keep the colour they had first, unless another line of the same chart has it."""

    def __init__(self, parks: list[str]) -> None:
        self._park = {park: row for row, park in enumerate(parks)}
        self._operators: dict[str, int] = {}
        self._known: dict[str, int] = {}

    def styles(self, names: list[str]) -> list[tuple[str, str]]:
        """(colour, dash) of the lines of one chart."""
        taken: set[int] = set()
        return [self._style(name, taken) for name in names]

    def _style(self, name: str, taken: set[int]) -> tuple[str, str]:
        park, _, operator = name.partition("/")
        if park in self._park and operator.count("/") == 0:
            dash = self._operators.setdefault(operator, len(self._operators)) if operator else 0
            return _COLOURS[self._park[park] % len(_COLOURS)], _DASHES[dash % len(_DASHES)]
        wanted = self._known.get(name, len(self._known) % len(_COLOURS))
        free = [(wanted + step) % len(_COLOURS) for step in range(len(_COLOURS))]
        colour = next((c for c in free if c not in taken), wanted)
        taken.add(colour)
        self._known.setdefault(name, colour)
        return _COLOURS[colour], ""


def line_charts(run: RunData, texts: Texts) -> list[dict[str, Any]]:
    """The charts that have rows: lines of the scopes with the largest means, axes from zero."""
    drawn = []
    palette = Palette([str(park) for park in run.parks["park_id"]])
    for kpi, kinds, unit in _CHARTS:
        rows = run.timeseries[run.timeseries["kpi"] == kpi]
        kind = next((kind for kind in kinds if (rows["scope_kind"] == kind).any()), None)
        if kind is None:
            continue
        table = rows[rows["scope_kind"] == kind].pivot_table(index="t_s", columns="scope", values="value")
        if len(table) > 1:
            drawn.append(chart(table, texts("chart." + kpi), unit, texts, palette))
    return drawn


def chart(table: pd.DataFrame, title: str, unit: str, texts: Texts, palette: Palette, marks: tuple[float, ...] = (),
          top: float | None = None) -> dict[str, Any]:
    """One chart: a line a column of the table (index: seconds); `marks` are values with a line of their own across it.

    Where a line has no value it is zero. top: end of the axis, else the largest value rounded up.
    """
    table = table[table.mean().sort_values(ascending=False).index[:_MAX_LINES]].fillna(0.0)
    times = table.index.to_numpy(dtype=float)
    end = _round_up(float(table.to_numpy().max())) if top is None else top
    x0, x1 = times.min(), times.max()

    def height(value: float) -> float:
        return HEIGHT - BOTTOM - value / end * (HEIGHT - BOTTOM - 10)

    def point(t: float, value: float) -> str:
        return f"{LEFT + (t - x0) / (x1 - x0) * (WIDTH - LEFT - 8):.1f},{height(value):.1f}"

    names = [str(scope) for scope in table.columns]
    lines = [{"name": name, "colour": colour, "dash": dash, "points": " ".join(map(point, times, table[scope]))}
             for name, scope, (colour, dash) in zip(names, table.columns, palette.styles(names))]
    ticks = [{"y": height(part * end), "label": texts.given(part * end)} for part in (0.0, 0.5, 1.0)]
    return {"title": title, "unit": unit, "lines": lines, "ticks": ticks, "start": texts.number(x0), "end": texts.number(x1),
            "marks": [{"y": height(value), "label": texts.given(value)} for value in marks]}


def _round_up(value: float) -> float:
    """The next round number at or above a value: 1, 2, 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 1e-9
    while power * 10 < value:
        power *= 10
    return next((step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= value), 1.0)
