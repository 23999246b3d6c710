"""From the province's plan to stations in each park, and the plan's totals as counts."""

from __future__ import annotations

import pandas as pd

from twin.scenario.libraries import library
from twin.scenario.schema import Scenario
from twin.world.stations import in_park_counts


def all_parks(scenario: Scenario) -> dict[str, tuple[float, int]]:
    """Area (ha) and wave of every park of the province: those of the scenario over the library's.

    A scenario that names one park still gives it its share of the province's in-park stations, not all of them.
    """
    parks = {name: (float(entry["area_ha"]), int(entry["wave"])) for name, entry in library("parks").data.items()}
    parks.update({name: (p.area_ha, p.wave) for name, p in scenario.parks.items()})
    return parks


def planned_counts(scenario: Scenario) -> dict[str, dict[str, int]]:
    """5G stations by park and operator: as given, else derived."""
    plan, parks = scenario.plan, all_parks(scenario)
    stations = {o: plan.stations_5g.get(o, 0) for o in scenario.operators}
    derived = in_park_counts(stations, plan.in_park_share, {n: area for n, (area, _) in parks.items()},
                             {n: plan.priority_park_weight if wave == 1 else 1.0 for n, (_, wave) in parks.items()})
    return {name: dict(plan.in_park_stations_5g.get(name) or derived[name]) for name in scenario.parks}


def station_counts(scenario: Scenario, stations: pd.DataFrame, sites: pd.DataFrame) -> dict[str, float]:
    """The province's stations and those laid out. Percentages need their denominator named: give all of them."""
    plan, operators = scenario.plan, scenario.operators
    total = sum(plan.stations_5g.get(o, 0) for o in operators)
    today = sum(o.stations_5g_today for o in operators.values())
    new = max(0, total - today)
    counted = stations[stations["counted"]]
    out = {"stations_5g_total": float(total), "stations_5g_today": float(today), "stations_5g_new": float(new),
           "stations_5g_converted": float(round(plan.convert_fraction * new)),
           "stations_5g_new_built": float(new - round(plan.convert_fraction * new)),
           "stations_4g_new": float(sum(o.plan_new_4g for o in operators.values())) if new else 0.0,
           "stations_5g_in_park": float(len(counted)), "stations_5g_outside_parks": float(max(0, total - len(counted))),
           "stations_laid_out": float(len(stations)), "sites": float(len(sites))}
    park = sites["park"].to_numpy()[counted["site"].to_numpy()]
    for p, name in enumerate(scenario.parks):
        out[f"stations_5g_in_park/{name}"] = float((park == p).sum())
        for o, operator in enumerate(operators):
            here = (park == p) & (counted["operator"].to_numpy() == o)
            out[f"stations_5g_in_park/{name}/{operator}"] = float(here.sum())
    for operator in operators:
        out[f"stations_5g/{operator}"] = float(plan.stations_5g.get(operator, 0))
    return out
