"""Rows of a CSV, XLSX or GeoJSON file as text by column, with the place of each row for error messages.

Limits keep a wrong or hostile file from filling the memory: bytes on disk, bytes unpacked, rows.
"""

from __future__ import annotations

import csv
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.base.errors import Problem, WorldError

MAX_FILE_BYTES = 32 * 1024 * 1024
MAX_UNPACKED_BYTES = 256 * 1024 * 1024
MAX_ROWS = 200_000


@dataclass(frozen=True)
class Row:
    """One row of a table file. place: ``file:row`` as a person counts them, the header being row 1."""

    place: str
    cells: dict[str, str]


@dataclass(frozen=True)
class RawTable:
    """A file read but not yet understood. decimal_comma: numbers are written 12,5 (a CSV cut by semicolons)."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    decimal_comma: bool = False
    epsg: int | None = None


def _fail(name: str, message: str, remedy: str) -> WorldError:
    return WorldError([Problem(name, "", message, remedy)])


def read_table(path: Path) -> RawTable:
    """Read a table file by its extension.

    Raises:
        WorldError: missing, unreadable, of an unknown kind, too large, without header or without rows.
    """
    if not path.is_file():
        raise _fail(str(path), "the file is not there", "give a path relative to the scenario file")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise _fail(path.name, f"larger than {MAX_FILE_BYTES // 2**20} MiB", "keep only the parks' rows and the columns in use")
    readers = {".csv": _read_csv, ".txt": _read_csv, ".xlsx": _read_xlsx, ".geojson": _read_geojson, ".json": _read_geojson}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise _fail(path.name, f"files of kind {path.suffix!r} are not read", f"use one of {', '.join(sorted(readers))}")
    table = reader(path)
    if not table.rows:
        raise _fail(path.name, "no rows below the header", "a replaced table needs at least one row")
    return table


def _header(name: str, cells: list[str]) -> tuple[str, ...]:
    columns = tuple(c.strip().lower() for c in cells)
    if not any(columns):
        raise _fail(name, "no header row", "the first row names the columns (docs/world.md)")
    doubled = sorted({c for c in columns if c and columns.count(c) > 1})
    if doubled:
        raise _fail(f"{name}:1", f"column {doubled[0]!r} stands twice", "keep one of them")
    return columns


def _table(name: str, lines: list[tuple[int, list[str]]], **extra: Any) -> RawTable:
    if not lines:
        raise _fail(name, "the file is empty", "the first row names the columns (docs/world.md)")
    columns = _header(name, lines[0][1])
    rows, problems = [], []
    for number, cells in lines[1:]:
        if not any(c.strip() for c in cells):
            continue
        if len(cells) > len(columns) and any(c.strip() for c in cells[len(columns):]):
            problems.append(Problem(f"{name}:{number}", "", f"{len(cells)} cells under {len(columns)} columns",
                                    "quote cells that contain the separator"))
            continue
        padded = [c.strip() for c in cells] + [""] * (len(columns) - len(cells))
        rows.append(Row(f"{name}:{number}", {c: v for c, v in zip(columns, padded) if c}))
    if len(rows) > MAX_ROWS:
        raise _fail(name, f"more than {MAX_ROWS} rows", "keep only the rows of the parks")
    if problems:
        raise WorldError(problems)
    return RawTable(name, tuple(c for c in columns if c), tuple(rows), **extra)


def _read_csv(path: Path) -> RawTable:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _fail(path.name, f"not UTF-8 text (byte {error.start})", "save it as CSV UTF-8") from error
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    try:
        reader = csv.reader(text.splitlines(keepends=True), delimiter=separator, strict=True)
        lines = [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        raise _fail(path.name, f"broken CSV: {error}", "check the quotes") from error
    return _table(path.name, lines, decimal_comma=separator == ";")


def _read_xlsx(path: Path) -> RawTable:
    import openpyxl  # slow to import, and few scenarios need it

    try:
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise _fail(path.name, "unpacks to more than the limit", "save the one sheet in use as CSV")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        lines = [(i, ["" if v is None else str(v) for v in row])
                 for i, row in enumerate(sheet.iter_rows(values_only=True, max_row=MAX_ROWS + 2), start=1)]
        book.close()
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, IndexError) as error:
        if isinstance(error, WorldError):
            raise
        raise _fail(path.name, f"not a readable XLSX workbook ({error})", "save it again as XLSX or as CSV UTF-8") from error
    return _table(path.name, lines)


def _read_geojson(path: Path) -> RawTable:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise _fail(path.name, f"not JSON ({error})", "export the layer again as GeoJSON") from error
    if not isinstance(data, dict) or data.get("type") != "FeatureCollection" or not isinstance(data.get("features"), list):
        raise _fail(path.name, "not a GeoJSON FeatureCollection", "export the point layer as GeoJSON")
    rows, problems = [], []
    for number, feature in enumerate(data["features"][: MAX_ROWS + 1], start=1):
        place = f"{path.name}:feature {number}"
        cells = _feature_cells(feature)
        if cells is None:
            problems.append(Problem(place, "geometry", "not a Point with two numbers", "export points, not lines or areas"))
        else:
            rows.append(Row(place, cells))
    if len(rows) > MAX_ROWS:
        raise _fail(path.name, f"more than {MAX_ROWS} features", "keep only the parks' points")
    if problems:
        raise WorldError(problems)
    columns = tuple(dict.fromkeys(c for row in rows for c in row.cells))
    return RawTable(path.name, columns, tuple(rows), epsg=_geojson_epsg(data))


def _feature_cells(feature: Any) -> dict[str, str] | None:
    """Properties as text, and the point as lon/lat (or easting/northing: the CRS decides later)."""
    try:
        geometry = feature["geometry"]
        if geometry["type"] != "Point":
            return None
        x, y = float(geometry["coordinates"][0]), float(geometry["coordinates"][1])
        properties = feature.get("properties") or {}
        cells = {str(k).strip().lower(): "" if v is None else str(v).strip() for k, v in properties.items()}
    except (TypeError, KeyError, ValueError, IndexError, AttributeError):
        return None
    degrees = abs(x) <= 180 and abs(y) <= 90
    return {**cells, **({"lon": repr(x), "lat": repr(y)} if degrees else {"easting_m": repr(x), "northing_m": repr(y)})}


def _geojson_epsg(data: dict[str, Any]) -> int | None:
    """EPSG code of the old `crs` member, if there is one."""
    crs = data.get("crs")
    name = str((crs.get("properties") or {}).get("name", "")) if isinstance(crs, dict) else ""
    code = name.rsplit(":", 1)[-1]
    return int(code) if "EPSG" in name.upper() and code.isdigit() else None
