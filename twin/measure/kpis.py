"""The KPI table of one replication, and the door to the other result tables."""

from __future__ import annotations

import pandas as pd

from twin.measure.bottlenecks import bottleneck_rows
from twin.measure.control_kpis import control_kpis
from twin.measure.control_series import control_timeseries
from twin.measure.delays import budget_rows, histogram_rows
from twin.measure.flows import flow_kpis
from twin.measure.measures import Measures
from twin.measure.network import cell_kpis, deadline_kpis, inventory_kpis, resource_kpis, tenant_kpis
from twin.measure.resources import resource_rows
from twin.measure.scopes import frame, scopes_of
from twin.measure.series import traffic_timeseries
from twin.world.tables import World

__all__ = ["bottleneck_rows", "budget_rows", "histogram_rows", "kpi_rows", "resource_rows", "timeseries_rows"]


def kpi_rows(measures: Measures, world: World) -> pd.DataFrame:
    """All KPIs of a replication (or a sum of replications): columns kpi, scope_kind, scope, value, unit.

    Scope kinds: network, park, operator, application, park_operator (``TL2/viettel``), park_application (``TL2/camera``), group
    (``TL2/viettel/camera``), cell, link, pool, server, tenant, device_class; of the control plane core (``viettel/5gc``),
    function (``viettel/5gc/amf-1``), procedure (``viettel/5gc/registration``), interface (``viettel/5gc/N2``), host, rach and
    storm. What has no value (no traffic) has no row.
    """
    parts = [*flow_kpis(measures, scopes_of(world)), *cell_kpis(measures, world), *resource_kpis(measures, world),
             *tenant_kpis(measures, world), *deadline_kpis(world), *inventory_kpis(world), *control_kpis(measures, world)]
    return frame(parts)


def timeseries_rows(measures: Measures, world: World, warmup_ns: int | None = None) -> pd.DataFrame:
    """Everything over time, of the traffic and of the control plane: columns t_s, kpi, scope_kind, scope, value."""
    tables = [traffic_timeseries(measures, world, warmup_ns), control_timeseries(measures, world, warmup_ns)]
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else tables[0]
