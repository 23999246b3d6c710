"""The section on core and signalling: network functions, procedures, messages, storms, random access."""

from __future__ import annotations

import math
from typing import Any

from twin.measure.control_kpis import FAILURES
from twin.measure.licence_kpis import LICENCES
from twin.report.core_charts import core_charts
from twin.report.folder import RunData, records
from twin.report.loads import headroom_pct
from twin.report.texts import Texts

_FUNCTION_FIGURES = ("messages_per_s", "backlog_max", "lost_overflow")
_GAUGES = ("registered_devices", "connected_devices", "sessions")
_DELAYS = ("delay_p50", "delay_p95", "delay_p99", "core_part_p50", "core_part_p95")
#: Quantities of TR 37.868 -> how they are shown.
_ACCESS = {"ra_collision_share": "%", "ra_collision_share_per_attempt": "%", "ra_access_success_share": "share",
           "ra_preamble_tx_mean": "", "ra_access_delay_mean_ms": "ms", "ra_access_delay_p10_ms": "ms",
           "ra_access_delay_p50_ms": "ms", "ra_access_delay_p90_ms": "ms", "ra_access_delay_p95_ms": "ms",
           "ra_preambles_per_s": "1/s", "ra_accesses_per_s": "1/s"}
_STORM = {"storm_devices": "", "storm_recovered_share": "share", "storm_recovery_p50_s": "s", "storm_recovery_p95_s": "s",
          "storm_recovery_p99_s": "s", "storm_retry_share": "%", "storm_collision_share_per_attempt": "%",
          "storm_accesses_failed": "", "storm_peak_backlog": "", "storm_peak_registrations_per_s": "1/s"}


def core_section(run: RunData, texts: Texts) -> dict[str, Any] | None:
    """All that the section prints; None where the run has no control plane."""
    procedures = _procedures(run, texts)
    access = [_figure(run, kpi, unit, texts) for kpi, unit in _ACCESS.items() if run.kpi_means(kpi, "network")]
    totals = _totals(run, texts)
    if not (procedures["rows"] or access or totals):
        return None
    return {"cores": [_core(run, core, texts) for core in _cores(run)], "procedures": procedures, "totals": totals,
            "access": {"rows": access, "cdf": _cdf(run, texts)}, "storms": _storms(run, texts), "charts": core_charts(run, texts)}


def _cores(run: RunData) -> list[str]:
    """Cores that anything happened in."""
    return sorted(core for core, n in run.kpi_means("procedures_per_s", "core").items() if n > 0)


def _core(run: RunData, core: str, texts: Texts) -> dict[str, Any]:
    """One core: its functions, the first to give way, what is connected, messages per interface."""
    load, background = (run.kpi_means(f"function_{name}", "function") for name in ("load_pct", "background_pct"))
    hosts = run.kpi_means("host_load_pct", "host")
    load |= hosts
    background |= run.kpi_means("host_background_pct", "host")
    figures = {name: run.kpi_means(f"function_{name}", "function") for name in _FUNCTION_FIGURES}
    asked = figures["messages_per_s"]
    mine = [name for name in load if name.startswith(f"{core}/") and asked.get(name, 1.0) > 0]
    headroom = headroom_pct(run)
    room = {name: _growth(load[name], background.get(name, 0.0), headroom) for name in mine}
    mine.sort(key=lambda name: (room[name], -load[name], name))
    shown = {name: texts("core.host") if name in hosts else _below(name, core) for name in mine}
    rows = [{"name": shown[name], "load": texts.percent(load[name]),
             "background": texts.percent(background.get(name, 0.0)), "growth": _growth_text(room[name], texts),
             "state": "over" if load[name] >= headroom else "",
             "messages_per_s": texts.measure(figures["messages_per_s"].get(name, math.nan)),
             **{key: texts.number(figures[key].get(name)) for key in ("backlog_max", "lost_overflow")}} for name in mine]
    first = ""
    if mine:
        key = "core.first_over" if load[mine[0]] >= headroom else "core.first"
        first = texts(key, core=core, name=shown[mine[0]], load=texts.number(load[mine[0]], 1),
                      growth=_growth_text(room[mine[0]], texts), headroom=texts.number(headroom))
    fullest: dict[str, dict[str, str]] = {}
    for row in rows:
        fullest.setdefault(row["name"].rpartition("-")[0] or row["name"], row)
    return {"name": core, "functions": list(fullest.values()), "instances": rows if len(rows) > len(fullest) else [],
            "first": first, "gauges": _gauges(run, core, texts), "interfaces": _interfaces(run, core, texts),
            "licences": _licences(run, core, texts)}


def _below(name: str, core: str) -> str:
    return name.removeprefix(f"{core}/")


def _growth(load: float, background: float, headroom: float) -> float:
    """By what factor the simulated signalling may grow until the function reaches the headroom."""
    own = load - background
    return math.inf if own <= 0 else max(headroom - background, 0.0) / own


def _growth_text(factor: float, texts: Texts) -> str:
    if not math.isfinite(factor):
        return "–"
    return texts("capacity.over_limit") if factor < 1.0 else f"× {texts.measure(factor)}"


def _gauges(run: RunData, core: str, texts: Texts) -> list[dict[str, str]]:
    return [{"name": texts(f"core.{gauge}"), "mean": texts.number(run.kpi_means(f"{gauge}_mean", "core").get(core)),
             "max": texts.number(run.kpi_means(f"{gauge}_max", "core").get(core))} for gauge in _GAUGES]


def _interfaces(run: RunData, core: str, texts: Texts) -> list[dict[str, str]]:
    rate, size, lost = (run.kpi_means(kpi, "interface") for kpi in ("messages_per_s", "message_bytes_per_s", "messages_lost"))
    mine = sorted((name for name in rate if name.startswith(f"{core}/")), key=lambda name: -rate[name])
    return [{"name": _below(name, core), "rate": texts.measure(rate[name]), "kbps": texts.measure(size.get(name, 0.0) * 8e-3),
             "lost": texts.number(lost.get(name, 0.0))} for name in mine]


def _licences(run: RunData, core: str, texts: Texts) -> list[dict[str, str]]:
    """What is used of each licence that the core has, and the blocks that takes."""
    out = []
    for kind in LICENCES:
        of = {name: run.kpi_means(f"licence_{kind}_{name}", "core").get(core)
              for name in ("own", "use", "used_pct", "blocks", "block", "limit")}
        if of["use"] is None or of["blocks"] is None or of["block"] is None:
            continue
        of["blocks"] = math.ceil(of["blocks"])  # whole ones also where replications differ
        of["next_block"] = of["blocks"] * of["block"]
        shown = {name: "–" if value is None else _count(value, texts) for name, value in of.items() if name != "used_pct"}
        key = "core.licence_blocks" if of["limit"] is None else "core.licence_used"
        out.append({"name": texts(f"licence_kind.{kind}"), "used": texts(key, used_pct=texts.percent(of["used_pct"]), **shown)})
    return out


def _procedures(run: RunData, texts: Texts) -> dict[str, Any]:
    """Every procedure that was started: rate, success, delays, failures by cause."""
    rate, success = run.kpi_means("procedures_per_s", "procedure"), run.kpi_means("procedure_success_share", "procedure")
    retries = run.kpi_means("procedure_retry_share", "procedure")
    delays = {name: run.kpi_means(f"procedure_{name}_ms", "procedure") for name in _DELAYS}
    failed = {cause: run.kpi_means(f"procedures_failed_{cause}", "procedure") for cause in FAILURES}
    causes = [cause for cause, found in failed.items() if sum(found.values()) > 0]
    rows = [{"name": name, "rate": texts.measure(rate[name]), "success": texts.share(success.get(name)),
             "retries": texts.percent(100 * retries.get(name, math.nan)),
             "delays": [texts.measure(found.get(name, math.nan)) for found in delays.values()],
             "failed": [texts.number(failed[cause].get(name, 0.0)) for cause in causes]} for name in sorted(rate)]
    return {"rows": rows, "causes": [texts(f"procedure_cause.{cause}") for cause in causes]}


def _totals(run: RunData, texts: Texts) -> list[dict[str, str]]:
    """Totals over all cores: what a department sees."""
    found = []
    for kpi, unit in (("procedures_per_s", "1/s"), ("procedure_success_share", "share"), ("registered_devices_mean", ""),
                      ("connected_devices_mean", ""), ("messages_per_s", "1/s")):
        if run.kpi_means(kpi, "network"):
            found.append(_figure(run, kpi, unit, texts))
    return found


def _figure(run: RunData, kpi: str, unit: str, texts: Texts) -> dict[str, str]:
    """A KPI of the whole network in words and its value with unit."""
    return {"name": texts(f"kpi.{kpi}"), "value": _value(run.kpi_means(kpi, "network").get("network"), unit, texts)}


def _value(value: float | None, unit: str, texts: Texts) -> str:
    if value is None:
        return "–"
    if unit == "share":
        return texts.share(value)
    return texts.percent(100 * value, 2) if unit == "%" else f"{texts.measure(value)} {unit}" if unit else _count(value, texts)


def _count(value: float, texts: Texts) -> str:
    """A number without a unit: whole ones without decimals."""
    return texts.number(value) if float(value).is_integer() or abs(value) >= 100 else texts.measure(value)


def _cdf(run: RunData, texts: Texts) -> list[dict[str, str]]:
    """Share of the accesses that needed at most so many preamble transmissions."""
    points = [(n, run.kpi_means(f"ra_preamble_tx_cdf_{n}", "network").get("network")) for n in range(1, 11)]
    return [{"n": str(n), "share": texts.share(value)} for n, value in points if value is not None]


def _storms(run: RunData, texts: Texts) -> dict[str, Any]:
    """A column a storm, a row a figure."""
    names = sorted(run.kpis.loc[run.kpis["scope_kind"] == "storm", "scope"].astype(str).unique())
    rows = []
    for kpi, unit in _STORM.items() if names else ():
        found = run.kpi_means(kpi, "storm")
        waited = kpi.startswith("storm_recovery_") and run.kpi_means("storm_recovered_share", "storm")
        if found or waited:  # a dash says that fewer came back
            rows.append({"name": texts(f"kpi.{kpi}"), "values": [_value(found.get(name), unit, texts) for name in names]})
    return {"names": names, "rows": rows}


def core_names(run: RunData) -> set[str]:
    """Names of cores and of all their parts in a run."""
    kinds = ("core", "function", "procedure", "interface", "host")
    return {str(row["scope"]) for row in records(run.kpis[run.kpis["scope_kind"].isin(kinds)][["scope"]].drop_duplicates())}
