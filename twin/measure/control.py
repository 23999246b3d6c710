"""What one replication measured of the control plane: integer arrays that add up over windows and replications."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

#: Columns of `procedure_counts`: `retries` of the started ones followed a failed try of the same device; `in_progress` at the
#: end. Those that were in progress when the warm-up ended are not in `started`: succeeded + failed + in_progress - started.
PROCEDURE_COUNTS = ("started", "succeeded", "timeout", "sbi_timeout", "nf_overflow", "nf_down", "congestion", "context_lost",
                    "power_off", "in_progress", "retries")  # fmt: skip
#: Columns of `message_counts`; what is neither received nor lost was under way at the end.
MESSAGE_COUNTS = ("sent", "received", "lost", "bytes_sent")
#: Columns of `function_counts`; backlog_max is a maximum.
FUNCTION_COUNTS = ("messages", "lost_overflow", "lost_down", "busy_ns", "backlog_max")
#: Columns of `ra_counts`. opportunities: preambles x occasions between the first and the last used (docs/signalling.md, 3).
RA_COUNTS = ("occasions", "opportunities", "preambles", "single", "collided", "preambles_collided", "detected", "answered",
             "message_failures", "begun", "succeeded", "failed")  # fmt: skip
#: Columns of `gauges`.
GAUGES = ("registered", "connected", "sessions")
#: Columns of `series_access`, all cells together.
ACCESS_SERIES = ("begun", "preambles", "preambles_collided", "succeeded", "failed")
PROCEDURE_SERIES = ("started", "succeeded", "failed", "retries")


@dataclass
class ControlMeasures:
    """Counts in the measured time (after the warm-up). Rows are rows of the tables of `World.signalling`."""

    procedure_counts: np.ndarray  # int64 (procedures, PROCEDURE_COUNTS)
    duration_sum_ns: np.ndarray  # int64 (procedures,) of those that succeeded
    duration_hist: np.ndarray  # int64 (procedures, n_bins(DELAY_BITS))
    core_part_sum_ns: np.ndarray  # int64 (procedures,) first arrival at a function to departure of the success step
    core_part_hist: np.ndarray  # int64 (procedures, n_bins(DELAY_BITS))
    message_counts: np.ndarray  # int64 (cores, INTERFACES, MESSAGE_COUNTS)
    function_counts: np.ndarray  # int64 (functions, FUNCTION_COUNTS)
    ra_counts: np.ndarray  # int64 (cells, RA_COUNTS)
    ra_tx_hist: np.ndarray  # int64 (rach, 1 + most max_tx): transmissions of accesses that succeeded
    ra_delay_hist: np.ndarray  # int64 (rach, n_bins(DELAY_BITS))
    ra_delay_sum_ns: np.ndarray  # int64 (rach,)
    gauges: np.ndarray  # int64 (cores, GAUGES) at the end
    gauges_max: np.ndarray  # int64 (cores, GAUGES), a maximum
    gauge_area_ns: np.ndarray  # float64 (cores, GAUGES): number x time, for means
    held_bursts: np.ndarray  # int64 (cores,) bursts that waited for their device's access
    script_devices: np.ndarray  # int64 (scripts,) devices that it took away or called, and that are to be connected again
    recovery_hist: np.ndarray  # int64 (scripts, n_bins(DELAY_BITS)): connected again, since the script's time
    prb_signalling: np.ndarray  # int64 (cells, 2)
    series_procedures: np.ndarray  # int64 (buckets, procedures, PROCEDURE_SERIES)
    series_access: np.ndarray  # int64 (buckets, ACCESS_SERIES)
    series_busy_ns: np.ndarray  # int64 (buckets, functions)
    series_backlog: np.ndarray  # int64 (buckets, functions): largest at an epoch edge of the bucket
    series_gauges: np.ndarray  # int64 (buckets, cores, GAUGES): at the bucket's last epoch edge

    def add(self, other: ControlMeasures) -> None:
        """Add another replication of the same world in place (maxima stay maxima)."""
        backlog = np.maximum(self.function_counts[:, 4], other.function_counts[:, 4])
        for item in fields(self):
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            if item.name in ("gauges_max", "series_backlog"):
                np.maximum(mine, theirs, out=mine)
            else:
                mine += theirs
        self.function_counts[:, 4] = backlog
