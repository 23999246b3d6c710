"""What the reference engine says of the control plane, as measures."""

import numpy as np
import pandas as pd
from fakes import fake_measures, fake_world, with_signalling

from twin.measure import kpis
from twin.reference.run import Result
from twin.study.control_by_reference import control_measures
from twin.world.tables import Clock

MS = 1_000_000


def test_procedures_and_accesses_are_counted_after_the_warm_up():
    world = with_signalling(fake_world())
    tables = world.signalling
    procedures = pd.DataFrame([(0, 0, 0, 10 * MS, 30 * MS, 0), (1, 0, 0, 150 * MS, 170 * MS, 0), (1, 1, 0, 200 * MS, 400 * MS, 1),
                               (2, 0, 4, 300 * MS, -1, -1), (3, 0, 4, 90 * MS, 120 * MS, 0)],
                              columns=["device", "serial", "procedure", "t_start", "t_end", "outcome"])
    accesses = pd.DataFrame([(0, 0, 0, 0, 50 * MS, 1, 0), (1, 0, 3, 110 * MS, 150 * MS, 2, 0),
                             (1, 1, 3, 200 * MS, 260 * MS, 10, 1), (2, 0, 3, 300 * MS, -1, 1, -1)],
                            columns=["device", "serial", "cell", "t_begin", "t_end", "transmissions", "outcome"])
    result = Result(pd.DataFrame(), {}, {}, np.zeros((3, 2)), np.zeros(6), procedures, accesses,
                    np.full(6, 500 * MS), np.full(6, 100), np.full((2, 13, 4), 10), np.full((2, 3), 7),
                    np.ones((4, 12), np.int64), np.zeros((4, 2), np.int64))
    control = control_measures(tables, Clock(500 * MS, 100 * MS), result)
    assert control.procedure_counts[0, :3].tolist() == [2, 1, 1] and control.procedure_counts[4, [0, 1, 9]].tolist() == [1, 1, 1]
    assert control.duration_sum_ns[[0, 4]].tolist() == [20 * MS, 30 * MS] and control.duration_hist.sum() == 2
    assert control.ra_tx_hist[0].tolist() == [0, 0, 1, *[0] * 8] and control.ra_delay_sum_ns[0] == 40 * MS
    assert control.function_counts[0, [0, 3]].tolist() == [80, 400 * MS]
    measures = fake_measures(world)
    measures.control = control
    table = kpis.kpi_rows(measures, world)
    assert not (table["scope_kind"] == "storm").any() or not (table["kpi"] == "storm_recovered_share").any()
    assert len(kpis.control_timeseries(measures, world)) == 0
