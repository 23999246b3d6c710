"""Bursts that wait long in a full cell are kept as small records, and the pool grows: neither shows in what happens to them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.test_engine_equality import COLUMNS, ordered
from tests.worlds import MS, rich_world
from twin.base import columns as c
from twin.engine import state as states
from twin.engine.run import Engine
from twin.engine.state import State
from twin.reference.run import simulate
from twin.world.tables import Clock

CLOCK = Clock(300 * MS, epoch_ns=50 * MS)


def bursts_of(engine: Engine) -> pd.DataFrame:
    """Run to the horizon; every burst that ended."""
    engine.advance(CLOCK.horizon_ns)
    engine.measures()
    return ordered(pd.DataFrame(engine.raw(), columns=COLUMNS))


def test_full_cells_park_bursts_and_end_them_as_the_model_says() -> None:
    """The world of the equality tests parks bursts, so they cover it; all ends agree, those in flight too."""
    engine = Engine(rich_world(), CLOCK, capture=True)
    found = bursts_of(engine)
    assert engine.state.parked_count[c.PN_TOP] > 1
    reference = simulate(rich_world(), CLOCK)
    pd.testing.assert_frame_equal(found, ordered(reference.bursts), check_dtype=False)


@pytest.mark.parametrize("rows", [64, 1500])
def test_a_small_pool_grows(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """A pool that starts small, and records that start with no room, give the same bursts."""
    expected = bursts_of(Engine(rich_world(), CLOCK, capture=True))
    monkeypatch.setattr(states, "LEAST_ROWS", rows)
    monkeypatch.setattr(states, "MOST_FIRST_ROWS", rows)
    pd.testing.assert_frame_equal(bursts_of(Engine(rich_world(), CLOCK, capture=True)), expected)


def test_a_saved_state_keeps_parked_bursts(tmp_path) -> None:
    """A run that goes on from a file ends as one that was never interrupted."""
    engine = Engine(rich_world(), CLOCK)
    engine.advance(150 * MS)
    engine.state.save(tmp_path / "state.npz")
    again = Engine(rich_world(), CLOCK, State.load(tmp_path / "state.npz"))
    for one in (engine, again):
        one.advance(CLOCK.horizon_ns)
    np.testing.assert_array_equal(engine.measures().in_flight, again.measures().in_flight)
    np.testing.assert_array_equal(engine.measures().delivered, again.measures().delivered)
