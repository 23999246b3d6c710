"""Flow types: what all flows of one traffic item share, in the engine's units; and the activity profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from twin.base.units import ms_to_ns
from twin.scenario.entries import ActivityProfile, Application, TrafficItem
from twin.world.tables import COLUMNS, DL, UL

FULL_Q16, FULL_Q32 = 1 << 16, 1 << 32
_SAME = ("generator", "size_kind", "size_bytes", "size_spread", "size_max_bytes", "gop", "i_frame_bytes", "response_bytes",
         "mtu_payload_bytes", "cg_bytes")
_TIMES = ("jitter", "on_mean", "off_mean", "spread", "cg_period")


@dataclass
class FlowTypeTable:
    """Collects flow types; applications and profiles are referred to by their place in the scenario's mappings."""

    applications: Mapping[str, Application]
    profiles: Mapping[str, ActivityProfile]
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, device_class: int, item: TrafficItem, rate_factor: float = 1.0) -> int:
        """Row of a traffic item; `rate_factor` divides its period (the workers a cell's phones stand for)."""
        application = self.applications[item.application]
        row: dict[str, Any] = {"name": name, "application": list(self.applications).index(item.application),
                               "device_class": device_class, "direction": UL if item.direction == "ul" else DL}
        row.update({k: getattr(item, k) for k in _SAME})
        row.update({f"{k}_ns": ms_to_ns(getattr(item, f"{k}_ms")) for k in _TIMES})
        row["period_ns"] = max(1, ms_to_ns(item.period_ms / rate_factor)) if item.period_ms else 0
        row["jitter_ns"] = min(row["jitter_ns"], max(0, row["period_ns"] - 1)) if row["period_ns"] else row["jitter_ns"]
        row["join_q32"] = round(item.join_probability * FULL_Q32)
        row.update(level=application.level, fiveqi=application.fiveqi, deadline_ns=ms_to_ns(application.deadline_ms),
                   discard_ns=ms_to_ns(application.discard_ms), rlc_buffer_bytes=application.rlc_buffer_bytes,
                   profile=list(self.profiles).index(item.profile))
        self.rows.append(row)
        return len(self.rows) - 1

    def frame(self) -> pd.DataFrame:
        """`World.flow_types`."""
        columns = COLUMNS["flow_types"]
        return pd.DataFrame(self.rows, columns=list(columns)).astype(columns)


def activity_q16(profiles: Sequence[ActivityProfile]) -> np.ndarray:
    """Active share by profile and hour of the day, int64 (profiles x 24), 65536 = all."""
    shares = np.array([p.share_by_hour for p in profiles], dtype=np.float64).reshape(len(profiles), 24)
    return np.rint(shares * FULL_Q16).astype(np.int64)
