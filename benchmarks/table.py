"""The table on the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import NUMPY_ITEMS, PYTHON_STEPS, machine_line
from benchmarks.row import Goal, Row

CAPTION = "met: aim, floor, yes (no aim is set) or no; noise: fixed loops beside the case over the best of this run"
COLOURS = {"aim": "green", "yes": "green", "floor": "yellow", "no": "red"}


def number(value: float) -> str:
    """Three figures; whole numbers from 100 on."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def limits(goal: Goal | None) -> tuple[str, str]:
    """Floor and aim with their direction."""
    if goal is None:
        return "", ""
    sign = "≥" if goal.higher else "≤"
    return f"{sign} {goal.floor:g}", "" if goal.aim is None else f"{sign} {goal.aim:g}"


def loop_ms(row: dict[str, Any]) -> float:
    """Milliseconds of both fixed loops beside a row."""
    return float(row["python_ms"] + row["numpy_ms"])


def print_table(machine: dict[str, Any], rows: list[dict[str, Any]], failures: dict[str, str]) -> None:
    """Rows with their verdicts; `noise` is the time of the fixed loops beside a case over the least seen in this run."""
    console = Console(width=132 if not Console().is_terminal else None)
    table = Table(title="How fast", caption=CAPTION)
    for name in ("case", "what", "measured", "unit", "floor", "aim", "met", "noise"):
        table.add_column(name, justify="right" if name in ("measured", "floor", "aim", "noise") else "left", overflow="fold")
    least = min((loop_ms(row) for row in rows), default=1.0)
    for data in rows:
        row = Row.of(data)
        verdict = f"[{COLOURS[row.verdict]}]{row.verdict}[/]" if row.verdict else ""
        table.add_row(data["case"], row.what, number(row.value), row.unit, *limits(row.goal), verdict,
                      f"{loop_ms(data) / least:.2f}")
    console.print(table)
    console.print(machine_line(machine))
    console.print(f"fixed loops beside the cases, least seen: Python ({PYTHON_STEPS:,} steps) "
                  f"{min((r['python_ms'] for r in rows), default=0.0):.1f} ms, numpy ({NUMPY_ITEMS:,} numbers) "
                  f"{min((r['numpy_ms'] for r in rows), default=0.0):.1f} ms; the whole run took {machine['took_s']:.0f} s")
    for name, message in failures.items():
        console.print(f"[red]{name} failed:[/] {message}", highlight=False)
