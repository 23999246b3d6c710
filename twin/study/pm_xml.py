"""Writing performance measurements as 3GPP TS 32.435 XML (measCollecFile), named after TS 32.432."""

from __future__ import annotations

import datetime as dt
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from twin.base.units import NS_PER_S
from twin.study.store import write_whole

NAMESPACE = "http://www.3gpp.org/ftp/specs/archive/32_series/32.435#measCollec"
FILE_FORMAT_VERSION = "32.435 V17.0"
VENDOR = "parktwin"
_US = 1_000  # ns


def write_pm(counters: pd.DataFrame, folder: Path, midnight: dt.datetime) -> list[Path]:
    """Write one file an operator and granularity period; gives their paths in order of time.

    counters: the columns of `twin.measure.pm_counters`, times since `midnight` (aware) in simulated nanoseconds. A counter of
    the whole measured time stands in the file of the last period, under a granularity period of its own.
    """
    written = []
    for operator, rows in counters.groupby("operator"):
        ends = sorted(rows["end_ns"].unique())
        for end in ends:
            mine = rows[rows["end_ns"] == end]
            begin = mine["begin_ns"].max()  # the shortest period names the file
            path = folder / file_name(str(operator), _time(midnight, begin), _time(midnight, end))
            text = file_text(mine, str(operator), midnight)
            write_whole(path, lambda p, text=text: _write(p, text))  # type: ignore[misc]  # bound at once
            written.append(path)
    return sorted(written, key=lambda p: p.name)


def file_name(operator: str, begin: dt.datetime, end: dt.datetime) -> str:
    """Name of a file with several elements and one period (type B); seconds only where a period ends within a minute."""
    clock = "%H%M" if begin.second == end.second == 0 else "%H%M%S"
    last = f"{end:{clock}%z}" if begin.date() == end.date() else f"{end:%Y%m%d.{clock}%z}"
    return f"B{begin:%Y%m%d}.{begin:{clock}%z}-{last}_{operator}.xml"


def file_text(counters: pd.DataFrame, operator: str, midnight: dt.datetime) -> bytes:
    """One file as XML."""
    begin, end = _time(midnight, counters["begin_ns"].min()), _time(midnight, counters["end_ns"].max())
    root = ET.Element("measCollecFile", xmlns=NAMESPACE)
    header = ET.SubElement(root, "fileHeader", fileFormatVersion=FILE_FORMAT_VERSION, vendorName=VENDOR,
                           dnPrefix=f"SubNetwork={operator}")
    ET.SubElement(header, "fileSender", localDn=f"SubNetwork={operator}")
    ET.SubElement(header, "measCollec", beginTime=_iso(begin))
    for element, rows in counters.groupby("managed_element", sort=False):
        data = ET.SubElement(root, "measData")
        ET.SubElement(data, "managedElement", localDn=str(element))
        for info in _infos(rows, midnight):
            data.append(info)
    footer = ET.SubElement(root, "fileFooter")
    ET.SubElement(footer, "measCollec", endTime=_iso(end))
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _infos(rows: pd.DataFrame, midnight: dt.datetime) -> Iterator[ET.Element]:
    """One measInfo a kind of object and period, so that all its objects have the same counters."""
    kind = rows["measured_object"].astype(str).str.rpartition(",")[2].str.partition("=")[0]
    for (name, _, _), mine in rows.groupby([kind, "begin_ns", "end_ns"], sort=False):
        info = ET.Element("measInfo", measInfoId=str(name))
        begin, end = int(mine["begin_ns"].iloc[0]), int(mine["end_ns"].iloc[0])
        duration = _duration(end - begin)
        ET.SubElement(info, "granPeriod", duration=duration, endTime=_iso(_time(midnight, end)))
        ET.SubElement(info, "repPeriod", duration=duration)
        counters = {str(counter): str(i + 1) for i, counter in enumerate(mine["counter"].unique())}
        for counter, p in counters.items():
            ET.SubElement(info, "measType", p=p).text = counter
        for measured, values in mine.groupby("measured_object", sort=False):
            value = ET.SubElement(info, "measValue", measObjLdn=str(measured))
            for counter, number in zip(values["counter"], values["value"]):
                ET.SubElement(value, "r", p=counters[str(counter)]).text = number_text(float(number))
            ET.SubElement(value, "suspect").text = "false"
        yield info


def number_text(value: float) -> str:
    """A number that reads back as the same one; whole numbers without a point."""
    return str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(value)


def _time(midnight: dt.datetime, ns: int) -> dt.datetime:
    return midnight + dt.timedelta(microseconds=int(ns) // _US)


def _iso(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")


def _duration(ns: int) -> str:
    """ISO 8601: PT900S."""
    return f"PT{number_text(round(ns / NS_PER_S, 3))}S"


def _write(path: Path, text: bytes) -> None:
    path.write_bytes(text)
