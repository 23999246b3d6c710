"""From the stored measures of the replications to the tables of a run folder."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pandas as pd

from twin.measure.kpis import bottleneck_rows, budget_rows, histogram_rows, kpi_rows, resource_rows, timeseries_rows
from twin.measure.measures import Measures
from twin.measure.network import cell_load_pct, owner_names
from twin.study.store import write_table
from twin.world.tables import World


def write_results(folder: Path, measures: dict[int, Measures], world: World, headroom_pct: float) -> None:
    """Write all tables. measures: by replication; they are taken in the order of the replications, however they finished."""
    order = sorted(measures)
    kpis = [kpi_rows(measures[r], world).assign(replication=r) for r in order]
    total = add_all([measures[r] for r in order])
    resources = resource_rows(total, world, headroom_pct)
    tables = {
        "kpis": pd.concat(kpis, ignore_index=True)[["replication", "kpi", "scope_kind", "scope", "value", "unit"]],
        "budget": budget_rows(total, world), "histograms": histogram_rows(total, world),
        "timeseries": timeseries_rows(total, world), "resources": resources,
        "bottlenecks": bottleneck_rows(resources, world), **world_tables(world, total),
    }
    for name, table in tables.items():
        write_table(folder, name, table)


def add_all(measures: list[Measures]) -> Measures:
    """Sum of replications; `totals["replications"]` says of how many."""
    total = copy.deepcopy(measures[0])
    for other in measures[1:]:
        total.add(other)
    total.totals = {**total.totals, "replications": float(len(measures))}
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
