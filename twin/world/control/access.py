"""Random access: configurations, what is detected, and the isolated cell of a random access test."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twin.base.names import name_hash, numbered_hashes
from twin.base.units import ms_to_ns
from twin.scenario.schema import Scenario
from twin.scenario.signalling_entries import RachProfile
from twin.world.control.frames import FULL_Q32

TEST = "random-access-test"
_TIMES = ("rao_period", "rao_offset", "preamble", "rar_start", "rar_slot", "msg3", "msg3_rtt", "msg4", "msg4_rtt", "contention",
          "backoff", "retry", "barring")  # fmt: skip


@dataclass
class RachTable:
    """Configurations in use; asks the scenario's profiles by name."""

    scenario: Scenario
    rows: list[dict[str, Any]] = field(default_factory=list)

    def row(self, name: str) -> int:
        """Row of a profile."""
        names = [row["name"] for row in self.rows]
        if name not in names:
            self.rows.append(rach_row(name, self.scenario.rach_profiles[name]))
            return len(names)
        return names.index(name)

    def detection(self) -> np.ndarray:
        """`Signalling.rach_detect_q32`: of transmission n by the profile's `detection`, 0 for none (n = 0)."""
        most = max((row["max_tx"] for row in self.rows), default=0)
        share = np.array([[detected_share(self.scenario.rach_profiles[row["name"]], n) for n in range(most + 1)]
                          for row in self.rows]).reshape(len(self.rows), most + 1)
        return np.rint(share * FULL_Q32).astype(np.int64)


def detected_share(profile: RachProfile, n: int) -> float:
    """Share of the n-th transmissions that a station detects: constant, or 1 - exp(-n) (TR 37.868, power ramping)."""
    if profile.detection == "power_ramping_37868":
        return -math.expm1(-n)
    return float(profile.detection) if n > 0 else 0.0


def rach_row(name: str, profile: RachProfile) -> dict[str, Any]:
    """A profile in the engine's units."""
    row: dict[str, Any] = {f"{key}_ns": ms_to_ns(getattr(profile, f"{key}_ms")) for key in _TIMES}
    return row | {"name": name, "n_preambles": profile.n_preambles, "max_tx": profile.max_transmissions,
                  "rar_slots": profile.rar_slots, "grants_per_slot": profile.grants_per_slot,
                  "harq_fail_q32": round(profile.harq_fail_share * FULL_Q32), "max_harq": profile.max_harq,
                  "collided_answered": profile.collided_answered, "barring_q32": round(profile.barring_factor * FULL_Q32)}


def isolated_cell(rach: RachTable, profile: str) -> dict[str, Any]:
    """The cell of a random access test; nothing but access happens there."""
    return {"name": TEST, "cell_hash": name_hash(TEST), "rach": rach.row(profile), "radio": -1, "n2_ns": 1, "n2_ps_per_byte": 0,
            "xn_ns": 1, "srb_block_bytes": 1, "srb_prb": 1}


def isolated_hashes(devices: int) -> np.ndarray:
    """Hashes of the test's devices, ``random-access-test/device-1``, …"""
    return numbered_hashes(f"{TEST}/device", np.arange(1, devices + 1))
