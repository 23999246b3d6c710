"""Reading performance measurement files: TS 32.435 (measCollecFile) and TS 28.532 (measDataFile) XML of any vendor."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import defusedxml.ElementTree as safe
import pandas as pd
from defusedxml.common import DefusedXmlException

from twin.base.errors import UsageError

COLUMNS = ["managed_element", "measured_object", "counter", "begin", "end", "value", "text", "suspect"]
MAX_BYTES = 64 << 20
MAX_DEPTH = 32
MAX_VALUES = 2_000_000
_ROOTS = ("measCollecFile", "measDataFile")
_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def read_pm(path: str | Path) -> pd.DataFrame:
    """Counters of a file (``.xml``, ``.xml.gz``), one row a counter and object.

    Columns managed_element, measured_object, counter, begin, end (UTC; not a time where none can be read), value, text, suspect.

    Whatever the namespace or prefix; counters as one `measTypes` list or as `measType p=`. A value that is no number (a list,
    NIL) is in `text` and not a number in `value`. A file is at most 64 MiB, unpacked, without document types or entities.

    Raises:
        UsageError: the file cannot be read, is too large or no performance measurement file; names file and place.
    """
    path = Path(path)
    data = _bytes(path)
    rows: list[tuple[Any, ...]] = []
    depth, place = 0, _Place()
    try:
        for event, node in safe.iterparse(io.BytesIO(data), events=("start", "end"), forbid_dtd=True):
            name = _local(node.tag)
            if event == "start":
                depth += 1
                if depth == 1 and name not in _ROOTS:
                    raise UsageError(f"{path}: its root is {name}; a performance measurement file has measCollecFile")
                if depth > MAX_DEPTH:
                    raise UsageError(f"{path}: nested deeper than {MAX_DEPTH} elements; no performance measurement file is")
                if name in ("managedElement", "measEntity"):
                    place.element = node.get("localDn", "")
                continue
            depth -= 1
            if name == "measInfo":
                rows += _info(path, node, place.element)
                node.clear()
                if len(rows) > MAX_VALUES:
                    raise UsageError(f"{path}: more than {MAX_VALUES} values; split the file")
            elif name == "measData" and depth == 1:
                place.element = ""
                node.clear()
    except ET.ParseError as error:
        raise UsageError(f"{path}: not well-formed XML ({error}); transfer the file again") from error
    except DefusedXmlException as error:
        raise UsageError(f"{path}: holds a document type or entities, which are not read ({type(error).__name__}); remove them"
                         ) from error
    table = pd.DataFrame(rows, columns=COLUMNS)
    for column in ("begin", "end"):
        table[column] = pd.to_datetime(table[column], utc=True)
    return table.astype({"value": float, "suspect": bool})


class _Place:
    """The managed element that measInfo elements belong to."""

    element = ""


def _bytes(path: Path) -> bytes:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        raise UsageError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path}: larger than {MAX_BYTES >> 20} MiB; split the file")
    return data


def _local(tag: Any) -> str:
    """Name of an element without its namespace."""
    return str(tag).rpartition("}")[2]


def _info(path: Path, info: ET.Element, element: str) -> list[tuple[Any, ...]]:
    """Rows of one measInfo."""
    names: dict[str, str] = {}
    listed: list[str] = []
    begin = end = None
    rows: list[tuple[Any, ...]] = []
    for node in info:
        name = _local(node.tag)
        if name == "granPeriod":
            begin, end = _period(node)
        elif name == "measTypes":
            listed = (node.text or "").split()
        elif name == "measType":
            names[node.get("p", "")] = (node.text or "").strip()
        elif name == "measValue":
            where = f"{path}: {element or 'no managed element'}, {node.get('measObjLdn', '')}"
            values, suspect = _values(node, names, listed, where)
            rows += [(element, node.get("measObjLdn", ""), counter, begin, end, _number(text), text, suspect)
                     for counter, text in values]
    return rows


def _values(node: ET.Element, names: dict[str, str], listed: list[str], where: str) -> tuple[list[tuple[str, str]], bool]:
    """Counters and values of one measured object, and whether they are suspect."""
    values: list[tuple[str, str]] = []
    suspect = False
    for item in node:
        name, text = _local(item.tag), (item.text or "").strip()
        if name == "measResults":
            found = text.split()
            if len(found) != len(listed):
                raise UsageError(f"{where}: {len(found)} measResults for {len(listed)} measTypes; the file is damaged")
            values += zip(listed, found)
        elif name == "r":
            p = item.get("p", "")
            if p not in names:
                raise UsageError(f"{where}: a value for counter p={p!r}, which no measType names; the file is damaged")
            values.append((names[p], text))
        elif name == "suspect":
            suspect = text.lower() in ("true", "1")
    return values, suspect


def _period(node: ET.Element) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Begin and end of a granularity period; None for what cannot be read."""
    try:
        end = dt.datetime.fromisoformat(node.get("endTime", ""))
    except ValueError:
        return None, None
    end = end if end.tzinfo else end.replace(tzinfo=dt.UTC)
    length = _DURATION.fullmatch(node.get("duration", ""))
    if length is None:
        return None, end
    days, hours, minutes, seconds = (float(part or 0) for part in length.groups())
    try:
        return end - dt.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds), end
    except OverflowError:
        return None, end


def _number(text: str) -> float:
    return float(text) if _PLAIN.fullmatch(text) else math.nan
