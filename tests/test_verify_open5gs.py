"""The profile `open5gs` in the product's engine against a real core: CPU, latency under the measured arrivals, how rates grow."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from twin.measure.kpis import kpi_rows
from twin.scenario import load

sys.path.append(str(Path(__file__).parents[1] / "calibration"))
import core_model
import open5gs
from core_model import Core

pytestmark = pytest.mark.verify

#: Repeats of the measurement differ by 10 %, across days by 25 %.
REPEAT, DAYS = 0.10, 0.25
LATENCY = {"pdu": 0.15, "rel": 0.15, "dereg": 0.20, "svc": 0.35}  # means of 0.5 to 3 s of work on a shared machine


@pytest.fixture(scope="module")
def measured():
    if not open5gs.MEASURED.is_dir():
        pytest.skip("the measurements of a real core (shared/data/open5gs_measured) are not shipped with the project")


@pytest.mark.usefixtures("measured")
class TestMeasured:
    @pytest.mark.parametrize("name", ["reg", "pdu", "rel", "svc", "dereg", "page"])
    def test_cpu_of_a_procedure(self, name):
        table = open5gs.measured_cpu()
        table = table[table["procedure"] == name]
        model = open5gs.alone(name, Core())
        assert sum(model[nf] for nf in table["nf"]) == pytest.approx(table["ms"].sum(), rel=0.03 if name == "reg" else REPEAT)

    def test_cpu_of_functions(self):
        """Of those that take half a millisecond, half are within a repeat of what was measured, and all within 20 %."""
        table = open5gs.measured_cpu()
        errors = {(r.procedure, r.nf): open5gs.alone(r.procedure, Core())[r.nf] / r.ms - 1
                  for r in table.itertuples() if r.ms > 0.5}  # fmt: skip
        assert np.median(np.abs(list(errors.values()))) < REPEAT
        assert max(map(abs, errors.values())) < 0.20, errors

    @pytest.mark.parametrize("run", ["reg_r80", "reg_r120"])
    def test_cpu_an_attempt_falls_with_load(self, run):
        ms = open5gs.replay(open5gs.rate_runs()[run], open5gs.REGISTRATION, Core()).per_attempt()
        assert ms == pytest.approx(open5gs.run_cpu()[run], rel=REPEAT)
        assert ms < 0.96 * sum(open5gs.alone("reg", Core()).values())

    @pytest.mark.parametrize("run", ["reg_r80", "reg_r120"])
    def test_latency_follows_from_the_cpu_of_the_run(self, run):
        """The very arrivals, a CPU as fast as that day: mean and median within what repeats of the measurement differ by."""
        attempts = open5gs.rate_runs()[run]
        scaled = open5gs.at_cpu(attempts, open5gs.REGISTRATION, Core(), open5gs.run_cpu()[run])
        assert scaled.speed == pytest.approx(1.0, rel=REPEAT)
        outcome = open5gs.replay(attempts, open5gs.REGISTRATION, scaled)
        mean, median, p95, _ = open5gs.summary(outcome.latency)
        expected = open5gs.summary(attempts["latency_ms"])
        assert mean == pytest.approx(expected[0], rel=REPEAT)
        assert median == pytest.approx(expected[1], rel=REPEAT)
        assert p95 == pytest.approx(expected[2], rel=2 * REPEAT)

    @pytest.mark.parametrize("replicate", ["s1", "s2", "s6"])
    def test_latency_at_low_load(self, replicate):
        attempts = open5gs.low_load("reg")[replicate]
        outcome = open5gs.replay(attempts, open5gs.REGISTRATION, Core())
        assert open5gs.summary(outcome.latency)[0] == pytest.approx(open5gs.summary(attempts["latency_ms"])[0], rel=DAYS)

    @pytest.mark.parametrize("name", LATENCY)
    def test_latency_of_other_procedures(self, name):
        """A service request comes out a quarter too fast; the others within their tolerance."""
        parts = open5gs.low_load(name).values()
        ours = np.concatenate([open5gs.replay(part, open5gs.PROCEDURES[name][0], Core()).latency for part in parts])
        seen = np.concatenate([part["latency_ms"] for part in parts])
        assert ours.mean() == pytest.approx(seen.mean(), rel=LATENCY[name])

    def test_registrations_are_accepted_faster_when_many_are_in_hand(self):
        """Rates by the number in hand: what processor sharing with a cost of waking gives, within the noise of a run."""
        for name, attempts in open5gs.rate_runs().items():
            scaled = open5gs.at_cpu(attempts, open5gs.REGISTRATION, Core(), open5gs.run_cpu()[name])
            latency = open5gs.replay(attempts, open5gs.REGISTRATION, scaled).latency
            ordered = attempts.sort_values("arrival_s")
            seen = open5gs.service_rates(1e3 * ordered["arrival_s"], ordered["latency_ms"])
            ours = open5gs.service_rates(1e3 * ordered["arrival_s"], latency)
            assert ours[:4] == pytest.approx(seen[:4], rel=0.15)
            assert ours[3] > 1.05 * ours[0] and seen[3] > 1.05 * seen[0]
            assert ours[-1] == pytest.approx(seen[-1], abs=4)


class TestEngine:
    """The engine with nothing but a core, where the answer is known."""

    def test_one_function_alone_is_a_queue(self):
        """Periodic updates load only the AMF: Pollaczek and Khinchine, waking and the way to it apart."""
        core = Core(wake_us=0.0, hop_us=0.0)
        demand = sum(core_model.run([0.0], "periodic_update", core).cpu.values())
        means = [np.mean(core_model.run(open5gs.poisson(0.7 / demand * 1e3, 20.0, seed), "periodic_update", core).latency)
                 for seed in range(10)]  # fmt: skip
        assert np.mean(means) == pytest.approx(demand * (1 + 0.7 / (2 * 0.3)), rel=0.03)

    def test_work_is_conserved(self):
        """A batch keeps a CPU busy to the end: the last is served when all work is done."""
        outcome = core_model.run([0.0] * 50, "registration", Core(hop_us=0.0))
        served, last_ms = outcome.served()
        assert served == 50 and 0.9 * sum(outcome.cpu.values()) < last_ms < sum(outcome.cpu.values()) + 1.0

    def test_a_batch_too_large_gives_up(self):
        outcome = core_model.run([0.0] * 50, "registration", Core(patience_ms=100.0))
        assert outcome.served()[0] < 50 and "timeout" in outcome.outcome
        outcome = core_model.run([0.0] * 50, "registration", Core(sbi_timer_ms=20.0))
        assert outcome.served()[0] < 50 and "sbi_timeout" in outcome.outcome

    def test_two_cpus_halve_a_batch(self):
        one, two = (core_model.run([0.0] * 200, "registration", Core(cpus=cpus)).served()[1] for cpus in (1, 2))
        assert two == pytest.approx(one / 2, rel=0.05)


def test_the_scenario_says_the_same(tmp_path):
    """`scenarios/core-open5gs.yaml` as a user runs it: its KPIs are those of the model here."""
    from twin.engine.run import simulate
    from twin.world.build import build_world
    from twin.world.tables import Clock

    world = build_world(load(core_model.SCENARIO, ["devices=200", "cpus=2", "scp=true"]))
    table = kpi_rows(simulate(world, Clock(20 * 10**9)), world)
    of = table[table["scope_kind"] == "test"].set_index("kpi")["value"]
    outcome = core_model.run([0.0] * 200, "registration", Core(cpus=2, scp=True))
    assert (of["core_test_devices"], of["core_test_success_share"]) == (200, 1.0)
    assert of["core_test_last_served_s"] == pytest.approx(outcome.served()[1] / 1e3, rel=0.01)
    assert of["core_test_core_part_mean_ms"] == pytest.approx(np.mean(outcome.latency), rel=0.01)
    assert of["core_test_cpu_ms"] == pytest.approx(outcome.per_attempt(), rel=0.01)
