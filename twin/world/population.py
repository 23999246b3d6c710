"""Who is in the parks: tenants with their plots, and the groups of devices each of them owns.

Derived devices: density x leased hectares a park, split over classes by the base mix, over kinds of access by the class's
shares, and over tenants by their size, all by largest remainders, so that totals hold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from twin.base.names import name_hash
from twin.scenario.apportion import apportion
from twin.scenario.entries import FIVE_G, AccessShare, DeviceClass, Park
from twin.scenario.schema import Scenario
from twin.world.devices import DeviceGroup
from twin.world.layout import Outline, parcels

LEASABLE_SHARE = 0.734  # of a park's area: 2,036.7 of 2,773.4 ha in the park board's table
ACCESS_KINDS = tuple(AccessShare.model_fields)
TENANT_SIGMA = 1.0  # of the natural logarithm of tenant sizes


@dataclass
class Tenant:
    """A company in a park. devices: of all classes and kinds of access, when its own table says so. plot in m."""

    name: str
    park: int
    weight: float
    plot: tuple[float, float, float, float]
    workers: int = 0
    devices: int | None = None
    sla_pct: float = math.nan
    start_date: str = ""


@dataclass
class Population:
    """Tenants and device groups of all parks; counts of devices that are not simulated by park, class and access."""

    tenants: list[Tenant] = field(default_factory=list)
    groups: list[DeviceGroup] = field(default_factory=list)
    counts: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def add_tenant(self, tenant: Tenant) -> int:
        """Row of a tenant, added if its name is new."""
        if tenant.name not in self.rows:
            self.rows[tenant.name] = len(self.tenants)
            self.tenants.append(tenant)
        return self.rows[tenant.name]

    def of_park(self, park: int) -> list[int]:
        """Rows of the tenants of a park."""
        return [i for i, t in enumerate(self.tenants) if t.park == park]


def developed(outline: Outline, park: Park) -> Outline:
    """The part of a park where tenants are."""
    return outline.part(min(1.0, park.leased_ha / (LEASABLE_SHARE * park.area_ha)))


def tenant_weight(name: str) -> float:
    """Size of a tenant relative to others, log-normal, from its name."""
    h = name_hash(f"{name}/size")
    u, v = ((h >> 32) + 0.5) / 2**32, (h & 0xFFFFFFFF) / 2**32
    return math.exp(TENANT_SIGMA * math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * v))


def generate_tenants(population: Population, park_id: str, row: int, park: Park, area: Outline) -> None:
    """As many tenants as the park has, named tenant-01 …, with workers in proportion to size."""
    names = [f"{park_id}/tenant-{i + 1:02d}" for i in range(park.tenants)]
    weights = np.array([tenant_weight(n) for n in names])
    workers = apportion(park.workers, weights)
    for name, weight, plot, w in zip(names, weights, parcels(weights, area), workers):
        population.add_tenant(Tenant(name, row, float(weight), tuple(plot.tolist()), int(w)))


def base_mix(classes: Mapping[str, DeviceClass]) -> tuple[list[str], np.ndarray]:
    """Classes of single devices and their weights in the base mix."""
    names = [n for n, c in classes.items() if not c.aggregate_per_cell]
    return names, np.array([classes[n].per_1000_workers_base for n in names])


def indoor_share_of(device_class: DeviceClass, default: float) -> float:
    """Share of a class that is indoors."""
    return default if device_class.indoor_share is None else device_class.indoor_share


class PopulationBuilder:
    """Adds device groups to a population, numbering the devices of a tenant and class on."""

    def __init__(self, scenario: Scenario, population: Population) -> None:
        self.scenario, self.population = scenario, population
        self.class_rows = {name: i for i, name in enumerate(scenario.device_classes)}
        self.operator_rows = {name: i for i, name in enumerate(scenario.operators)}
        self._last: dict[tuple[int, str], int] = {}

    def add(self, tenant: int, class_name: str, count: int, operator: int = -1) -> None:
        """Add `count` devices of a class to a tenant."""
        if count <= 0:
            return
        owner = self.population.tenants[tenant]
        first = self._last.get((tenant, class_name), 0) + 1
        self._last[tenant, class_name] = first + count - 1
        private = self._private_operator(owner.park, class_name)
        self.population.groups.append(DeviceGroup(
            f"{owner.name}/{class_name}", owner.park, tenant, self.class_rows[class_name], first, first + count - 1,
            indoor_share_of(self.scenario.device_classes[class_name], self.scenario.devices.indoor_share),
            operator if private < 0 else private))

    def _private_operator(self, park: int, class_name: str) -> int:
        """Operator of a private network that carries an application of the class, or -1."""
        network = self.scenario.private_network
        if network is None or list(self.scenario.parks)[park] not in network.parks:
            return -1
        items = self.scenario.device_classes[class_name].traffic.values()
        carried = any(item.application in network.applications for item in items)
        return self.operator_rows[network.operator] if carried else -1

    def derive(self, park_id: str, row: int) -> None:
        """Devices of a park from density, mix and access shares."""
        own = self.population.of_park(row)
        stated = [i for i in own if self.population.tenants[i].devices is not None]
        for i in stated:
            self._spread(park_id, int(self.population.tenants[i].devices or 0), [i])
        others = [i for i in own if i not in set(stated)]
        total = round(self.scenario.devices.density_per_leased_ha * self.scenario.parks[park_id].leased_ha)
        taken = sum(int(self.population.tenants[i].devices or 0) for i in stated)
        if others:
            self._spread(park_id, max(0, total - taken), others)

    def _spread(self, park_id: str, total: int, tenants: list[int]) -> None:
        names, mix = base_mix(self.scenario.device_classes)
        weights = np.array([self.population.tenants[i].weight for i in tenants])
        for name, count in zip(names, apportion(total, mix)):
            shares = self.scenario.device_classes[name].access_share
            by_access = apportion(int(count), np.array([getattr(shares, k) for k in ACCESS_KINDS]))
            if self.scenario.devices.access == "all_cellular":
                by_access = np.array([count if k == "nr" else 0 for k in ACCESS_KINDS])
            for kind, n in zip(ACCESS_KINDS, by_access):
                self._count(f"devices/{park_id}/{name}/{kind}", int(n))
            five_g = sum(int(n) for kind, n in zip(ACCESS_KINDS, by_access) if kind in FIVE_G)
            for tenant, n in zip(tenants, apportion(five_g, weights)):
                self.add(tenant, name, int(n))

    def _count(self, key: str, n: int) -> None:
        if n:
            self.population.counts[key] = self.population.counts.get(key, 0) + n
            self.population.counts["devices_all_iot"] = self.population.counts.get("devices_all_iot", 0) + n

    def place_groups(self, areas: Mapping[str, Outline]) -> None:
        """Devices placed by hand: all on 5G. A tenant not known yet gets the whole developed part as its plot."""
        park_rows = {name: i for i, name in enumerate(self.scenario.parks)}
        for group in self.scenario.devices.groups:
            area = areas[group.park]
            tenant = self.population.add_tenant(Tenant(f"{group.park}/{group.tenant}", park_rows[group.park], 1.0,
                                                       (area.x_min, area.y_min, area.x_max, area.y_max)))
            self._count(f"devices/{group.park}/{group.device_class}/nr", group.count)
            operator = -1 if group.operator is None else self.operator_rows[group.operator]
            self.add(tenant, group.device_class, group.count, operator)
