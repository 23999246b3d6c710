"""Maps as plain numbers for inline SVG: parks, sites, and cells coloured by load."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from twin.report.folder import RunData, records
from twin.report.texts import Texts
from twin.report.verdicts import FAIL, NONE, PASS, UNSURE, ServiceVerdict

#: Upper ends of the load classes in per cent of what is available, and their colours.
LOAD_CLASSES = ((25.0, "#4393c3"), (50.0, "#92c5de"), (70.0, "#fee08b"), (85.0, "#f46d43"), (math.inf, "#a50026"))
_UNKNOWN = "#c9ced6"
STATE_COLOURS = {PASS: "#2e7d4f", UNSURE: "#c98a00", FAIL: "#b3261e", NONE: _UNKNOWN}
_SIZE = 320.0  # side of a park's map, in SVG units
_WEDGE = 17.0  # length of a cell's wedge
_HALF_ANGLE = math.radians(26)
_SEVERITY = (NONE, PASS, UNSURE, FAIL)
#: Shapes that tell the owners of sites apart also in black and white: SVG paths around the origin.
_SHAPES = ("M-4,-4h8v8h-8z", "M0,-5L5,4H-5z", "M0,-5.5L5.5,0L0,5.5L-5.5,0z", "M-5,-2h10v4h-10z", "M-2,-5h4v10h-4z")


def load_colour(load: float) -> str:
    """The colour of a load in per cent."""
    return _UNKNOWN if math.isnan(load) else next(colour for end, colour in LOAD_CLASSES if load <= end)


def park_maps(run: RunData, texts: Texts) -> list[dict[str, Any]]:
    """One map a park that has sites: its circle, sites, cells and a scale bar, in a square of `size` units."""
    owners = owner_shapes(run)
    names = park_names(run, texts.lang)
    found = []
    for park in records(run.parks):
        sites = run.sites[run.sites["park"] == park["park_id"]].dropna(subset=["x_m", "y_m"])
        if len(sites):
            found.append(_park_map(park, sites, run.cells, owners, texts) | {"name": names[park["park_id"]]})
    return found


def owner_shapes(run: RunData) -> dict[str, str]:
    """Owner of sites -> path of its marker."""
    owners = sorted({str(owner) for owner in run.sites["owner"].dropna()})
    return {owner: _SHAPES[row % len(_SHAPES)] for row, owner in enumerate(owners)}


def park_names(run: RunData, lang: str) -> dict[str, str]:
    """Park id -> its name in the language, the id where there is none."""
    rows = records(run.parks)
    return {row["park_id"]: str(row[f"name_{lang}"]) if isinstance(row[f"name_{lang}"], str) else row["park_id"] for row in rows}


def province_map(run: RunData, verdicts: list[ServiceVerdict], texts: Texts) -> dict[str, Any] | None:
    """All parks as circles of their area, coloured by the worst verdict; None where positions are missing."""
    parks = records(run.parks.dropna(subset=["x_m", "y_m"]))
    if not parks:
        return None
    radii = [_radius_m(park) for park in parks]
    frame = Frame.around([p["x_m"] for p in parks], [p["y_m"] for p in parks], max(radii) + 800.0, _SIZE)
    names = park_names(run, texts.lang)
    circles = []
    for park, radius in zip(parks, radii):
        state = max((v.state for v in verdicts if v.park == park["park_id"]), key=_SEVERITY.index, default=NONE)
        title = texts("map.park", name=names[park["park_id"]], area=texts.number(park["area_ha"]), state=texts(f"state.{state}"))
        circles.append({"x": frame.x(park["x_m"]), "y": frame.y(park["y_m"]), "r": max(6.0, radius * frame.scale),
                        "colour": STATE_COLOURS[state], "title": title, "id": park["park_id"]})
    return {"width": frame.width, "height": frame.height, "circles": circles, "bar": frame.bar(texts)}


@dataclass(frozen=True)
class Frame:
    """From metres (x east, y north) to SVG units (y down)."""

    left_m: float
    top_m: float
    scale: float  # SVG units a metre
    width: float
    height: float

    @classmethod
    def around(cls, xs: Sequence[float], ys: Sequence[float], margin_m: float, width: float) -> Frame:
        """The smallest frame of a given width that holds the points with a margin, at most a square and a half high."""
        wide = max(xs) - min(xs) + 2 * margin_m
        high = max(ys) - min(ys) + 2 * margin_m
        scale = min(width / wide, 1.2 * width / high)
        spare = (width / scale - wide) / 2  # centred where the height decides
        return cls(min(xs) - margin_m - spare, max(ys) + margin_m, scale, width, high * scale)

    def x(self, x_m: float) -> float:
        """SVG x of metres east."""
        return (x_m - self.left_m) * self.scale

    def y(self, y_m: float) -> float:
        """SVG y of metres north."""
        return (self.top_m - y_m) * self.scale

    def bar(self, texts: Texts) -> dict[str, Any]:
        """A scale bar of a round length, about a fifth of the width."""
        wanted = self.width / 5 / self.scale
        power = 10.0 ** math.floor(math.log10(wanted))
        length = max(step * power for step in (1, 2, 5) if step * power <= wanted)
        label = f"{texts.number(length / 1000, 0 if length % 1000 == 0 else 1)} km" if length >= 1000 else f"{length:.0f} m"
        return {"length": length * self.scale, "label": label}


def _park_map(park: dict[str, Any], sites: pd.DataFrame, cells: pd.DataFrame, shapes: dict[str, str],
              texts: Texts) -> dict[str, Any]:
    xs, ys = [float(x) for x in sites["x_m"]], [float(y) for y in sites["y_m"]]
    radius = _radius_m(park)
    centre = (float(park["x_m"]), float(park["y_m"])) if pd.notna(park["x_m"]) and pd.notna(park["y_m"]) else None
    # A user's own sites may stand in another frame than the parks: then the circle would only push them into a corner.
    near = centre is not None and all(math.hypot(x - centre[0], y - centre[1]) < 5 * radius + 3000 for x, y in zip(xs, ys))
    corners = _corners(park, centre, radius) if near and centre else []
    all_x, all_y = [*xs, *(x for x, _ in corners)], [*ys, *(y for _, y in corners)]
    frame = Frame.around(all_x, all_y, max(100.0, 0.08 * (max(all_x) - min(all_x))), _SIZE)
    place = {str(site["name"]): (frame.x(site["x_m"]), frame.y(site["y_m"])) for site in records(sites)}
    outline = ""
    if near and centre:
        x, y = frame.x(centre[0]), frame.y(centre[1])
        outline = _rectangle(corners, frame) if _has_outline(park) else _circle(x, y, radius * frame.scale)
    return {"id": park["park_id"], "width": frame.width, "height": frame.height, "outline": outline, "bar": frame.bar(texts),
            "sites": [_site(site, place, shapes, texts) for site in records(sites)],
            "cells": [_cell(cell, place, texts) for cell in records(cells) if str(cell["site"]) in place]}


def _has_outline(park: dict[str, Any]) -> bool:
    ends = (park.get(f"outline_{end}_m") for end in ("x_min", "y_min", "x_max", "y_max"))
    return all(end is not None and not math.isnan(end) for end in ends)


def _corners(park: dict[str, Any], centre: tuple[float, float], radius: float) -> list[tuple[float, float]]:
    """South-west and north-east corner of the rectangle over which the world laid out the park, or of its circle."""
    if _has_outline(park):
        return [(park[f"outline_x_{end}_m"], park[f"outline_y_{end}_m"]) for end in ("min", "max")]
    return [(centre[0] + side * radius, centre[1] + side * radius) for side in (-1, 1)]


def _rectangle(corners: list[tuple[float, float]], frame: Frame) -> str:
    (west, south), (east, north) = corners
    return f"M{frame.x(west):.1f},{frame.y(north):.1f}H{frame.x(east):.1f}V{frame.y(south):.1f}H{frame.x(west):.1f}z"


def _circle(x: float, y: float, r: float) -> str:
    return f"M{x - r:.1f},{y:.1f}a{r:.1f},{r:.1f} 0 1 0 {2 * r:.1f},0a{r:.1f},{r:.1f} 0 1 0 {-2 * r:.1f},0z"


def _site(site: dict[str, Any], place: dict[str, tuple[float, float]], shapes: dict[str, str], texts: Texts) -> dict[str, Any]:
    x, y = place[str(site["name"])]
    title = texts("map.site", name=site["name"], owner=site["owner"], height=texts.number(site["height_m"]))
    return {"x": x, "y": y, "shape": shapes.get(str(site["owner"]), _SHAPES[0]), "title": title}


def _cell(cell: dict[str, Any], place: dict[str, tuple[float, float]], texts: Texts) -> dict[str, Any]:
    x, y = place[str(cell["site"])]
    ul, dl = (float(cell[f"prb_{d}_pct"]) for d in ("ul", "dl"))
    title = texts("map.cell", name=cell["name"], ul=texts.number(ul, 1), dl=texts.number(dl, 1))
    known = [load for load in (ul, dl) if not math.isnan(load)]
    return {"path": _wedge(x, y, cell["azimuth_deg"]), "colour": load_colour(max(known, default=math.nan)), "title": title}


def _wedge(x: float, y: float, azimuth_deg: Any) -> str:
    """A sector that opens towards the azimuth (0 north, clockwise); a circle for a cell without one."""
    if azimuth_deg is None or math.isnan(azimuth_deg):
        return _circle(x, y, 0.6 * _WEDGE)
    angles = [math.radians(azimuth_deg) + side * _HALF_ANGLE for side in (-1, 1)]
    (x1, y1), (x2, y2) = ((x + _WEDGE * math.sin(a), y - _WEDGE * math.cos(a)) for a in angles)
    return f"M{x:.1f},{y:.1f}L{x1:.1f},{y1:.1f}A{_WEDGE},{_WEDGE} 0 0 1 {x2:.1f},{y2:.1f}z"


def _radius_m(park: dict[str, Any]) -> float:
    """Radius of a circle of the park's area (100 ha where it is unknown)."""
    area_ha = float(park["area_ha"]) if pd.notna(park["area_ha"]) else 100.0
    return math.sqrt(area_ha * 1e4 / math.pi)
