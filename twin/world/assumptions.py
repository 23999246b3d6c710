"""The table of assumptions: what the world takes for granted, with value, unit, source and confidence."""

from __future__ import annotations

import csv
from importlib import resources as package_files
from typing import Any

import pandas as pd

from twin.scenario.fields import Sourced
from twin.scenario.schema import LIBRARIES, Scenario
from twin.world.tables import COLUMNS

_UNITS = {"ha": "ha", "ms": "ms", "us": "us", "ns": "ns", "db": "dB", "dbm": "dBm", "dbi": "dBi", "mhz": "MHz", "khz": "kHz",
          "gbps": "Gbit/s", "mbps": "Mbit/s", "m": "m", "km": "km", "pct": "%", "bytes": "B", "usd": "US$", "share": "share",
          "slots": "slots", "symbols": "symbols", "workers": "workers", "tenants": "tenants", "s": "s"}
#: Entries of these confidences are assumptions as a whole.
_WEAK = ("A", "FM", "L")
#: Sections that the simulated network does not use: the money has a place of its own.
_UNUSED = ("cost_items",)
#: Sections of the control plane: only when it is simulated, and the core profiles in use only.
_CONTROL = ("core_profiles", "signalling_behaviours", "rach_profiles")


def _unit(key: str) -> str:
    by_end = {"us_per_km": "us/km", "_m_s": "m/s", "_per_h": "1/h"}
    return next((unit for end, unit in by_end.items() if key.endswith(end)), _UNITS.get(key.rsplit("_", 1)[-1], ""))


def _entry_rows(section: str, name: str, entry: Sourced) -> list[dict[str, str]]:
    """Scalars of one entry that are assumed: those it names, or all of a weak entry."""
    listed = set(entry.assumed)
    rows = []
    for key, value in entry:
        if key in ("source", "confidence", "assumed") or not isinstance(value, int | float | str) or isinstance(value, bool):
            continue
        if key in listed or (not listed and entry.confidence in _WEAK and not key.startswith("name")):
            confidence = "A" if key in listed else entry.confidence
            rows.append(_row(f"{section}.{name}.{key}", value, _unit(key), entry.source, confidence))
    return rows


def _row(item: str, value: Any, unit: str, source: str, confidence: str) -> dict[str, str]:
    return {"item": item, "value": str(value), "unit": unit, "source": source, "confidence": confidence}


def _plan_rows(scenario: Scenario) -> list[dict[str, str]]:
    plan, devices, transport = scenario.plan, scenario.devices, scenario.transport
    basis = "scenario; default from the province's fact base"
    return [
        _row("plan.in_park_share", plan.in_park_share, "share", "10 of 106 5G stations stand in parks today", "A"),
        _row("plan.priority_park_weight", plan.priority_park_weight, "", "order of parks in the provincial plan", "A"),
        _row("plan.convert_fraction", plan.convert_fraction, "share", "the plan gives no split converted/new", "A"),
        _row("devices.density", devices.density_per_leased_ha, "devices/leased ha", basis + "; low 5, base 25, high 150", "A"),
        _row("devices.access", devices.access, "", basis, "A"),
        _row("devices.indoor_share", devices.indoor_share, "share", basis, "A"),
        _row("devices.high_loss_building_share", devices.high_loss_building_share, "share", basis, "A"),
        _row("transport.park_aggregation_gbps", transport.park_aggregation_gbps, "Gbit/s", basis, "A"),
        _row("transport.ring_gbps", transport.ring_gbps, "Gbit/s", "40 to 100 Gbit/s to district centres (press)", "M"),
        _row("transport.route_factor", transport.route_factor, "", "fibre length over the straight line, usual practice", "A"),
        _row("transport.background_share", transport.background_share, "share", basis, "A"),
    ]


def _control_rows(scenario: Scenario) -> list[dict[str, str]]:
    """Of the control plane: behaviours, random access, the core profiles in use with their functions and costs, call flows."""
    used = {scenario.signalling.profile_of(operator) for operator in scenario.operators}
    source = "TS 23.502, TS 23.401; 5GC as a measured open-source core sends them; sizes of radio messages and of the EPC assumed"
    rows = [_row("signalling.call_flows", "messages, order and sizes as in the library", "", source, "A")]
    for section in _CONTROL:
        for name, entry in getattr(scenario, section).items():
            if section != "core_profiles" or name in used:
                rows += _entry_rows(section, name, entry)
    for name in sorted(used):
        profile = scenario.core_profiles[name]
        for nf, pool in profile.functions.items() if profile.confidence in _WEAK else ():
            text = f"{pool.instances} x {pool.workers} workers, at most {pool.backlog_limit} messages each"
            rows.append(_row(f"core_profiles.{name}.functions.{nf}", text, "", profile.source, profile.confidence))
        for key, value in profile.message_costs_us if profile.confidence in _WEAK else ():
            unit = "share" if key.endswith("share") else "us"
            rows.append(_row(f"core_profiles.{name}.message_costs_us.{key}", value, unit, profile.source, profile.confidence))
    return rows


def assumptions(scenario: Scenario) -> pd.DataFrame:
    """`World.assumptions`: of the scenario, of its library entries, of the way the world is laid out."""
    text = (package_files.files("twin.world") / "data" / "assumptions.csv").read_text(encoding="utf-8")
    rows = _plan_rows(scenario)
    rows += [{k: str(v) for k, v in row.items()} for row in csv.DictReader(text.splitlines())]
    for section in LIBRARIES:
        if section not in (*_UNUSED, *_CONTROL):
            for name, entry in getattr(scenario, section).items():
                rows += _entry_rows(section, name, entry)
    if scenario.signalling.enabled:
        rows += _control_rows(scenario)
    return pd.DataFrame(rows, columns=list(COLUMNS["assumptions"]))
