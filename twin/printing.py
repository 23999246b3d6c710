"""What the command line prints: tables, progress, JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from twin.measure.network import devices_without_coverage
from twin.measure.resources import limit_words
from twin.printing_control import control_tables, number
from twin.study.runset import MET, MISSED, UNSURE, RunSet
from twin.study.store import plain
from twin.world.control.overview import COLUMNS as CORE_COLUMNS
from twin.world.control.overview import core_rows
from twin.world.tables import RESOURCE_KINDS, World

SHOWN_KPIS = ("share_within_deadline", "latency_ul_p99_ms", "latency_dl_p99_ms", "latency_rtt_p99_ms", "cell_prb_ul_pct",
              "cell_prb_dl_pct", "bursts_per_s", "lost", "devices_without_coverage")


#: Columns of the verdict when it is piped.
VERDICT_WIDTH = 120
#: A bottleneck that may grow by less than this factor gets a next step.
LITTLE_ROOM = 2.0
COVERAGE_STEP = "coverage: a site nearer, or indoor cells"


def json_text(value: Any) -> str:
    """Strict JSON; not-a-number becomes null."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False)


class _Console(Console):
    """A console that leaves a closed pipe to the command line (its own way would be exit code 1)."""

    def on_broken_pipe(self) -> None:
        """Pass it on."""
        raise BrokenPipeError


def _console(width: int = 200) -> Console:
    # Output that is piped keeps its rows whole instead of breaking at 80 columns.
    console = _Console(highlight=False)
    return console if console.is_terminal else _Console(highlight=False, width=width)


def print_table(title: str, columns: list[str], rows: Iterator[tuple[Any, ...]] | list[tuple[Any, ...]],
                width: int = 200, fold: str | None = None) -> None:
    """A plain table on stdout, at most `width` wide when piped; columns whose name starts with ``>`` are set right.

    fold: the one column that gives way when there is little room; None: all do.
    """
    table = Table(title=title, title_justify="left", min_width=len(title), box=None, pad_edge=False, header_style="bold",
                  collapse_padding=fold is not None)
    for column in columns:
        table.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left", overflow="fold",
                         no_wrap=fold not in (None, column))
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))  # names hold brackets
    _console(width).print(table)
    _console(width).print()


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


@contextmanager
def progress_bar(name: str) -> Iterator[Callable[[float, float], None]]:
    """Progress on stderr: simulated time, real-time factor, time left. Gives the callback that `run` calls."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
               TextColumn("{task.fields[speed]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=None, speed="preparing")
        first: list[tuple[float, float]] = []

        def update(done_s: float, total_s: float) -> None:
            # The clock starts at the first sign of life, so that compiling does not count as simulating.
            first[:] = first or [(time.monotonic(), done_s)]
            wall = time.monotonic() - first[0][0]
            factor = (done_s - first[0][1]) / wall if wall > 0.5 else 0.0
            speed = f"{done_s:.1f} of {total_s:g} s" + (f", {factor:.1f} x real time" if factor else "")
            bar.update(task, completed=done_s, total=total_s, speed=speed)

        yield update


def print_verdicts(run: RunSet) -> None:
    """How many applications miss their target; per park and application the share within the deadline with its interval, the
    target, p99 and first bottleneck, the missed ones first; what would relieve the bottlenecks; the control plane; warnings."""
    manifest = run.manifest
    window = f"{manifest['horizon_s'] - manifest['warmup_s']:g} s after {manifest['warmup_s']:g} s of warm-up"
    verdicts = records(run.verdicts)
    if verdicts:
        _print_services(run, verdicts, window)
    for title, columns, rows, fold in control_tables(run.summary, alone=not verdicts):
        print_table(title, columns, rows, width=VERDICT_WIDTH, fold=fold)
    for warning in run.warnings:
        _console().print(f"warning: {warning}", markup=False, soft_wrap=True)


def _print_services(run: RunSet, verdicts: list[dict[str, Any]], window: str) -> None:
    """The verdict on every park and application, and next steps."""
    manifest = run.manifest
    count = {status: sum(row["status"] == status for row in verdicts) for status in (MISSED, MET, UNSURE)}
    _console().print(f"{count[MISSED]} of {len(verdicts)} missed, {count[MET]} met, {count[UNSURE]} not certain", markup=False)
    _console().print()
    order = {MISSED: 0, UNSURE: 1, MET: 2}
    rows = []
    for row in sorted(verdicts, key=lambda row: (order[row["status"]], row["share_within_deadline"])):
        interval = "" if pd.isna(row["ci_low"]) else f"{100 * row['ci_low']:.2f}…{100 * row['ci_high']:.2f}"
        p99 = "–" if pd.isna(row["p99_ms"]) else number(row["p99_ms"])
        rows.append((row["park"], row["application"], row["status"], f"{100 * row['share_within_deadline']:.2f}", interval,
                     f"{100 * row['target_share']:.7g}", number(row["deadline_ms"]), p99, row["direction"],
                     f"{100 * row['share_without_coverage']:.2f}", _bottleneck(row).removeprefix(f"{row['park']}/"),
                     growth(row["growth_to_headroom"], row["growth_is_upper_bound"])))
    columns = ["park", "application", "status", ">in\ntime %", ">95 %\ninterval", ">target\n%", ">deadline\nms", ">p99\nms", "of",
               ">no\ncover\n%", "first bottleneck", ">growth"]
    done = len(manifest["replications_done"])
    print_table(f"{manifest['name']}: {done} replication{'s' * (done != 1)} of {window}", columns, rows, width=VERDICT_WIDTH,
                fold="first bottleneck")
    steps = _next_steps(verdicts, manifest.get("scenario", {}).get("report", {}).get("headroom_pct", 70.0))
    if steps:
        print_table("Next steps", ["where", ">load", "next step"], steps, width=VERDICT_WIDTH, fold="where")


def _next_steps(verdicts: list[dict[str, Any]], headroom_pct: float) -> list[tuple[str, str, str]]:
    """Where, load and step: bottlenecks with little room, then per park the applications that lack coverage more than all else.

    Applications that lack coverage ask for no relief of their bottleneck: it would help few of their messages.
    """
    steps: dict[str, tuple[str, str]] = {}
    lonely: dict[str, list[str]] = {}
    for row in verdicts:
        if row["share_without_coverage"] > 0.5 * (1.0 - row["share_within_deadline"]):
            if row["status"] != MET:
                lonely.setdefault(row["park"], []).append(row["application"])
        elif not pd.isna(row["bottleneck"]) and (row["growth_to_headroom"] < LITTLE_ROOM or row["load_pct"] > headroom_pct):
            steps[_bottleneck(row)] = (f"{row['load_pct']:.1f} % of {row['limited_by']}", row["next_step"])
    return [*((name, *step) for name, step in steps.items()),
            *((f"{park}: {', '.join(names)}", "-", COVERAGE_STEP) for park, names in lonely.items())]


def _bottleneck(row: dict[str, Any]) -> str:
    """Name of a first bottleneck, a cell with its direction."""
    return "-" if pd.isna(row["bottleneck"]) else f"{row['bottleneck']} {row['cell_direction'].upper()}".strip()


def growth(factor: float, upper_bound: Any) -> str:
    """By what factor traffic may grow, in words where there is no room; ≤ where more traffic was wanted than seen."""
    if pd.isna(factor):
        return "-"
    words = limit_words(factor).replace("over_limit", "over").replace("at_limit", "at the limit")
    return words or ("≤ " if upper_bound is True else "") + number(factor, 3)


#: Differing settings that the head of a comparison names, and their longest value.
MOST_SETTINGS, LONGEST_VALUE = 12, 60


def print_compared(runs: list[str], different: list[tuple[str, str, str]]) -> None:
    """The head of a comparison: the two runs and the settings in which they differ."""
    for label, name in zip("AB", runs):
        _console().print(f"{label}: {name}", markup=False, soft_wrap=True)
    shown = [row for row in different if row[0] not in ("name", "question")]
    for key, *values in shown[:MOST_SETTINGS]:
        a, b = (text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…" for text in values)
        _console().print(f"  {key}: {a} -> {b}", markup=False, soft_wrap=True)
    if len(shown) > MOST_SETTINGS:
        _console().print(f"  and {len(shown) - MOST_SETTINGS} more settings that differ", markup=False)
    if not shown:
        _console().print("  same settings", markup=False)
    _console().print()


def print_comparison(table: pd.DataFrame, kpis: list[str], scope: str) -> bool:
    """Differences of the chosen KPIs; False when nothing was chosen."""
    wanted = table["kpi"].isin(kpis or SHOWN_KPIS) & (table["scope_kind"].eq(scope) | (scope == "all"))
    chosen = table[wanted]
    rows = [(r["kpi"], r["scope"], number(r["mean_a"]), number(r["mean_b"]), number(r["difference"]),
             "" if pd.isna(r["ci_low"]) else f"{number(r['ci_low'])} … {number(r['ci_high'])}", "*" if r["significant"] else "",
             r["n"], r["unit"]) for r in records(chosen)]
    if rows:
        print_table("B - A, paired by replication (* the 95 % interval does not hold 0)",
                    ["kpi", "scope", ">A", ">B", ">B - A", ">95 % interval", "", ">n", "unit"], rows)
    return bool(rows)


def print_counters(table: pd.DataFrame, as_json: bool) -> None:
    """Counters of a performance measurement file as a table, or as JSON."""
    if as_json:
        times = {c: table[c].map(lambda t: None if pd.isna(t) else t.isoformat()) for c in ("begin", "end")}
        print(json_text(table.assign(**times).to_dict("records")))  # noqa: T201  # stdout is what --json asks for
        return
    ends = ["-" if pd.isna(end) else f"{end:%Y-%m-%d %H:%M:%S%z}" for end in table["end"]]
    rows = [(r["managed_element"], r["measured_object"], r["counter"], end, r["text"], "suspect" if r["suspect"] else "")
            for r, end in zip(records(table), ends)]
    print_table(f"{len(rows)} values", ["managed element", "measured object", "counter", "period's end", ">value", ""], rows)


#: Counts of a world that the plan speaks of.
PLAN_COUNTS = {
    "stations_5g_total": "5G stations in the province", "stations_5g_today": "of them today",
    "stations_5g_converted": "converted",
    "stations_5g_new_built": "newly built", "stations_5g_in_park": "5G stations in parks (simulated)",
    "stations_5g_outside_parks": "5G stations outside parks (counted only)",
    "stations_4g_new": "new 4G stations (counted only)",
    "devices_all_iot": "IoT devices of all kinds of access", "devices_5g": "IoT devices on 5G (simulated)",
}


def _count(world: World, key: str) -> str:
    return f"{world.counts[key]:g}" if key in world.counts else "-"


def print_world(world: World, assumptions: bool = False) -> None:
    """Parks, operators, applications, resources and warnings of a world; its assumptions in full or by confidence."""
    park = world.devices["park"].to_numpy()
    lonely = pd.Series(park[devices_without_coverage(world)]).value_counts()
    devices, cells = pd.Series(park).value_counts(), world.cells["park"].value_counts()
    sites = world.sites["park"].value_counts()
    print_table("Parks", ["park", "name", ">leased ha", ">workers", ">sites", ">cells", ">devices", ">without coverage"],
                [(r["park_id"], r["name_vi"], f"{r['leased_ha']:g}", r["workers"], sites.get(i, 0), cells.get(i, 0),
                  devices.get(i, 0), lonely.get(i, 0)) for i, r in enumerate(records(world.parks))])
    stations, of_operator = world.stations["operator"].value_counts(), world.devices["operator"].value_counts()
    columns = ["operator", "architecture", ">5G stations", ">in parks", ">cells", ">devices", ">on 5GC", ">on EPC"]
    print_table("Operators", columns,
                [(r["operator_id"], r["architecture"], _count(world, f"stations_5g/{r['operator_id']}"), stations.get(i, 0),
                  (world.cells["operator"] == i).sum(), of_operator.get(i, 0), _count(world, f"devices_5gc/{r['operator_id']}"),
                  _count(world, f"devices_epc/{r['operator_id']}")) for i, r in enumerate(records(world.operators))])
    if world.signalling is not None:
        print_table("Cores", CORE_COLUMNS, core_rows(world.signalling), fold="functions")
    print_table("The plan", ["", ">count"], [(text, _count(world, key)) for key, text in PLAN_COUNTS.items()])
    types = world.flow_types["application"].to_numpy()[world.flows["flow_type"].to_numpy()]
    flows = pd.Series(types).value_counts()
    print_table("Applications", ["application", ">flows"],
                [(a, flows.get(i, 0)) for i, a in enumerate(world.applications["application_id"])])
    kinds = world.resources["kind"].value_counts()
    print_table("Network", ["", ">count"], [
        ("routes", len(world.route_start) - 1), ("nodes of the transport graph", len(world.graph)),
        *((f"{name}s", kinds.get(k, 0)) for k, name in enumerate(RESOURCE_KINDS))])
    columns = ["item", "value", "unit", "confidence", "source"]
    if assumptions:
        print_table("Assumptions", columns, [tuple(r[c] for c in columns) for r in records(world.assumptions)])
    else:
        counts = world.assumptions["confidence"].value_counts().sort_index()
        print_table("Assumptions by confidence (--assumptions lists them)", ["confidence", ">figures"], list(counts.items()))
    for warning in world.warnings:
        _console().print(f"warning: {warning}", markup=False)
