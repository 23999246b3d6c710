"""What the accounts of a run say, on worlds where the answer is known."""

import numpy as np

from tests.worlds import MS, US, Builder, rich_world
from twin.engine.run import simulate
from twin.world.tables import UL, Clock, World

JUDGED = 3


def overloaded_server() -> World:
    """A server of 2 ms a message that is sent one each millisecond: twice what it can do."""
    b = Builder()
    kind = b.flow_type(period_ns=MS)
    b.flow(b.device(), kind, b.route(b.server(service_mean_ns=2 * MS, queue_limit_ns=200 * MS)))
    return b.build()


def test_a_saturated_server_is_busy_all_the_measured_time():
    clock = Clock(4_000 * MS, warmup_ns=1_000 * MS, epoch_ns=500 * MS)
    m = simulate(overloaded_server(), clock)
    assert m.busy_ns[0] == m.measured_ns
    assert abs(m.offered_ns[0] / m.measured_ns - 2.0) < 0.001
    assert (m.series_busy_ns[:, 0] <= 500 * MS).all()


def test_every_message_is_judged_once():
    m = simulate(rich_world(), Clock(300 * MS, epoch_ns=50 * MS))
    ended = m.delivered[:, JUDGED] + m.lost[:, JUDGED].sum(axis=1) + m.in_flight[:, JUDGED]
    np.testing.assert_array_equal(m.offered[:, JUDGED], ended)
    assert m.offered[:, JUDGED].sum() == m.offered[:, :2].sum()
    assert m.tenant_ended.sum() == (m.delivered + m.late_in_flight)[:, JUDGED].sum() + m.lost[:, JUDGED].sum()


def test_grants_are_counted():
    b = Builder()
    b.cell(b.radio(max_grants_ul=1))
    link = b.route(b.link())
    kind = b.flow_type(period_ns=5 * MS, size_bytes=20)
    for _ in range(20):
        b.flow(b.device(cell=0, gain_db=-90.0), kind, link)
    m = simulate(b.build(), Clock(1_000 * MS, warmup_ns=100 * MS, epoch_ns=100 * MS))
    assert 0.9 < m.grants_used[0, UL] / m.grants_available[0, UL] <= 1.0


def test_an_on_off_flow_is_in_its_steady_state_from_the_start():
    b = Builder()
    kind = b.flow_type(generator="on_off", period_ns=MS, on_mean_ns=3_000 * MS, off_mean_ns=9_000 * MS)
    route = b.route(b.link(rate_bps=10**10, buffer_bytes=1 << 24))
    for _ in range(400):
        b.flow(b.device(), kind, route)
    m = simulate(b.build(), Clock(50 * MS))
    assert abs(m.offered[:, UL].sum() / (400 * 50) - 0.25) < 0.07


def test_an_hour_of_little_activity_thins_a_poisson_stream():
    b = Builder()
    kind = b.flow_type(generator="poisson", period_ns=100 * US, profile=b.profile([16384] * 24))
    b.flow(b.device(), kind, b.route(b.link(rate_bps=10**10)))
    m = simulate(b.build(), Clock(1_000 * MS))
    assert abs(m.offered[:, UL].sum() / 10_000 - 0.25) < 0.02


def test_grants_that_do_not_fit_are_refused():
    b = Builder()
    b.cell(b.radio(n_prb=25))
    route = b.route(b.link(rate_bps=10**9))
    kind = b.flow_type(period_ns=5 * MS, size_bytes=300, cg_period_ns=5 * MS, cg_bytes=300)
    for _ in range(40):
        b.flow(b.device(cell=0, gain_db=-110.0), kind, route)
    world, clock = b.build(), Clock(200 * MS, epoch_ns=50 * MS)
    m = simulate(world, clock)
    assert 0 < m.totals["configured_grants_refused"] < 40
    assert m.prb_used[0, UL] <= m.prb_available[0, UL] * 1.05
