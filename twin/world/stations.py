"""Sites, stations and cells in the parks: how many each operator has, where they stand, who shares them.

Stations outside the parks are counted, not laid out: to the parks' networks they are background load on shared links.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twin.scenario.apportion import apportion
from twin.world.layout import Outline, hexagonal_sites

#: Operators that hold adjoining spectrum (3,700-3,900 MHz) and so can share radio units: the natural case for MORAN and MOCN.
RADIO_SHARERS = ("vnpt", "mobifone")
FIRST_AZIMUTH_DEG = 30.0
DEFAULT_TILT_DEG = 6.0


def in_park_counts(stations: Mapping[str, int], share: float, areas_ha: Mapping[str, float],
                   weights: Mapping[str, float]) -> dict[str, dict[str, int]]:
    """5G stations by park and operator, derived from the province's totals.

    The in-park total round(share x all stations) is split over operators by their stations, then each operator's part over
    the parks by area x weight (largest remainders), so that every total holds.

    Args:
        stations: of each operator in the province.
        share: of the province's 5G stations that stand in parks.
        areas_ha: of each park. weights: of a hectare of each park.
    """
    operators, parks = list(stations), list(areas_ha)
    total = round(share * sum(stations.values()))
    per_operator = apportion(total, np.array([stations[o] for o in operators]))
    weight = np.array([areas_ha[p] * weights[p] for p in parks])
    out: dict[str, dict[str, int]] = {p: {} for p in parks}
    for operator, count in zip(operators, per_operator):
        for park, part in zip(parks, apportion(int(count), weight)):
            out[park][operator] = int(part)
    return out


@dataclass(frozen=True)
class RadioSite:
    """What a station's cells are like where the table of sites does not say. tx_power in dBm over the carrier."""

    radio: int
    sectors: int
    height_m: float
    tx_power_dbm: float
    load_ul_q16: int
    load_dl_q16: int


@dataclass
class StationTables:
    """Rows of `World.sites`, `World.stations`, `World.cells` as they are laid out; names unique."""

    sites: list[dict[str, Any]] = field(default_factory=list)
    stations: list[dict[str, Any]] = field(default_factory=list)
    cells: list[dict[str, Any]] = field(default_factory=list)

    def site(self, name: str, park: int, owner: int, x_m: float, y_m: float, height_m: float, kind: str = "macro") -> int:
        """Add a site; its row."""
        self.sites.append({"name": name, "park": park, "owner": owner, "x_m": float(x_m), "y_m": float(y_m),
                           "height_m": float(height_m), "kind": kind})
        return len(self.sites) - 1

    def station(self, site: int, operator: int, operator_id: str, counted: bool = True, status: str = "on_air",
                private: bool = False) -> int:
        """Add an operator's 5G station at a site; its row. counted: it is one of the plan's stations."""
        own = self.sites[site]["owner"] == operator
        name = self.sites[site]["name"] if own else f"{self.sites[site]['name']}/{operator_id}"
        self.stations.append({"name": name, "site": site, "operator": operator, "technology": "nr", "status": status,
                              "counted": counted, "private": private})
        return len(self.stations) - 1

    def cell(self, station: int, number: int, azimuth_deg: float, radio: RadioSite, **overrides: Any) -> int:
        """Add one sector; its row."""
        row = self.stations[station]
        site = self.sites[row["site"]]
        self.cells.append({"name": f"{row['name']}/cell-{number}", "station": station, "site": row["site"], "park": site["park"],
                           "operator": row["operator"], "azimuth_deg": float(azimuth_deg) % 360.0, "radio": radio.radio,
                           "tx_power_dbm": radio.tx_power_dbm, "initial_load_ul_q16": radio.load_ul_q16,
                           "initial_load_dl_q16": radio.load_dl_q16, "private": row["private"],
                           "tilt_deg": DEFAULT_TILT_DEG, **overrides})
        return len(self.cells) - 1

    def sectors(self, station: int, radio: RadioSite) -> None:
        """Add a station's sectors, evenly round the compass; a single one is omnidirectional to the pattern's user."""
        for k in range(radio.sectors):
            self.cell(station, k + 1, FIRST_AZIMUTH_DEG + 360.0 * k / radio.sectors, radio)


@dataclass(frozen=True)
class Plant:
    """Who builds in one park: the operator's row and name, its stations, its radio."""

    operator: int
    operator_id: str
    count: int
    radio: RadioSite


def lay_out_park(tables: StationTables, park: int, park_id: str, outline: Outline, plants: Sequence[Plant], sharing: str) -> None:
    """Sites, stations and cells of one park.

    none: every operator has its own sites. passive: all stand on the sites of the one with most stations. moran, mocn: the
    operators of `RADIO_SHARERS` build one joint grid of as many stations as both have; MORAN puts both carriers on every
    station, MOCN the carrier of the host, which then serves both operators' devices.
    """
    if sharing == "passive":
        _passive(tables, park, park_id, outline, plants)
        return
    joint = [p for p in plants if p.operator_id in RADIO_SHARERS] if sharing in ("moran", "mocn") else []
    for plant in plants:
        if plant not in joint:
            _own(tables, park, park_id, outline, plant)
    if joint:
        _joint(tables, park, park_id, outline, joint, sharing)


def _grid(tables: StationTables, park: int, park_id: str, outline: Outline, plant: Plant, count: int) -> list[int]:
    points = hexagonal_sites(count, outline, f"{park_id}/{plant.operator_id}")
    return [tables.site(f"{park_id}/{plant.operator_id}/site-{i + 1:02d}", park, plant.operator, x, y, plant.radio.height_m)
            for i, (x, y) in enumerate(points)]


def _own(tables: StationTables, park: int, park_id: str, outline: Outline, plant: Plant) -> None:
    for site in _grid(tables, park, park_id, outline, plant, plant.count):
        tables.sectors(tables.station(site, plant.operator, plant.operator_id), plant.radio)


def _passive(tables: StationTables, park: int, park_id: str, outline: Outline, plants: Sequence[Plant]) -> None:
    host = max(plants, key=lambda p: p.count)
    sites = _grid(tables, park, park_id, outline, host, host.count)
    for plant in plants:
        spread = np.floor((np.arange(plant.count) + 0.5) * len(sites) / max(plant.count, 1)).astype(int)
        for i in spread:
            tables.sectors(tables.station(sites[i], plant.operator, plant.operator_id), plant.radio)


def _joint(tables: StationTables, park: int, park_id: str, outline: Outline, joint: Sequence[Plant], sharing: str) -> None:
    host = max(joint, key=lambda p: p.count)
    for site in _grid(tables, park, park_id, outline, host, sum(p.count for p in joint)):
        tables.sectors(tables.station(site, host.operator, host.operator_id), host.radio)
        for guest in joint:
            if sharing == "moran" and guest is not host:
                station = tables.station(site, guest.operator, guest.operator_id, counted=False, status="shared")
                tables.sectors(station, guest.radio)


def serving_operator(plants: Sequence[Plant], sharing: str) -> dict[int, int]:
    """Row of the operator whose cells serve each operator's devices in a park; absent where nobody does."""
    out = {p.operator: p.operator for p in plants if p.count > 0}
    joint = [p for p in plants if p.operator_id in RADIO_SHARERS] if sharing in ("moran", "mocn") else []
    if joint and sum(p.count for p in joint) > 0:
        host = max(joint, key=lambda p: p.count)
        for p in joint:
            out[p.operator] = host.operator if sharing == "mocn" else p.operator
    return out


def private_sites(tables: StationTables, park: int, park_id: str, area: Outline, operator: int, operator_id: str, count: int,
                  radio: RadioSite) -> None:
    """Dedicated cells of a private network: small sites over the leased part of the park, not among the plan's stations."""
    for i, (x, y) in enumerate(hexagonal_sites(count, area, f"{park_id}/private")):
        site = tables.site(f"{park_id}/private/site-{i + 1:02d}", park, operator, x, y, radio.height_m, kind="small_cell")
        station = tables.station(site, operator, operator_id, counted=False, private=True)
        tables.sectors(station, radio)
