"""Generators of the reference engine: times and sizes of bursts."""

import dataclasses
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from worlds import DEFAULTS, MS

from twin.base.names import name_hash
from twin.reference.bursts import Flow
from twin.reference.randomness import Draws
from twin.reference.sources import Activity, emissions

ALWAYS = Activity(np.full((1, 24), 65536), 0)
DRAWS = Draws(seed=3, replication=0)
HOUR = 3_600_000 * MS


def make_flow(number: int = 0, **kind) -> Flow:
    row = {"direction": 0, "response_bytes": 0, "jitter_ns": 0, "size_spread": 0.0, "profile": 0,
           **DEFAULTS["flow_types"], **kind}
    return Flow(number, name_hash(f"flow-{number}"), name_hash("group"), -1, True, SimpleNamespace(**row))


def sent(flow: Flow, horizon: int = 1_000 * MS, activity: Activity = ALWAYS) -> list:
    return list(emissions(flow, DRAWS, activity, horizon))


def test_periodic_without_jitter_keeps_its_period():
    times = [e.t for e in sent(make_flow(period_ns=7 * MS))]
    assert times[0] < 7 * MS
    assert {b - a for a, b in pairwise(times)} == {7 * MS}


def test_jitter_stays_within_its_width():
    plain, jittered = sent(make_flow()), sent(make_flow(jitter_ns=2 * MS))
    shifts = [b.t - a.t for a, b in zip(plain, jittered)]
    assert min(shifts) >= 0 and max(shifts) < 2 * MS and len(set(shifts)) > 50


def test_poisson_has_its_mean_rate():
    assert len(sent(make_flow(generator="poisson", period_ns=MS), 10_000 * MS)) == pytest.approx(10_000, rel=0.05)


def test_on_off_sends_in_phases():
    times = [e.t for e in sent(make_flow(generator="on_off", period_ns=MS, on_mean_ns=20 * MS, off_mean_ns=50 * MS), 20_000 * MS)]
    gaps = [b - a for a, b in pairwise(times)]
    assert len(times) == pytest.approx(20_000 * 20.5 / 70, rel=0.15)
    assert gaps.count(MS) > len(gaps) * 0.9


def test_alarms_of_a_group_come_together():
    flows = [make_flow(i, generator="alarm", period_ns=100 * MS, spread_ns=5 * MS) for i in range(5)]
    events = list(zip(*(sent(flow, 5_000 * MS) for flow in flows)))
    assert len(events) > 20
    assert all(max(e.t for e in event) - min(e.t for e in event) < 5 * MS for event in events)


def test_alarm_joins_with_its_probability():
    flow = make_flow(generator="alarm", period_ns=MS, spread_ns=1, join_q32=1 << 30)
    numbers = [e.k for e in sent(flow, 8_000 * MS)]
    assert len(numbers) / numbers[-1] == pytest.approx(0.25, rel=0.1)


def test_video_has_an_i_frame_each_group_of_pictures():
    sizes = [e.size for e in sent(make_flow(generator="video", gop=4, size_bytes=100, i_frame_bytes=900))]
    first = sizes.index(900)
    assert first < 4
    assert all((size == 900) == (k % 4 == first) for k, size in enumerate(sizes))


def test_reporting_meters_pick_the_shares_of_the_standard():
    flows = [make_flow(i, generator="mar_periodic", size_kind="fixed") for i in range(800)]
    per_day = np.array([len(sent(flow, 24 * HOUR)) for flow in flows])
    assert set(per_day) == {1, 12, 24, 48}
    assert [np.mean(per_day == n) for n in (1, 12, 24, 48)] == pytest.approx([0.4, 0.4, 0.15, 0.05], abs=0.05)


def test_silent_bursts_keep_their_numbers():
    shares = np.full((1, 24), 65536)
    shares[0, 1] = 0
    flow = make_flow(period_ns=HOUR // 4)
    heard = sent(flow, 3 * HOUR, Activity(shares, 0))
    everything = sent(flow, 3 * HOUR)
    assert heard == [e for e in everything if e.t // HOUR != 1]
    assert heard[-1].k == everything[-1].k


def test_nothing_is_sent_at_the_horizon():
    flow = make_flow(period_ns=MS)
    last = sent(flow)[-1]
    assert sent(flow, horizon=last.t)[-1].k == last.k - 1


def test_flows_are_values():
    flow = make_flow()
    with pytest.raises(dataclasses.FrozenInstanceError):
        flow.cell = 1  # type: ignore[misc]  # that it is refused is the test
