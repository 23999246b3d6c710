"""Entries of the libraries about places and demand: parks, operators, applications, device classes and their traffic.

Times are in the unit of the key's suffix; sizes are bytes of application payload.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twin.scenario.fields import (
    Bytes,
    BytesAboveZero,
    Count,
    Date,
    HoursOfDay,
    Latitude,
    Longitude,
    Milliseconds,
    Name,
    NotNegative,
    Part,
    Positive,
    Share,
    Sourced,
    Text,
    descriptive,
    idle,
)

MIN_PERIOD_MS = 0.1  # below one slot a device has no source of its own: raise the size instead
Level = Annotated[int, Field(ge=0, le=3)]
ServerSiteName = Name
UpfPlace = Literal["hanoi", "province", "park"]
Generator = Literal["periodic", "video", "mar_periodic", "poisson", "on_off", "alarm"]
FIVE_G = ("nr", "redcap")  # kinds of access that load the 5G cells
QueueName = Literal["connect", "ingest", "rules", "store", "device_management", "app"]


class Park(Sourced):
    """An industrial park."""

    name_vi: Text = Field(description="Vietnamese name.")
    name_en: Text = Field(description="English name.")
    lat: Latitude = Field(description="Latitude of the centre, degrees, WGS84.")
    lon: Longitude = Field(description="Longitude of the centre, degrees, WGS84.")
    coordinate_error_km: NotNegative = Field(default=1.0, description=descriptive("How far the centre may be off, km."))
    area_ha: Positive = Field(le=100_000, description="Planned area, hectares.")
    leased_ha: NotNegative = Field(le=100_000, description="Land leased to tenants, hectares; device counts follow it.")
    workers: Count = Field(le=10_000_000, description="Workers in the park; device mixes and phones follow it.")
    tenants: Annotated[int, Field(ge=1, le=100_000)] = Field(description="Tenant companies in operation.")
    wave: Annotated[int, Field(ge=1, le=9)] = Field(description="1: priority park of 2025-2026 in the plan; 2: following years.")
    ward: Text = Field(description=descriptive("Ward or commune since July 2025."))


class MeasuredService(Part):
    """Published measurements on the public network. For comparison only: never an input of the simulation."""

    dl_mbps: Positive = Field(description=descriptive("Mean downlink, Mbit/s, application layer."))
    ul_mbps: Positive = Field(description=descriptive("Mean uplink, Mbit/s, application layer."))
    latency_ms: Positive = Field(description=descriptive("Mean ping round trip, ms."))
    what: Text = Field(description=descriptive("Who measured, when."))


class Operator(Sourced):
    """A mobile operator: its spectrum, its part of the plan and how its core is built."""

    name: Text = Field(description="Name to show.")
    full_name: Text = Field(description=descriptive("Full Vietnamese name."))
    spectrum_block: Text = Field(description=descriptive("Block won at the 2024 auction."))
    band_mhz: Text = Field(description=descriptive("Frequency range, MHz."))
    bandwidth_mhz: Positive = Field(le=400, description=descriptive("Carrier bandwidth, MHz; the radio profile's counts."))
    duplex: Literal["tdd", "fdd"] = Field(description=descriptive("Duplex mode of the block; the radio profile's counts."))
    launch: Date = Field(description=descriptive("Commercial launch of 5G."))
    architecture: Literal["sa", "nsa"] = Field(
        description="Standalone, or non-standalone with an LTE anchor, on the day of the plan unless sa_from says."
    )
    sa_from: Date | None = Field(
        default=None, description="Date of the switch to standalone, compared with plan.date; absent: `architecture` holds."
    )
    sa_capable_share: Share = Field(
        description="Share of its devices on the 5G core once it is standalone (World.counts); the others are on the EPC."
    )
    device_share: Share = Field(description="Share of the parks' cellular devices; the operators' shares sum to 1.")
    radio_profile: Name = Field(description="Entry of radio_profiles its park cells use.")
    upf: UpfPlace = Field(description="Where the user plane leaves the core.")
    stations_5g_today: Count = Field(description=idle("5G stations in the province in 2025 (assumed split of 106)."))
    plan_new_5g: Count = Field(description=idle("New 5G stations by the provincial plan."))
    plan_new_4g: Count = Field(description=idle("New 4G stations by the provincial plan."))
    measured: MeasuredService | None = Field(default=None, description=descriptive("Measured service, for comparison only."))


class Application(Sourced):
    """What a flow is for: its deadline, its bearer, and the servers it passes."""

    name_vi: Text = Field(description="Vietnamese name.")
    name_en: Text = Field(description="English name.")
    deadline_ms: Positive = Field(le=1e8, description="Latest useful arrival, ms; on the round trip for request-response flows.")
    reliability_pct: Annotated[float, Field(gt=0, le=100)] = Field(description="Share that must arrive in time, per cent.")
    survival_time_ms: Milliseconds = Field(default=0.0, description=idle("How long it endures missing messages, ms."))
    fiveqi: Annotated[int, Field(ge=1, le=255)] = Field(description=idle("5QI, TS 23.501 table 5.7.4-1; `level` is what counts."))
    level: Level = Field(description="Priority level at cells and links, 0 the most urgent; by the 5QI's priority.")
    discard_ms: Positive = Field(le=1e7, description="PDCP discard timer, ms.")
    rlc_buffer_bytes: BytesAboveZero = Field(description="RLC buffer of a logical channel, bytes.")
    server_chain: Annotated[tuple[QueueName, ...], Field(min_length=1, strict=False)] = Field(
        description="Queues of the server site an uplink burst passes, in order."
    )


class TrafficItem(Part):
    """One kind of traffic of a device class: when bursts come, how large they are (docs/model.md, section 3)."""

    application: Name = Field(description="Entry of applications.")
    direction: Literal["ul", "dl"] = Field(description="ul: the device sends; dl: the server sends.")
    generator: Generator = Field(description="Kind of arrival process.")
    period_ms: Annotated[float, Field(ge=MIN_PERIOD_MS, le=1e10)] | None = Field(
        default=None, description="Period or mean gap, ms. Not for mar_periodic, whose periods TR 45.820 gives."
    )
    jitter_ms: Milliseconds = Field(default=0.0, description="Uniform jitter after the nominal instant, ms; at most the period.")
    size_kind: Literal["fixed", "uniform", "pareto"] = Field(default="fixed", description="Distribution of the burst size.")
    size_bytes: BytesAboveZero = Field(
        description="Mean size, bytes (pareto: the smallest; video: the mean of the frames between the large ones)."
    )
    size_spread: NotNegative = Field(default=0.0, description="uniform: half width over the mean, 0..1. pareto: the shape.")
    size_max_bytes: Bytes = Field(default=0, description="pareto: larger values are clipped to this.")
    gop: Annotated[int, Field(ge=0, le=10_000)] = Field(default=0, description="video: frames in a group of pictures.")
    i_frame_bytes: Bytes = Field(default=0, description="video: size of the group's first frame, bytes.")
    on_mean_ms: Milliseconds = Field(default=0.0, description="on_off: mean length of an on-phase, ms.")
    off_mean_ms: Milliseconds = Field(default=0.0, description="on_off: mean length of an off-phase, ms.")
    spread_ms: Milliseconds = Field(default=0.0, description="alarm: devices answer a common event within this time, ms.")
    join_probability: Share = Field(default=0.0, description="alarm: share of the group that reports an event.")
    response_bytes: Bytes = Field(default=0, description="ul only: size of the server's answer; 0: none.")
    mtu_payload_bytes: Annotated[int, Field(ge=64, le=9000)] = Field(default=1400, description="Payload of a packet, bytes.")
    cg_period_ms: Milliseconds = Field(default=0.0, description="Uplink configured grant: its period, ms; 0: none.")
    cg_bytes: Bytes = Field(default=0, description="Uplink configured grant: bytes each occasion carries.")
    profile: Name = Field(default="always", description="Entry of activity_profiles: share of flows active by hour.")


class AccessShare(Part):
    """How the devices of a class are connected; the shares sum to 1. `nr` and `redcap` load the 5G cells."""

    nr: Share = Field(default=0.0, description="5G NR.")
    redcap: Share = Field(default=0.0, description="5G RedCap.")
    cat1bis: Share = Field(default=0.0, description="LTE Cat-1bis.")
    nbiot: Share = Field(default=0.0, description="NB-IoT.")
    unlicensed: Share = Field(default=0.0, description="Wi-Fi, LoRa and other unlicensed radio.")
    wired: Share = Field(default=0.0, description="Ethernet or fibre.")

    @property
    def total(self) -> float:
        """Sum of all shares; 1 in a valid class."""
        return self.nr + self.redcap + self.cat1bis + self.nbiot + self.unlicensed + self.wired


class DeviceClass(Sourced):
    """A kind of device: how many there are, how they are connected, what they send."""

    name_vi: Text = Field(description="Vietnamese name.")
    name_en: Text = Field(description="English name.")
    per_1000_workers_base: NotNegative = Field(
        le=100_000, description="Devices per 1,000 workers in the base mix; only the proportions count, density gives the total."
    )
    aggregate_per_cell: bool = Field(default=False, description="One aggregate source a cell instead of single devices.")
    access_share: AccessShare = Field(description="How the devices are connected; sums to 1.")
    mobility: Literal["static", "pedestrian", "vehicle"] = Field(default="static", description=idle("How the devices move."))
    speed_m_s: Annotated[float, Field(ge=0, le=140)] = Field(default=0.0, description=idle("Speed while moving, m/s."))
    height_m: Annotated[float, Field(ge=0, le=200)] = Field(default=1.5, description="Antenna height, m.")
    indoor_share: Share | None = Field(default=None, description="Share indoors; absent: the scenario's devices.indoor_share.")
    traffic: dict[Name, TrafficItem] = Field(default={}, description="Traffic items by name; one flow each.")


class ActivityProfile(Sourced):
    """Share of flows that are active in each hour of the day."""

    share_by_hour: HoursOfDay = Field(description="24 shares, from 0 h to 23 h local time.")


__all__ = [
    "AccessShare",
    "ActivityProfile",
    "Application",
    "DeviceClass",
    "MeasuredService",
    "Operator",
    "Park",
    "TrafficItem",
]
