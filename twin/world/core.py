"""Where user planes leave the core and where applications are served: from a scenario to ways and routes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import networkx as nx

from twin.base.errors import Problem, WorldError
from twin.base.units import ms_to_ns, us_to_ns
from twin.scenario.equipment import LinkType, ServerSite
from twin.scenario.schema import Scenario
from twin.world.layout import to_plane
from twin.world.resources import PoolKind, QueueKind, ResourceTable, next_rate
from twin.world.routes import Router, Way
from twin.world.transport import LinkKind, TransportKinds, add_servers, find_node

NODE_KIND = {"hanoi": "core", "province": "pop", "park": "aggregation"}


def link_kind(name: str, link: LinkType, background_share: float, gbps: float | None = None) -> LinkKind:
    """A link type of the library in the engine's units; `gbps` replaces its rate (and then the next step follows the rate)."""
    rate = round((gbps or link.rate_gbps) * 1e9)
    up = rate if gbps or link.rate_up_gbps is None else round(link.rate_up_gbps * 1e9)
    node = us_to_ns(link.node_us)
    return LinkKind(link_type=name, rate_bps=rate, rate_up_bps=up, overhead_bytes=link.overhead_bytes, buffer_ms=link.buffer_ms,
                    node_ns=node, node_up_ns=node if link.node_up_us is None else us_to_ns(link.node_up_us),
                    ns_per_km=link.propagation_us_per_km * 1000.0, next_step=next_rate(rate) if gbps else link.next_step,
                    background_share=background_share if link.shared else 0.0)


def transport_kinds(scenario: Scenario) -> TransportKinds:
    """The kinds of edge of the generated topology."""
    t, types = scenario.transport, scenario.link_types

    def kind(name: str, gbps: float | None = None) -> LinkKind:
        return link_kind(name, types[name], t.background_share, gbps)

    return TransportKinds(access=kind(t.site_access), aggregation=kind("park-aggregation", t.park_aggregation_gbps),
                          ring=kind("ring", t.ring_gbps), trunk=kind("metro", t.ring_gbps), servers=kind("server-access"),
                          route_factor=t.route_factor)


def site_positions(sites: Mapping[str, ServerSite]) -> dict[str, tuple[float, float]]:
    """Where the core and the PoP stand (m), by node kind, as the server sites say."""
    out: dict[str, tuple[float, float]] = {}
    for site in sites.values():
        if site.lat is not None and site.lon is not None and NODE_KIND[site.place] not in out:
            x, y = to_plane(site.lat, site.lon)
            out[NODE_KIND[site.place]] = (float(x), float(y))
    return out


@dataclass(frozen=True)
class Capacity:
    """What an operator's own nf_capacity table says of a UPF or a queue; None keeps the library's figure.

    idle: columns it fills that change nothing.
    """

    workers: int | None = None
    instances: int | None = None
    backlog_limit: int | None = None
    cost_per_packet_us: float | None = None
    cost_per_byte_ns: float | None = None
    service_mean_us: float | None = None
    queue_limit_ms: float | None = None
    next_step: str = ""
    idle: tuple[str, ...] = ()


@dataclass
class Core:
    """Finds the UPF and the server queues of every flow and makes their resources."""

    scenario: Scenario
    graph: nx.Graph
    router: Router
    capacities: Mapping[str, Capacity] = field(default_factory=dict)
    used_capacities: set[str] = field(default_factory=set)
    _nodes: dict[tuple[str, int, int], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.operators = list(self.scenario.operators)
        self.parks = list(self.scenario.parks)
        self.kinds = transport_kinds(self.scenario)

    @property
    def resources(self) -> ResourceTable:
        """Rows collected so far."""
        return self.router.resources

    def has_own_upf(self, park: int, operator: int, application: str) -> bool:
        """Whether this traffic leaves the core at a private network's own UPF."""
        return self.scenario.has_own_upf(application) and self.is_private(park, operator, application)

    def is_private(self, park: int, operator: int, application: str) -> bool:
        """Whether a private network carries this application of this operator's devices in the park."""
        network = self.scenario.private_network
        return (network is not None and self.parks[park] in network.parks and application in network.applications
                and network.operator == self.operators[operator])

    def upf_place(self, park: int, operator: int, application: str) -> str:
        """Where the user plane leaves the core: hanoi, province or park."""
        if self.has_own_upf(park, operator, application):
            return "park"
        return self.scenario.operators[self.operators[operator]].upf

    def server_site(self, park: int, operator: int, application: str) -> str:
        """Server site of an application: of the first queue of its chain, validation having seen that all stand together."""
        own_upf = self.has_own_upf(park, operator, application)
        return self.scenario.server_site_of(application, self.scenario.applications[application].server_chain[0], own_upf)

    def site_at(self, place: str) -> str:
        """First server site of a place: its UPFs stand there."""
        name = self.scenario.first_site(place)
        if name is None or self.scenario.server_sites[name].upf is None:
            raise WorldError([Problem("", "server_sites", f"no UPF at place {place}", "add one, or choose another place")])
        return name

    def server_room(self, site: str, operator: int, park: int) -> str:
        """Graph node of a site's servers. The first site of a place is beside the place's node; others stand where they say,
        on a fibre of their own to that node."""
        entry = self.scenario.server_sites[site]
        at = self.node(entry.place, operator, park)
        if site == self.scenario.first_site(entry.place):
            return add_servers(self.graph, at, self.kinds)
        position = None
        if entry.lat is not None and entry.lon is not None:
            x, y = to_plane(entry.lat, entry.lon)
            position = float(x), float(y)
        return add_servers(self.graph, at, self.kinds, f"/{site}", position)

    def node(self, place: str, operator: int, park: int) -> str:
        """Graph node of a place for an operator (and park)."""
        key = (place, operator, park if place == "park" else -1)
        if key not in self._nodes:
            self._nodes[key] = self._find(*key)
        return self._nodes[key]

    def _find(self, place: str, operator: int, park: int) -> str:
        found = find_node(self.graph, NODE_KIND[place], operator, park)
        if found is None:
            where = f" in park {self.parks[park]}" if place == "park" else ""
            raise WorldError([Problem("", "tables.nodes", f"{self.operators[operator]} has no {NODE_KIND[place]} node{where}",
                                      f"give the table of nodes a row of kind {NODE_KIND[place]}")])
        return found

    def _name(self, site: str, operator: int, park: int) -> str:
        at_park = self.scenario.server_sites[site].place == "park"
        return f"{self.parks[park]}/{self.operators[operator]}/{site}" if at_park else f"{self.operators[operator]}/{site}"

    def pools(self, place: str, operator: int, park: int) -> tuple[int, int]:
        """Rows of the UPF's two pools (up, down)."""
        site = self.site_at(place)
        name = f"{self._name(site, operator, park)}/upf"
        upf, own = self.scenario.server_sites[site].upf, self.capacity(name)
        assert upf is not None
        kind = PoolKind(own.workers or upf.workers, us_to_ns(own.cost_per_packet_us or upf.cost_per_packet_us),
                        round((upf.cost_per_byte_ns if own.cost_per_byte_ns is None else own.cost_per_byte_ns) * 1000),
                        ms_to_ns(own.queue_limit_ms or upf.queue_limit_ms), own.next_step or upf.next_step)
        at = park if place == "park" else -1
        return self.resources.pool(name, "up", kind, at, operator), self.resources.pool(name, "down", kind, at, operator)

    def queue(self, site: str, queue: str, operator: int, park: int) -> int:
        """Row of one queue of a server site.

        Raises:
            WorldError: the site has no such queue.
        """
        queues = {str(k): v for k, v in self.scenario.server_sites[site].queues.items()}
        if queue not in queues:
            raise WorldError([Problem("", f"server_sites.{site}.queues", f"no queue {queue!r}, which an application needs",
                                      f"add it; there are {', '.join(sorted(queues))}")])
        name, q = f"{self._name(site, operator, park)}/{queue}", queues[queue]
        own = self.capacity(name)
        kind = QueueKind(own.workers or q.workers, q.service_kind, us_to_ns(own.service_mean_us or q.service_mean_us),
                         ms_to_ns(own.queue_limit_ms or q.queue_limit_ms), own.next_step or q.next_step or "")
        at = park if self.scenario.server_sites[site].place == "park" else -1
        return self.resources.server(name, kind, at, operator)

    def capacity(self, name: str) -> Capacity:
        """What the operator's own table says of a unit, which is noted as met."""
        if name in self.capacities:
            self.used_capacities.add(name)
        return self.capacities.get(name, Capacity())

    def way(self, site_node: str, park: int, operator: int, application: str) -> Way:
        """What joins a radio site to the servers of an application."""
        place = self.upf_place(park, operator, application)
        server = self.server_site(park, operator, application)
        up, down = self.pools(place, operator, park)
        chain = tuple(self.queue(server, q, operator, park) for q in self.scenario.applications[application].server_chain)
        return Way(site_node, self.node(place, operator, park), self.server_room(server, operator, park), up, down, chain)
