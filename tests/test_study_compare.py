import numpy as np
import pandas as pd
import pytest
from fakes import FAKE, FakeScenario
from scipy import stats

from twin.study import execute, replicate
from twin.study.compare import compare
from twin.study.statistics import summarise


@pytest.fixture(autouse=True)
def fake_backend(monkeypatch):
    monkeypatch.setitem(replicate.BACKENDS, "fast", FAKE)


def kpis(values, unit="ms"):
    return pd.DataFrame({"replication": range(len(values)), "kpi": "k", "scope_kind": "park", "scope": "TL2", "value": values,
                         "unit": unit})


def test_interval_is_student_t_over_replications():
    values = [1.0, 2.0, 4.0, 3.0]
    row = summarise(kpis(values)).iloc[0]
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert (row["mean"], row["ci_low"], row["ci_high"], row["n"]) == pytest.approx((2.5, low, high, 4))


def test_one_replication_has_no_interval_and_shares_stay_shares():
    assert np.isnan(summarise(kpis([1.0])).iloc[0]["ci_low"])
    row = summarise(kpis([0.99, 1.0, 0.90], unit="share")).iloc[0]
    assert row["ci_high"] == 1.0 and row["ci_low"] > 0
    assert not len(summarise(kpis([])))


def test_a_run_does_not_differ_from_itself(tmp_path):
    run = execute.run(FakeScenario(), results=tmp_path)
    table = compare(run, run)
    assert (table["difference"] == 0).all() and not table["significant"].any()
    assert table.attrs["warnings"] == []


def test_differences_are_paired_by_replication(tmp_path):
    a = execute.run(FakeScenario(), results=tmp_path)
    table = compare(a, FakeScenario(seed=8), results=tmp_path)
    assert any("different seeds" in w for w in table.attrs["warnings"])
    b = execute.run(FakeScenario(seed=8), results=tmp_path)
    pick = {"kpi": "latency_ul_mean_ms", "scope_kind": "park", "scope": "TL2"}

    def values(run):
        rows = run.kpis.loc[(run.kpis[list(pick)] == pd.Series(pick)).all(axis=1)]
        return rows.sort_values("replication")["value"].to_numpy()

    expected = values(b) - values(a)
    low, high = stats.t.interval(0.95, 2, expected.mean(), stats.sem(expected))
    row = table.loc[(table[list(pick)] == pd.Series(pick)).all(axis=1)].iloc[0]
    assert (row["difference"], row["ci_low"], row["ci_high"]) == pytest.approx((expected.mean(), low, high))


def messages(shares, offered):
    counts = kpis([float(offered)] * len(shares), unit="messages").assign(kpi="offered")
    return pd.concat([kpis(shares, unit="share").assign(kpi="share_within_deadline"), counts])


def interval(shares, offered):
    table = summarise(messages(shares, offered)).set_index("kpi")
    return tuple(table.loc["share_within_deadline", ["ci_low", "ci_high"]])


def test_an_interval_of_a_share_is_as_wide_as_its_messages_make_it():
    assert interval([1.0] * 3, 3000) == pytest.approx((0.999, 1.0))  # rule of three
    assert interval([0.0] * 3, 300) == pytest.approx((0.0, 0.01))
    assert interval([1.0] * 3, 2) == (0.0, 1.0)
    low, high = interval([0.9] * 3, 100)  # no spread at all: Wilson's
    p = stats.binomtest(90, 100).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((p.low, p.high))
    low, high = interval([0.8, 0.9, 1.0], 10**9)  # Student t is the wider one
    assert low == pytest.approx(stats.t.interval(0.95, 2, 0.9, stats.sem([0.8, 0.9, 1.0]))[0]) and high == 1.0


def test_report_and_tables_give_the_same_interval():
    from twin.report.intervals import share_interval
    for shares in ([0.99, 0.98, 1.0], [1.0, 1.0], [0.5, 0.5]):
        found = share_interval(np.array(shares), 500.0)
        assert (found.low, found.high) == pytest.approx(interval(shares, 500))


def test_settings_that_differ_are_found_at_any_depth():
    from twin.study.compare import different_settings
    a, b = {"x": {"y": 1, "z": [1]}, "only": "a"}, {"x": {"y": 2, "z": [1]}, "new": {"k": True}}
    assert different_settings(a, b) == [("x.y", "1", "2"), ("only", "a", "-"), ("new.k", "-", "True")]
