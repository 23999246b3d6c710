"""Performance measurements by the names of TS 28.552, from the counts of one replication.

Names, clauses and measured objects: 3GPP TS 28.552 (clause in the comments). What the twin counts only over the whole measured
time (failures by cause, octets, accesses of a cell) is given for that time; what it has as a time series, for each period.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from twin.measure.control import GAUGES, PROCEDURE_COUNTS, RA_COUNTS, ControlMeasures
from twin.measure.measures import Measures
from twin.measure.network import pool_packets
from twin.measure.series import prb_per_bucket

COLUMNS = ["operator", "managed_element", "measured_object", "counter", "begin_ns", "end_ns", "value"]
#: Triggers of procedures behind counters of the AMF (5.2.2 registration, 5.2.5 paging) and SMF (5.3.1, 5.4.3).
_REGISTRATION, _PERIODIC = ("registration", "registration_guti"), ("periodic_update",)
_PAGING, _SESSION = ("paging",), ("session_establishment",)
_FAILED = slice(PROCEDURE_COUNTS.index("timeout"), PROCEDURE_COUNTS.index("in_progress"))


@dataclass(frozen=True)
class Period:
    """A granularity period: simulated time, and the buckets of the time series it consists of (None: the measured time)."""

    begin_ns: int
    end_ns: int
    buckets: slice | None


def periods_of(measures: Measures, warmup_ns: int, granularity_ns: int) -> list[Period]:
    """The granularity periods of a replication, the measured time as one if it is no longer than that.

    granularity_ns has to be a multiple of the buckets of the time series where there are several periods; the last one is as
    long as the run leaves it. A bucket that holds the end of the warm-up is left out.

    Raises:
        ValueError: periods would cut buckets.
    """
    end = warmup_ns + measures.measured_ns
    buckets = len(measures.series_busy_ns)
    if measures.measured_ns <= granularity_ns or not buckets:  # the reference engine has no time series
        return [Period(warmup_ns, end, None)]
    bucket = measures.bucket_ns
    if granularity_ns % bucket:
        raise ValueError(f"a granularity period of {granularity_ns * 1e-9:g} s is no multiple of the {bucket * 1e-9:g} s of the "
                         "run's time series")
    first = -(-warmup_ns // bucket)
    step = granularity_ns // bucket
    starts = range(min(first, buckets - 1), min(-(-end // bucket), buckets), step)
    return [Period(s * bucket, min((s + step) * bucket, end), slice(s, s + step)) for s in starts]


def counter_rows(measures: Measures, elements: pd.DataFrame, warmup_ns: int, granularity_ns: int) -> pd.DataFrame:
    """Every counter of every measured object and period, in the columns COLUMNS.

    Raises:
        ValueError: as for `periods_of`.
    """
    periods = periods_of(measures, warmup_ns, granularity_ns)
    whole = Period(warmup_ns, warmup_ns + measures.measured_ns, None)
    cells, pools, cores, procedures = (elements[elements["kind"] == kind] for kind in ("cell", "pool", "core", "procedure"))
    parts = [*_cells(measures, cells, periods, warmup_ns), *_upfs(measures, pools, whole)]
    if measures.control is not None:
        parts += _radio_access(measures.control, cells, whole)
        parts += _cores(measures, measures.control, cores, procedures, periods, whole)
    return pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)


def _rows(of: pd.DataFrame, element: Iterable[str], measured: Iterable[str], counter: str, period: Period,
          values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"operator": of["operator"].to_numpy(object), "managed_element": list(element),
                         "measured_object": list(measured), "counter": counter, "begin_ns": period.begin_ns,
                         "end_ns": period.end_ns, "value": np.asarray(values, dtype=float)})


def rdn(text: str) -> str:
    """A name as the value of a relative distinguished name: what a DN or XML cannot hold becomes ``_``."""
    return "".join("_" if ch in ",=+<>#;\\\"" or not ch.isprintable() else ch for ch in text) or "_"


def _cells(measures: Measures, cells: pd.DataFrame, periods: list[Period], warmup_ns: int) -> Iterator[pd.DataFrame]:
    """RRU.PrbTot (5.1.1.2.1, .2), RRU.PrbUsed (.5, .7) and RRU.PrbAvail (.6, .8) of every NRCellDU."""
    row, element = cells["row"].to_numpy(), [f"ManagedElement={rdn(s)}" for s in cells["owner"]]
    objects = [f"NRCellDU={rdn(name)}" for name in cells["name"]]
    available_series = prb_per_bucket(measures, warmup_ns)
    for period in periods if len(cells) else ():
        if period.buckets is None:
            used, available = measures.prb_used, measures.prb_available
        else:
            used, available = (a[period.buckets].sum(axis=0) for a in (measures.series_cell_prb, available_series))
        share = np.divide(used, available, out=np.zeros(used.shape), where=np.asarray(available) > 0)[row]
        n_prb = cells["n_prb"].to_numpy(dtype=float)
        for d, direction in enumerate(("Ul", "Dl")):
            yield _rows(cells, element, objects, f"RRU.PrbTot{direction}", period, np.round(100.0 * share[:, d], 3))
            yield _rows(cells, element, objects, f"RRU.PrbUsed{direction}", period, np.round(n_prb * share[:, d], 3))
            yield _rows(cells, element, objects, f"RRU.PrbAvail{direction}", period, n_prb)


def _radio_access(control: ControlMeasures, cells: pd.DataFrame, whole: Period) -> Iterator[pd.DataFrame]:
    """RACH.PreambleACell (5.1.1.20.1) of NRCellDU: preambles detected. RRC.ConnEstab (5.1.1.15) of NRCellCU: accesses.

    A gNB counts an attempt when it receives RRCSetupRequest; here all accesses begun are counted, also those that fail before.
    """
    row, element = cells["row"].to_numpy(), [f"ManagedElement={rdn(s)}" for s in cells["owner"]]
    for counter, kind, count in (("RACH.PreambleACell", "NRCellDU", "detected"), ("RRC.ConnEstabAtt", "NRCellCU", "begun"),
                                 ("RRC.ConnEstabSucc", "NRCellCU", "succeeded")):
        objects = [f"{kind}={rdn(name)}" for name in cells["name"]]
        yield _rows(cells, element, objects, counter, whole, control.ra_counts[row, RA_COUNTS.index(count)])


def _upfs(measures: Measures, pools: pd.DataFrame, whole: Period) -> Iterator[pd.DataFrame]:
    """GTP packets and octets on N3 (5.4.1) of every UPF: in from the radio, out towards it; octets are of the payload."""
    legs = pools["name"].astype(str).str.extract(r"^(?P<name>.*) \[(?P<leg>up|down)\]$")
    for leg, way in (("up", "In"), ("down", "Out")):
        mine = pools[(legs["leg"] == leg).to_numpy()]
        row, names = mine["row"].to_numpy(), legs["name"][legs["leg"] == leg]
        element, objects = [f"ManagedElement={rdn(n)}" for n in names], [f"UPFFunction={rdn(n)},EP_N3=1" for n in names]
        packets = pool_packets(measures, row, mine["cost_per_packet_ns"].to_numpy(), mine["cost_per_byte_ps"].to_numpy())
        known = ~np.isnan(packets)
        yield _rows(mine, element, objects, f"GTP.{way}DataPktN3UPF", whole, packets)[known]
        yield _rows(mine, element, objects, f"GTP.{way}DataOctN3UPF", whole, measures.bytes[row])


def _cores(measures: Measures, control: ControlMeasures, cores: pd.DataFrame, procedures: pd.DataFrame, periods: list[Period],
           whole: Period) -> Iterator[pd.DataFrame]:
    """AMF (5.2) and SMF (5.3, 5.4.3) of every 5GC, all instances together. An EPC's counters have other names (TS 32.426)."""
    cores = cores[cores["label"] == "5gc"]
    element = [f"ManagedElement={rdn(name)}" for name in cores["name"]]
    amf, smf = ["AMFFunction=amf"] * len(cores), ["SMFFunction=smf"] * len(cores)

    def summed(counts: np.ndarray, triggers: tuple[str, ...], n4: bool = False) -> np.ndarray:
        """Counts of the procedures of those triggers, by core."""
        mine = procedures[procedures["label"].isin(triggers) & (procedures["uses_n4"] | (not n4))]
        return np.array([counts[mine.loc[mine["owner"] == core, "row"].to_numpy()].sum() for core in cores["name"]])

    for period in periods if len(cores) else ():
        started, succeeded, failed = _procedure_counts(control, period)
        for prefix, objects, triggers in (("RM.RegInit", amf, _REGISTRATION), ("RM.RegPeriod", amf, _PERIODIC),
                                          ("SM.PduSessionCreation", smf, _SESSION)):
            for suffix, counts in (("Req", started), ("Succ", succeeded), ("Fail", failed)):
                yield _rows(cores, element, objects, prefix + suffix, period, summed(counts, triggers))
        for suffix, counts in (("Req", started), ("Succ", succeeded)):
            yield _rows(cores, element, amf, f"MM.Paging5G{suffix}", period, summed(counts, _PAGING))
        for suffix, counts in (("Req", started), ("Fail", failed)):
            yield _rows(cores, element, smf, f"SM.N4SessionEstab{suffix}", period, summed(counts, _SESSION, n4=True))
        yield from _gauges(measures, control, cores, period, element, amf, smf)
    if len(cores):
        n = summed(control.procedure_counts[:, PROCEDURE_COUNTS.index("succeeded")], _REGISTRATION)
        total = summed(control.duration_sum_ns, _REGISTRATION)
        known = n > 0
        mean = total[known] * 1e-6 / n[known]
        yield _rows(cores[known], [e for e, k in zip(element, known) if k], amf[: known.sum()], "RM.RegTimeMean", whole, mean)


def _procedure_counts(control: ControlMeasures, period: Period) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Started, succeeded and failed of every procedure in a period."""
    if period.buckets is None:
        counts = control.procedure_counts
        return counts[:, 0], counts[:, 1], counts[:, _FAILED].sum(axis=1)
    series = control.series_procedures[period.buckets].sum(axis=0)
    return series[:, 0], series[:, 1], series[:, 2]


def _gauges(measures: Measures, control: ControlMeasures, cores: pd.DataFrame, period: Period, element: list[str],
            amf: list[str], smf: list[str]) -> Iterator[pd.DataFrame]:
    """Registered subscribers (5.2.1.1, .2) and sessions (5.3.1.1, .2): of the whole time exact, of a period sampled."""
    row = cores["row"].to_numpy()
    for objects, gauge, prefix in ((amf, "registered", "RM.RegisteredSubNbr"), (smf, "sessions", "SM.SessionNbr")):
        column = GAUGES.index(gauge)
        if period.buckets is None:
            mean, largest = control.gauge_area_ns[row, column] / measures.measured_ns, control.gauges_max[row, column]
        else:
            samples = control.series_gauges[period.buckets][:, row, column]
            mean, largest = samples.mean(axis=0), samples.max(axis=0)
        yield _rows(cores, element, objects, f"{prefix}Mean", period, np.round(mean, 3))
        yield _rows(cores, element, objects, f"{prefix}Max", period, largest)
