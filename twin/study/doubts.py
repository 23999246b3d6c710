"""What a reader of the figures should know, found out from the world and from the runs."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from twin.world.tables import World


def unjudged(world: World, measured_s: float) -> list[str]:
    """A warning about applications whose deadline the measured window cannot hold: nothing overdue is seen in it."""
    types = world.flow_types
    longest = types["deadline_ns"].groupby(types["application"]).max() * 1e-9
    names = world.applications["application_id"]
    late = [f"{names[int(a)]} ({deadline:g} s)" for a, deadline in longest.items() if deadline > measured_s]  # type: ignore[call-overload]
    return [f"the measured window of {measured_s:g} s is shorter than the deadline of {', '.join(late)}: messages on "
            "their way at its end are never late, so the share in time says little; use a longer horizon"] if late else []


def refused_grants(totals: Mapping[int, Mapping[str, float]]) -> list[str]:
    """A warning about configured grants for which their cells have no PRBs left."""
    refused = max((int(of.get("configured_grants_refused", 0)) for of in totals.values()), default=0)
    return [f"{refused} configured grants were refused, their cells having no PRBs left: these flows ask for every message; use "
            "longer periods, smaller grants or more cells"] if refused else []


#: A function is full from this load on, %; where procedures of its core time out, from PEAK_PCT in any part of the run (event
#: loops that share CPUs leave a little idle even when more work waits).
FULL_PCT, PEAK_PCT = 99.5, 90.0
_MOST_NAMED = 6
#: Share of a cell's PRBs that signalling may ask for, %, before it is doubtful that it has no wait.
SIGNALLING_PCT = 80.0


def driven_past_capacity(kpis: pd.DataFrame, timeseries: pd.DataFrame) -> list[str]:
    """Warnings about network functions that were full, lost messages to a full backlog, or made procedures time out."""
    late = _worst(kpis, "procedures_failed_timeout", "core")
    late = late.add(_worst(kpis, "procedures_failed_sbi_timeout", "core"), fill_value=0.0)
    functions = _functions(kpis, timeseries, late)
    full = functions[functions["full"]].sort_values("peak", ascending=False, kind="stable")
    found = [_past(str(name), row) for name, row in full.head(_MOST_NAMED).iterrows()]
    if len(full) > _MOST_NAMED:
        found.append(f"{len(full) - _MOST_NAMED} more network functions were driven past their capacity")
    explained = set(full["core"])
    return found + [_slow(str(core), n, functions[functions["core"] == core]["peak"])
                    for core, n in late.items() if n > 0 and core not in explained]


def crowded_by_signalling(kpis: pd.DataFrame) -> list[str]:
    """A warning about cells whose signalling asks for nearly all PRBs or more, which the twin sends all the same."""
    load = pd.concat([_worst(kpis, f"cell_signalling_prb_{direction}_pct", "cell") for direction in ("ul", "dl")])
    fullest = load.groupby(level=0).max().sort_values(ascending=False, kind="stable")
    over = fullest[fullest >= SIGNALLING_PCT]
    if not len(over):
        return []
    named = ", ".join(f"{name} ({value:.0f} %)" for name, value in over.head(_MOST_NAMED).items())
    more = f" and {len(over) - _MOST_NAMED} more" if len(over) > _MOST_NAMED else ""
    return [f"signalling asks for {SIGNALLING_PCT:g} % or more of the PRBs of {named}{more}, on average over the measured time: "
            "it is sent before all data and never waits for PRBs here, so these cells' procedures would take longer"]


def _functions(kpis: pd.DataFrame, timeseries: pd.DataFrame, late: pd.Series) -> pd.DataFrame:
    """Load, fullest bucket, losses, backlog of every function, timeouts of its core, and whether it was driven too far.

    The CPUs of a host that is full are the limit of all its functions; of these the one with the longest backlog is named.
    """
    table = pd.DataFrame({name: _worst(kpis, f"function_{name}", "function")
                          for name in ("load_pct", "lost_overflow", "backlog_max")}).fillna(0.0)
    core = [str(name).rpartition("/")[0] for name in table.index]
    table = table.assign(core=core, peak=_peak(timeseries, "function_load_pct", table.index).clip(lower=table["load_pct"]),
                         host=_peak(timeseries, "function_host_load_pct", table.index),
                         timed_out=[float(late.get(name, 0.0)) for name in core])
    longest = table["backlog_max"] >= table.groupby("core")["backlog_max"].transform("max")
    busy = (table["peak"] >= PEAK_PCT) | (table["host"] >= PEAK_PCT) & longest
    full = (table["load_pct"] >= FULL_PCT) | (table["lost_overflow"] > 0) | busy & (table["timed_out"] > 0)
    return table.assign(full=full.astype(bool))


def _peak(timeseries: pd.DataFrame, kpi: str, names: pd.Index) -> pd.Series:
    """The fullest bucket of each function, 0 where there is none."""
    series = timeseries[timeseries["kpi"] == kpi]
    return series.groupby("scope")["value"].max().reindex(names).astype(float).fillna(0.0)


def _past(name: str, row: pd.Series) -> str:
    shared = f", the CPUs it shares {row['host']:.1f} %" if row["host"] > 0 else ""
    gone = f", {row['lost_overflow']:,.0f} messages lost to a full backlog" if row["lost_overflow"] > 0 else ""
    slow = f"; procedures of {row['core']} that timed out: {row['timed_out']:,.0f}" if row["timed_out"] > 0 else ""
    return (f"{name} was driven past its capacity: load {row['load_pct']:.1f} %, {row['peak']:.1f} % at its fullest{shared}, "
            f"longest backlog {row['backlog_max']:,.0f} messages{gone}{slow}")


def _slow(core: str, timeouts: float, peak: pd.Series) -> str:
    fullest = f"; its fullest function was {peak.idxmax()} with {peak.max():.1f} %" if len(peak) else ""
    return (f"{timeouts:,.0f} procedures of {core} failed by timeout though no function was full{fullest}: look at random "
            "access, at links and at what is down")


def _worst(kpis: pd.DataFrame, kpi: str, scope_kind: str) -> pd.Series:
    """Largest value over the replications of a KPI, by scope."""
    found = kpis[(kpis["kpi"] == kpi) & (kpis["scope_kind"] == scope_kind)]
    return found.groupby("scope")["value"].max().astype(float)
