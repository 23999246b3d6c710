"""How many devices of each class there are, and how many bursts they offer: what the libraries add up to.

The world places the devices; these sums say what it should come to, and check the calibration of the libraries.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from twin.scenario.apportion import apportion
from twin.scenario.entries import FIVE_G, AccessShare, DeviceClass, TrafficItem
from twin.scenario.schema import Scenario

#: Share of devices and mean time between reports, s (TR 45.820 annex E.2).
MAR_PERIODS_S = ((0.40, 86_400.0), (0.40, 7_200.0), (0.15, 3_600.0), (0.05, 1_800.0))
MS_PER_S = 1000.0


def class_shares(scenario: Scenario) -> dict[str, float]:
    """Share of each device class in the derived mix, by its count per 1,000 workers; sums to 1 (empty if all counts are 0)."""
    counts = {name: c.per_1000_workers_base for name, c in scenario.device_classes.items() if not c.aggregate_per_cell}
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items() if count > 0} if total > 0 else {}


def derived_devices(scenario: Scenario, park: str) -> dict[str, int]:
    """All IoT devices of each class in a park: density times leased land, shared out by the mix (largest remainders)."""
    if not scenario.devices.include_derived:
        return {}
    shares = class_shares(scenario)
    total = round(scenario.devices.density_per_leased_ha * scenario.parks[park].leased_ha)
    return {name: int(n) for name, n in zip(shares, apportion(total, np.array(list(shares.values()))))}


def five_g_devices(scenario: Scenario, device_class: DeviceClass, devices: int) -> int:
    """How many of the derived devices of a class in a park load the 5G cells, under this scenario's `devices.access`."""
    if scenario.devices.access == "all_cellular":
        return devices
    kinds = list(AccessShare.model_fields)
    parts = apportion(devices, np.array([getattr(device_class.access_share, kind) for kind in kinds]))
    return sum(int(n) for kind, n in zip(kinds, parts) if kind in FIVE_G)


def bursts_per_s(item: TrafficItem) -> float:
    """Mean bursts a second of one traffic item of one device, its response included, in an hour of full activity."""
    return messages_per_s(item) * (2.0 if item.response_bytes else 1.0)


def messages_per_s(item: TrafficItem) -> float:
    """The same without responses."""
    if item.generator == "mar_periodic" or item.period_ms is None:
        return sum(share / period_s for share, period_s in MAR_PERIODS_S)
    if item.generator == "alarm":
        return item.join_probability * MS_PER_S / (item.period_ms + item.spread_ms)
    if item.generator == "on_off":
        # a phase of mean length m that sends at its start and then each period sends 1 / (1 - exp(-period / m)) times on average
        per_phase = 1.0 / -math.expm1(-item.period_ms / item.on_mean_ms)
        return per_phase * MS_PER_S / (item.on_mean_ms + item.off_mean_ms)
    return MS_PER_S / item.period_ms


def expected_bursts_per_s(scenario: Scenario) -> float:
    """Bursts a second that the 5G devices of the scenario offer, up, down and responses, covered or not; the phones left out.

    Derived devices by the classes' access shares, groups all on 5G, in an hour in which all are active. Tenants' own device
    counts (`tables.tenants`) are not looked at.
    """
    counts = Counter[str]()
    for park in scenario.parks:
        for name, count in derived_devices(scenario, park).items():
            counts[name] += five_g_devices(scenario, scenario.device_classes[name], count)
    for group in scenario.devices.groups:
        counts[group.device_class] += group.count
    items = {name: scenario.device_classes[name].traffic.values() for name in counts}
    return sum(count * sum(bursts_per_s(item) for item in items[name]) for name, count in counts.items())
