"""From the stored measures of the replications to the tables of a run folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from twin.measure.elements import element_rows
from twin.measure.kpis import bottleneck_rows, budget_rows, histogram_rows, kpi_rows, resource_rows, timeseries_rows
from twin.measure.measures import Measures
from twin.measure.network import cell_load_pct, owner_names
from twin.study.store import load_measures, replication_path, write_table
from twin.world.tables import World


def write_results(folder: Path, replications: int, world: World, headroom_pct: float,
                  warmup_ns: int | None = None) -> dict[int, dict[str, float]]:
    """Write all tables from the stored replications, in their order, however they finished; one at a time in memory.

    warmup_ns: where the measured part of the time series begins; None: what whole buckets leave beside it. Gives the totals of
    each replication that is stored; without any, nothing is written.
    """
    kpis, totals, total = [], {}, None
    for r in range(replications):
        measures = load_measures(replication_path(folder, r))
        if measures is not None:
            kpis.append(kpi_rows(measures, world).assign(replication=r))
            totals[r] = dict(measures.totals)
            total = added(total, measures)
    if total is None:
        return {}
    resources = resource_rows(total, world, headroom_pct, warmup_ns)
    tables = {
        "kpis": pd.concat(kpis, ignore_index=True)[["replication", "kpi", "scope_kind", "scope", "value", "unit"]],
        "budget": budget_rows(total, world), "histograms": histogram_rows(total, world),
        "timeseries": timeseries_rows(total, world, warmup_ns), "resources": resources,
        "bottlenecks": bottleneck_rows(resources, world), "elements": element_rows(world), **world_tables(world, total),
    }
    for name, table in tables.items():
        write_table(folder, name, table)
    return totals


def added(total: Measures | None, measures: Measures) -> Measures:
    """The sum so far and one replication more; `totals["replications"]` says of how many. Takes `measures` over."""
    if total is None:
        return replace(measures, totals={"replications": 1.0})
    total.add(measures)
    total.totals["replications"] += 1.0
    return total


def world_tables(world: World, total: Measures) -> dict[str, pd.DataFrame]:
    """What the report draws: parks, sites, cells with their load, assumptions; parks and operators by their identifiers."""
    load = cell_load_pct(total)
    owner = world.sites["owner"].to_numpy() if "owner" in world.sites else np.full(len(world.sites), -1)
    site_park, site_owner = owner_names(world, world.sites["park"].to_numpy(), owner)
    cell_park, cell_operator = owner_names(world, world.cells["park"].to_numpy(), world.cells["operator"].to_numpy())
    site = world.sites["name"].to_numpy(object)[world.cells["site"].to_numpy()]
    keep = ["name", "azimuth_deg", "tx_power_dbm"]
    return {
        "parks": world.parks, "assumptions": world.assumptions.astype(dict.fromkeys(("item", "value", "unit", "source"), str)),
        "sites": world.sites.assign(park=site_park, owner=site_owner),
        "cells": world.cells[keep].assign(site=site, park=cell_park, operator=cell_operator, prb_ul_pct=load[:, 0],
                                          prb_dl_pct=load[:, 1]),
    }
