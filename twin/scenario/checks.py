"""Cross-checks of a whole scenario: one small function each, offenders and remedy in what it yields."""

from __future__ import annotations

from collections.abc import Iterator

from twin.scenario.check_equipment import EQUIPMENT_CHECKS
from twin.scenario.check_references import REFERENCE_CHECKS
from twin.scenario.check_signalling import SIGNALLING_CHECKS, SIGNALLING_WARNINGS
from twin.scenario.check_warnings import DEMAND_WARNINGS
from twin.scenario.findings import Finding
from twin.scenario.idle import idle_keys
from twin.scenario.schema import TABLES, Scenario

TABLE_SUFFIXES = {"sites": (".csv", ".xlsx", ".geojson")}
SUM_TOLERANCE = 1e-6
MIN_COUNTED_S = 0.001 - 1e-9


def problems_of(s: Scenario) -> list[Finding]:
    """Everything wrong that single values do not show."""
    return [finding for check in (*CHECKS, *REFERENCE_CHECKS, *EQUIPMENT_CHECKS, *SIGNALLING_CHECKS) for finding in check(s)]


def times(s: Scenario) -> Iterator[Finding]:
    """At least a millisecond is left to count after the warm-up."""
    if s.simulation.horizon_s - s.simulation.warmup_s < MIN_COUNTED_S:
        warmup, horizon = s.simulation.warmup_s, s.simulation.horizon_s
        message = f"warm-up of {warmup:g} s leaves nothing of a horizon of {horizon:g} s (1 ms is the least)"
        yield Finding(("simulation", "warmup_s"), message, "lengthen horizon_s or shorten warmup_s")


def classes(s: Scenario) -> Iterator[Finding]:
    """Every device class sends something, and its access shares sum to 1."""
    for name, device_class in s.device_classes.items():
        path = ("device_classes", name)
        if not device_class.traffic:
            yield Finding((*path, "traffic"), f"device class '{name}' has no traffic", "add an item, or set the class to null")
        total = device_class.access_share.total
        if abs(total - 1) > SUM_TOLERANCE:
            yield Finding((*path, "access_share"), f"shares sum to {total:g}, not 1", "each device is connected in one way")


def operator_shares(s: Scenario) -> Iterator[Finding]:
    """There is an operator, and the device shares sum to 1."""
    if not s.operators:
        yield Finding(("operators",), "no operator is left", "keep at least one")
        return
    total = sum(operator.device_share for operator in s.operators.values())
    if abs(total - 1) > SUM_TOLERANCE:
        names = ", ".join(f"{name} {operator.device_share:g}" for name, operator in s.operators.items())
        yield Finding(("operators",), f"device shares sum to {total:g}, not 1 ({names})", "set device_share of each operator")


def served_parks(s: Scenario) -> Iterator[Finding]:
    """Each park has a station, as far as the scenario says how many."""
    if s.tables.sites is not None:
        return
    given = s.plan.in_park_stations_5g
    for park in s.parks:
        if park in given and not sum(count for operator, count in given[park].items() if operator in s.operators):
            message = f"no operator serves park {park}: it has no 5G station"
            yield Finding(("plan", "in_park_stations_5g", park), message, "give at least one operator a station there")
    derived = s.plan.in_park_share * sum(s.plan.stations_5g.get(operator, 0) for operator in s.operators)
    left = [park for park in s.parks if park not in given]
    if left and derived < 0.5:
        message = f"no operator serves the parks {', '.join(left)}: the plan leaves {derived:.2f} stations for them"
        yield Finding(("plan", "stations_5g"), message, "raise in_park_share or stations_5g, or give in_park_stations_5g")


def tested(s: Scenario) -> bool:
    """Whether a test brings devices of its own."""
    return s.random_access_test is not None or s.core_test is not None


def population(s: Scenario) -> Iterator[Finding]:
    """There is something to simulate."""
    derived = s.devices.include_derived and s.devices.density_per_leased_ha > 0
    mixed = any(device_class.per_1000_workers_base > 0 for device_class in s.device_classes.values())
    if not s.devices.groups and not (derived and mixed) and not s.devices.worker_phones and not tested(s):
        yield Finding(("devices",), "there are no devices at all", "raise the density, add groups, or set include_derived: true")


def table_files(s: Scenario) -> Iterator[Finding]:
    """Tables that replace generated ones are there and of a kind that can be read."""
    for table in TABLES:
        path = s.table_path(table)
        if path is None:
            continue
        suffixes = TABLE_SUFFIXES.get(table, (".csv", ".xlsx"))
        if path.suffix.lower() not in suffixes:
            yield Finding(("tables", table), f"'{path.name}' is none of {', '.join(suffixes)}", "export it as one of these")
        elif not path.is_file():
            yield Finding(("tables", table), f"file {path} does not exist", "paths are relative to the scenario file")


CHECKS = (times, classes, operator_shares, served_parks, population, table_files)


def warnings_of(s: Scenario) -> tuple[str, ...]:
    """Values outside the model's stated validity, and settings without effect."""
    return tuple(f"{'.'.join(map(str, f.path))}: {f.message}" for warning in WARNINGS for f in warning(s))


def short_runs(s: Scenario) -> Iterator[Finding]:
    """Percentiles of a second or less rest on few bursts; a single replication has no interval."""
    counted = s.simulation.horizon_s - s.simulation.warmup_s
    if 0 < counted < 1:
        yield Finding(("simulation", "horizon_s"), f"only {counted:g} s are counted after the warm-up")
    if s.simulation.replications < 2:
        yield Finding(("simulation", "replications"), "one replication gives no confidence interval")


def radio_validity(s: Scenario) -> Iterator[Finding]:
    """Path loss of TR 38.901 holds from 0.5 to 100 GHz; UMa is stated for masts of 25 m, UMi for 10 m."""
    for name, profile in s.radio_profiles.items():
        if not 500 <= profile.carrier_mhz <= 100_000:
            yield Finding(("radio_profiles", name, "carrier_mhz"), "outside the 0.5 to 100 GHz of TR 38.901")
        if profile.path_loss_model in ("uma", "umi") and not 8 <= profile.site_height_m <= 50:
            yield Finding(("radio_profiles", name, "site_height_m"), "far from the masts of TR 38.901 (UMa 25 m, UMi 10 m)")


def density_validity(s: Scenario) -> Iterator[Finding]:
    """TS 22.261 foresees at most 1,000 devices a hectare in discrete automation."""
    if s.devices.density_per_leased_ha > 1000:
        yield Finding(("devices", "density"), "above 1,000 devices a hectare, the densest case of TS 22.261")


def idle_settings(s: Scenario) -> Iterator[Finding]:
    """Settings that change nothing."""
    if s.private_network is not None and s.private_network.mode == "slice":
        yield Finding(("private_network", "mode"), "a slice shares the cells; its PRB quota is not modelled yet")
    if not s.devices.include_derived and not s.devices.groups and not tested(s):
        yield Finding(("devices", "include_derived"), "without derived devices and groups only the phones load the network")
    for class_name, device_class in s.device_classes.items():
        for item_name, item in device_class.traffic.items():
            if item.generator == "mar_periodic" and item.period_ms is not None:
                yield Finding(("device_classes", class_name, "traffic", item_name, "period_ms"), "has no effect on mar_periodic")


WARNINGS = (short_runs, radio_validity, density_validity, idle_settings, idle_keys, *DEMAND_WARNINGS, *SIGNALLING_WARNINGS)
