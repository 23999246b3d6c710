"""Entries of the libraries about equipment: radio profiles, link types, server sites, cost items."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twin.scenario.entries import QueueName
from twin.scenario.fields import (
    BytesAboveZero,
    CountAboveZero,
    Latitude,
    Longitude,
    Microseconds,
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

Decibels = Annotated[float, Field(ge=-200, le=200)]
SlotCount = Annotated[int, Field(ge=0, le=1024)]
Symbols = Annotated[int, Field(ge=0, le=14)]
Grants = Annotated[int, Field(ge=1, le=1000)]
MAX_LAYERS = 4  # of one codeword, as in twin.base.tbs
MIN_BLER, MAX_BLER = 1e-6, 0.5  # as in twin.base.link_adaptation
Layers = Annotated[int, Field(ge=1, le=MAX_LAYERS)]


class RadioProfile(Sourced):
    """A radio configuration of a cell: carrier, slots, grants, processing times, power and antennas."""

    technology: Literal["nr"] = Field(default="nr", description=descriptive("Radio technology."))
    band: Text = Field(description="3GPP band.")
    carrier_mhz: Annotated[float, Field(ge=400, le=100_000)] = Field(description="Carrier centre frequency, MHz.")
    bandwidth_mhz: Annotated[float, Field(ge=5, le=400)] = Field(description="Carrier bandwidth (each way for FDD), MHz.")
    scs_khz: Literal[15, 30, 60, 120] = Field(description="Subcarrier spacing, kHz.")
    n_prb: Annotated[int, Field(ge=4, le=275)] = Field(description="Physical resource blocks, TS 38.104 table 5.3.2-1.")
    duplex: Literal["tdd", "fdd"] = Field(description="Duplex mode.")
    pattern: Annotated[str, Field(pattern=r"^[DSU]{0,80}$")] = Field(
        default="", description="TDD slots of one period, of D, S and U; empty for FDD."
    )
    special_dl_symbols: Symbols = Field(default=0, description="Downlink symbols of the special slot.")
    special_ul_symbols: Symbols = Field(default=0, description="Uplink symbols of the special slot.")
    k2_slots: SlotCount = Field(description="Slots from an uplink grant to its transmission.")
    sr_period_slots: Annotated[int, Field(ge=1, le=2560)] = Field(description="Period of a channel's scheduling requests, slots.")
    sr_grant_bytes: BytesAboveZero = Field(description="Bytes of the first grant after a scheduling request.")
    max_grants_ul: Grants = Field(description="Uplink grants a slot (PDCCH).")
    max_grants_dl: Grants = Field(description="Downlink assignments a slot (PDCCH).")
    gnb_processing_us: Microseconds = Field(description="gNB receive processing, us.")
    gnb_dl_processing_us: Microseconds = Field(description="gNB processing from the N3 packet to the scheduler, us.")
    ue_processing_us: Microseconds = Field(description="Device receive processing (N1 and stack), us.")
    ue_tx_processing_us: Microseconds = Field(description="Device transmit processing (N2), us.")
    max_harq_tx: Annotated[int, Field(ge=1, le=32)] = Field(description="Transmissions of a transport block at most.")
    harq_gain: Share = Field(description="Error probability of a retransmission over that of the transmission before.")
    l2_header_bytes: Annotated[int, Field(ge=0, le=200)] = Field(description="MAC, RLC, PDCP and SDAP headers a block, bytes.")
    layers_dl: Layers = Field(description="Downlink spatial layers.")
    layers_ul: Layers = Field(description="Uplink spatial layers.")
    mcs_table: Literal["qam64", "qam256", "qam64lowse"] = Field(description="TS 38.214 tables 5.1.3.1-1, -2, -3.")
    bler_set: Literal["sionna", "5glena"] = Field(description="SINR to block error: see docs/radio.md; 5glena is pessimistic.")
    bler_target: Annotated[float, Field(ge=MIN_BLER, le=MAX_BLER)] = Field(description="Block error target of link adaptation.")
    tx_power_dbm: Decibels = Field(description="Transmit power of a cell, dBm over the whole carrier.")
    antenna_gain_dbi: Decibels = Field(description="Gain of the cell's antenna at boresight, dBi.")
    sectors: Annotated[int, Field(ge=1, le=12)] = Field(default=3, description="Cells a station.")
    site_height_m: Annotated[float, Field(gt=0, le=300)] = Field(default=25.0, description="Antenna height, m.")
    path_loss_model: Literal["uma", "umi", "inf_sh", "inf_sl", "inf_dh", "inf_dl"] = Field(
        default="uma", description="TR 38.901 scenario of its links."
    )
    ue_power_dbm: Decibels = Field(description="Device power class, dBm.")
    ue_antenna_gain_dbi: Decibels = Field(default=0.0, description="Gain of the device's antenna, dBi.")
    p0_dbm: Decibels = Field(description="Open-loop uplink power target a PRB of 15 kHz, dBm.")
    alpha: Share = Field(description="Fractional path-loss compensation of uplink power control.")
    noise_figure_gnb_db: Annotated[float, Field(ge=0, le=30)] = Field(description="gNB noise figure, dB.")
    noise_figure_ue_db: Annotated[float, Field(ge=0, le=30)] = Field(description="Device noise figure, dB.")
    ul_interference_rise_db: Annotated[float, Field(ge=0, le=30)] = Field(description="Uplink noise rise at full load, dB.")
    initial_load_ul: Share = Field(default=0.1, description="Uplink load neighbours are taken to have before the first epoch.")
    initial_load_dl: Share = Field(default=0.1, description="Downlink load neighbours are taken to have before the first epoch.")
    rach_profile: Name = Field(default="nr-fr1", description="Entry of rach_profiles: random access of its cells.")
    srb_block_bytes: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=200, description="Bytes of a signalling message that one slot carries."
    )
    srb_prb: Annotated[int, Field(ge=1, le=275)] = Field(default=12, description="Resource blocks such a slot takes.")


class LinkType(Sourced):
    """A kind of transport link. One without a rate is an error, not an infinitely fast link."""

    medium: Literal["fibre", "microwave", "pon", "ethernet"] = Field(description=descriptive("What carries it."))
    rate_gbps: Annotated[float, Field(gt=0, le=100_000)] = Field(description="Line rate, Gbit/s.")
    rate_up_gbps: Annotated[float, Field(gt=0, le=100_000)] | None = Field(
        default=None, description="Uplink rate where it differs (PON), Gbit/s."
    )
    buffer_ms: Annotated[float, Field(gt=0, le=10_000)] = Field(description="Output buffer, ms at the line rate.")
    overhead_bytes: Annotated[int, Field(ge=0, le=500)] = Field(
        description="Bytes a packet adds to its payload on this link: IP, UDP, GTP-U, Ethernet, preamble, gap."
    )
    node_us: Microseconds = Field(description="Latency of the node at its end, us, each packet.")
    node_up_us: Microseconds | None = Field(default=None, description="The same uplink where it differs (PON grants), us.")
    propagation_us_per_km: Annotated[float, Field(ge=3.3, le=10)] = Field(description="Signal delay, us per km of route.")
    shared: bool = Field(description="Filled by the rest of the province too (transport.background_share).")
    next_step: Text = Field(description="What to buy when it is full, for the report.")


class WorkerPool(Part):
    """A UPF: workers that serve packets first come, first served; per direction."""

    workers: CountAboveZero = Field(le=10_000, description="Workers (cores) in each direction.")
    cost_per_packet_us: Positive = Field(le=1e6, description="Work a packet, us.")
    cost_per_byte_ns: Annotated[float, Field(ge=0, le=1e6)] = Field(description="Work a byte, ns.")
    queue_limit_ms: Positive = Field(le=1e5, description="A burst that would wait longer is dropped, ms.")
    next_step: Text = Field(description="What to buy when it is full, for the report.")


class ServerQueue(Part):
    """A multi-worker queue of a server site."""

    workers: CountAboveZero = Field(le=100_000, description="Parallel workers.")
    service_kind: Literal["fixed", "exponential"] = Field(description="Distribution of the service time.")
    service_mean_us: Positive = Field(le=1e9, description="Mean service time of a message, us.")
    queue_limit_ms: Positive = Field(le=1e6, description="A message that would wait longer is rejected, ms.")
    next_step: Text | None = Field(
        default=None, description="What to buy when it is full, for the report; absent: twice the workers."
    )


class ServerSite(Sourced):
    """A place where the user plane can leave the core and applications can be served."""

    name_vi: Text = Field(description="Vietnamese name.")
    name_en: Text = Field(description="English name.")
    place: Literal["park", "province", "hanoi"] = Field(description="park: one such site in each park.")
    lat: Latitude | None = Field(default=None, description="Latitude, degrees; absent for a site in each park.")
    lon: Longitude | None = Field(default=None, description="Longitude, degrees; absent for a site in each park.")
    upf: WorkerPool | None = Field(
        default=None, description="UPF of each operator at this site; of a place's first site only. Absent: none stands there."
    )
    queues: dict[QueueName, ServerQueue] = Field(description="Queues of this site's servers.")


class CostItem(Sourced):
    """A price. `unit` says what it is paid for."""

    name_vi: Text = Field(description="Vietnamese name.")
    name_en: Text = Field(description="English name.")
    kind: Literal["capex", "opex"] = Field(description=descriptive("Paid once, or each year."))
    usd: NotNegative = Field(le=1e10, description=idle("Price, US dollars (2020s, undiscounted)."))
    usd_low: NotNegative = Field(le=1e10, description=idle("Low end of its range, US dollars."))
    usd_high: NotNegative = Field(le=1e10, description=idle("High end of its range, US dollars."))
    unit: Literal["station", "site", "sector", "m", "hop", "node", "device", "kwh", "project"] = Field(
        description=descriptive("What one of it is; opex is per unit and year, but for kwh.")
    )


__all__ = [
    "CostItem",
    "LinkType",
    "RadioProfile",
    "ServerQueue",
    "ServerSite",
    "WorkerPool",
]
