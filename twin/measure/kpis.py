"""The KPI table of one replication, and the door to the other result tables."""

from __future__ import annotations

import pandas as pd

from twin.measure.bottlenecks import bottleneck_rows
from twin.measure.delays import budget_rows, histogram_rows
from twin.measure.flows import flow_kpis
from twin.measure.measures import Measures
from twin.measure.network import cell_kpis, deadline_kpis, inventory_kpis, resource_kpis, tenant_kpis
from twin.measure.resources import resource_rows
from twin.measure.scopes import frame, scopes_of
from twin.measure.series import timeseries_rows
from twin.world.tables import World

__all__ = ["bottleneck_rows", "budget_rows", "histogram_rows", "kpi_rows", "resource_rows", "timeseries_rows"]


def kpi_rows(measures: Measures, world: World) -> pd.DataFrame:
    """All KPIs of a replication (or a sum of replications): columns kpi, scope_kind, scope, value, unit.

    Scope kinds: network, park, operator, application, park_operator (``TL2/viettel``), park_application (``TL2/camera``), group
    (``TL2/viettel/camera``), cell, link, pool, server, tenant, device_class. What has no value (no traffic) has no row.
    """
    parts = [*flow_kpis(measures, scopes_of(world)), *cell_kpis(measures, world), *resource_kpis(measures, world),
             *tenant_kpis(measures, world), *deadline_kpis(world), *inventory_kpis(world)]
    return frame(parts)
