"""Costs of the profile `open5gs` by least squares on CPU per procedure and function at low load, the cost of waking given.

    .venv/bin/python calibration/fit.py 0 20 30 40      # costs of waking to try, us

The product prices the steps: their work is linear in the costs, so that one profile a cost gives the coefficients. At low load
every message wakes its function, so these data cannot tell waking from the rest; docs/validation.md says where it comes from.
Residuals are logarithms, of functions weighted by the root of their CPU and of procedures' sums by what they matter.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from core_model import SCENARIO, Core
from open5gs import PROCEDURES, alone, measured_cpu, row
from scipy.optimize import least_squares

from twin.scenario import load
from twin.scenario.call_flows import library_flows
from twin.scenario.signalling_entries import CoreProfile
from twin.world.control.costs import end_cost_us

WEIGHT = {"reg": 8.0, "pdu": 3.0, "rel": 2.0, "svc": 2.0, "dereg": 2.0, "page": 1.0, "preg": 1.0}
COSTS = ("sbi_request_sent", "sbi_request_served", "ngap", "pfcp")
EXTRAS = ("per_kb_sent_us", "per_kb_received_us", "association_us")
#: Models to compare: which extras are free.
MODELS: tuple[tuple[str, ...], ...] = ((), ("per_kb_sent_us",), ("per_kb_sent_us", "association_us"), EXTRAS)
FACTORS = ("UPF", "PCF")
DB_US = 1.0


def unit_profile(key: str) -> CoreProfile:
    """A profile in which nothing costs but one thing: 1 us."""
    profile = load(SCENARIO).core_profiles["open5gs"]
    costs = profile.message_costs_us.model_copy(update={name: float(name == key) for name in (*COSTS, "db", "other")})
    return profile.model_copy(update={"message_costs_us": costs, "role_factors": {}, "wake_us": 0.0,
                                      **{name: float(name == key) for name in EXTRAS}})  # fmt: skip


def coefficients(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """What a row of the table (procedure, function) has of each cost, and of waking."""
    out = {key: np.zeros(len(table)) for key in (*COSTS, "db", *EXTRAS)}
    flows = library_flows("5gc")
    for key, values in out.items():
        profile = unit_profile(key)
        for i, seen in enumerate(table.itertuples()):
            for step in (step for name in PROCEDURES[seen.procedure] for step in flows[name].steps):
                values[i] += end_cost_us(profile, step, True) if step.receiver == seen.nf else 0.0
                values[i] += end_cost_us(profile, step, False) if step.sender == seen.nf else 0.0
    awake, asleep = ({name: alone(name, Core(wake_us=us)) for name in PROCEDURES} for us in (0.0, 1.0))
    out["wake"] = np.array([1e3 * (asleep[r.procedure][r.nf] - awake[r.procedure][r.nf]) for r in table.itertuples()])
    return out


class Fit:
    """A model fitted to the rows of the table that are used."""

    def __init__(self, table: pd.DataFrame, of: dict[str, np.ndarray], extras: tuple[str, ...], wake_us: float, leave: str = ""):
        self.keys, self.table, self.of, self.wake_us = (*COSTS, *extras), table, of, wake_us
        self.used = (table["procedure"] != leave).to_numpy()
        start = [100.0] * len(self.keys) + [1.0] * len(FACTORS)
        self.result = least_squares(self._residuals, start, bounds=(0.0, np.inf), x_scale=start)

    def cpu_ms(self, values: np.ndarray) -> np.ndarray:
        """CPU of every row of the table."""
        work = sum(x * self.of[key] for key, x in zip(self.keys, values)) + DB_US * self.of["db"]
        for name, factor in zip(FACTORS, values[len(self.keys) :]):
            work = np.where(self.table["nf"] == name, factor * work, work)
        return np.asarray(work + self.wake_us * self.of["wake"]) / 1e3

    def _residuals(self, values: np.ndarray) -> np.ndarray:
        ours, seen, procedure = self.cpu_ms(values), self.table["ms"].to_numpy(), self.table["procedure"].to_numpy()
        single = (np.log(ours / seen) * np.sqrt(np.minimum(seen, 2.0)))[self.used]
        sums = [WEIGHT[name] * np.log(ours[procedure == name].sum() / seen[procedure == name].sum())
                for name in PROCEDURES if name in procedure[self.used]]  # fmt: skip
        return np.concatenate([single, sums])

    def errors(self) -> np.ndarray:
        """Standard errors."""
        fit = self.result
        variance = (fit.fun**2).sum() / (len(fit.fun) - len(fit.x))
        return np.sqrt(np.diag(np.linalg.pinv(fit.jac.T @ fit.jac)) * variance)

    def off_pct(self, name: str) -> float:
        """Error of a procedure's sum."""
        rows = (self.table["procedure"] == name).to_numpy()
        return 100 * float(self.cpu_ms(self.result.x)[rows].sum() / self.table["ms"][rows].sum() - 1)


def main() -> None:
    """Costs with their standard errors, then the error of each procedure, fitted and left out of the fit."""
    table = measured_cpu()
    of = coefficients(table)
    for wake_us in map(float, sys.argv[1:] or ["45"]):
        for extras in MODELS:
            fit = Fit(table, of, extras, wake_us)
            cells = [f"{key} {x:.3g} ± {e:.2g}" for key, x, e in zip((*fit.keys, *FACTORS), fit.result.x, fit.errors())]
            sys.stdout.write(row(f"waking {wake_us:g} us", *cells, f"sum of squares {(fit.result.fun**2).sum():.2f}") + "\n")
            sys.stdout.write(row("fitted", *(f"{name} {fit.off_pct(name):+.0f} %" for name in PROCEDURES)) + "\n")
            left = {name: Fit(table, of, extras, wake_us, name).off_pct(name) for name in PROCEDURES}
            sys.stdout.write(row("left out", *(f"{name} {off:+.0f} %" for name, off in left.items())) + "\n")


if __name__ == "__main__":
    main()
