"""The reference engine as a backend: its list of ended bursts counted into measures (``--engine reference``).

Bursts, losses, deadlines and delays are counted as the compiled engine counts them. The reference keeps no account of
bytes, blocks, waits and time series: throughput takes mean message sizes, loads are those of the whole horizon scaled to the
measured part, the rest is zero. Bursts still in flight at the end all count as offered, also the few from the warm-up, and
none of them as late.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from twin.base.accounting import CAUSES, PARTS
from twin.base.bins import DELAY_BITS, PART_BITS, bin_of, n_bins
from twin.base.slots import expand_pattern, slot_ns_of, slot_table
from twin.measure.measures import Measures
from twin.world.tables import DL, RTT, UL, Clock, World


def simulate(world: World, clock: Clock, progress: Callable[[int], None] | None = None) -> Measures:
    """Run one replication of the SimPy model and count it."""
    from twin.reference.run import simulate as run_reference

    result = run_reference(world, clock)
    if progress is not None:
        progress(clock.horizon_ns)
    measures = measures_of(world, clock, result.bursts, result.in_flight, result.prb_used, result.busy_ns)
    if world.signalling is None:
        return measures
    from twin.study.control_by_reference import control_measures

    return replace(measures, control=control_measures(world.signalling, clock, result))


JUDGED = 3  # column of messages, each counted once


@dataclass(frozen=True)
class _Ends:
    """Ended bursts as columns, and the group and park-application rows of every flow."""

    flow: np.ndarray
    direction: np.ndarray
    cause: np.ndarray
    delay_ns: np.ndarray
    parts_ns: np.ndarray
    group_of: np.ndarray
    park_application_of: np.ndarray

    @property
    def delivered(self) -> np.ndarray:
        """bool: which arrived."""
        return self.cause == 0


def measures_of(world: World, clock: Clock, bursts: pd.DataFrame, in_flight: dict[tuple[int, int], int], prb_used: np.ndarray,
                busy_ns: np.ndarray) -> Measures:
    """Measures of ended bursts (columns flow, direction, t_gen, t_end, cause and the delay parts; warm-up included)."""
    table = bursts[bursts["t_gen"] >= clock.warmup_ns]
    group_of, park_application_of = _rows_of_flows(world)
    ends = _Ends(table["flow"].to_numpy(), table["direction"].to_numpy(), table["cause"].to_numpy(),
                 (table["t_end"] - table["t_gen"]).to_numpy(), table[list(PARTS)].to_numpy(), group_of, park_application_of)
    measured = clock.horizon_ns - clock.warmup_ns
    return Measures(
        n_parks=len(world.parks), n_operators=len(world.operators), n_applications=len(world.applications), measured_ns=measured,
        **_counts(world, ends, in_flight), **_delays(world, ends), **_network(world, clock, prb_used, busy_ns),
        totals={"bursts": float(len(bursts))})


def _counts(world: World, ends: _Ends, in_flight: dict[tuple[int, int], int]) -> dict[str, Any]:
    """Bursts and bytes by group and direction, bursts by tenant."""
    shape = (len(world.parks) * len(world.operators) * len(world.applications), 3)
    group, d, done = ends.group_of[ends.flow], ends.direction, ends.delivered
    types = world.flows["flow_type"].to_numpy()[ends.flow]
    within = done & (ends.delay_ns <= world.flow_types["deadline_ns"].to_numpy()[types])
    size = _mean_bytes(world)[types]
    judged_as = _judged_direction(world)
    judged = d == judged_as[types]
    type_of_flow = world.flows["flow_type"].to_numpy()
    flying = np.zeros((shape[0], 4), dtype=np.int64)
    for (flow, direction), bursts in in_flight.items():
        flying[ends.group_of[flow], direction] += bursts
        flying[ends.group_of[flow], JUDGED] += bursts * (direction == judged_as[type_of_flow[flow]])
    tenant = world.devices["tenant"].to_numpy()[world.flows["device"].to_numpy()][ends.flow]
    by_tenant = [_tally((len(world.tenants),), (tenant,), judged & (tenant >= 0) & mask) for mask in (True, done, within)]

    def messages(mask: np.ndarray | bool) -> np.ndarray:
        """(G, 4): by direction, and every message once."""
        once = _tally(shape[:1], (group,), judged & mask)
        return np.concatenate([_tally(shape, (group, d), mask), once[:, None]], axis=1)

    lost = _tally((*shape, len(CAUSES)), (group, d, ends.cause), ~done)
    lost_once = _tally((shape[0], len(CAUSES)), (group, ends.cause), ~done & judged)
    return {
        "offered": messages(True) + flying, "delivered": messages(done), "within": messages(within), "in_flight": flying,
        "late_in_flight": np.zeros_like(flying), "lost": np.concatenate([lost, lost_once[:, None]], axis=1),
        "offered_bytes": _tally(shape, (group, d), size), "delivered_bytes": _tally(shape, (group, d), size * done),
        "tenant_offered": by_tenant[0], "tenant_delivered": by_tenant[1], "tenant_within": by_tenant[2],
        "tenant_ended": by_tenant[0],
    }


def _judged_direction(world: World) -> np.ndarray:
    """Direction each flow type's deadline is on: the round trip for request-response, else its own."""
    types = world.flow_types
    return np.where(types["response_bytes"].to_numpy() > 0, RTT, types["direction"].to_numpy())


def _delays(world: World, ends: _Ends) -> dict[str, Any]:
    """Sums, maxima and histograms of delays and of their parts."""
    n_pa = len(world.parks) * len(world.applications)
    shape, part_shape = (n_pa * len(world.operators), 3), (n_pa, 3)
    flow, d, delay = (column[ends.delivered] for column in (ends.flow, ends.direction, ends.delay_ns))
    parts = ends.parts_ns[ends.delivered]
    group, park_application = ends.group_of[flow], ends.park_application_of[flow]
    largest = np.zeros(shape, dtype=np.int64)
    np.maximum.at(largest, (group, d), delay)
    part_sum = np.zeros((*part_shape, len(PARTS)), dtype=np.int64)
    np.add.at(part_sum, (park_application, d), parts)
    delay_row = _first_rows(shape, _used(world, ends.group_of), 1)
    part_row = _first_rows(part_shape, _used(world, ends.park_application_of), len(PARTS))
    return {
        "delay_sum_ns": _tally(shape, (group, d), delay), "delay_max_ns": largest, "part_sum_ns": part_sum,
        "delay_row": delay_row, "delay_hist": _histogram(delay_row, group, d, delay[:, None], DELAY_BITS),
        "part_row": part_row, "part_hist": _histogram(part_row, park_application, d, parts, PART_BITS),
    }


def _network(world: World, clock: Clock, prb_used: np.ndarray, busy_ns: np.ndarray) -> dict[str, Any]:
    """Loads of cells and resources; zeros for what the reference does not count."""
    measured = clock.horizon_ns - clock.warmup_ns
    share = measured / clock.horizon_ns
    n_cells, n_resources = len(world.cells), len(world.resources)
    of_cells = ("cell_bytes", "cell_blocks", "cell_block_errors", "cell_lost", "grants_used", "grants_available")
    zero: dict[str, Any] = {name: np.zeros((n_cells, 2), dtype=np.int64) for name in of_cells}
    zero |= {name: np.zeros(n_resources, dtype=np.int64) for name in ("bytes", "bursts", "packets_dropped", "wait_max_ns")}
    zero["series_cell_prb"] = np.zeros((0, n_cells, 2), dtype=np.int64)
    zero["series_busy_ns"] = np.zeros((0, n_resources), dtype=np.int64)
    zero["series_delivered_bytes"] = np.zeros((0, len(world.parks), 3), dtype=np.int64)
    return {"prb_used": (prb_used * share).astype(np.int64), "prb_available": available_prb(world, measured),
            "busy_ns": (busy_ns * share).astype(np.int64), "offered_ns": (busy_ns * share).astype(np.int64),
            "bucket_ns": measured, **zero}


def _tally(shape: tuple[int, ...], index: tuple[np.ndarray, ...], weight: Any) -> np.ndarray:
    out = np.zeros(shape, dtype=np.int64)
    np.add.at(out, index, np.asarray(weight, dtype=np.int64))
    return out


def _rows_of_flows(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Group and park-application row of every flow."""
    device = world.devices.iloc[world.flows["device"].to_numpy()]
    park, operator = device["park"].to_numpy().astype(np.int64), device["operator"].to_numpy().astype(np.int64)
    application = world.flow_types["application"].to_numpy()[world.flows["flow_type"].to_numpy()]
    n_a = len(world.applications)
    return (park * len(world.operators) + np.maximum(operator, 0)) * n_a + application, park * n_a + application


def _used(world: World, row_of: np.ndarray) -> list[tuple[np.ndarray, int]]:
    """Rows with flows of each direction: the same in every replication, whatever was drawn."""
    types = world.flow_types.iloc[world.flows["flow_type"].to_numpy()]
    up = (types["direction"] == UL).to_numpy()
    masks = {UL: up, DL: ~up, RTT: up & (types["response_bytes"] > 0).to_numpy()}
    return [(row_of[mask], direction) for direction, mask in masks.items()]


def _first_rows(shape: tuple[int, int], used: list[tuple[np.ndarray, int]], width: int) -> np.ndarray:
    """First histogram row of each used (row, direction), -1 elsewhere."""
    first = np.full(shape, -1, dtype=np.int32)
    for row, direction in used:
        first[row, direction] = 0
    first[first == 0] = np.arange((first == 0).sum()) * width
    return first


def _histogram(first: np.ndarray, row: np.ndarray, d: np.ndarray, values: np.ndarray, bits: int) -> np.ndarray:
    """Histograms of the columns of `values`, column c of (row, d) in row first[row, d] + c."""
    width = values.shape[1]
    out = np.zeros((int((first >= 0).sum()) * width, n_bins(bits)), dtype=np.int64)
    place = np.array([bin_of(value, bits) for value in values.ravel()], dtype=np.int64).reshape(values.shape)
    np.add.at(out, (first[row, d][:, None] + np.arange(width), place), 1)
    return out


def _mean_bytes(world: World) -> np.ndarray:
    """Mean message size of each flow type, I-frames of video included."""
    types = world.flow_types
    size, gop = types["size_bytes"].to_numpy(), np.maximum(types["gop"].to_numpy(), 1)
    video = (types["generator"] == "video").to_numpy() & (types["i_frame_bytes"].to_numpy() > 0)
    return np.where(video, (size * (gop - 1) + types["i_frame_bytes"].to_numpy()) // gop, size).astype(np.int64)


def available_prb(world: World, measured_ns: int) -> np.ndarray:
    """PRBs of the usable slots in the measured time, int64 (cells, 2)."""
    per_radio = []
    for radio in world.radios.to_dict("records"):
        down, up = expand_pattern(radio["duplex"], radio["pattern"], radio["special_dl_symbols"], radio["special_ul_symbols"])
        slot_ns = slot_ns_of(radio["scs_khz"])
        tables = [slot_table(down, up, slot_ns, direction, radio["k2_slots"]) for direction in (UL, DL)]
        per_radio.append([radio["n_prb"] * (measured_ns // slot_ns) * int(t.usable.sum()) // t.period for t in tables])
    return np.array(per_radio, dtype=np.int64).reshape(-1, 2)[world.cells["radio"].to_numpy()]
