"""Costs per message by least squares on CPU per procedure and function at low load, with the cost of waking given.

    .venv/bin/python calibration/fit.py 0 0.02 0.03 0.04      # costs of waking to try, ms

At low load every message wakes its function, so these data cannot tell waking from the rest; docs/validation.md says where it
comes from. Residuals are logarithms, of functions weighted by the root of their CPU and of procedures' sums by what they matter.
"""

from __future__ import annotations

import sys

import numpy as np
from core_model import Costs
from open5gs import PROCEDURES, alone, measured_cpu, row
from scipy.optimize import least_squares

WEIGHT = {"reg": 4.0, "pdu": 3.0, "rel": 2.0, "svc": 2.0, "dereg": 2.0, "page": 1.0, "preg": 0.5}
KINDS = ("sent", "served", "ngap", "pfcp")
FACTORS = ("UPF", "PCF")
DB = 0.001


def costs_of(values: np.ndarray, wake: float) -> Costs:
    """From a vector: four costs, then the factors."""
    return Costs(*map(float, values[: len(KINDS)]), DB, wake, dict(zip(FACTORS, map(float, values[len(KINDS) :]))))


def main() -> None:
    """Fit for each cost of waking named and print costs with their standard errors."""
    table = measured_cpu()

    def residuals(values: np.ndarray, wake: float) -> np.ndarray:
        costs = costs_of(values, wake)
        models = {name: alone(name, costs, hop=0.0) for name in PROCEDURES}
        ours = np.array([models[r.procedure][r.nf] for r in table.itertuples()])
        single = np.log(ours / table["ms"]) * np.sqrt(table["ms"].clip(upper=2.0))
        sums = [WEIGHT[name] * np.log(ours[table["procedure"] == name].sum() / table["ms"][table["procedure"] == name].sum())
                for name in PROCEDURES]  # fmt: skip
        return np.concatenate([single, sums])

    sys.stdout.write(row("wake", *KINDS, *FACTORS, "sum of squares") + "\n")
    for wake in map(float, sys.argv[1:] or ["0.03"]):
        start = [0.12, 0.12, 0.15, 0.1] + [1.0] * len(FACTORS)
        bounds = ([0.0] * 4 + [0.2] * len(FACTORS), [1.0] * 4 + [4.0] * len(FACTORS))
        fit = least_squares(residuals, start, bounds=bounds, args=(wake,))
        variance = (fit.fun**2).sum() / (len(fit.fun) - len(fit.x))
        errors = np.sqrt(np.diag(np.linalg.inv(fit.jac.T @ fit.jac)) * variance)
        cells = [f"{value:.3f} ± {error:.3f}" for value, error in zip(fit.x, errors)]
        sys.stdout.write(row(wake, *cells, f"{(fit.fun**2).sum():.2f}") + "\n")


if __name__ == "__main__":
    main()
