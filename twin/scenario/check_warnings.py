"""Warnings about demand and operators: messages no buffer holds, carriers that disagree, choices that are overruled."""

from __future__ import annotations

import math
from collections.abc import Iterator

from twin.scenario.entries import TrafficItem
from twin.scenario.findings import Finding
from twin.scenario.schema import Scenario


def size_range(item: TrafficItem) -> dict[str, tuple[int, int]]:
    """Smallest and largest message (bytes), by the key that sets it."""
    spread = item.size_spread if item.size_kind == "uniform" else 0.0

    def about(mean: int) -> tuple[int, int]:
        if item.size_kind == "pareto":
            return mean, max(mean, item.size_max_bytes)
        return math.floor(mean * (1 - spread)), math.ceil(mean * (1 + spread))

    out = {"size_bytes": about(item.size_bytes)}
    if item.generator == "video":
        out["i_frame_bytes"] = about(item.i_frame_bytes)
    if item.response_bytes:
        out["response_bytes"] = (item.response_bytes, item.response_bytes)
    return out


def lost_messages(s: Scenario) -> Iterator[Finding]:
    """Messages larger than the RLC buffer of their flow are lost, however empty the cell is."""
    for class_name, device_class in s.device_classes.items():
        for item_name, item in device_class.traffic.items():
            application = s.applications.get(item.application)
            for key, (smallest, largest) in size_range(item).items() if application else ():
                buffer = application.rlc_buffer_bytes if application else 0
                if largest > buffer:
                    which = "such a message" if smallest > buffer else "what is larger"
                    message = f"{largest} bytes, but rlc_buffer_bytes of {item.application} is {buffer}: {which} is always lost"
                    yield Finding(("device_classes", class_name, "traffic", item_name, key), message)


def operator_carriers(s: Scenario) -> Iterator[Finding]:
    """The carrier an operator is said to have is that of its radio profile, which is what is simulated."""
    for name, operator in s.operators.items():
        profile = s.radio_profiles.get(operator.radio_profile)
        for key in ("bandwidth_mhz", "duplex") if profile else ():
            said, used = getattr(operator, key), getattr(profile, key)
            if said != used:
                message = f"is {_shown(said)}, but radio profile {operator.radio_profile} has {_shown(used)}, which counts"
                yield Finding(("operators", name, key), message)


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def overruled_groups(s: Scenario) -> Iterator[Finding]:
    """A private network serves every device of its classes in its parks, whatever operator a group names."""
    network = s.private_network
    for index, group in enumerate(s.devices.groups if network else ()):
        device_class = s.device_classes.get(group.device_class)
        if network is None or device_class is None or group.operator in (None, network.operator):
            continue
        carried = any(item.application in network.applications for item in device_class.traffic.values())
        if carried and group.park in network.parks:
            message = f"'{group.operator}' has no effect: the private network of {network.operator} serves these devices"
            yield Finding(("devices", "groups", index, "operator"), message)


def second_sites(s: Scenario) -> Iterator[Finding]:
    """The UPFs of a place stand at its first server site."""
    for name, site in s.server_sites.items():
        first = s.first_site(site.place)
        if site.upf is not None and first != name:
            yield Finding(("server_sites", name, "upf"), f"has no effect: the UPFs of place '{site.place}' stand at '{first}'")


DEMAND_WARNINGS = (lost_messages, operator_carriers, overruled_groups, second_sites)
