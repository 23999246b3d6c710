"""Build a world from a scenario: `build_world`."""

from __future__ import annotations

from dataclasses import dataclass, field

import networkx as nx
import numpy as np
import pandas as pd

from twin.base.errors import Problem, WorldError
from twin.base.units import s_to_ns
from twin.scenario.schema import Scenario
from twin.world.assumptions import assumptions
from twin.world.control.build import build_signalling
from twin.world.control.standalone import core_counts
from twin.world.core import Core, site_positions, transport_kinds
from twin.world.devices import DeviceArrays, operator_cdf, place_devices
from twin.world.flow_types import FlowTypeTable, activity_q16
from twin.world.flows import Demand, acyclic, build_flows, check_paths
from twin.world.frames import application_frame, device_counts, device_frame, operator_frame, tenant_frame, typed
from twin.world.layers import Receivers, attach, keep_own_cell, validity
from twin.world.layout import Outline, park_outline, to_plane
from twin.world.overrides import Overrides, read_overrides
from twin.world.phones import Phones, place_phones
from twin.world.population import Population, PopulationBuilder, developed, generate_tenants
from twin.world.radios import RadioTable
from twin.world.resources import ResourceTable
from twin.world.routes import Router
from twin.world.station_plan import planned_counts, station_counts
from twin.world.stations import Plant, StationTables, lay_out_park, private_sites, serving_operator
from twin.world.tables import World
from twin.world.transport import add_backbone, add_park, add_site, find_node


@dataclass
class Draft:
    """A world on its way: what the steps of `build_world` hand on."""

    scenario: Scenario
    overrides: Overrides
    outlines: dict[str, Outline] = field(default_factory=dict)
    areas: dict[str, Outline] = field(default_factory=dict)
    stations: StationTables = field(default_factory=StationTables)
    serving: dict[tuple[int, int], int] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.radios = RadioTable(self.scenario.radio_profiles)
        self.operators = list(self.scenario.operators)
        self.parks = list(self.scenario.parks)


def _parks(draft: Draft) -> pd.DataFrame:
    rows = []
    for name, park in draft.scenario.parks.items():
        x, y = to_plane(park.lat, park.lon)
        draft.outlines[name] = park_outline(float(x), float(y), park.area_ha)
        draft.areas[name] = developed(draft.outlines[name], park)
        rows.append({"park_id": name, "name_vi": park.name_vi, "name_en": park.name_en, "lat": park.lat, "lon": park.lon,
                     "x_m": x, "y_m": y, "area_ha": park.area_ha, "leased_ha": park.leased_ha,
                     "workers": park.workers, "wave": park.wave,
                     **{f"outline_{k}_m": v for k, v in vars(draft.outlines[name]).items()}})
    return typed("parks", pd.DataFrame(rows))


def _stations(draft: Draft) -> None:
    """Sites, stations and cells: the operator's own table for the operators it names, generated for the others."""
    scenario, counts = draft.scenario, planned_counts(draft.scenario)
    named = draft.overrides.place_sites(draft)
    for p, park in enumerate(draft.parks):
        plants = [Plant(o, name, counts[park].get(name, 0), draft.radios.site(scenario.operators[name].radio_profile))
                  for o, name in enumerate(draft.operators) if o not in named]
        lay_out_park(draft.stations, p, park, draft.outlines[park], plants, scenario.sharing if plants else "none")
        draft.serving.update({(p, o): host for o, host in serving_operator(plants, scenario.sharing).items()})
    for row in draft.stations.stations:
        draft.serving.setdefault((draft.stations.sites[row["site"]]["park"], row["operator"]), row["operator"])
    _private(draft)
    if not draft.stations.cells:
        raise WorldError([Problem("", "plan.stations_5g", "no park has a 5G station", "raise stations_5g or in_park_share")])
    for p, park in enumerate(draft.parks):
        if not any((p, o) in draft.serving for o in range(len(draft.operators))):
            draft.warnings.append(f"no operator has a 5G station in park {park}: all its devices are without coverage")


def _private(draft: Draft) -> None:
    network = draft.scenario.private_network
    if network is None or network.mode != "dedicated_ran":
        return
    radio = draft.radios.site(network.radio_profile)
    for park in network.parks:
        operator = draft.operators.index(network.operator)
        private_sites(draft.stations, draft.parks.index(park), park, draft.areas[park], operator, network.operator,
                      network.sites_per_park, radio)


def _population(draft: Draft) -> Population:
    population = Population()
    draft.overrides.place_tenants(draft, population)
    builder = PopulationBuilder(draft.scenario, population)
    for p, (name, park) in enumerate(draft.scenario.parks.items()):
        if not population.of_park(p):
            generate_tenants(population, name, p, park, draft.areas[name])
        if draft.scenario.devices.include_derived:
            builder.derive(name, p)
    builder.place_groups(draft.areas)
    return population


def _devices(draft: Draft, population: Population) -> DeviceArrays:
    shares = np.array([o.device_share for o in draft.scenario.operators.values()])
    serves = np.array([[(p, o) in draft.serving for o in range(len(draft.operators))] for p in range(len(draft.parks))])
    plots = np.array([t.plot for t in population.tenants], dtype=np.float64).reshape(-1, 4)
    return place_devices(population.groups, plots, operator_cdf(shares, serves),
                         draft.scenario.devices.high_loss_building_share)


def _serving_column(draft: Draft, park: np.ndarray, operator: np.ndarray) -> np.ndarray:
    table = np.full((len(draft.parks), len(draft.operators)), -1, dtype=np.int32)
    for (p, o), host in draft.serving.items():
        table[p, o] = host
    return table[park, operator]


def _private_column(draft: Draft, devices: DeviceArrays) -> np.ndarray:
    """Devices on dedicated cells: those of the private network's operator whose class has one of its applications."""
    network, out = draft.scenario.private_network, np.zeros(len(devices), dtype=np.bool_)
    if network is None or network.mode != "dedicated_ran":
        return out
    carried = np.array([any(i.application in network.applications for i in c.traffic.values())
                        for c in draft.scenario.device_classes.values()])
    parks = np.array([p in network.parks for p in draft.parks])
    return parks[devices.park] & carried[devices.device_class] & (devices.operator == draft.operators.index(network.operator))


def _receivers(draft: Draft, devices: DeviceArrays, phones: Phones) -> Receivers:
    heights = np.array([c.height_m for c in draft.scenario.device_classes.values()])
    n = len(phones.device_hash)

    def join(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.concatenate([a, b.astype(a.dtype)])

    return Receivers(
        join(devices.device_hash, phones.device_hash), join(devices.park, phones.park),
        join(_serving_column(draft, devices.park, devices.operator), phones.host),
        join(_private_column(draft, devices), np.zeros(n)), join(devices.x_m, phones.x_m), join(devices.y_m, phones.y_m),
        join(heights[devices.device_class], heights[phones.device_class]), join(devices.indoor, np.zeros(n)),
        join(devices.high_loss, np.zeros(n)), join(devices.depth_m, np.zeros(n)))


def _graph(draft: Draft, accesses: list[tuple[str, int, int]], site_rows: list[int]) -> nx.Graph:
    """Generated topology, or the operator's own nodes and links; every radio site in use is joined to its aggregation."""
    scenario, kinds = draft.scenario, transport_kinds(draft.scenario)
    graph = draft.overrides.graph(draft)
    if graph is None:
        graph = nx.Graph()
        for o, operator in enumerate(draft.operators):
            add_backbone(graph, operator, o, kinds, site_positions(scenario.server_sites))
            for p, park in enumerate(draft.parks):
                add_park(graph, park, p, operator, o, *draft.outlines[park].middle, kinds)
    for (node, p, o), row in zip(accesses, site_rows):
        if node not in graph:
            agg = find_node(graph, "aggregation", o, p)
            if agg is None:
                raise WorldError([Problem("", "tables.nodes", f"{draft.operators[o]} has no aggregation node in park "
                                          f"{draft.parks[p]} for site {node}", "add one, or a node of the site's name")])
            site = draft.stations.sites[row]
            add_site(graph, node, p, o, agg, site["x_m"], site["y_m"], kinds)
    draft.overrides.change_links(draft, graph)
    return graph


def _accesses(draft: Draft, cell: np.ndarray, cells: pd.DataFrame, operator: np.ndarray) -> tuple[np.ndarray, list, list[int]]:
    """Of each device the row of its (site node, park, core operator), and these rows with their sites."""
    n_operators = len(draft.operators)
    served = cell >= 0
    key = np.where(served, cells["site"].to_numpy()[np.maximum(cell, 0)].astype(np.int64) * n_operators + operator, -1)
    unique = np.unique(key[served])
    rows, sites = [], []
    for k in unique:
        site, o = divmod(int(k), n_operators)
        at = draft.stations.sites[site]
        rows.append((at["name"] if at["owner"] == o else f"{at['name']}/{draft.operators[o]}", at["park"], o))
        sites.append(site)
    return np.where(served, np.searchsorted(unique, key), -1), rows, sites


def _flow_types(draft: Draft, phones: Phones) -> tuple[FlowTypeTable, list[list[int]], list[str]]:
    """Flow types; those of each kind of device (a class, or the phones of a park and operator); names of their items."""
    table = FlowTypeTable(draft.scenario.applications, draft.scenario.activity_profiles)
    kinds: list[list[int]] = []
    items: list[str] = []
    for c, (name, device_class) in enumerate(draft.scenario.device_classes.items()):
        single = {} if device_class.aggregate_per_cell else device_class.traffic
        kinds.append([table.add(f"{name}/{item}", c, traffic) for item, traffic in single.items()])
        items += list(single)
    for kind in phones.kinds:
        name = list(draft.scenario.device_classes)[kind.device_class]
        traffic_items = draft.scenario.device_classes[name].traffic
        kinds.append([table.add(f"{name}/{item}@{kind.label}", kind.device_class, traffic, kind.rate_factor)
                      for item, traffic in traffic_items.items()])
        items += list(traffic_items)
    return table, kinds, items


def _network(draft: Draft, demand: Demand, types: pd.DataFrame, graph: nx.Graph) -> tuple[Core, pd.DataFrame]:
    """Routes and resources, told apart as finely as it takes for no resource to feed itself."""
    for separation in range(3):
        core = Core(draft.scenario, graph, Router(graph, ResourceTable(), separation=separation), draft.overrides.capacities)
        flows = build_flows(demand, types, core)
        if acyclic(core, flows):
            break
    else:
        draft.warnings.append("some routes feed each other in a circle: the engine runs these resources together, more slowly")
    if separation:
        draft.warnings.append("the ways to the UPF and on to the servers share fibres in a circle: each has the whole rate")
    return core, flows


def build_world(scenario: Scenario) -> World:
    """Everything static about the network of a scenario: the tables and the graph that the engine reads.

    Raises:
        WorldError: a table file is broken, or a network cannot be built; `problems` holds everything that was found.
    """
    draft = Draft(scenario, read_overrides(scenario))
    draft.warnings += draft.overrides.idle_columns()
    parks = _parks(draft)
    _stations(draft)
    population = _population(draft)
    devices = _devices(draft, population)
    sites = typed("sites", pd.DataFrame(draft.stations.sites))
    stations = typed("stations", pd.DataFrame(draft.stations.stations))
    cells = typed("cells", pd.DataFrame(draft.stations.cells))
    phones = place_phones(scenario, cells, sites, draft.outlines, draft.serving)
    receivers = _receivers(draft, devices, phones)
    coupling, lost = attach(receivers, cells, sites, stations, draft.radios)
    draft.warnings += validity(receivers, coupling.cell, cells, sites, draft.radios)
    for i, cell in enumerate(phones.cell):
        keep_own_cell(coupling, len(devices) + i, int(cell))
    frame = device_frame(draft.parks, population, devices, phones, coupling.cell, coupling.gain_db)
    access, accesses, site_rows = _accesses(draft, coupling.cell, cells, frame["operator"].to_numpy())
    graph = _graph(draft, accesses, site_rows)
    table, kinds, items = _flow_types(draft, phones)
    types = table.frame()
    kind = np.concatenate([devices.device_class, len(scenario.device_classes) + phones.kind]).astype(np.int64)
    demand = Demand(frame["device_hash"].to_numpy(), frame["tenant"].to_numpy(), kind, kinds, items, access,
                    accesses, [t.name for t in population.tenants])
    core, flows = _network(draft, demand, types, graph)
    signalling = build_signalling(scenario, core, draft.radios, cells, sites, frame, draft.warnings)
    draft.warnings += draft.overrides.check_used(core)
    start, resources = core.router.routes.arrays()
    draft.counts.update(population.counts)
    draft.counts.update(station_counts(scenario, stations, sites))
    draft.counts.update(device_counts(draft.parks, devices, coupling.cell, lost))
    draft.counts.update(core_counts(scenario, devices.device_hash, devices.operator))
    return World(
        parks=parks, operators=operator_frame(scenario), sites=sites, stations=stations, cells=cells, radios=draft.radios.frame(),
        applications=application_frame(scenario), tenants=tenant_frame(population),
        device_classes=pd.DataFrame({"device_class_id": list(scenario.device_classes)}), devices=frame,
        neighbours=coupling.neighbours, neighbour_gain_db=coupling.neighbour_gain_db, flow_types=types,
        flows=typed("flows", flows),
        resources=core.resources.frame(), route_start=start, route_resources=resources,
        activity_q16=activity_q16(list(scenario.activity_profiles.values())), graph=graph, assumptions=assumptions(scenario),
        start_of_day_ns=s_to_ns(scenario.simulation.start_of_day_s), counts=draft.counts,
        signalling=signalling, warnings=(*scenario.warnings, *draft.warnings, *check_paths(graph)))


__all__ = ["build_world"]
