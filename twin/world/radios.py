"""The table of radio configurations: one row a profile in use, or a profile with a table's own TDD pattern."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from twin.base.errors import Problem, WorldError
from twin.base.propagation import INF_DH, INF_DL, INF_SH, INF_SL, UMA, UMI
from twin.base.units import us_to_ns
from twin.scenario.equipment import RadioProfile
from twin.world.coverage import DENSE_CLUTTER, SPARSE_CLUTTER
from twin.world.stations import RadioSite
from twin.world.tables import COLUMNS

MODELS = {"uma": UMA, "umi": UMI, "inf_sl": INF_SL, "inf_dl": INF_DL, "inf_sh": INF_SH, "inf_dh": INF_DH}
CLUTTER = {"uma": (0.0, 1.0, 0.0), "umi": (0.0, 1.0, 0.0), "inf_sl": SPARSE_CLUTTER, "inf_sh": SPARSE_CLUTTER,
           "inf_dl": DENSE_CLUTTER, "inf_dh": DENSE_CLUTTER}
FULL_Q16 = 65536
_SAME = ("scs_khz", "n_prb", "carrier_mhz", "duplex", "pattern", "special_dl_symbols", "special_ul_symbols", "k2_slots",
         "sr_period_slots", "sr_grant_bytes", "max_grants_ul", "max_grants_dl", "max_harq_tx", "l2_header_bytes", "layers_dl",
         "layers_ul", "mcs_table", "bler_set", "bler_target", "ue_power_dbm", "p0_dbm", "alpha", "noise_figure_gnb_db",
         "noise_figure_ue_db", "ul_interference_rise_db")
_TIMES = ("gnb_processing", "gnb_dl_processing", "ue_processing", "ue_tx_processing")


def radio_row(name: str, profile: RadioProfile) -> dict[str, Any]:
    """A profile as a row of `World.radios`: us to ns, shares to fractions of 2^16."""
    row: dict[str, Any] = {"name": name, **{k: getattr(profile, k) for k in _SAME}}
    row.update({f"{k}_ns": us_to_ns(getattr(profile, f"{k}_us")) for k in _TIMES})
    row["harq_gain_q16"] = round(profile.harq_gain * FULL_Q16)
    return row


def with_pattern(name: str, profile: RadioProfile, pattern: str) -> RadioProfile:
    """The profile with another TDD pattern; its scheduling-request period grows to a whole number of TDD periods.

    Raises:
        WorldError: the profile is FDD.
    """
    if profile.duplex == "fdd":
        raise WorldError([Problem("", "tdd_pattern", f"radio profile {name} is FDD and has no TDD pattern",
                                  "leave the cell empty or name a TDD profile")])
    period = -(-profile.sr_period_slots // len(pattern)) * len(pattern)
    return profile.model_copy(update={"pattern": pattern, "sr_period_slots": period})


@dataclass
class RadioTable:
    """Collects the radios in use; asks the scenario's profiles by name."""

    profiles: Mapping[str, RadioProfile]
    rows: list[dict[str, Any]] = field(default_factory=list)
    used: list[RadioProfile] = field(default_factory=list)
    index: dict[str, int] = field(default_factory=dict)

    def row(self, name: str, pattern: str | None = None) -> int:
        """Row of a profile, with another TDD pattern if one is given."""
        profile = self.profiles[name]
        if pattern and pattern != profile.pattern:
            name, profile = f"{name}/{pattern}", with_pattern(name, profile, pattern)
        if name not in self.index:
            self.index[name] = len(self.rows)
            self.rows.append(radio_row(name, profile))
            self.used.append(profile)
        return self.index[name]

    def site(self, name: str, pattern: str | None = None) -> RadioSite:
        """What stations with this profile are like."""
        row = self.row(name, pattern)
        p = self.used[row]
        return RadioSite(row, p.sectors, p.site_height_m, p.tx_power_dbm, round(p.initial_load_ul * FULL_Q16),
                         round(p.initial_load_dl * FULL_Q16))

    def column(self, name: str) -> np.ndarray:
        """A value of every radio's profile, float64."""
        return np.array([getattr(p, name) for p in self.used], dtype=np.float64)

    def frame(self) -> pd.DataFrame:
        """`World.radios`."""
        columns = COLUMNS["radios"]
        return pd.DataFrame(self.rows, columns=list(columns)).astype(columns)
