"""The world: what the engine simulates, as plain tables (the contract between `world` and `engine`).

Row numbers are positions only; streams of random numbers use the hash columns, which come from stable names.
All times are int64 nanoseconds, all sizes bytes, all rates bit/s.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import networkx as nx
import numpy as np
import pandas as pd

from twin.world.signalling_tables import Signalling

# Directions of a burst.
UL, DL, RTT = 0, 1, 2
DIRECTIONS = ("ul", "dl", "rtt")

# Kinds of traffic generator (docs/model.md, section 3).
GENERATORS = ("periodic", "video", "mar_periodic", "poisson", "on_off", "alarm")

# Kinds of resource on a route.
LINK, POOL, SERVER = 0, 1, 2
RESOURCE_KINDS = ("link", "pool", "server")

N_LEVELS = 4  # priority levels at cells and links, 0 the most urgent
N_NEIGHBOURS = 8

#: name -> dtype of every column the engine reads. Tables may carry more columns for reports.
COLUMNS: dict[str, dict[str, str]] = {
    "parks": {"park_id": "str", "name_vi": "str", "name_en": "str", "lat": "f8", "lon": "f8", "x_m": "f8", "y_m": "f8",
              "area_ha": "f8", "leased_ha": "f8", "workers": "i8", "wave": "i8"},
    "operators": {"operator_id": "str", "name": "str", "architecture": "str"},
    "sites": {"name": "str", "park": "i4", "owner": "i4", "x_m": "f8", "y_m": "f8", "height_m": "f8", "kind": "str"},
    "stations": {"name": "str", "site": "i4", "operator": "i4", "technology": "str", "status": "str"},
    # radio: row of `radios`. initial_load_q16: loads before the first epoch, 65536 = full.
    "cells": {"name": "str", "station": "i4", "site": "i4", "park": "i4", "operator": "i4", "azimuth_deg": "f8", "radio": "i4",
              "tx_power_dbm": "f8", "initial_load_ul_q16": "i8", "initial_load_dl_q16": "i8"},
    # One row a radio configuration in use (a radio profile of the library bound to a carrier).
    "radios": {"name": "str", "scs_khz": "i8", "n_prb": "i8", "carrier_mhz": "f8", "duplex": "str", "pattern": "str",
               "special_dl_symbols": "i8", "special_ul_symbols": "i8", "k2_slots": "i8", "sr_period_slots": "i8",
               "sr_grant_bytes": "i8", "max_grants_ul": "i8", "max_grants_dl": "i8", "gnb_processing_ns": "i8",
               "gnb_dl_processing_ns": "i8", "ue_processing_ns": "i8", "ue_tx_processing_ns": "i8", "max_harq_tx": "i8",
               "harq_gain_q16": "i8", "l2_header_bytes": "i8", "layers_dl": "i8", "layers_ul": "i8", "mcs_table": "str",
               "bler_set": "str", "bler_target": "f8", "ue_power_dbm": "f8", "p0_dbm": "f8", "alpha": "f8",
               "noise_figure_gnb_db": "f8", "noise_figure_ue_db": "f8", "ul_interference_rise_db": "f8"},
    "applications": {"application_id": "str", "name_vi": "str", "name_en": "str"},
    "tenants": {"name": "str", "park": "i4"},
    "device_classes": {"device_class_id": "str"},
    # cell -1: without coverage, or wired. gain_db: coupling gain to the serving cell (negative; antenna gains, path loss,
    # penetration and shadowing all in).
    "devices": {"device_hash": "u8", "park": "i4", "tenant": "i4", "device_class": "i4", "operator": "i4", "x_m": "f8",
                "y_m": "f8", "indoor": "bool", "cell": "i4", "gain_db": "f8"},
    # What all flows of a kind share. profile: row of `activity_q16`.
    "flow_types": {"name": "str", "application": "i4", "device_class": "i4", "direction": "i4", "generator": "str",
                   "period_ns": "i8", "jitter_ns": "i8", "size_kind": "str", "size_bytes": "i8", "size_spread": "f8",
                   "size_max_bytes": "i8", "gop": "i8", "i_frame_bytes": "i8", "on_mean_ns": "i8", "off_mean_ns": "i8",
                   "spread_ns": "i8", "join_q32": "i8", "response_bytes": "i8", "level": "i8", "fiveqi": "i8",
                   "deadline_ns": "i8", "discard_ns": "i8", "rlc_buffer_bytes": "i8", "mtu_payload_bytes": "i8",
                   "cg_period_ns": "i8", "cg_bytes": "i8", "profile": "i8"},
    "flows": {"flow_hash": "u8", "group_hash": "u8", "device": "i4", "flow_type": "i4", "route_up": "i4", "route_down": "i4"},
    # link: rate_bps is what is left for the simulated traffic, rate_total_bps the line rate; background_share its fill by
    # traffic that is not simulated. pool and server: workers, costs or service time.
    "resources": {"name": "str", "kind": "i4", "rate_bps": "i8", "rate_total_bps": "i8", "background_share": "f8",
                  "overhead_bytes": "i8", "buffer_bytes": "i8", "propagation_ns": "i8", "node_ns": "i8", "workers": "i8",
                  "cost_per_packet_ns": "i8", "cost_per_byte_ps": "i8", "service_kind": "str", "service_mean_ns": "i8",
                  "queue_limit_ns": "i8", "park": "i4", "operator": "i4", "next_step": "str"},
    "assumptions": {"item": "str", "value": "str", "unit": "str", "source": "str", "confidence": "str"},
}


@dataclass(frozen=True)
class World:
    """Everything static about one simulated network.

    Tables are data frames whose columns are named in `COLUMNS`. `neighbours` (int32, devices x 8, -1 for none) and
    `neighbour_gain_db` (float64, same shape) are the strongest other cells of the serving cell's carrier.
    Route r is `route_resources[route_start[r]:route_start[r + 1]]`, rows of `resources`.
    `activity_q16[profile, hour]` is the share of flows that are active in that hour of the day, 65536 = all.
    """

    parks: pd.DataFrame
    operators: pd.DataFrame
    sites: pd.DataFrame
    stations: pd.DataFrame
    cells: pd.DataFrame
    radios: pd.DataFrame
    applications: pd.DataFrame
    tenants: pd.DataFrame
    device_classes: pd.DataFrame
    devices: pd.DataFrame
    neighbours: np.ndarray
    neighbour_gain_db: np.ndarray
    flow_types: pd.DataFrame
    flows: pd.DataFrame
    resources: pd.DataFrame
    route_start: np.ndarray
    route_resources: np.ndarray
    activity_q16: np.ndarray
    graph: nx.Graph
    assumptions: pd.DataFrame
    start_of_day_ns: int = 0
    counts: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    signalling: Signalling | None = None  # None: registration and sessions are taken as established


@dataclass(frozen=True)
class Clock:
    """How long to simulate, and with which draws."""

    horizon_ns: int
    warmup_ns: int = 0
    epoch_ns: int = 1_000_000_000
    seed: int = 1
    replication: int = 0
