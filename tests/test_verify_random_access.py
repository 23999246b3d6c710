"""Random access against TR 37.868, closed forms, and drift equations."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.theory import LOG
from twin.base import bins
from twin.engine.run import Engine
from twin.measure.control import RA_COUNTS
from twin.scenario import load
from twin.world.build import build_world
from twin.world.signalling_tables import Signalling
from twin.world.tables import Clock

pytestmark = pytest.mark.verify

SCENARIO = Path(__file__).parent.parent / "scenarios" / "ra-overload-37868.yaml"
MS, S = 1_000_000, 1_000_000_000
PREAMBLES, PERIOD_MS, GRANTS, MAX_TX = 54, 5.0, 15, 10
#: TR 37.868 tables 6.4.1.1.x: collided share of all opportunities, access success share, preambles sent, mean delay in ms.
#: Quoted at second hand, not checked against the document; none for 1,000 and 3,000 devices.
TR = {
    ("beta_10s", 5000): (0.0045, 1.0, 1.56, 29.06),
    ("beta_10s", 10000): (0.0198, 1.0, 1.77, 34.65),
    ("beta_10s", 30000): (0.4776, 0.295, 3.49, 76.81),
    ("uniform_60s", 5000): (0.0001, 1.0, 1.43, 25.60),
    ("uniform_60s", 10000): (0.0003, 1.0, 1.45, 26.05),
    ("uniform_60s", 30000): (0.0022, 1.0, 1.50, 27.35),
}


@dataclass
class Counts:
    """Sums over replications."""

    counts: np.ndarray = field(default_factory=lambda: np.zeros(len(RA_COUNTS), dtype=np.int64))
    tx: np.ndarray | int = 0
    delays: np.ndarray | int = 0
    delay_ns: int = 0

    def __getitem__(self, name: str) -> int:
        return int(self.counts[RA_COUNTS.index(name)])

    @property
    def successes(self) -> int:
        return self["succeeded"]

    @property
    def collision_share(self) -> float:
        return self["collided"] / self["opportunities"]

    @property
    def collision_share_per_attempt(self) -> float:
        return self["preambles_collided"] / self["preambles"]

    @property
    def success_share(self) -> float:
        return self["succeeded"] / (self["succeeded"] + self["failed"])

    @property
    def mean_tx(self) -> float:
        return float(np.asarray(self.tx) @ np.arange(MAX_TX + 1)) / self.successes

    @property
    def delay_ms(self) -> float:
        return self.delay_ns / self.successes / MS

    def percentile_ms(self, q: float) -> float:
        return bins.quantile(np.asarray(self.delays), q, bins.DELAY_BITS) / MS


@cache
def simulate(devices: int, arrivals: str, replications: int, *overrides: str, heard: bool = False) -> Counts:
    """The scenario of the TR. heard: every preamble that does not collide is detected."""
    world = build_world(load(SCENARIO, [f"devices={devices}", f"arrivals={arrivals}", *overrides]))
    tables = world.signalling
    assert isinstance(tables, Signalling)
    if heard:
        certain = np.full_like(tables.rach_detect_q32, 1 << 32)
        world = replace(world, signalling=replace(tables, rach_detect_q32=certain))
    total, horizon = Counts(), 120 * S
    for r in range(replications):
        engine = Engine(world, Clock(horizon_ns=horizon, replication=r))
        engine.advance(horizon)
        control = engine.measures().control
        assert control is not None
        test = control.ra_counts[:, RA_COUNTS.index("begun")] > 0
        row = int(tables.cells["rach"].to_numpy()[test][0])
        total.counts += control.ra_counts[test].sum(axis=0)
        total.tx, total.delays = total.tx + control.ra_tx_hist[row], total.delays + control.ra_delay_hist[row]
        total.delay_ns += int(control.ra_delay_sum_ns[row])
    assert total["begun"] == devices * replications
    assert total["succeeded"] + total["failed"] > 0.999 * total["begun"]  # a few are barred for minutes
    return total


def log(name: str, theory: float, measured: float, unit: str = "") -> None:
    LOG.info("| %s%s | %.4g | %.4g | %+.2g %% |", name, unit and f", {unit}", theory, measured, 100 * (measured / theory - 1))


@pytest.mark.parametrize(("arrivals", "devices"), TR)
def test_published_table(arrivals, devices):
    """TR 37.868, within what it leaves open.

    Preambles sent 2 %; mean delay 7 % (1 of 15 ms of the four messages or 2 of 23 ms a retry: the TR prints neither; Msg4 does
    not wait for the PDCCH here, which makes 4 ms of 75 with 30,000 devices); collisions 10 %, or the last digit printed (over
    10 s, or until the last attempt?); success 3 points.
    """
    got = simulate(devices, arrivals, 12 if arrivals == "beta_10s" else 4)
    collided, succeeded, sent, delay = TR[arrivals, devices]
    for name, theory, measured, unit in (("collided share", 100 * collided, 100 * got.collision_share, "%"),
                                         ("success share", 100 * succeeded, 100 * got.success_share, "%"),
                                         ("preambles sent", sent, got.mean_tx, ""), ("mean delay", delay, got.delay_ms, "ms")):
        log(f"TR 37.868, {devices:,} devices, {arrivals}: {name}", theory, measured, unit)
    assert got.collision_share == pytest.approx(collided, rel=0.1, abs=6e-5)
    assert got.success_share == pytest.approx(succeeded, abs=0.03)
    assert got.mean_tx == pytest.approx(sent, rel=0.02)
    assert got.delay_ms == pytest.approx(delay, rel=0.07)


def light_load(devices: int) -> tuple[float, float]:
    """Devices per preamble and occasion, and transmissions per device, of uniform arrivals: a fixed point.

    A transmission n succeeds when nobody else takes its preamble, exp(-l), and it is detected, 1 - exp(-n).
    """
    sent = 1.0
    for _ in range(50):
        load_ = devices * sent / (PREAMBLES * 60_000 / PERIOD_MS)
        fails = [1 - math.exp(-load_) * -math.expm1(-n) for n in range(1, MAX_TX)]
        sent = 1 + float(np.cumprod(fails).sum())
    return load_, sent


@pytest.mark.parametrize("devices", [5000, 10000, 30000])
def test_uniform_arrivals(devices):
    """Collisions 1 - (1 + l) exp(-l) of the opportunities and 1 - exp(-l) of the attempts; transmissions, 1.42 at no load."""
    got = simulate(devices, "uniform_60s", 4, "rach_profiles.lte-37868.harq_fail_share=0.0")
    load_, sent = light_load(devices)
    assert light_load(1)[1] == pytest.approx(1.42, abs=0.005)
    shares = {"of opportunities": (1 - (1 + load_) * math.exp(-load_), got.collision_share, got["collided"]),
              "of attempts": (-math.expm1(-load_), got.collision_share_per_attempt, got["preambles_collided"] / 2)}
    for name, (theory, measured, events) in shares.items():
        log(f"{devices:,} devices, uniform: collisions {name}", 100 * theory, 100 * measured, "%")
        assert measured == pytest.approx(theory, rel=max(4 / math.sqrt(events), 0.03))
    log(f"{devices:,} devices, uniform: preambles sent", sent, got.mean_tx)
    assert got.mean_tx == pytest.approx(sent, abs=4 * 0.7 / math.sqrt(4 * devices))


def test_least_delay():
    """1 ms preamble, 2 to the window, 1 response, 6 to the end of Msg3, 5 to that of Msg4; not the way to the first occasion."""
    got = simulate(1000, "uniform_60s", 4, "rach_profiles.lte-37868.harq_fail_share=0.0")
    least = int(np.flatnonzero(got.delays)[0])
    assert least == bins.bin_of(15 * MS, bins.DELAY_BITS)
    share = float(np.asarray(got.delays)[least]) / got.successes
    log("share of accesses that take 15 ms", -math.expm1(-1), share)
    assert share == pytest.approx(-math.expm1(-1), abs=0.03)


def test_grants_limit_what_is_answered():
    """With 40 devices an occasion, 19 are alone on their preamble; 15 are answered, and no more."""
    got = simulate(16_000, "{distribution: uniform, spread_s: 2.0}", 2, "rach_profiles.lte-37868.harq_fail_share=0.0",
                   "rach_profiles.lte-37868.max_transmissions=1", heard=True)
    occasions = got["opportunities"] / PREAMBLES
    log("answered an occasion with 40 devices", GRANTS, got["answered"] / occasions)
    assert got["detected"] == got["single"] and got["detected"] / occasions == pytest.approx(40 * (1 - 1 / 54) ** 39, rel=0.03)
    assert 0.97 * GRANTS < got["answered"] / occasions <= GRANTS
    assert got["succeeded"] == got["answered"]


def test_access_class_barring():
    """Barring with factor p and time T adds T (1 - p) / p on average, and takes the overload of 30,000 devices away."""
    open_, barred = (simulate(1000, "beta_10s", 4, f"rach_profiles.lte-37868.barring_factor={p}") for p in (1.0, 0.5))
    added = barred.delay_ms - open_.delay_ms
    log("delay added by barring half for 4 s", 4000, added, "ms")
    assert added == pytest.approx(4000, rel=4 * math.sqrt(2) / math.sqrt(4000))
    free = simulate(30_000, "beta_10s", 1)
    spread = simulate(30_000, "beta_10s", 1, "rach_profiles.lte-37868.barring_factor=0.3")
    assert spread.success_share > 0.95 > 0.35 > free.success_share
    assert spread.collision_share_per_attempt < 0.6 * free.collision_share_per_attempt


def drift(devices: int, retry_ms: float) -> dict[str, float]:
    """Expected numbers of devices occasion by occasion, after Wei, Bianchi and Cheng (2015); Beta(3, 4) over 10 s.

    Of m devices at an occasion, those at transmission n succeed with exp(-m/54) (1 - exp(-n)), less what exceeds the grants;
    the others come back `retry_ms` and a backoff after the window's end. Msg3 and Msg4 always come through in the end.
    """
    occasions = 2_600
    edges = np.clip(np.arange(-1, occasions) * PERIOD_MS / 10_000, 0, 1)
    cdf = edges**3 * (20 - 45 * edges + 36 * edges**2 - 10 * edges**3)  # of Beta(3, 4)
    here = np.zeros((occasions + 20, MAX_TX + 2))
    here[:occasions, 1] = devices * np.diff(cdf)
    age = np.zeros_like(here)  # sum over those devices of the time since their first occasion
    known = 1 + 2 + 5 + retry_ms
    ends = np.arange(0, 60, PERIOD_MS)
    back = np.diff(np.clip(ends - known, 0, 20) / 20, prepend=0.0)  # share that is ready in time for the occasion at `ends`
    heard = -np.expm1(-np.arange(MAX_TX + 2))
    sent = collided = won = delay = 0.0
    for i in range(occasions):
        m = here[i].sum()
        a = m / PREAMBLES
        collided += PREAMBLES * (1 - (1 + a) * math.exp(-a))
        detected = here[i] * math.exp(-a) * heard
        granted = detected * min(1.0, GRANTS / max(detected.sum(), 1e-12))
        share = np.divide(granted, here[i], out=np.zeros_like(granted), where=here[i] > 0)
        won += granted.sum()
        sent += granted @ np.arange(MAX_TX + 2)
        answer = max((granted.sum() - 3) / 6, 0.0)  # mean wait for the response's slot: three are answered in each
        delay += age[i] @ share + granted.sum() * (15 + answer + 0.1 / 0.9 * (8 + 5))
        for k, weight in enumerate(back):
            here[i + k, 2 : MAX_TX + 1] += weight * (here[i] - granted)[1:MAX_TX] if weight else 0
            age[i + k, 2 : MAX_TX + 1] += weight * ((1 - share) * (age[i] + here[i] * k * PERIOD_MS))[1:MAX_TX] if weight else 0
    used = np.count_nonzero((cdf > 0.7 / devices) & (cdf < 1 - 0.7 / devices)) + 5  # first to last device, medians
    return {"collision_share": collided / PREAMBLES / used, "success_share": won / devices, "mean_tx": sent / won,
            "delay_ms": delay / won}


@pytest.mark.parametrize(("profile", "retry_ms"), [("lte-37868", 2.0), ("lte-37868-prompt", 0.0)])
@pytest.mark.parametrize("devices", [10_000, 30_000])
def test_drift_equations(devices, profile, retry_ms):
    """The mean-field recursion leaves out the scatter of arrivals, which matters while the overload sets in and ends: 5 %."""
    got = simulate(devices, "beta_10s", 12, f"random_access_test.rach_profile={profile}")
    for name, theory in drift(devices, retry_ms).items():
        measured = getattr(got, name)
        log(f"drift equations, {devices:,} devices, {profile}: {name}", theory, measured)
        assert measured == pytest.approx(theory, rel=0.05)
