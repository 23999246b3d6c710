"""Where things lie in the plane: projection, park outlines, sites on a near-hexagonal grid, tenants' parcels.

The plane is a local equirectangular projection about a fixed origin amid the parks; over the 60 km between Hà Nội and
Hưng Yên city its lengths are within 0.2 % of the geodesic, far below what a route factor of 1.3 hides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from twin.base.names import name_hash

ORIGIN_LAT, ORIGIN_LON = 20.90, 106.06
METRES_PER_DEGREE = 111_194.93  # mean Earth radius 6371.0088 km (IUGG) * pi / 180
ASPECT = 1.5  # width to depth of a park's outline; real outlines are not in the fact base


def to_plane(lat: float | np.ndarray, lon: float | np.ndarray) -> tuple[float | np.ndarray, float | np.ndarray]:
    """WGS84 degrees to metres east and north of the origin."""
    x = (lon - ORIGIN_LON) * METRES_PER_DEGREE * math.cos(math.radians(ORIGIN_LAT))
    return x, (lat - ORIGIN_LAT) * METRES_PER_DEGREE


def to_degrees(x_m: float | np.ndarray, y_m: float | np.ndarray) -> tuple[float | np.ndarray, float | np.ndarray]:
    """Metres east and north of the origin to WGS84 latitude and longitude."""
    lon = ORIGIN_LON + x_m / (METRES_PER_DEGREE * math.cos(math.radians(ORIGIN_LAT)))
    return ORIGIN_LAT + y_m / METRES_PER_DEGREE, lon


@dataclass(frozen=True)
class Outline:
    """Axis-parallel rectangle that stands for a park, metres."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    @property
    def width(self) -> float:
        """East-west extent, m."""
        return self.x_max - self.x_min

    @property
    def depth(self) -> float:
        """North-south extent, m."""
        return self.y_max - self.y_min

    @property
    def middle(self) -> tuple[float, float]:
        """Centre, m."""
        return (self.x_min + self.x_max) / 2.0, (self.y_min + self.y_max) / 2.0

    def distance_m(self, x_m: float, y_m: float) -> float:
        """From a point to the outline; 0 inside."""
        return math.hypot(max(self.x_min - x_m, 0.0, x_m - self.x_max), max(self.y_min - y_m, 0.0, y_m - self.y_max))

    def part(self, share: float) -> Outline:
        """Rectangle of the same shape and middle with the given share of the area: where the leased plots are taken to be."""
        k = math.sqrt(min(1.0, max(share, 1e-4))) / 2.0
        x, y = self.middle
        return Outline(x - k * self.width, y - k * self.depth, x + k * self.width, y + k * self.depth)


def park_outline(x_m: float, y_m: float, area_ha: float) -> Outline:
    """Rectangle of the park's area centred on its map point."""
    depth = math.sqrt(area_ha * 10_000.0 / ASPECT)
    half_w, half_d = ASPECT * depth / 2.0, depth / 2.0
    return Outline(x_m - half_w, y_m - half_d, x_m + half_w, y_m + half_d)


def _row_counts(n: int, outline: Outline) -> np.ndarray:
    """Sites in each row so that rows are about sqrt(3)/2 of the spacing apart, as in a hexagonal grid."""
    rows = max(1, min(n, round(math.sqrt(n * outline.depth / outline.width * 2.0 / math.sqrt(3.0)))))
    edges = np.linspace(0, n, rows + 1)
    return np.diff(np.floor(edges + 0.5).astype(np.int64))


def hexagonal_sites(n: int, outline: Outline, name: str) -> np.ndarray:
    """Positions (n x 2, m) of n sites over an outline, alternate rows staggered.

    `name` (park and operator) moves the whole grid by up to a quarter of the spacing, so that two operators' sites do not
    coincide by construction.
    """
    if n <= 0:
        return np.zeros((0, 2))
    counts = _row_counts(n, outline)
    points = []
    for row, count in enumerate(counts):
        y = outline.y_min + (row + 0.5) * outline.depth / len(counts)
        stagger = 0.0 if len(counts) == 1 else (0.25 if row % 2 else -0.25)
        for column in range(count):
            points.append((outline.x_min + (column + 0.5 + stagger) * outline.width / count, y))
    h = name_hash(name)
    pitch = math.sqrt(outline.width * outline.depth / n)
    shift = (np.array([h & 0xFFFF, (h >> 16) & 0xFFFF]) / 65536.0 - 0.5) * 0.5 * pitch
    low, high = np.array([outline.x_min, outline.y_min]), np.array([outline.x_max, outline.y_max])
    return np.clip(np.array(points) + shift, low, high)


def parcels(weights: np.ndarray, area: Outline) -> np.ndarray:
    """Tenants' plots (n x 4: x_min, y_min, x_max, y_max), areas in proportion to weight, in rows of equal depth.

    The rows are filled in the tenants' order, so that a plot stays near its place when a weight changes.
    """
    w = np.maximum(np.asarray(weights, dtype=np.float64), 1e-9)
    n = len(w)
    if n == 0:
        return np.zeros((0, 4))
    rows = max(1, round(math.sqrt(n * area.depth / area.width)))
    row_of = np.minimum((np.cumsum(w) - w / 2.0) / w.sum() * rows, rows - 1).astype(np.int64)
    used = np.unique(row_of)
    out = np.zeros((n, 4))
    y = area.y_min
    for row in used:
        members = np.flatnonzero(row_of == row)
        depth = area.depth * w[members].sum() / w.sum()
        edges = area.x_min + area.width * np.concatenate(([0.0], np.cumsum(w[members]) / w[members].sum()))
        out[members, 0], out[members, 2] = edges[:-1], edges[1:]
        out[members, 1], out[members, 3] = y, y + depth
        y += depth
    return out
