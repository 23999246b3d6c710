"""KPIs of what carries the traffic: cells, links, UPFs, servers; and of what is connected: devices, tenants, stations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twin.measure.measures import Measures
from twin.measure.scopes import Rows, Scope, join, labels, names_or, ratio, rows
from twin.world.tables import DIRECTIONS, LINK, POOL, RESOURCE_KINDS, RTT, SERVER, World

PCT = "%"
#: KPI of throughput and the layer its bytes are counted at: on a link with the overhead of each packet.
THROUGHPUTS = {LINK: ("link_throughput_gbps", "link layer"), POOL: ("upf_throughput_gbps", "application layer")}


def cell_load_pct(measures: Measures) -> np.ndarray:
    """PRBs used of those available, per cell, columns uplink and downlink (nan for a cell without slots)."""
    return 100.0 * ratio(measures.prb_used, measures.prb_available)


def grant_load_pct(measures: Measures) -> np.ndarray:
    """Grants used of those the control channel has room for, per cell, columns uplink and downlink (nan without any)."""
    return 100.0 * ratio(measures.grants_used, measures.grants_available)


def resource_load_pct(busy_ns: np.ndarray, elapsed_ns: float | np.ndarray, world: World) -> np.ndarray:
    """Load of each resource in percent of its line rate (links, with the traffic that is not simulated) or of its workers.

    busy_ns: (…, resources); a link is busy at the rate that is left for the simulated traffic, a pool sums its workers.
    """
    table = world.resources
    link = table["kind"].to_numpy() == LINK
    busy = ratio(busy_ns, elapsed_ns * np.maximum(np.where(link, 1, table["workers"].to_numpy()), 1))
    own_part = np.where(link, ratio(table["rate_bps"].to_numpy(), table["rate_total_bps"].to_numpy()), 1.0)
    background = np.where(link, np.nan_to_num(table["background_share"].to_numpy(dtype=float)), 0.0)
    return 100.0 * (background + busy * own_part)


def cell_kpis(measures: Measures, world: World) -> Iterator[Rows]:
    """Load (PRBs, grants), throughput, losses and block errors per cell; PRB load also per park, operator and over all."""
    names = world.cells["name"].to_numpy(object)
    load, grants = cell_load_pct(measures), grant_load_pct(measures)
    errors = 100.0 * ratio(measures.cell_block_errors, measures.cell_blocks + measures.cell_block_errors)
    mbps = measures.cell_bytes * (8e3 / measures.measured_ns)
    for d, direction in enumerate(("ul", "dl")):
        yield rows(f"cell_prb_{direction}_pct", "cell", names, load[:, d], PCT)
        yield rows(f"cell_grants_{direction}_pct", "cell", names, grants[:, d], PCT)
        yield rows(f"cell_throughput_{direction}_mbps", "cell", names, mbps[:, d], "Mbit/s (application layer)")
        yield rows(f"cell_lost_{direction}", "cell", names, measures.cell_lost[:, d], "bursts")
        yield rows(f"cell_block_error_{direction}_pct", "cell", names, errors[:, d], PCT)
        for scope in _cell_scopes(world):
            part = ratio(scope.fold(measures.prb_used), scope.fold(measures.prb_available))[:, d]
            largest = scope.fold_max(np.nan_to_num(load))[:, d]
            yield rows(f"cell_prb_{direction}_pct", scope.kind, scope.names, 100.0 * part, PCT)
            yield rows(f"cell_prb_{direction}_max_pct", scope.kind, scope.names, np.where(np.isnan(part), np.nan, largest), PCT)


def _cell_scopes(world: World) -> list[Scope]:
    """Cells lumped by park, operator, both, and all together."""
    parks, operators, _ = labels(world)
    park, operator = world.cells["park"].to_numpy(), world.cells["operator"].to_numpy()
    both = join(np.repeat(parks, len(operators)), np.tile(operators, len(parks)))
    return [Scope("network", np.array(["network"], dtype=object), np.zeros(len(park), dtype=np.int64)),
            Scope("park", parks, park), Scope("operator", operators, operator),
            Scope("park_operator", both, park * len(operators) + operator)]


def resource_kpis(measures: Measures, world: World) -> Iterator[Rows]:
    """Load, throughput and losses per link, UPF worker pool and server queue."""
    table = world.resources
    names, kinds = table["name"].to_numpy(object), table["kind"].to_numpy()
    load = resource_load_pct(measures.busy_ns, measures.measured_ns, world)
    gbps = measures.bytes * (8.0 / measures.measured_ns)
    for kind, load_kpi, drops_kpi in ((LINK, "link_load_pct", "link_drops"), (POOL, "pool_busy_pct", "pool_drops"),
                                      (SERVER, "server_busy_pct", "server_drops")):
        mask = kinds == kind
        scope_kind = RESOURCE_KINDS[kind]
        yield rows(load_kpi, scope_kind, names[mask], load[mask], PCT)
        unit = "messages" if kind == SERVER else "packets"
        yield rows(drops_kpi, scope_kind, names[mask], measures.packets_dropped[mask], unit)
        yield rows(f"{scope_kind}_wait_max_ms", scope_kind, names[mask], measures.wait_max_ns[mask] * 1e-6, "ms")
        rate = measures.bursts[mask] * (1e9 / measures.measured_ns)
        yield rows(f"{scope_kind}_bursts_per_s", scope_kind, names[mask], rate, "1/s")
        if kind != SERVER:
            throughput, layer = THROUGHPUTS[kind]
            yield rows(throughput, scope_kind, names[mask], gbps[mask], f"Gbit/s ({layer})")
        if kind == POOL:
            costs = (table.loc[mask, c].to_numpy() for c in ("cost_per_packet_ns", "cost_per_byte_ps"))
            packets = pool_packets(measures, np.flatnonzero(mask), *costs)
            yield rows("upf_packets_per_s", scope_kind, names[mask], packets * (1e9 / measures.measured_ns), "1/s")


def pool_packets(measures: Measures, row: np.ndarray, cost_per_packet_ns: np.ndarray, cost_per_byte_ps: np.ndarray) -> np.ndarray:
    """Packets that UPF pools (rows of the resources) served, from the work they did; nan where a packet costs nothing.

    A burst's work is packets * cost + bytes * cost, rounded up to a nanosecond a burst.
    """
    rounding = 0.5 * measures.bursts[row] * (cost_per_byte_ps > 0)
    of_packets = np.maximum(measures.busy_ns[row] - measures.bytes[row] * (cost_per_byte_ps * 1e-3) - rounding, 0.0)
    return np.round(ratio(of_packets, cost_per_packet_ns))


def tenant_kpis(measures: Measures, world: World) -> Iterator[Rows]:
    """Messages per tenant, each counted once; the share delivered of those offered, the share within the deadline of those that
    ended or are overdue, and beside it the share agreed upon where the tenants' table names one."""
    n = len(world.tenants)
    used = measures.tenant_offered[:n] > 0
    names = world.tenants["name"].to_numpy(object)[used]
    offered, delivered, within, ended = (
        getattr(measures, f"tenant_{name}")[:n][used] for name in ("offered", "delivered", "within", "ended"))
    yield rows("offered", "tenant", names, offered, "messages")
    yield rows("share_delivered", "tenant", names, ratio(delivered, offered), "share")
    yield rows("share_within_deadline", "tenant", names, ratio(within, ended), "share")
    if "sla_pct" in world.tenants:
        agreed = world.tenants["sla_pct"].to_numpy(dtype=float)[used]
        yield rows("sla_pct", "tenant", names, np.where(agreed > 0, agreed, np.nan), PCT)


def deadline_kpis(world: World) -> Iterator[Rows]:
    """The strictest deadline of each application in each direction that has one (the round trip for request-response)."""
    types = world.flow_types
    direction = np.where(types["response_bytes"] > 0, RTT, types["direction"])
    names = labels(world)[2]
    for d, label in enumerate(DIRECTIONS):
        strictest = types[direction == d].groupby("application")["deadline_ns"].min().reindex(range(len(names)))
        yield rows(f"deadline_{label}_ms", "application", names, strictest.to_numpy(dtype=float) * 1e-6, "ms")


def inventory_kpis(world: World) -> Iterator[Rows]:
    """Devices (all, and those with traffic but no coverage) and stations, by park, operator, class and in total."""
    parks, operators, _ = labels(world)
    classes = world.device_classes["device_class_id"].to_numpy(object)
    devices = world.devices
    lonely = devices_without_coverage(world)
    for kind, names, column in (("park", parks, "park"), ("operator", operators, "operator"),
                                ("device_class", classes, "device_class")):
        index = devices[column].to_numpy()
        known = index >= 0
        count = np.bincount(index[known], minlength=len(names))
        yield rows("devices", kind, names, count, "devices")
        yield rows("devices_without_coverage", kind, names, np.bincount(index[known & lonely], minlength=len(names)), "devices")
    whole = np.array(["network"], dtype=object)
    yield rows("devices", "network", whole, np.array([len(devices)]), "devices")
    yield rows("devices_without_coverage", "network", whole, np.array([lonely.sum()]), "devices")
    yield from _station_kpis(world, parks, operators, whole)


def devices_without_coverage(world: World) -> np.ndarray:
    """bool (devices,): at least one flow, and no route for any of them."""
    device = world.flows["device"].to_numpy()
    routed = (world.flows["route_up"].to_numpy() >= 0) | (world.flows["route_down"].to_numpy() >= 0)
    has_flow, has_route = np.zeros(len(world.devices), dtype=bool), np.zeros(len(world.devices), dtype=bool)
    has_flow[device] = True
    has_route[device[routed]] = True
    return has_flow & ~has_route


def _station_kpis(world: World, parks: np.ndarray, operators: np.ndarray, whole: np.ndarray) -> Iterator[Rows]:
    """Stations in the simulated parks by generation (`stations_5g`, `stations_4g`)."""
    stations = world.stations
    generation = np.where(stations["technology"].astype(str).str.lower().str.contains("nr|5g"), "5g", "4g")
    park = world.sites["park"].to_numpy()[stations["site"].to_numpy()]
    for label in ("5g", "4g"):
        mask = generation == label
        if not mask.any() and label == "4g":
            continue
        yield rows(f"stations_{label}", "network", whole, np.array([mask.sum()]), "stations")
        in_park = np.bincount(park[mask & (park >= 0)], minlength=len(parks))
        yield rows(f"stations_{label}", "park", parks, in_park, "stations")
        yield rows(f"stations_{label}", "operator", operators,
                   np.bincount(stations["operator"].to_numpy()[mask], minlength=len(operators)), "stations")


def owner_names(world: World, park: np.ndarray, operator: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Identifiers of parks and operators by row, '' for -1."""
    parks, operators, _ = labels(world)
    return names_or(parks, park), names_or(operators, operator)
