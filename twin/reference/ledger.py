"""What became of every burst: one row an end, and how many were offered."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from twin.base.accounting import CAUSES, PARTS
from twin.reference.bursts import Burst

COLUMNS = ("flow", "seq", "direction", "t_gen", "t_end", "cause", *PARTS)


class Ledger:
    """Collects ends before the horizon; an end at or after it leaves the burst in flight."""

    def __init__(self, horizon_ns: int) -> None:
        self._horizon_ns = horizon_ns
        self._rows: list[tuple[int, ...]] = []
        self.offered: Counter[tuple[int, int]] = Counter()  # (flow number, direction) -> bursts

    def offer(self, burst: Burst) -> None:
        """A burst was generated; that of a request–response flow is also the start of a round trip."""
        self.offered[burst.flow.number, burst.direction] += 1
        if burst.flow.is_request_response:
            self.offered[burst.flow.number, 2] += 1

    def delivered(self, burst: Burst, t_end: int) -> None:
        """It arrived. Its parts must sum to its delay, to the nanosecond.

        Raises:
            AssertionError: they do not.
        """
        total = sum(burst.parts.values())
        if total != t_end - burst.t_gen or min(burst.parts.values(), default=0) < 0:
            raise AssertionError(f"flow {burst.flow.number}, burst {burst.seq}, direction {burst.direction}: parts "
                                 f"{dict(burst.parts)} sum to {total} ns, the delay is {t_end - burst.t_gen} ns")
        self._write(burst, burst.direction, t_end, "delivered")

    def lost(self, burst: Burst, t_end: int, cause: str) -> None:
        """It ends here. A lost request is a lost round trip as well. An earlier cause of the burst stays."""
        burst.mark(cause)
        self._write(burst, burst.direction, t_end, burst.cause)
        if burst.direction == 0 and burst.flow.is_request_response:
            self._write(burst, 2, t_end, burst.cause)

    def _write(self, burst: Burst, direction: int, t_end: int, cause: str) -> None:
        if t_end >= self._horizon_ns:
            return
        parts = (burst.parts[name] if cause == "delivered" else 0 for name in PARTS)
        self._rows.append((burst.flow.number, burst.seq, direction, burst.t_gen, t_end, CAUSES.index(cause), *parts))

    def frame(self) -> pd.DataFrame:
        """All ends in order of (time, flow, direction, sequence number): int64 columns named in `COLUMNS`."""
        table = pd.DataFrame(self._rows, columns=list(COLUMNS)).astype("int64")
        return table.sort_values(["t_end", "flow", "direction", "seq"], ignore_index=True)

    def in_flight(self) -> dict[tuple[int, int], int]:
        """(flow number, direction) -> bursts offered that had no end before the horizon."""
        ended: Counter[Any] = Counter((row[0], row[2]) for row in self._rows)
        return {key: n - ended[key] for key, n in self.offered.items()}
