"""The operator's own tables put in place of what would be generated."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from twin.base.errors import Problem, WorldError
from twin.scenario.schema import Scenario
from twin.world.control.cores import function_units
from twin.world.core import Capacity, Core, link_kind, transport_kinds
from twin.world.imports.columns import did_you_mean
from twin.world.imports.network import LinkRow, NodeRow, read_links, read_nf_capacity, read_nodes
from twin.world.imports.sites import CellRow, read_sites
from twin.world.imports.tenants import TenantRow, read_tenants
from twin.world.layout import parcels
from twin.world.population import Population, Tenant
from twin.world.resources import next_rate
from twin.world.stations import DEFAULT_TILT_DEG, FIRST_AZIMUTH_DEG
from twin.world.transport import LinkKind, TransportKinds, add_edge

if TYPE_CHECKING:
    from twin.world.build import Draft


@dataclass
class Overrides:
    """Rows of the tables a scenario names; empty where it names none."""

    cells: tuple[CellRow, ...] = ()
    nodes: tuple[NodeRow, ...] = ()
    links: tuple[LinkRow, ...] = ()
    tenants: tuple[TenantRow, ...] = ()
    capacities: dict[str, Capacity] = field(default_factory=dict)
    capacity_places: dict[str, str] = field(default_factory=dict)

    def place_sites(self, draft: Draft) -> set[int]:
        """Put the table's sites, stations and cells into the draft; rows of the operators it names."""
        stations: dict[tuple[str, str], list[CellRow]] = {}
        for row in self.cells:
            stations.setdefault((row.site, row.operator), []).append(row)
        site_rows: dict[str, int] = {}
        for (site, operator), rows in stations.items():
            on_air = [r for r in rows if r.status == "on_air"]
            if on_air:
                self._station(draft, site, operator, on_air, site_rows)
        waiting = len(stations) - len(draft.stations.stations)
        if waiting:
            draft.warnings.append(f"{waiting} stations of the table of sites are not on air on {draft.scenario.plan.date}")
        return {draft.operators.index(o) for _, o in stations}

    def _station(self, draft: Draft, site: str, operator: str, rows: list[CellRow], site_rows: dict[str, int]) -> None:
        scenario, first, o = draft.scenario, rows[0], draft.operators.index(operator)
        radio = draft.radios.site(_profile(scenario, first), first.tdd_pattern)
        if site not in site_rows:
            owner = draft.operators.index(first.owner) if first.owner else o
            height = radio.height_m if first.height_m is None else first.height_m
            park = draft.parks.index(first.park)
            _warn_if_far(draft, first)
            site_rows[site] = draft.stations.site(site, park, owner, first.x_m, first.y_m, height, first.kind)
        station = draft.stations.station(site_rows[site], o, operator)
        if len(rows) == 1 and first.azimuth_deg is None:
            draft.stations.sectors(station, radio)
            return
        for k, row in enumerate(rows):
            radio = draft.radios.site(_profile(scenario, row), row.tdd_pattern)
            azimuth = FIRST_AZIMUTH_DEG + 360.0 * k / len(rows) if row.azimuth_deg is None else row.azimuth_deg
            draft.stations.cell(station, row.number or k + 1, azimuth, radio,
                                tilt_deg=DEFAULT_TILT_DEG if row.tilt_deg is None else row.tilt_deg,
                                tx_power_dbm=radio.tx_power_dbm if row.power_dbm is None else row.power_dbm)

    def place_tenants(self, draft: Draft, population: Population) -> None:
        """Put the table's tenants into the population, with plots by their workers."""
        day = draft.scenario.plan.date.isoformat()
        for p, park in enumerate(draft.parks):
            rows = [t for t in self.tenants if t.park == park and t.start_date <= day]
            weights = np.array([max(t.workers, 1) for t in rows], dtype=np.float64)
            for t, plot in zip(rows, parcels(weights, draft.areas[park])):
                population.add_tenant(Tenant(f"{park}/{t.name}", p, float(max(t.workers, 1)), tuple(plot.tolist()), t.workers,
                                             t.devices, t.sla_pct, t.start_date))

    def graph(self, draft: Draft) -> nx.Graph | None:
        """The operator's own topology, or None without a table of nodes."""
        if not self.nodes:
            return None
        graph, kinds = nx.Graph(), transport_kinds(draft.scenario)
        for n in self.nodes:
            graph.add_node(n.name, kind=n.kind, place=n.park or n.name, x_m=n.x_m, y_m=n.y_m,
                           operator=draft.operators.index(n.operator) if n.operator else -1,
                           park=draft.parks.index(n.park) if n.park else -1)
        for link in self.links:
            _add_link(draft.scenario, graph, link, _kind_between(graph, link.a, link.b, kinds))
        return graph

    def change_links(self, draft: Draft, graph: nx.Graph) -> None:
        """Without a table of nodes, the table of links changes links of the generated topology."""
        if self.nodes:
            return
        problems = []
        for link in self.links:
            for key, end in (("from", link.a), ("to", link.b)):
                if end not in graph:
                    problems.append(Problem(link.place, key, f"no node {end!r}{did_you_mean(end, list(graph))}",
                                            "use the generated names (twin show), or give a table of nodes"))
        if problems:
            raise WorldError(problems)
        for link in self.links:
            _add_link(draft.scenario, graph, link, _kind_between(graph, link.a, link.b, transport_kinds(draft.scenario)))

    def idle_columns(self) -> list[str]:
        """Warnings about columns of nf_capacity that are filled and change nothing."""
        columns = sorted({key for own in self.capacities.values() for key in own.idle})
        return [f"tables.nf_capacity: {' and '.join(columns)} are notes without effect"] if columns else []

    def check_used(self, core: Core) -> list[str]:
        """Every row of nf_capacity must have met its UPF, queue or function; warnings about functions that are not simulated.

        Raises:
            WorldError: a unit that is not in the network.
        """
        names = sorted({r["name"].removesuffix(" [up]").removesuffix(" [down]") for r in core.resources.rows if r["kind"] > 0})
        functions = function_units(core.scenario)
        unmet = [unit for unit in self.capacities if unit not in core.used_capacities]
        problems = [Problem(self.capacity_places[u], "unit", f"no UPF, queue or function {u!r} is in use"
                            f"{did_you_mean(u, [*names, *functions])}", f"one of {', '.join([*names[:12], *functions[:3]])} …")
                    for u in unmet if u not in functions]
        if problems:
            raise WorldError(problems)
        return [f"tables.nf_capacity: {unit} has no effect: the control plane is off" for unit in unmet]


#: A site so far outside its park's outline is doubtful: the outline is a guess and map points are a kilometre or two off.
FAR_FROM_PARK_M = 3_000.0


def _warn_if_far(draft: Draft, row: CellRow) -> None:
    """Warn of a site that can hardly belong to the park it names; the nearest park is named."""
    distance_m = {park: outline.distance_m(row.x_m, row.y_m) for park, outline in draft.outlines.items()}
    if distance_m[row.park] > FAR_FROM_PARK_M:
        nearest = min(distance_m, key=lambda park: distance_m[park])
        draft.warnings.append(f"{row.place}: site {row.site!r} lies {distance_m[row.park] / 1_000:.1f} km outside {row.park}; "
                              f"the nearest park is {nearest} ({distance_m[nearest] / 1_000:.1f} km): check its coordinates")


def _profile(scenario: Scenario, row: CellRow) -> str:
    """Radio profile of a cell: as named, else the first of its band, else the operator's."""
    if row.radio_profile:
        return row.radio_profile
    by_band = [name for name, p in scenario.radio_profiles.items() if row.band and p.band == row.band]
    own = scenario.operators[row.operator].radio_profile
    if not by_band or own in by_band:
        return own
    return by_band[0]


def _kind_between(graph: nx.Graph, a: str, b: str, kinds: TransportKinds) -> tuple[str, LinkKind]:
    """Kind of an edge by the nodes it joins, with the library's figures for it."""
    ends = {graph.nodes[a]["kind"], graph.nodes[b]["kind"]}
    if "servers" in ends:
        return "servers", kinds.servers
    if "site" in ends:
        return "access", kinds.access
    if "aggregation" in ends:
        return "aggregation", kinds.aggregation
    return ("trunk", kinds.trunk) if "core" in ends else ("ring", kinds.ring)


def _add_link(scenario: Scenario, graph: nx.Graph, link: LinkRow, of_kind: tuple[str, LinkKind]) -> None:
    kind, spec = of_kind
    if link.link_type:
        spec = link_kind(link.link_type, scenario.link_types[link.link_type], scenario.transport.background_share)
    rate = round(link.rate_gbps * 1e9)
    share = spec.background_share if link.p95_load_pct is None else link.p95_load_pct / 100.0
    spec = replace(spec, rate_bps=rate, rate_up_bps=rate, background_share=share, next_step=next_rate(rate))
    na, nb = graph.nodes[link.a], graph.nodes[link.b]
    straight = math.hypot(na["x_m"] - nb["x_m"], na["y_m"] - nb["y_m"]) / 1000.0
    length = link.length_km or max(0.05, straight * scenario.transport.route_factor)
    old = graph.get_edge_data(link.a, link.b, default={})
    duct = link.duct or old.get("duct") or f"duct/{link.a}--{link.b}"
    protection = bool(old.get("protection", False)) if link.protection is None else link.protection
    add_edge(graph, link.a, link.b, kind, spec, duct, length, protection)


def read_overrides(scenario: Scenario) -> Overrides:
    """Read every table the scenario names; the problems of all files are reported together.

    Raises:
        WorldError: one or more tables are broken.
    """
    problems: list[Problem] = []
    out = Overrides()
    operators, parks = list(scenario.operators), list(scenario.parks)

    def attempt(table: str, read):  # type: ignore[no-untyped-def]
        path = scenario.table_path(table)
        if path is None:
            return None
        try:
            return read(path)
        except WorldError as error:
            problems.extend(error.problems)
            return None

    profiles, day = list(scenario.radio_profiles), scenario.plan.date
    out.cells = attempt("sites", lambda p: read_sites(p, operators, parks, profiles, day)) or ()
    out.nodes = attempt("nodes", lambda p: read_nodes(p, operators, parks)) or ()
    names = [n.name for n in out.nodes] if out.nodes else None
    out.links = attempt("links", lambda p: read_links(p, list(scenario.link_types), names)) or ()
    out.tenants = attempt("tenants", lambda p: read_tenants(p, parks)) or ()
    capacities = attempt("nf_capacity", read_nf_capacity) or {}
    out.capacities = {k: v[0] for k, v in capacities.items()}
    out.capacity_places = {k: v[1] for k, v in capacities.items()}
    if scenario.tables.nodes and not scenario.tables.links:
        problems.append(Problem("", "tables.links", "a table of nodes without a table of links", "give both"))
    if problems:
        raise WorldError(problems)
    return out
