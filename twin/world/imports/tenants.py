"""The table of tenants: it replaces the generated tenants of every park it names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twin.base.errors import Problem, WorldError
from twin.scenario.schema import PHONES_TENANT
from twin.world.imports.columns import DATE, INTEGER, NUMBER, TEXT, Column, did_you_mean, parse
from twin.world.imports.files import read_table

COLUMNS = (
    Column("tenant", TEXT, required=True, description="Name of the tenant, unique in its park."),
    Column("park", TEXT, required=True, description="Park it is in."),
    Column("workers", INTEGER, required=True, low=0, high=1e7, description="Workers; the size by which devices are shared out."),
    Column("devices", INTEGER, low=0, high=5e6,
           description="All its IoT devices, whatever their access; empty: its part of the park's by the scenario's density."),
    Column("sla_pct", NUMBER, low=0, high=100, description="Agreed share of messages within deadline, per cent."),
    Column("start_date", DATE, description="Day from which it is there; a tenant that starts after plan.date is left out."),
)


@dataclass(frozen=True)
class TenantRow:
    """One tenant of the table. devices None: derived. start_date: ISO text or empty."""

    name: str
    park: str
    workers: int
    devices: int | None
    sla_pct: float
    start_date: str


def read_tenants(path: Path, parks: Sequence[str]) -> tuple[TenantRow, ...]:
    """Tenants of the table.

    Raises:
        WorldError: the file is broken; every problem is listed with file, row, column and remedy.
    """
    problems: list[Problem] = []
    out: list[TenantRow] = []
    seen: dict[tuple[str, str], str] = {}
    for row in parse(read_table(path), COLUMNS, problems):
        if row["park"] is not None and row["park"] not in parks:
            problems.append(Problem(row["place"], "park", f"{row['park']!r} is not in the scenario"
                                    f"{did_you_mean(row['park'], list(parks))}", f"one of {', '.join(parks)}"))
        key = (row["park"], row["tenant"])
        if key in seen:
            problems.append(Problem(row["place"], "tenant", f"{row['tenant']!r} stands twice in park {row['park']} (first in "
                                    f"{seen[key]})", "give each tenant one row"))
        seen[key] = row["place"]
        if row["tenant"] is not None and "/" in row["tenant"]:
            problems.append(Problem(row["place"], "tenant", "a name with '/'", "'/' separates levels of names: use another"))
        if row["tenant"] == PHONES_TENANT:
            problems.append(Problem(row["place"], "tenant", f"the name {PHONES_TENANT!r} is kept for the workers' phones",
                                    "choose another"))
        out.append(TenantRow(str(row["tenant"]), str(row["park"]), row["workers"] or 0, row["devices"],
                             math.nan if row["sla_pct"] is None else row["sla_pct"],
                             row["start_date"].isoformat() if row["start_date"] else ""))
    if problems:
        raise WorldError(problems)
    return tuple(out)
