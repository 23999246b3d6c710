"""Frames of the world's tables from what the steps of the build collected."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from twin.scenario.entries import Operator
from twin.scenario.schema import PHONES_TENANT, Scenario
from twin.world.devices import DeviceArrays
from twin.world.phones import Phones
from twin.world.population import Population, Tenant
from twin.world.tables import COLUMNS


def typed(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The engine's columns first and of their types; other columns follow as they are."""
    columns = COLUMNS[table]
    extra = [c for c in frame.columns if c not in columns]
    return frame[[*columns, *extra]].astype(columns)


def device_frame(parks: list[str], population: Population, devices: DeviceArrays, phones: Phones, cell: np.ndarray,
                  gain_db: np.ndarray) -> pd.DataFrame:
    """`World.devices`: single devices, then the phones of each cell as tenants of their own."""
    n, m = len(devices), len(phones.device_hash)
    tenant = np.array([population.add_tenant(Tenant(f"{parks[p]}/{PHONES_TENANT}", int(p), 0.0, (0.0, 0.0, 0.0, 0.0)))
                       for p in phones.park], dtype=np.int32)
    return typed("devices", pd.DataFrame({
        "device_hash": np.concatenate([devices.device_hash, phones.device_hash]),
        "park": np.concatenate([devices.park, phones.park]), "tenant": np.concatenate([devices.tenant, tenant]),
        "device_class": np.concatenate([devices.device_class, phones.device_class]),
        "operator": np.concatenate([devices.operator, phones.operator]), "x_m": np.concatenate([devices.x_m, phones.x_m]),
        "y_m": np.concatenate([devices.y_m, phones.y_m]), "indoor": np.concatenate([devices.indoor, np.zeros(m, dtype=np.bool_)]),
        "cell": cell, "gain_db": gain_db, "is_aggregate": np.repeat([False, True], [n, m])}))


def is_standalone(operator: Operator, day: dt.date) -> bool:
    """Whether an operator has a 5G core on a day: from `sa_from` on, or by its architecture where no date is given."""
    return operator.architecture == "sa" if operator.sa_from is None else operator.sa_from <= day


def operator_frame(scenario: Scenario) -> pd.DataFrame:
    """`World.operators`; standalone: on the day of the plan."""
    return pd.DataFrame([{"operator_id": k, "name": o.name, "architecture": o.architecture, "upf": o.upf,
                          "standalone": is_standalone(o, scenario.plan.date),
                          "sa_capable_share": o.sa_capable_share} for k, o in scenario.operators.items()])


def application_frame(scenario: Scenario) -> pd.DataFrame:
    """`World.applications`."""
    return pd.DataFrame([{"application_id": k, "name_vi": a.name_vi, "name_en": a.name_en, "reliability_pct": a.reliability_pct,
                          "deadline_ms": a.deadline_ms} for k, a in scenario.applications.items()])


def tenant_frame(population: Population) -> pd.DataFrame:
    """`World.tenants`."""
    rows = [{"name": t.name, "park": t.park, "workers": t.workers, "sla_pct": t.sla_pct, "start_date": t.start_date}
            for t in population.tenants]
    return typed("tenants", pd.DataFrame(rows, columns=["name", "park", "workers", "sla_pct", "start_date"]))


def device_counts(parks: list[str], devices: DeviceArrays, cell: np.ndarray, lost: int) -> dict[str, float]:
    """Devices on 5G and those without coverage, in all and by park."""
    n = len(devices)
    uncovered = cell[:n] < 0
    out = {"devices_5g": float(n), "devices_without_coverage": float(uncovered.sum()), "devices_too_weak": float(lost)}
    for p, park in enumerate(parks):
        here = devices.park == p
        out[f"devices_5g/{park}"] = float(here.sum())
        out[f"devices_without_coverage/{park}"] = float((uncovered & here).sum())
    return out
