"""What holds in every world: conservation, causality, independence of what comes later."""

import dataclasses

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import MS, rich_world, tiny_world, with_columns, worlds

from twin.base.accounting import CAUSES, PARTS
from twin.reference.run import Result, simulate
from twin.world.tables import Clock, World

FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def check_laws(world: World, clock: Clock) -> Result:
    """Conservation of bursts, exact parts, no more work than time."""
    result = simulate(world, clock)
    ended = result.bursts.groupby(["flow", "direction"]).size().to_dict()
    assert ended.keys() <= result.offered.keys()
    for key, offered in result.offered.items():
        assert offered == ended.get(key, 0) + result.in_flight[key]
        assert result.in_flight[key] >= 0
    table = result.bursts
    delivered = table[table.cause == 0]
    assert (delivered[list(PARTS)].sum(axis=1) == delivered.t_end - delivered.t_gen).all()
    assert (delivered[list(PARTS)] >= 0).all(axis=None)
    assert (table.t_end >= table.t_gen).all() and (table.t_end < clock.horizon_ns).all()
    assert not table.duplicated(["flow", "direction", "seq"]).any()
    assert (result.busy_ns <= clock.horizon_ns * world.resources["workers"]).all()
    return result


@FEW
@given(worlds())
def test_laws_hold_in_random_worlds(case):
    check_laws(*case)


@FEW
@given(worlds(rings=True))
def test_laws_hold_around_rings(case):
    check_laws(*case)


@FEW
@given(st.booleans().flatmap(worlds))
def test_the_past_does_not_depend_on_the_horizon(case):
    world, clock = case
    shorter = Clock(clock.horizon_ns // 3, epoch_ns=clock.epoch_ns, seed=clock.seed)
    whole = simulate(world, clock).bursts
    pd.testing.assert_frame_equal(simulate(world, shorter).bursts,
                                  whole[whole.t_end < shorter.horizon_ns].reset_index(drop=True))


def test_rich_world_shows_every_generator_and_most_causes():
    result = check_laws(rich_world(), Clock(horizon_ns=300 * MS, epoch_ns=50 * MS))
    assert {CAUSES[i] for i in result.bursts.cause} >= {"delivered", "no_coverage", "rlc_overflow", "link_overflow"}
    assert set(result.bursts.direction) == {0, 1, 2}


def test_same_clock_same_bursts():
    clock = Clock(horizon_ns=100 * MS, seed=5)
    pd.testing.assert_frame_equal(simulate(rich_world(), clock).bursts, simulate(rich_world(), clock).bursts)


def test_replications_differ():
    first, second = (simulate(tiny_world(), Clock(horizon_ns=100 * MS, replication=i)).bursts for i in (0, 1))
    assert first.t_gen.tolist() != second.t_gen.tolist()


def test_one_more_device_draws_nothing_from_the_others():
    few, many = (simulate(tiny_world(n), Clock(horizon_ns=100 * MS)).bursts for n in (2, 3))
    assert few.t_gen.tolist() == many[many.flow < 2].t_gen.tolist()


def test_round_trip_continues_the_request():
    table = simulate(tiny_world(response_bytes=100), Clock(horizon_ns=200 * MS)).bursts
    up, both = (table[table.direction == i].set_index(["flow", "seq"]) for i in (0, 2))
    up = up.loc[both.index]
    assert (both.t_gen == up.t_gen).all()
    assert (both.t_end > up.t_end).all()
    assert (both[["grant", "server"]] == up[["grant", "server"]]).all(axis=None)


def test_request_lost_is_a_round_trip_lost():
    world = with_columns(tiny_world(response_bytes=100), "flow_types", rlc_buffer_bytes=1)
    table = simulate(world, Clock(horizon_ns=100 * MS)).bursts
    assert table.groupby("direction").size().to_dict() == {0: len(table) // 2, 2: len(table) // 2}
    assert set(table.cause) == {CAUSES.index("rlc_overflow")}


def test_silent_hours_offer_nothing():
    result = simulate(_night(start_ms=0), Clock(horizon_ns=100 * MS))
    assert result.offered == {}
    assert simulate(_night(start_ms=9 * 3_600_000), Clock(horizon_ns=100 * MS)).offered != {}


def _night(start_ms: int) -> World:
    hours = np.array([[0] * 8 + [65536] * 16], dtype=np.int64)
    return dataclasses.replace(tiny_world(), activity_q16=hours, start_of_day_ns=start_ms * MS)
