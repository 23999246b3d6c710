"""How loaded each resource is, and which one gives way first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from twin.report.folder import RunData, records
from twin.report.texts import Texts

KINDS = ("cell", "link", "pool", "server")
DEFAULT_HEADROOM_PCT = 70.0
#: Bars shown for one kind, and resources whose verdict the page can re-evaluate.
TOP_BARS, MAX_JUDGED = 20, 600
#: Below this load in per cent a resource gets no bar.
IDLE_PCT = 0.05
OVER, FAILED, OK = "over", "failed", "ok"


@dataclass(frozen=True)
class Load:
    """Load of one resource in per cent; `failed` with one unit failed, nan where unknown."""

    name: str
    kind: str
    park: str
    load: float
    peak: float
    failed: float
    next_step: str
    spare: bool | None = None  # whether something else takes over when it fails; None where unknown
    limited_by: str = ""  # what runs out in a cell: PRB or grants

    @property
    def worst(self) -> float:
        """The larger of the loads with all units and with one failed."""
        return self.load if math.isnan(self.failed) else max(self.load, self.failed)

    def state(self, headroom: float) -> str:
        """`over` in normal operation, `failed` only with one unit failed, or `ok`."""
        if self.load >= headroom:
            return OVER
        return FAILED if self.failed >= headroom else OK


def loads(run: RunData) -> list[Load]:
    """All resources with a load, the highest first; cells from the table of cells where the resources leave them out."""
    found = [_load(row) for row in records(run.resources)]
    if not any(load.kind == "cell" for load in found):
        found += [_cell(row) for row in records(run.cells)]
    return sorted((load for load in found if not math.isnan(load.load)), key=lambda load: (-load.load, -load.worst, load.name))


def headroom_pct(run: RunData) -> float:
    """The load in per cent from which a resource needs its next step."""
    value = run.setting("report", "headroom_pct", default=DEFAULT_HEADROOM_PCT)
    return float(value) if isinstance(value, int | float) else DEFAULT_HEADROOM_PCT


def sentence(load: Load, headroom: float, texts: Texts) -> str:
    """The verdict on one resource, such as "link X reaches 70 % of its rate, next step 25G"."""
    return texts(f"capacity.{load.state(headroom)}", headroom=texts.number(headroom), **fields(load, texts))


def fields(load: Load, texts: Texts) -> dict[str, str]:
    """What fills the placeholders of a verdict's text, all but the headroom (the page's script fills in the same)."""
    step = step_text(load.next_step, texts)
    return {"kind": texts(f"kind.{load.kind}"), "name": load.name, "load": texts.number(load.load, 1),
            "of": texts("of.grants" if load.limited_by == "grants" else f"of.{load.kind}"),
            "failed": texts.number(load.failed, 1), "spare": texts("capacity.no_spare") if load.spare is False else "",
            "next": texts("capacity.next", step=step) if step else ""}


def step_text(step: str, texts: Texts) -> str:
    """What to buy next, in the language of the page."""
    return texts.named("next_step", step).replace("workers", texts("capacity.workers")) if step else ""


def judged(found: Sequence[Load]) -> list[Load]:
    """The resources whose verdicts stand in the page: the worst ones, so that a lower headroom finds them too."""
    worst = sorted(found, key=lambda load: (-load.worst, load.name))[:MAX_JUDGED]
    return sorted(worst, key=lambda load: (-load.load, -load.worst, load.name))


def charts(found: Sequence[Load], texts: Texts) -> list[dict[str, Any]]:
    """One bar chart a kind: its title, its bars (name, widths in per cent of the scale, label) and the scale's end."""
    drawn = []
    for kind in KINDS:
        group = [load for load in found if load.kind == kind and load.worst >= IDLE_PCT]
        if not group:
            continue
        top = sorted(group, key=lambda load: (-load.worst, -load.load, load.name))[:TOP_BARS]
        # Loads cannot exceed 100 %, but what a failure would bring can; beyond 200 % the bar is cut, its label is not.
        scale = 100.0 if max(load.worst for load in top) <= 100 else 150.0 if max(load.worst for load in top) <= 150 else 200.0
        drawn.append({"kind": kind, "title": texts(f"kinds.{kind}"), "scale": scale, "bars": top, "total": len(group)})
    return drawn


def _load(row: dict[str, Any]) -> Load:
    name = " ".join(filter(None, (str(row["name"]), _text(row["direction"]).upper())))  # uplink and downlink of a cell apart
    return Load(name, str(row["kind"]), str(row["park"]), _float(row["load_pct"]), _float(row["load_peak_pct"]),
                _float(row["load_with_one_unit_failed_pct"]), _text(row["next_step"]),
                None if row["has_spare"] is None or pd.isna(row["has_spare"]) else bool(row["has_spare"]),
                _text(row["limited_by"]))


def _cell(row: dict[str, Any]) -> Load:
    known = [value for value in (_float(row["prb_ul_pct"]), _float(row["prb_dl_pct"])) if not math.isnan(value)]
    load = max(known, default=math.nan)
    return Load(str(row["name"]), "cell", str(row["park"]), load, math.nan, math.nan, "")


def _float(value: Any) -> float:
    return math.nan if value is None or pd.isna(value) else float(value)


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)
