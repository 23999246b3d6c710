"""Positions in any system a file states to metres in the plane: WGS84 degrees, VN-2000 or another projection by EPSG code.

VN-2000 in Hưng Yên: EPSG 9209 (TM-3, central meridian 105°30'); EPSG 3405 is VN-2000 / UTM zone 48N.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from twin.base.errors import Problem
from twin.world.layout import to_plane

WGS84 = 4326
MAX_DISTANCE_KM = 120.0  # from the parks: beyond it a position is taken for a mistake


@cache
def _transformer(epsg: int) -> Any:
    from pyproj import Transformer  # slow to import, and few scenarios need it

    return Transformer.from_crs(epsg, WGS84, always_xy=True)


class Locator:
    """Turns the position columns of a row (lat, lon or easting_m, northing_m, epsg) into metres, or notes a problem."""

    def __init__(self, default_epsg: int | None = None) -> None:
        self.default_epsg = default_epsg

    def locate(self, row: dict[str, Any], problems: list[Problem]) -> tuple[float, float] | None:
        """(x_m, y_m), or None after appending to `problems`."""
        place = row["place"]
        if row.get("lat") is not None and row.get("lon") is not None:
            return self._checked(place, row["lat"], row["lon"], problems)
        if row.get("easting_m") is None or row.get("northing_m") is None:
            problems.append(Problem(place, "lat", "no position", "give lat and lon, or easting_m, northing_m and epsg"))
            return None
        epsg = row.get("epsg") or self.default_epsg
        if epsg is None:
            problems.append(Problem(place, "epsg", "projected coordinates without their system",
                                    "add a column epsg: 9209 is VN-2000 / TM-3 105-30 (Hưng Yên), 3405 VN-2000 / UTM 48N"))
            return None
        try:
            lon, lat = _transformer(int(epsg)).transform(row["easting_m"], row["northing_m"])
        except Exception as error:  # pyproj raises its own tree, which is not imported here
            problems.append(Problem(place, "epsg", f"EPSG {epsg} cannot be used ({type(error).__name__})", "check the code"))
            return None
        return self._checked(place, lat, lon, problems)

    def _checked(self, place: str, lat: float, lon: float, problems: list[Problem]) -> tuple[float, float] | None:
        x, y = to_plane(lat, lon)
        if not math.isfinite(x + y) or math.hypot(x, y) > MAX_DISTANCE_KM * 1000:
            problems.append(Problem(place, "lat", f"the position ({lat:.4f}, {lon:.4f}) is far from the parks of Hưng Yên",
                                    "latitude and longitude (or east and north) may be swapped, or the EPSG code is wrong"))
            return None
        return float(x), float(y)
