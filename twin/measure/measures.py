"""What one replication measured: integer arrays that add up over windows, replications and machines."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from twin.base.accounting import CAUSES, PARTS
from twin.measure.control import ControlMeasures

__all__ = ["CAUSES", "PARTS", "Measures"]


@dataclass
class Measures:
    """Counts of one replication (or the sum of several). G = parks*operators*applications groups, group =
    (park*operators + operator)*applications + application; PA = parks*applications; direction 0 ul, 1 dl, 2 rtt; column 3 of
    message counts is JUDGED: every message once, in the direction its deadline is on (round trip for request-response)."""

    n_parks: int
    n_operators: int
    n_applications: int
    measured_ns: int  # horizon minus warm-up
    offered: np.ndarray  # int64 (G, 4)
    delivered: np.ndarray  # int64 (G, 4)
    within: np.ndarray  # int64 (G, 4): delivered within the deadline
    late_in_flight: np.ndarray  # int64 (G, 4): in flight at the end and already older than the deadline
    in_flight: np.ndarray  # int64 (G, 4)
    lost: np.ndarray  # int64 (G, 4, causes)
    offered_bytes: np.ndarray  # int64 (G, 3)
    delivered_bytes: np.ndarray  # int64 (G, 3)
    delay_sum_ns: np.ndarray  # int64 (G, 3)
    delay_max_ns: np.ndarray  # int64 (G, 3)
    delay_row: np.ndarray  # int32 (G, 3): row of delay_hist, -1 for groups without flows
    delay_hist: np.ndarray  # int64 (rows, n_bins(DELAY_BITS))
    part_sum_ns: np.ndarray  # int64 (PA, 3, parts)
    part_row: np.ndarray  # int32 (PA, 3): first row of part_hist, -1 where none; part p is in row part_row + p
    part_hist: np.ndarray  # int64 (rows, n_bins(PART_BITS))
    tenant_offered: np.ndarray  # int64 (tenants,), judged as above
    tenant_delivered: np.ndarray
    tenant_within: np.ndarray
    tenant_ended: np.ndarray  # delivered, lost, or in flight and already late
    prb_used: np.ndarray  # int64 (cells, 2)
    prb_available: np.ndarray  # int64 (cells, 2)
    cell_bytes: np.ndarray  # int64 (cells, 2) of bursts finished
    cell_blocks: np.ndarray  # int64 (cells, 2) transport blocks sent
    cell_block_errors: np.ndarray  # int64 (cells, 2) failed attempts
    cell_lost: np.ndarray  # int64 (cells, 2) bursts lost in the cell
    grants_used: np.ndarray  # int64 (cells, 2) PDCCH grants of first attempts
    grants_available: np.ndarray  # int64 (cells, 2)
    busy_ns: np.ndarray  # int64 (resources,) work served in the measured time
    offered_ns: np.ndarray  # int64 (resources,) work that arrived in the measured time, dropped or not
    bytes: np.ndarray  # int64 (resources,)
    bursts: np.ndarray  # int64 (resources,)
    packets_dropped: np.ndarray  # int64 (resources,)
    wait_max_ns: np.ndarray  # int64 (resources,) longest wait (links: unfinished work found)
    bucket_ns: int  # length of a time series bucket
    series_cell_prb: np.ndarray  # int64 (buckets, cells, 2)
    series_busy_ns: np.ndarray  # int64 (buckets, resources) work served
    series_delivered_bytes: np.ndarray  # int64 (buckets, parks, 3)
    totals: dict[str, float] = field(default_factory=dict)  # bursts simulated, wall seconds, windows …
    control: ControlMeasures | None = None  # None: the world has no control plane

    def add(self, other: Measures) -> None:
        """Add another replication of the same world in place (maxima stay maxima)."""
        for item in fields(self):
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            if item.name in ("delay_row", "part_row") or not isinstance(mine, np.ndarray):
                continue
            if item.name in ("delay_max_ns", "wait_max_ns"):
                np.maximum(mine, theirs, out=mine)
            else:
                mine += theirs
        self.measured_ns += other.measured_ns
        if self.control is not None and other.control is not None:
            self.control.add(other.control)
