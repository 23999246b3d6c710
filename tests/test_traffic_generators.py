"""What the generators offer against the laws they are named after."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.theory import assert_mean, clipped_pareto_moments
from tests.worlds import MS, Builder
from twin.base.accounting import PARTS
from twin.base.draws import PARETO, draw, size_bytes
from twin.engine.run import Engine
from twin.world.tables import Clock

SERIALISATION = 6 + PARTS.index("serialisation")
DAY = 86_400_000 * MS
FLOWS = 200


def offered(horizon_ns: int, flows: int = FLOWS, replication: int = 0, **kind: Any) -> np.ndarray:
    """Flow, time and size of all bursts: on a link of its own that takes 1 ns a byte, each size can be read off."""
    b = Builder()
    number = b.flow_type(**kind)
    for _ in range(flows):
        b.flow(b.device(), number, b.route(b.link(rate_bps=8 * 10**9, overhead_bytes=0, buffer_bytes=1 << 40)))
    clock = Clock(horizon_ns + 100 * MS, epoch_ns=max(1_000 * MS, horizon_ns), replication=replication)
    engine = Engine(b.build(), clock, capture=True)
    engine.advance(clock.horizon_ns)
    rows = engine.raw()
    rows = rows[rows[:, 3] < horizon_ns]
    order = np.lexsort((rows[:, 3], rows[:, 0]))
    return rows[order][:, [0, 3, SERIALISATION]]


def counts(times: np.ndarray, horizon_ns: int, bin_ns: int) -> np.ndarray:
    return np.bincount(times // bin_ns, minlength=horizon_ns // bin_ns)


def dispersion(times: np.ndarray, horizon_ns: int, bin_ns: int) -> float:
    """Variance over mean of the counts in bins: 1 for a Poisson stream."""
    n = counts(times, horizon_ns, bin_ns)
    return float(n.var(ddof=1) / n.mean())


def test_poisson() -> None:
    """Rate, exponential gaps, dispersion 1, memory of nothing."""
    horizon = 4_000 * MS
    rows = offered(horizon, generator="poisson", period_ns=10 * MS)
    assert len(rows) == pytest.approx(FLOWS * 400, rel=0.015)
    gaps = np.diff(rows[:, 1])[np.diff(rows[:, 0]) == 0] / (10 * MS)
    assert gaps.std() == pytest.approx(1.0, abs=0.02)
    assert (gaps > 1.0).mean() == pytest.approx(np.exp(-1), abs=0.01)
    assert abs(np.corrcoef(gaps[1:], gaps[:-1])[0, 1]) < 0.015
    assert dispersion(rows[:, 1], horizon, 4 * MS) == pytest.approx(1.0, abs=0.15)


def test_periodic_keeps_its_phase() -> None:
    """Bursts exactly one period apart; phases uniform; the sum of many sources is smoother than Poisson."""
    horizon, period = 2_000 * MS, 20 * MS
    rows = offered(horizon, period_ns=period)
    assert len(rows) == FLOWS * horizon // period
    assert (np.diff(rows[:, 1])[np.diff(rows[:, 0]) == 0] == period).all()
    phases = rows[::100, 1] / period
    assert phases.mean() == pytest.approx(0.5, abs=0.08) and phases.std() == pytest.approx(12**-0.5, abs=0.04)
    assert dispersion(rows[:, 1], horizon, 30 * MS) < 0.5
    assert dispersion(rows[:, 1], horizon, period) == 0.0


def test_jitter() -> None:
    """Uniform, around the same phase: it does not add up."""
    rows = offered(2_100 * MS, period_ns=20 * MS, jitter_ns=5 * MS)
    times = np.array([rows[rows[:, 0] == f, 1][:100] for f in range(FLOWS)])
    late = (times - 20 * MS * np.arange(100)) / MS
    late -= late.min(axis=1, keepdims=True)
    assert late.max() < 5.0 and late.mean() == pytest.approx(2.5, abs=0.1)


def test_mar_periods() -> None:
    """TR 45.820: 40 % a day, 40 % 2 h, 15 % 1 h, 5 % 30 min; 11.2 reports a device a day."""
    devices = 4_000
    rows = offered(DAY, devices, generator="mar_periodic", size_bytes=20)
    assert len(rows) / devices == pytest.approx(11.2, rel=0.04)
    reports = np.bincount(rows[:, 0], minlength=devices)
    for number, share in ((1, 0.40), (12, 0.40), (24, 0.15), (48, 0.05)):
        assert (reports == number).mean() == pytest.approx(share, abs=4 * (share * (1 - share) / devices) ** 0.5)


def test_mar_payload() -> None:
    """Pareto, shape 2.5, at least 20 B, clipped at 200 B: 32.91 B on average."""
    assert clipped_pareto_moments(20.0, 2.5, 200.0)[0] == pytest.approx(32.91, abs=0.01)
    rows = offered(1_000 * MS, 100, generator="poisson", period_ns=MS, size_kind="pareto", size_bytes=20, size_spread=2.5,
                   size_max_bytes=200)
    assert rows[:, 2].min() == 20 and rows[:, 2].max() == 200
    assert rows[:, 2].mean() == pytest.approx(32.91, abs=0.3)
    assert (rows[:, 2] == 200).mean() == pytest.approx(10**-2.5, rel=0.2)


@pytest.mark.verify
def test_mar_payload_closely() -> None:
    means = []
    for entity in range(40):
        u = [draw(np.uint64(1), np.uint64(entity), 8, k) for k in range(20_000)]
        means.append(np.mean([size_bytes(np.uint64(x), PARETO, 20, 2.5, 200) for x in u]))
    assert_mean("MAR payload, clipped Pareto, B", clipped_pareto_moments(20.0, 2.5, 200.0)[0], means, 0.005)


def test_uniform_sizes() -> None:
    rows = offered(1_000 * MS, 40, generator="poisson", period_ns=MS, size_kind="uniform", size_bytes=1_000, size_spread=0.5)
    assert rows[:, 2].min() >= 500 and rows[:, 2].max() <= 1_500
    assert rows[:, 2].mean() == pytest.approx(1_000, rel=0.01)
    assert rows[:, 2].std() == pytest.approx(1_000 / 12**0.5, rel=0.02)


ON_OFF = {"generator": "on_off", "period_ns": 2 * MS, "on_mean_ns": 60 * MS, "off_mean_ns": 40 * MS}


def on_off_rate() -> float:
    """Bursts a ns: one at the start of an on-phase and at each period within it, over a cycle of both means."""
    per_phase = 1.0 / (1.0 - np.exp(-2.0 / 60.0))
    return float(per_phase / (100 * MS))


def test_on_off() -> None:
    """Duty, regular bursts within a phase, and a stream much burstier than Poisson."""
    horizon = 5_000 * MS
    rows = offered(horizon, **ON_OFF)
    after = rows[rows[:, 1] > 1_000 * MS]
    assert len(after) / (4_000 * MS) / FLOWS == pytest.approx(on_off_rate(), rel=0.05)
    gaps = np.diff(rows[:, 1])[np.diff(rows[:, 0]) == 0]
    inside = gaps == 2 * MS
    assert inside.mean() == pytest.approx(np.exp(-2.0 / 60.0), abs=0.005)
    assert gaps[~inside].mean() == pytest.approx(41 * MS, rel=0.05)  # the rest of the last period, and the off-phase
    one = after[after[:, 0] == 0, 1] - 1_000 * MS
    assert dispersion(one, 4_000 * MS, 50 * MS) > 3.0


@pytest.mark.verify
def test_on_off_closely() -> None:
    rates = []
    for replication in range(10):
        rows = offered(11_000 * MS, replication=replication, **ON_OFF)
        rates.append((rows[:, 1] > 1_000 * MS).sum() / (10_000 * MS) / FLOWS)
    assert_mean("on-off: bursts a second and flow", on_off_rate() * 1e9, np.array(rates) * 1e9, 0.02)


def test_alarms_come_together() -> None:
    """Events of a group: a share of the devices answers each, within the spread; between events nobody sends."""
    horizon, spread = 20_000 * MS, 5 * MS
    rows = offered(horizon, generator="alarm", period_ns=500 * MS, spread_ns=spread, join_q32=1 << 31)
    times = np.sort(rows[:, 1])
    event = np.cumsum(np.diff(times, prepend=times[0]) > spread)
    joined = np.bincount(event)
    starts = times[np.searchsorted(event, np.arange(len(joined)))]
    spans = times[np.searchsorted(event, np.arange(len(joined)), side="right") - 1] - starts
    alone = spans < spread  # two events can follow each other closely
    assert alone.mean() > 0.9
    assert joined[alone].mean() == pytest.approx(FLOWS / 2, rel=0.03)
    assert joined[alone].std() == pytest.approx((FLOWS / 4) ** 0.5, rel=0.5)
    assert len(joined) == pytest.approx(horizon / (505 * MS), rel=0.5)
    assert dispersion(rows[:, 1], horizon, 50 * MS) > 50


def test_video() -> None:
    """One large frame in each group of pictures, at each camera's own place."""
    rows = offered(6_000 * MS, 60, generator="video", period_ns=40 * MS, gop=15, size_bytes=3_000, i_frame_bytes=20_000)
    sizes = rows[:, 2].reshape(60, 150)
    assert set(np.unique(sizes)) == {3_000, 20_000}
    large = sizes == 20_000
    assert (large.reshape(60, 10, 15).sum(axis=2) == 1).all()
    first = large.argmax(axis=1)
    assert len(set(first)) > 8
    assert ((np.flatnonzero(large) % 150 - np.repeat(first, 10)) % 15 == 0).all()
    assert sizes.mean() == (14 * 3_000 + 20_000) / 15


def test_activity_of_the_day() -> None:
    """A share of the flows is active in an hour; those that are, send all their bursts."""
    b = Builder()
    profile = b.profile([0] * 9 + [16_384] + [49_152] * 14)
    number = b.flow_type(period_ns=60_000 * MS, profile=profile)
    for _ in range(2_000):
        b.flow(b.device(), number)
    engine = Engine(b.build(start_of_day_ns=9 * 3_600_000 * MS), Clock(7_200_000 * MS, epoch_ns=600_000 * MS), capture=True)
    engine.advance(7_200_000 * MS)
    rows = engine.raw()
    for hour, share in ((0, 0.25), (1, 0.75)):
        sent = np.bincount(rows[rows[:, 3] // (3_600_000 * MS) == hour, 0], minlength=2_000)
        assert set(np.unique(sent)) == {0, 60}
        assert (sent > 0).mean() == pytest.approx(share, abs=0.04)
