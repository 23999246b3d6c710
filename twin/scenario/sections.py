"""Sections of a scenario that no library fills: times, plan, devices, servers, transport, private network, tables, report."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from twin.scenario.entries import ServerSiteName
from twin.scenario.fields import Count, CountAboveZero, Date, Name, Names, Part, Positive, Share, Text, _as_tuple, idle

DENSITY_PER_LEASED_HA = {"low": 5.0, "base": 25.0, "high": 150.0}


class Simulation(Part):
    """How long to simulate, with which seed, how often."""

    horizon_s: Annotated[float, Field(ge=0.01, le=86_400)] = Field(default=12.0, description="Simulated time, s.")
    warmup_s: Annotated[float, Field(ge=0, le=86_400)] = Field(default=2.0, description="Start that is not counted, s.")
    epoch_s: Annotated[float, Field(ge=0.001, le=3600)] = Field(
        default=1.0, description="How often load turns into interference and links adapt, s."
    )
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(default=2026, description="Root seed.")
    replications: Annotated[int, Field(ge=1, le=10_000)] = Field(default=3, description="Independent replications.")
    start_time_of_day: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = Field(
        default="09:30", description="Local time at the start, HH:MM (quote it)."
    )

    @property
    def start_of_day_s(self) -> int:
        """Seconds from midnight to the start."""
        hours, minutes = self.start_time_of_day.split(":")
        return int(hours) * 3600 + int(minutes) * 60


class Plan(Part):
    """The province's stations. In-park counts derive from the totals (an assumption) unless they are given."""

    date: Date = Field(default=dt.date(2026, 12, 31), description="Day the network is looked at.")
    stations_5g: dict[Name, Count] = Field(
        default={"viettel": 625, "vnpt": 652, "mobifone": 58}, description="5G stations in the province, by operator."
    )
    in_park_share: Share = Field(default=0.0943, description="Share of the 5G stations that stand in parks (126 of 1,335).")
    in_park_stations_5g: dict[Name, dict[Name, Count]] = Field(
        default={}, description="5G stations by park and operator; replaces the derived count of that park."
    )
    priority_park_weight: Annotated[float, Field(gt=0, le=100)] = Field(
        default=2.0, description="Weight a hectare of first-wave parks when in-park stations are shared out."
    )
    convert_fraction: Share = Field(default=0.85, description=idle("Share of new 5G stations on existing sites."))


class DeviceGroup(Part):
    """Devices placed by hand."""

    park: Name = Field(description="Park they are in.")
    tenant: Name = Field(default="tenant-01", description="Tenant that owns them.")
    device_class: Name = Field(description="Entry of device_classes.")
    count: CountAboveZero = Field(le=5_000_000, description="How many.")
    operator: Name | None = Field(default=None, description="Operator that serves them; absent: by the operators' device shares.")


class Devices(Part):
    """How many devices there are and how they reach the network."""

    density: Literal["low", "base", "high"] | Annotated[float, Field(ge=0, le=100_000)] = Field(
        default="base", description="All IoT devices a leased hectare: low 5, base 25, high 150, or a number."
    )
    access: Literal["mixed", "all_cellular"] = Field(
        default="mixed", description="mixed: by each class's access shares; all_cellular: every device on 5G."
    )
    indoor_share: Share = Field(default=0.8, description="Share of devices inside buildings.")
    high_loss_building_share: Share = Field(default=0.5, description="Share of high-loss buildings (TR 38.901).")
    worker_phones: bool = Field(default=True, description="Background load of the workers' phones, one aggregate a cell.")
    groups: Annotated[tuple[DeviceGroup, ...], BeforeValidator(_as_tuple)] = Field(default=(), description="Placed by hand.")
    include_derived: bool = Field(default=True, description="false: only the groups, no devices from the density.")

    @property
    def density_per_leased_ha(self) -> float:
        """Devices a leased hectare, as a number."""
        return DENSITY_PER_LEASED_HA[self.density] if isinstance(self.density, str) else float(self.density)


class Servers(Part):
    """Where applications' own servers (queue `app`) stand. The IoT platform's queues stand at `iot_platform.site`."""

    default: ServerSiteName = Field(default="hanoi", description="Site of applications not named below.")
    by_application: dict[Name, ServerSiteName] = Field(default={}, description="Site by application.")

    def site_of(self, application: str) -> str:
        """Server site of an application."""
        return self.by_application.get(application, self.default)


class IotPlatform(Part):
    """Where the IoT platform stands."""

    site: ServerSiteName = Field(default="hanoi", description="Server site of the platform's queues.")


class Transport(Part):
    """The links between sites, parks, ring and core."""

    site_access: Name = Field(default="site-fibre-10g", description="Link type from a site to the park's aggregation.")
    park_aggregation_gbps: Positive = Field(default=10.0, le=100_000, description="From the park to the ring, Gbit/s.")
    ring_gbps: Positive = Field(default=100.0, le=100_000, description="Rate of the ring and of the way to Hà Nội, Gbit/s.")
    route_factor: Annotated[float, Field(ge=1, le=10)] = Field(default=1.3, description="Fibre length over the straight line.")
    background_share: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.3, description="Fill of shared links by the rest of the province."
    )


class PrivateNetwork(Part):
    """A private 5G network for some applications of some parks."""

    parks: Annotated[Names, Field(min_length=1)] = Field(description="Parks that have one.")
    mode: Literal["slice", "park_upf", "dedicated_ran"] = Field(
        description="slice: shared cells; park_upf: shared cells, user plane in the park; dedicated_ran: own cells and UPF."
    )
    applications: Annotated[Names, Field(min_length=1)] = Field(description="Applications it carries.")
    operator: Name = Field(default="viettel", description="Operator that runs it.")
    radio_profile: Name = Field(default="nr-private", description="Radio profile of dedicated cells.")
    sites_per_park: Annotated[int, Field(ge=1, le=1000)] = Field(default=12, description="Dedicated sites a park.")


class Tables(Part):
    """The operator's own tables in place of generated ones. Paths are relative to the file that names them."""

    sites: Text | None = Field(default=None, description="Sites: CSV, XLSX or GeoJSON.")
    nodes: Text | None = Field(default=None, description="Transport nodes: CSV or XLSX.")
    links: Text | None = Field(default=None, description="Transport links: CSV or XLSX.")
    nf_capacity: Text | None = Field(default=None, description="Capacity of network functions: CSV or XLSX.")
    tenants: Text | None = Field(default=None, description="Tenants: CSV or XLSX.")


class Report(Part):
    """What the report judges by."""

    headroom_pct: Annotated[float, Field(gt=0, le=100)] = Field(
        default=70.0, description="Load at which a resource is called full and its next step is named, per cent."
    )
