"""Formulas of queueing theory, as published, and the interval that a simulated mean must hold them to.

No formula is taken from the engine: waiting times follow from arrival rates and moments of the service time alone.
Times are in any one unit. Every check writes a row of the table in docs/validation.md to the log `verify`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from scipy import stats

from twin.base.accounting import PARTS
from twin.engine.run import Engine
from twin.measure.measures import Measures
from twin.world.tables import UL, Clock, World

LOG = logging.getLogger("verify")
LEVEL = 0.999  # of every confidence interval


# Waiting times (before service) -------------------------------------------------------------------------------------------

def mm1_wait(load: float, service: float) -> float:
    """Mean wait of M/M/1."""
    return service * load / (1.0 - load)


def erlang_c(load: float, workers: int) -> float:
    """Probability of waiting in M/M/c; `load` is per worker."""
    offered = load * workers
    below = sum(offered**k / math.factorial(k) for k in range(workers))
    full = offered**workers / math.factorial(workers) / (1.0 - load)
    return full / (below + full)


def mmc_wait(load: float, service: float, workers: int) -> float:
    """Mean wait of M/M/c."""
    return erlang_c(load, workers) * service / (workers * (1.0 - load))


def mdc_wait(load: float, service: float, workers: int) -> float:
    """Mean wait of M/D/c (C. D. Crommelin, 1932)."""
    i = np.arange(1, 20_000)
    mean = i * workers * load
    terms = stats.poisson.sf(i * workers - 1, mean) - stats.poisson.sf(i * workers, mean) / load
    return float(service * terms.sum())


def mg1_wait(rate: float, mean: float, second: float) -> float:
    """Mean wait of M/G/1 (Pollaczek and Khinchine); `mean` and `second` are moments of the service time."""
    return rate * second / (2.0 * (1.0 - rate * mean))


def cobham_waits(rates: Sequence[float], means: Sequence[float], seconds: Sequence[float]) -> list[float]:
    """Mean wait of each level, the most urgent first, of non-preemptive priority M/G/1 (A. Cobham, 1954)."""
    residual = sum(rate * second for rate, second in zip(rates, seconds)) / 2.0
    waits, above = [], 0.0
    for rate, mean in zip(rates, means):
        upto = above + rate * mean
        waits.append(residual / ((1.0 - above) * (1.0 - upto)))
        above = upto
    return waits


def ndd1_tail(x: float, sources: int, period: float) -> float:
    """P(work found > x) of `sources` periodic sources of random phase; service takes 1 (A. E. Eckberg, 1979)."""
    total = 0.0
    for n in range(math.floor(x) + 1, sources + 1):
        share = (n - x) / period
        ways = math.comb(sources, n) * share**n * (1.0 - share) ** (sources - n)
        total += ways * (period - sources + x) / (period - n + x)
    return total


def hypoexponential_tail(t: float, rates: Sequence[float]) -> float:
    """P(sum of independent exponentials of different rates > t): the way through a tandem of M/M/1 queues."""
    total = 0.0
    for i, rate in enumerate(rates):
        others = [other / (other - rate) for j, other in enumerate(rates) if j != i]
        total += math.prod(others) * math.exp(-rate * t)
    return total


# Sizes and slots ----------------------------------------------------------------------------------------------------------

def uniform_moments(low: float, high: float) -> tuple[float, float]:
    """First and second moment of a uniform distribution."""
    return (low + high) / 2.0, (low * low + low * high + high * high) / 3.0


def clipped_pareto_moments(least: float, shape: float, largest: float) -> tuple[float, float]:
    """First and second moment of min(Pareto(least, shape), largest)."""
    tail = (least / largest) ** shape

    def moment(k: int) -> float:
        body = shape * least**shape * (largest ** (k - shape) - least ** (k - shape)) / (k - shape)
        return body + tail * largest**k

    return moment(1), moment(2)


def alignment_wait(starts: Iterable[int], period: int) -> float:
    """Mean wait of a uniform arrival for the next start: sum of squared gaps over twice the period."""
    at = sorted(starts)
    gaps = np.diff([*at, at[0] + period])
    return float((gaps.astype(float) ** 2).sum() / (2 * period))


# Confidence ---------------------------------------------------------------------------------------------------------------

def half_width(samples: np.ndarray) -> float:
    """Half of the Student t interval of the mean of independent samples."""
    n = len(samples)
    return float(stats.t.ppf(0.5 + LEVEL / 2.0, n - 1) * samples.std(ddof=1) / math.sqrt(n))


def assert_mean(name: str, theory: float, samples: Iterable[float], narrow: float, resolution: float = 0.0) -> None:
    """The interval over replications holds the theoretical mean, and is narrower than `narrow` of it to either side.

    `resolution`: what one burst more or less at an edge of the time measured makes.
    """
    values = np.asarray(list(samples), dtype=float)
    mean, half = float(values.mean()), half_width(values) + resolution
    LOG.info("| %s | %.5g | %.5g | ± %.2g %% | %+.2g %% |", name, theory, mean, 100 * half / theory, 100 * (mean / theory - 1))
    assert half <= narrow * abs(theory), f"{name}: interval {mean:.6g} ± {half:.2g} says too little about {theory:.6g}"
    assert abs(mean - theory) <= half, f"{name}: theory {theory:.6g} is outside {mean:.6g} ± {half:.2g}"


# Runs of the engine -------------------------------------------------------------------------------------------------------

def replications(world: World, horizon_ns: int, count: int, warmup_ns: int = 0,
                 capture: bool = False) -> Iterator[tuple[Engine, Measures]]:
    """Independent runs of one world."""
    for replication in range(count):
        engine = Engine(world, Clock(horizon_ns, warmup_ns=warmup_ns, replication=replication), capture=capture)
        engine.advance(horizon_ns)
        yield engine, engine.measures()


def part_means(m: Measures, part: str, direction: int = UL) -> np.ndarray:
    """Mean of a part of the delay (ns) per application, for worlds of one park and one operator (0 where nothing came)."""
    return m.part_sum_ns[:, direction, PARTS.index(part)] / np.maximum(m.delivered[:, direction], 1)
