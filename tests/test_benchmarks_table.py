"""The benchmarks' own parts: goals, the synthetic worlds, the stages that are timed, the table."""


import numpy as np
import pytest

from benchmarks.cases import CASES, LONG
from benchmarks.cases.engines import _both
from benchmarks.cases.stages import ORDER, STAGES, by_stage
from benchmarks.row import Goal, Row, best_row
from benchmarks.table import print_table
from benchmarks.timing import SECOND, Runner
from benchmarks.worlds import many_devices, single_cell
from twin.world.tables import COLUMNS, Clock


@pytest.mark.parametrize("value, verdict", [(0.4, "aim"), (0.5, "aim"), (1.5, "floor"), (1.6, "no")])
def test_a_goal_says_how_far_a_figure_comes(value, verdict):
    assert Goal(1.5, 0.5).verdict(value) == verdict
    assert Goal(1.5).verdict(value) == ("no" if verdict == "no" else "yes")
    assert Goal(1 / 1.5, 2, higher=True).verdict(1 / value) == verdict


def test_a_row_survives_json():
    row = best_row("x", [3.0, 2.0], "s", Goal(1))
    again = Row.of(row.as_dict())
    assert again == row and again.value == 2.0 and again.verdict == "no"


def test_made_worlds_have_every_column_and_grow_in_proportion():
    small, large = many_devices(1_000), many_devices(10_000)
    for name, columns in COLUMNS.items():
        assert name == "assumptions" or list(getattr(small, name).columns) == list(columns)
    for table in ("cells", "flows"):
        assert len(getattr(large, table)) == 10 * len(getattr(small, table))
    assert large.devices["device_hash"].is_unique and large.flows["flow_hash"].is_unique
    assert large.route_resources.max() == len(large.resources) - 1


def test_both_engines_agree_on_a_made_world():
    world = many_devices(30, devices_per_cell=10)
    fast, slow = _both(world, Clock(2 * SECOND))
    assert fast.bursts == slow.bursts > 0


def test_messages_of_the_single_cell_arrive():
    runner = Runner(single_cell(), 2)
    assert runner.stretch(2).bursts == 2_000
    measures = runner.engine.measures()
    assert measures.delivered.sum() > 0.98 * measures.offered.sum()


def test_every_stage_is_timed_and_put_back():
    before = [getattr(owner, name) for owner, name, _ in STAGES]
    rows = by_stage("x", Runner(single_cell(), 2), 1, 2)
    assert [row.what for row in rows] == [f"x: {name}" for name in (*ORDER, "driver, rest")]
    assert all(row.value > 0 for row in rows)
    assert [getattr(owner, name) for owner, name, _ in STAGES] == before


def test_the_table_shows_rows_failures_and_the_machine(capsys):
    beside = {"case": "cell", "python_ms": 20.0, "numpy_ms": 10.0}
    rows = [{**best_row("this", [2.0], "s", Goal(1)).as_dict(), **beside}, {**Row("that", np.pi, "ratio").as_dict(), **beside}]
    machine = {"date": "d", "cpu": "c", "cores": 2, "system": "s", "python": "p", "numba": "n", "numpy": "n", "load_before": 0.0,
               "took_s": 1.0}
    print_table(machine, rows, {"plan": "Error: why"})
    out = capsys.readouterr().out
    assert all(text in out for text in ("this", "≤ 1", "no", "3.14", "why", "2 cores"))


def test_cases_name_functions_that_exist():
    from importlib import import_module

    for place in CASES.values():
        module, _, function = place.partition(":")
        assert callable(getattr(import_module(f"benchmarks.cases.{module}"), function))
    assert set(LONG) <= set(CASES)
