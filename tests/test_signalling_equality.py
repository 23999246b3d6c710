"""With a control plane, too, both engines give the same sample path: bursts, procedures and accesses, to the nanosecond."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.signalling_worlds import signalling_worlds
from tests.test_engine_equality import ordered
from twin.base import columns as c
from twin.base import signal_columns as sc
from twin.base.accounting import PARTS
from twin.engine.run import Engine
from twin.engine.state import State
from twin.reference.run import simulate as simulate_reference
from twin.world.signalling_tables import ACCESS_OUTCOMES
from twin.world.tables import Clock, World

BURSTS = ["flow", "seq", "direction", "t_gen", "t_end", "cause", *PARTS]
PROCEDURES = ["device", "serial", "procedure", "t_start", "t_end", "outcome"]
ACCESSES = ["device", "serial", "cell", "t_begin", "t_end", "transmissions", "outcome"]
VOID = ACCESS_OUTCOMES.index("void")  # how many preambles a void access sent is nobody's business
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def run_engine(world: World, clock: Clock, cuts: list[int] | None = None, window_ns: int | None = None) -> Engine:
    """Run the compiled engine to the end, stopping at `cuts`; its counts have been checked."""
    engine = Engine(world, clock, window_ns=window_ns, capture=True)
    for cut in [*(cuts or []), clock.horizon_ns]:
        engine.advance(cut)
    engine.measures()
    return engine


def table(rows: np.ndarray, names: list[str]) -> pd.DataFrame:
    """Rows of a log, sorted by device and serial."""
    return pd.DataFrame(rows[:, : len(names)], columns=names).sort_values(names[:2]).reset_index(drop=True)


def ended(frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """What has ended of a frame of the reference, in the same order."""
    frame = frame[frame["outcome"] >= 0]
    return frame[names].astype(np.int64).sort_values(names[:2]).reset_index(drop=True)


def procedures_of(engine: Engine) -> pd.DataFrame:
    assert engine.control is not None
    return table(engine.control.log[: engine.control.log_size[0]], PROCEDURES)


def accesses_of(engine: Engine) -> pd.DataFrame:
    assert engine.control is not None
    return table(engine.control.access_log[: engine.control.log_size[1]], ACCESSES)


def assert_same_path(world: World, clock: Clock) -> None:
    """Engine and reference agree on every procedure, access and burst, and on what functions and interfaces carried."""
    reference = simulate_reference(world, clock)
    engine = run_engine(world, clock)
    state = engine.state
    theirs = ended(reference.accesses, ACCESSES)
    theirs.loc[theirs["outcome"] == VOID, "transmissions"] = 0
    pd.testing.assert_frame_equal(accesses_of(engine), theirs)
    pd.testing.assert_frame_equal(procedures_of(engine), ended(reference.procedures, PROCEDURES))
    np.testing.assert_array_equal(state.control_functions[:, sc.FU_MESSAGES], reference.function_messages)
    np.testing.assert_array_equal(state.control_functions[:, sc.FU_ACCEPTED_NS], reference.function_busy_ns)
    np.testing.assert_array_equal(state.tally_messages, reference.message_counts)
    np.testing.assert_array_equal(state.tally_gauges, reference.gauges)
    bursts = ordered(pd.DataFrame(engine.raw(), columns=BURSTS))
    pd.testing.assert_frame_equal(bursts, ordered(reference.bursts), check_dtype=False)
    np.testing.assert_array_equal(state.cells[:, c.CE_PRB_USED].reshape(-1, 2), reference.prb_used)


@QUICK
@given(signalling_worlds())
def test_random_worlds(drawn: tuple[World, Clock]) -> None:
    """Small random worlds: every timer, script, refusal and loss."""
    assert_same_path(*drawn)


@pytest.mark.verify
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(signalling_worlds())
def test_many_random_worlds(drawn: tuple[World, Clock]) -> None:
    """The same, at length."""
    assert_same_path(*drawn)


@QUICK
@given(signalling_worlds(), st.data())
def test_any_cut_gives_the_same_path(drawn: tuple[World, Clock], data: st.DataObject) -> None:
    """Neither the windows nor stopping on the way changes anything."""
    world, clock = drawn
    whole = run_engine(world, clock)
    cuts = sorted(data.draw(st.lists(st.integers(1, clock.horizon_ns - 1), max_size=4)))
    cut = run_engine(world, clock, cuts, window_ns=data.draw(st.sampled_from([50_000, 1_000_000, 30_000_000])))
    pd.testing.assert_frame_equal(procedures_of(whole), procedures_of(cut))
    pd.testing.assert_frame_equal(accesses_of(whole), accesses_of(cut))
    first, second = (ordered(pd.DataFrame(engine.raw(), columns=BURSTS)) for engine in (whole, cut))
    pd.testing.assert_frame_equal(first, second)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(signalling_worlds(), st.floats(0.1, 0.9))
def test_saved_state_goes_on(tmp_path_factory: pytest.TempPathFactory, drawn: tuple[World, Clock], share: float) -> None:
    """A state saved and loaded goes on as if nothing had happened."""
    world, clock = drawn
    engine = Engine(world, clock)
    engine.advance(int(clock.horizon_ns * share))
    path = tmp_path_factory.mktemp("state") / "state.npz"
    engine.state.save(path)
    engine.advance(clock.horizon_ns)
    restored = Engine(world, clock, State.load(path))
    restored.advance(clock.horizon_ns)
    first, second = engine.measures().control, restored.measures().control
    assert first is not None and second is not None
    np.testing.assert_array_equal(first.procedure_counts, second.procedure_counts)
    np.testing.assert_array_equal(first.ra_counts, second.ra_counts)
    np.testing.assert_array_equal(first.series_access, second.series_access)
