"""What the verdict says of the control plane, as tables: title, columns, rows, and the column that gives way."""

from __future__ import annotations

from typing import Any

import pandas as pd

Table = tuple[str, list[str], list[tuple[Any, ...]], str]
#: Functions that the verdict shows, and from what share of preambles that collide it speaks of random access.
MOST_FUNCTIONS, MANY_COLLISIONS = 8, 0.01
#: Results of random access, in the order of TR 37.868.
ACCESS_LINES = {
    "ra_collision_share": "collisions, of all opportunities",
    "ra_collision_share_per_attempt": "collisions, of all preambles sent",
    "ra_access_success_share": "accesses that succeeded", "ra_preamble_tx_mean": "preamble transmissions, mean",
    "ra_access_delay_mean_ms": "access delay, mean", "ra_access_delay_p10_ms": "access delay, p10",
    "ra_access_delay_p50_ms": "access delay, p50", "ra_access_delay_p90_ms": "access delay, p90",
    "ra_access_delay_p95_ms": "access delay, p95",
}
_TEST_COLUMNS = {"core_test_devices": ">procedures", "core_test_success_share": ">succeeded",
                 "core_test_cpu_ms": ">CPU of one\nms", "core_test_core_part_mean_ms": ">time in core\nmean, ms",
                 "core_test_core_part_p50_ms": ">p50\nms",
                 "core_test_core_part_p95_ms": ">p95\nms", "core_test_core_part_p99_ms": ">p99\nms",
                 "core_test_last_served_s": ">last served\ns"}
_FUNCTION_COLUMNS = {"function_load_pct": ">load %", "function_host_load_pct": ">shared\nCPUs %",
                     "function_background_pct": ">of it not\nsimulated",
                     "function_messages_per_s": ">messages\n1/s", "function_backlog_max": ">longest\nbacklog",
                     "function_lost_overflow": ">lost"}
_STORM_COLUMNS = {"storm_devices": ">devices", "storm_recovered_share": ">back", "storm_recovery_p50_s": ">50 % back\ns",
                  "storm_recovery_p95_s": ">95 % back\ns", "storm_recovery_p99_s": ">99 % back\ns",
                  "storm_retry_share": ">retries", "storm_collision_share_per_attempt": ">preambles\ncollided",
                  "storm_peak_backlog": ">longest\nbacklog", "storm_peak_registrations_per_s": ">registrations\n1/s, most"}


def control_tables(summary: pd.DataFrame, alone: bool = False) -> list[Table]:
    """The fullest network functions; storms; random access where there are storms, many collisions or nothing else (`alone`)."""
    functions, storms = (_wide(summary, kind) for kind in ("function", "storm"))
    tables = []
    if "function_messages_per_s" in functions:  # functions that nobody asks have the load of others only
        functions = functions[functions["function_messages_per_s"] > 0]
    if len(functions) and "function_load_pct" in functions:
        fullest = functions.sort_values("function_load_pct", ascending=False, kind="stable").head(MOST_FUNCTIONS)
        title = f"Network functions, the fullest {len(fullest)} of {len(functions)}"
        tables.append(_table(title, "function", fullest, _FUNCTION_COLUMNS))
    tests = _wide(summary, "test")
    if len(tests):
        tables.append(_table("Core test", "test", tests.reindex(columns=[*_TEST_COLUMNS]), _TEST_COLUMNS))
    if "storm_recovered_share" in storms:  # a dash says that fewer came back
        storms = storms.reindex(columns=[*_STORM_COLUMNS])
    if len(storms):
        tables.append(_table("Storms", "storm", storms, _STORM_COLUMNS))
    access = summary[(summary["scope_kind"] == "network") & summary["kpi"].isin(list(ACCESS_LINES))]
    of = {str(row["kpi"]): row for row in access.to_dict("records")}
    collided = of.get("ra_collision_share_per_attempt", {}).get("mean", 0.0)
    if of and (len(storms) or collided > MANY_COLLISIONS or alone):
        rows = [(text, measured(of[kpi]["mean"], of[kpi]["unit"]), _interval(of[kpi]))
                for kpi, text in ACCESS_LINES.items() if kpi in of]
        tables.append(("Random access, all cells", ["", ">mean", ">95 % interval"], rows, ""))
    return tables


def number(value: float, digits: int = 4) -> str:
    """A short number; a dash for none."""
    return "-" if pd.isna(value) else f"{value:.{digits}g}" if abs(value) < 10 ** (digits - 1) else f"{value:,.0f}"


def measured(value: Any, unit: Any) -> str:
    """A value, a share in percent, a time with its unit."""
    if pd.isna(value):
        return "-"
    return f"{100 * value:.2f} %" if unit == "share" else f"{number(value)} ms" if unit == "ms" else number(value)


def _wide(table: pd.DataFrame, scope_kind: str) -> pd.DataFrame:
    """Means of all KPIs of a kind of scope: a row a scope, a column a KPI."""
    return table[table["scope_kind"] == scope_kind].pivot(index="scope", columns="kpi", values="mean")


def _table(title: str, first: str, of: pd.DataFrame, columns: dict[str, str]) -> Table:
    """Scopes down, those of the columns across that any scope has a value of."""
    there = [kpi for kpi in columns if kpi in of]
    rows = [(name, *(measured(row[kpi], "share" if "_share" in kpi else "") for kpi in there)) for name, row in of.iterrows()]
    return title, [first, *(columns[kpi] for kpi in there)], rows, first


def _interval(row: dict[Any, Any]) -> str:
    return "" if pd.isna(row["ci_low"]) else f"{measured(row['ci_low'], row['unit'])} … {measured(row['ci_high'], row['unit'])}"
