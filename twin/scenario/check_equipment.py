"""Cross-checks inside single entries: traffic items, radio profiles, server sites."""

from __future__ import annotations

from collections.abc import Iterator

from twin.base.tbs import prb_count
from twin.scenario.document import KeyPath
from twin.scenario.entries import QueueName, TrafficItem
from twin.scenario.equipment import RadioProfile
from twin.scenario.findings import Finding
from twin.scenario.schema import Scenario

FR2_FROM_MHZ = 24_250  # TS 38.104 table 5.1-1
MIN_DATA_SYMBOLS = 4  # as in the slot tables: a special slot with fewer carries control only
NEEDS = {"video": ("gop", "i_frame_bytes"), "on_off": ("on_mean_ms", "off_mean_ms"), "alarm": ("spread_ms", "join_probability")}
Fault = tuple[str, str, str]  # key, message, remedy


def traffic_items(s: Scenario) -> Iterator[Finding]:
    """What a generator, a size distribution or a configured grant needs."""
    for class_name, device_class in s.device_classes.items():
        for item_name, item in device_class.traffic.items():
            path = ("device_classes", class_name, "traffic", item_name)
            for part in (_generator, _size, _direction):
                yield from _at(path, part(item))


def _at(path: KeyPath, faults: Iterator[Fault]) -> Iterator[Finding]:
    for key, message, remedy in faults:
        yield Finding((*path, key), message, remedy)


def _generator(item: TrafficItem) -> Iterator[Fault]:
    if item.period_ms is None:
        if item.generator != "mar_periodic":
            yield "period_ms", f"generator '{item.generator}' needs a period", "add period_ms"
    elif item.jitter_ms > item.period_ms:
        message = f"jitter of {item.jitter_ms:g} ms is longer than the period of {item.period_ms:g} ms"
        yield "jitter_ms", message, "lower the jitter"
    for key in NEEDS.get(item.generator, ()):
        if not getattr(item, key):
            yield key, f"generator '{item.generator}' needs {key} above 0", f"add {key}"


def _size(item: TrafficItem) -> Iterator[Fault]:
    if item.size_kind == "uniform" and item.size_spread > 1:
        yield "size_spread", "a uniform size spreads by at most its mean (1)", "give a share of the mean, 0 to 1"
    if item.size_kind == "pareto" and item.size_spread <= 0:
        yield "size_spread", "a pareto size needs its shape here", "TR 45.820 uses 2.5"
    if item.size_kind == "pareto" and item.size_max_bytes < item.size_bytes:
        yield "size_max_bytes", "the largest size is below the smallest (size_bytes)", "TR 45.820 uses 20 and 200"


def _direction(item: TrafficItem) -> Iterator[Fault]:
    if item.direction == "dl" and item.response_bytes:
        yield "response_bytes", "only uplink traffic is answered", "make it ul, or remove response_bytes"
    if item.direction == "dl" and (item.cg_period_ms or item.cg_bytes):
        yield "cg_period_ms", "configured grants are for uplink traffic", "remove cg_period_ms and cg_bytes"
    if bool(item.cg_period_ms) != bool(item.cg_bytes):
        missing = "cg_bytes" if item.cg_period_ms else "cg_period_ms"
        yield missing, "a configured grant needs both its period and its bytes", f"add {missing}"


def radio_profiles(s: Scenario) -> Iterator[Finding]:
    """TDD patterns with both directions, blocks that fit the carrier, request periods in step with the pattern."""
    for name, profile in s.radio_profiles.items():
        for part in (_pattern, _carrier):
            yield from _at(("radio_profiles", name), part(profile))


def _pattern(profile: RadioProfile) -> Iterator[Fault]:
    if profile.duplex == "fdd":
        if profile.pattern:
            yield "pattern", "an FDD carrier has no slot pattern", "leave it empty"
        return
    special = "S" in profile.pattern
    if not ("D" in profile.pattern or (special and profile.special_dl_symbols > MIN_DATA_SYMBOLS)):
        yield "pattern", f"'{profile.pattern}' has no downlink slot", "use D, S and U, for example DDDSU"
    if not ("U" in profile.pattern or (special and profile.special_ul_symbols >= MIN_DATA_SYMBOLS)):
        yield "pattern", f"'{profile.pattern}' has no uplink slot for data", "use D, S and U, for example DDDSU"
    if profile.special_dl_symbols + profile.special_ul_symbols > 14:
        yield "special_dl_symbols", "downlink and uplink symbols of the special slot exceed its 14", "lower one of them"
    if profile.pattern and profile.sr_period_slots % len(profile.pattern):
        message = f"is {profile.sr_period_slots}: not a multiple of the pattern's {len(profile.pattern)} slots"
        yield "sr_period_slots", message, "requests must meet the pattern at the same place each time"


def _carrier(profile: RadioProfile) -> Iterator[Fault]:
    most = most_prbs(profile)
    if profile.n_prb > most:
        blocks = f"{profile.n_prb} blocks of {profile.scs_khz} kHz"
        message = f"{blocks} do not fit a carrier of {profile.bandwidth_mhz:g} MHz, which has {most}"
        yield "n_prb", message, "see TS 38.104 table 5.3.2-1 (100 MHz at 30 kHz: 273)"


def most_prbs(profile: RadioProfile) -> int:
    """Blocks the carrier can have: as 3GPP says, or for a carrier that 3GPP does not know what its width holds."""
    try:
        return prb_count(profile.scs_khz, profile.bandwidth_mhz, "FR2-1" if profile.carrier_mhz >= FR2_FROM_MHZ else "FR1")
    except ValueError:
        return int(profile.bandwidth_mhz * 1000 / (12 * profile.scs_khz))


def server_sites(s: Scenario) -> Iterator[Finding]:
    """Every site that serves an application has the queues of its chain; only a site in each park has no position."""
    needed: dict[tuple[str, QueueName], list[str]] = {}
    for application, entry in s.applications.items():
        for queue in entry.server_chain:
            for private in private_ways(s, application):
                needed.setdefault((s.server_site_of(application, queue, private), queue), []).append(application)
    for (site, queue), applications in needed.items():
        if site in s.server_sites and queue not in s.server_sites[site].queues:
            message = f"queue '{queue}' is missing; {', '.join(dict.fromkeys(applications))} would be served there"
            yield Finding(("server_sites", site, "queues"), message, "add it, or serve them elsewhere")
    for name, site_entry in s.server_sites.items():
        if site_entry.place != "park" and (site_entry.lat is None or site_entry.lon is None):
            yield Finding(("server_sites", name, "lat"), "a site outside the parks needs a position", "add lat and lon")


def private_ways(s: Scenario, application: str) -> tuple[bool, ...]:
    """Whether traffic of an application uses the network's UPFs (False), and a private network's own (True)."""
    return (False, True) if s.has_own_upf(application) else (False,)


def chains(s: Scenario) -> Iterator[Finding]:
    """All queues of one chain stand at one site: a message is not sent on from one server site to another."""
    for application, entry in s.applications.items():
        for private in private_ways(s, application):
            sites = list(dict.fromkeys(s.server_site_of(application, queue, private) for queue in entry.server_chain))
            if len(sites) > 1:
                message = f"its queues stand at {' and '.join(sites)} (app by servers, others at iot_platform.site): choose one"
                remedy = f"set servers.by_application.{application} to {s.iot_platform.site}, or give it a chain of one kind"
                yield Finding(("applications", application, "server_chain"), message, remedy)
                break


def user_planes(s: Scenario) -> Iterator[Finding]:
    """There is a UPF wherever a user plane leaves the core: at the first site of the place."""
    needed = {operator.upf: f"operators.{name}.upf" for name, operator in s.operators.items()}
    if s.private_network is not None and s.private_network.mode != "slice":
        needed["park"] = "private_network.mode"
    for place, key in needed.items():
        first = s.first_site(place)
        if first is not None and s.server_sites[first].upf is None:
            yield Finding(("server_sites", first, "upf"), f"there is no UPF, but {key} needs one at place '{place}'", "add upf")


def parks(s: Scenario) -> Iterator[Finding]:
    """Leased land is part of the park."""
    for name, park in s.parks.items():
        if park.leased_ha > park.area_ha:
            message = f"leased land of {park.leased_ha:g} ha exceeds the park's {park.area_ha:g} ha"
            yield Finding(("parks", name, "leased_ha"), message, "correct one of them")


EQUIPMENT_CHECKS = (traffic_items, radio_profiles, server_sites, chains, user_planes, parks)
