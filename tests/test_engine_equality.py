"""Both engines give the same sample path: burst by burst, nanosecond by nanosecond; and no cut of the horizon changes it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.worlds import MS, rich_world, tiny_world, worlds
from twin.base import columns as c
from twin.base.accounting import PARTS
from twin.engine.epochs import served_ns
from twin.engine.run import Engine
from twin.measure.measures import Measures
from twin.reference.run import simulate as simulate_reference
from twin.world.tables import Clock, World

COLUMNS = ["flow", "seq", "direction", "t_gen", "t_end", "cause", *PARTS]
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def ordered(bursts: pd.DataFrame) -> pd.DataFrame:
    """Bursts as int64, in an order of their own."""
    table = bursts[COLUMNS].astype(np.int64)
    return table.sort_values(COLUMNS[:5]).reset_index(drop=True)


def run_engine(
    world: World, clock: Clock, cuts: list[int] | None = None, window_ns: int | None = None
) -> tuple[Engine, pd.DataFrame]:
    """Run the compiled engine, stopping at `cuts` on the way; all its bursts."""
    engine = Engine(world, clock, window_ns=window_ns, capture=True)
    for cut in [*(cuts or []), clock.horizon_ns]:
        engine.advance(cut)
    engine.measures()
    return engine, ordered(pd.DataFrame(engine.raw(), columns=COLUMNS))


def assert_same_path(world: World, clock: Clock) -> None:
    """Engine and reference agree on every burst, on PRBs and on busy times."""
    reference = simulate_reference(world, clock)
    engine, bursts = run_engine(world, clock)
    pd.testing.assert_frame_equal(bursts, ordered(reference.bursts), check_dtype=False)
    np.testing.assert_array_equal(engine.state.cells[:, c.CE_PRB_USED].reshape(-1, 2), reference.prb_used)
    np.testing.assert_array_equal(served_ns(engine.state, engine.routes.resources), reference.busy_ns)


def test_rich_world() -> None:
    """Every generator, both duplex modes, drops, preemption, configured grants, wired and uncovered devices."""
    assert_same_path(rich_world(), Clock(300 * MS, epoch_ns=50 * MS))


@pytest.mark.parametrize("duplex", ["tdd", "fdd"])
def test_tiny_world(duplex: str) -> None:
    """One cell with responses."""
    assert_same_path(tiny_world(duplex=duplex, response_bytes=100, generator="poisson"), Clock(200 * MS, epoch_ns=100 * MS))


@QUICK
@given(worlds())
def test_random_worlds(drawn: tuple[World, Clock]) -> None:
    """Small random worlds, often overloaded."""
    assert_same_path(*drawn)


@QUICK
@given(worlds(rings=True))
def test_random_rings(drawn: tuple[World, Clock]) -> None:
    """Links that feed each other run on the event heap."""
    assert_same_path(*drawn)


@pytest.mark.verify
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(worlds(), worlds(rings=True)))
def test_many_random_worlds(drawn: tuple[World, Clock]) -> None:
    """The same, longer."""
    assert_same_path(*drawn)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(), st.lists(st.integers(1, 229 * MS), max_size=6), st.integers(1_000, 50 * MS))
def test_no_cut_changes_the_path(drawn: tuple[World, Clock], cuts: list[int], window_ns: int) -> None:
    """Any split of the horizon into windows gives identical bursts."""
    world, clock = drawn
    _, whole = run_engine(world, clock)
    _, cut = run_engine(world, clock, sorted(cuts), max(window_ns, clock.horizon_ns // 300))
    pd.testing.assert_frame_equal(whole, cut)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(rings=True), st.integers(1, 200 * MS))
def test_a_saved_state_goes_on(tmp_path_factory: pytest.TempPathFactory, drawn: tuple[World, Clock], at: int) -> None:
    """A restored or copied state goes on exactly as the run it was taken from."""
    world, clock = drawn
    expected = Engine(world, clock)
    expected.advance(clock.horizon_ns)
    path: Path = tmp_path_factory.mktemp("state") / "state.npz"
    first = Engine(world, clock)
    first.advance(at)
    first.state.save(path)
    for state in (first.state.copy(), first.state.load(path)):
        second = Engine(world, clock, state)
        second.advance(clock.horizon_ns)
        assert_same_measures(expected.measures(), second.measures())


def assert_same_measures(a: Measures, b: Measures) -> None:
    """All arrays of two runs are equal."""
    for item in fields(Measures):
        if isinstance(getattr(a, item.name), np.ndarray):
            np.testing.assert_array_equal(getattr(a, item.name), getattr(b, item.name), err_msg=item.name)
