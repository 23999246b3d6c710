"""Columns of the tables a user may bring: one row of data each; checks, messages and docs/world.md read the same rows."""

from __future__ import annotations

import datetime as dt
import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twin.base.errors import Problem
from twin.world.imports.files import RawTable

NUMBER, INTEGER, TEXT, DATE, BOOLEAN = "number", "integer", "text", "date", "yes/no"
_YES, _NO = {"yes", "y", "true", "1", "co", "có", "x"}, {"no", "n", "false", "0", "khong", "không", ""}


@dataclass(frozen=True)
class Column:
    """A column: its name with the unit as suffix, type, whether every row needs it, limits or choices, meaning."""

    name: str
    kind: str
    required: bool = False
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    description: str = ""


class CellError(ValueError):
    """A cell's text cannot be its column's value; `remedy` says what would do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def _number(text: str, column: Column, decimal_comma: bool) -> float:
    try:
        value = float(text.replace(",", ".") if decimal_comma else text)
    except ValueError:
        raise CellError(f"{text!r} is not a number", f"write a plain number{_unit_of(column.name)}") from None
    if not math.isfinite(value) or not column.low <= value <= column.high:
        raise CellError(f"{text} is out of range", f"between {column.low:g} and {column.high:g}{_unit_of(column.name)}")
    return value


def _integer(text: str, column: Column, decimal_comma: bool) -> int:
    value = _number(text, column, decimal_comma)
    if value != int(value):
        raise CellError(f"{text} is not a whole number", "write a whole number")
    return int(value)


def _text(text: str, column: Column, _decimal_comma: bool) -> str:
    if column.choices and text.lower() not in column.choices:
        raise CellError(f"{text!r} is unknown{did_you_mean(text.lower(), column.choices)}", f"one of {', '.join(column.choices)}")
    return text.lower() if column.choices else text


def _date(text: str, _column: Column, _decimal_comma: bool) -> dt.date:
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        pass
    try:
        return dt.datetime.strptime(text, "%d/%m/%Y").date()
    except ValueError:
        raise CellError(f"{text!r} is not a date", "write 2026-12-31 or 31/12/2026") from None


def _boolean(text: str, _column: Column, _decimal_comma: bool) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise CellError(f"{text!r} is neither yes nor no", "write yes or no")


_PARSERS: dict[str, Callable[[str, Column, bool], Any]] = {
    NUMBER: _number, INTEGER: _integer, TEXT: _text, DATE: _date, BOOLEAN: _boolean}


def _unit_of(name: str) -> str:
    units = {"m": "m", "deg": "degrees", "dbm": "dBm", "km": "km", "gbps": "Gbit/s", "pct": "per cent", "usd": "US dollars",
             "us": "us", "ns": "ns", "ha": "hectares"}
    unit = units.get(name.rsplit("_", 1)[-1])
    return f" in {unit}" if unit and "_" in name else ""


def did_you_mean(word: str, known: tuple[str, ...] | list[str]) -> str:
    """`` (did you mean 'x'?)`` when something known is close, else nothing."""
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def parse(table: RawTable, columns: tuple[Column, ...], problems: list[Problem]) -> list[dict[str, Any]]:
    """Values of every row, with `place` added; None where an optional cell is empty. All problems are appended."""
    known = {c.name: c for c in columns}
    for name in table.columns:
        if name not in known:
            problems.append(Problem(f"{table.name}:1", name, f"unknown column{did_you_mean(name, list(known))}",
                                    "remove it or rename it (docs/world.md)"))
    for c in columns:
        if c.required and c.name not in table.columns:
            problems.append(Problem(f"{table.name}:1", c.name, "this column is missing", c.description))
    out = []
    for row in table.rows:
        values: dict[str, Any] = {"place": row.place}
        for c in columns:
            values[c.name] = _value(row.place, row.cells.get(c.name, ""), c, table, problems)
        out.append(values)
    return out


def _value(place: str, text: str, column: Column, table: RawTable, problems: list[Problem]) -> Any:
    if not text:
        if column.required and column.name in table.columns:
            problems.append(Problem(place, column.name, "the cell is empty", column.description))
        return None
    try:
        return _PARSERS[column.kind](text, column, table.decimal_comma)
    except CellError as error:
        problems.append(Problem(place, column.name, str(error), error.remedy))
        return None
