"""How many devices of each class there are, and how many bursts they offer: what the libraries add up to.

The world places the devices; these sums say what it should come to, and check the calibration of the libraries.
"""

from __future__ import annotations

import math

from twin.scenario.entries import DeviceClass, TrafficItem
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
    """Devices of each class in a park: density times leased land, shared out by the mix (largest remainders)."""
    if not scenario.devices.include_derived:
        return {}
    shares = class_shares(scenario)
    total = round(scenario.devices.density_per_leased_ha * scenario.parks[park].leased_ha) if shares else 0
    exact = {name: total * share for name, share in shares.items()}
    counts = {name: math.floor(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (counts[name] - exact[name], name))
    for name in by_remainder[: total - sum(counts.values())]:
        counts[name] += 1
    return counts


def cellular_share(scenario: Scenario, device_class: DeviceClass) -> float:
    """Share of a class that loads the 5G cells under this scenario's `devices.access`."""
    return 1.0 if scenario.devices.access == "all_cellular" else device_class.access_share.five_g


def bursts_per_s(item: TrafficItem) -> float:
    """Mean bursts a second of one traffic item of one device, its response included, in an hour of full activity."""
    return _messages_per_s(item) * (2.0 if item.response_bytes else 1.0)


def _messages_per_s(item: TrafficItem) -> float:
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
    """Bursts a second that all cellular devices of the scenario offer, up, down and responses; the phones left out.

    Derived devices and groups, in an hour in which all are active.
    """
    counts: dict[str, float] = {}
    for park in scenario.parks:
        for name, count in derived_devices(scenario, park).items():
            counts[name] = counts.get(name, 0) + count
    for group in scenario.devices.groups:
        counts[group.device_class] = counts.get(group.device_class, 0) + group.count
    return sum(count * _bursts_of(scenario, scenario.device_classes[name]) for name, count in counts.items())


def _bursts_of(scenario: Scenario, device_class: DeviceClass) -> float:
    return cellular_share(scenario, device_class) * sum(bursts_per_s(item) for item in device_class.traffic.values())
