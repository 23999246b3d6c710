"""The profile `open5gs` against a real core: CPU of each procedure, latency under the measured arrivals, how rates grow."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from twin.scenario.call_flows import library_flows
from twin.scenario.signalling_entries import CoreProfile
from twin.world.control.costs import end_cost_us, relayed

sys.path.append(str(Path(__file__).parents[1] / "calibration"))
import core_model
import open5gs

pytestmark = pytest.mark.verify

#: Repeats of the measurement differ by 10 %, across days by 25 %.
REPEAT = 0.10
#: What the model leaves open for a procedure: it knows no difference between large and small messages.
PROCEDURE = {"reg": 0.05, "pdu": 0.20, "rel": 0.20, "svc": 0.10, "dereg": 0.20, "page": 0.10}


@pytest.fixture(scope="module")
def costs() -> core_model.Costs:
    return core_model.Costs.of_profile("open5gs")


@pytest.fixture(scope="module", autouse=True)
def measured():
    if not open5gs.MEASURED.is_dir():
        pytest.skip("the measurements of a real core (shared/data/open5gs_measured) are not shipped with the project")


@pytest.mark.parametrize("name", PROCEDURE)
def test_cpu_of_a_procedure(costs, name):
    table = open5gs.measured_cpu()
    table = table[table["procedure"] == name]
    model = open5gs.alone(name, costs)
    assert sum(model[nf] for nf in table["nf"]) == pytest.approx(table["ms"].sum(), rel=PROCEDURE[name])


def test_cpu_of_functions(costs):
    """Of those that take half a millisecond, half are within 15 %, and none is off by half of what it takes."""
    table = open5gs.measured_cpu()
    errors = {(r.procedure, r.nf): open5gs.alone(r.procedure, costs)[r.nf] / r.ms - 1 for r in table.itertuples() if r.ms > 0.52}
    assert np.median(np.abs(list(errors.values()))) < 0.15
    assert max(map(abs, errors.values())) < 0.5, errors


@pytest.mark.parametrize("run", ["reg_r80", "reg_r120"])
def test_cpu_an_attempt_falls_with_load(costs, run):
    attempts = open5gs.rate_runs()[run]
    ms = open5gs.per_attempt(open5gs.replay(attempts, "registration", costs))
    assert ms == pytest.approx(open5gs.run_cpu()[run], rel=REPEAT)
    assert ms < 0.96 * sum(open5gs.alone("reg", costs).values())


@pytest.mark.parametrize("run", ["reg_r80", "reg_r120"])
def test_latency_follows_from_the_cpu_of_the_run(costs, run):
    """The very arrivals, a CPU as fast as that day: mean and median within what repeats of the measurement differ by."""
    attempts = open5gs.rate_runs()[run]
    scaled, outcome = open5gs.at_cpu(attempts, "registration", costs, open5gs.run_cpu()[run])
    assert scaled.sent == pytest.approx(costs.sent, rel=REPEAT)
    mean, median, p95, _ = open5gs.summary(outcome.latency(open5gs.ACCEPT))
    expected = open5gs.summary(attempts["latency_ms"])
    assert mean == pytest.approx(expected[0], rel=REPEAT)
    assert median == pytest.approx(expected[1], rel=REPEAT)
    assert p95 == pytest.approx(expected[2], rel=2 * REPEAT)


@pytest.mark.parametrize("replicate", ["s1", "s2", "s6"])
def test_latency_at_low_load(costs, replicate):
    attempts = open5gs.low_load("reg")[replicate]
    _, outcome = open5gs.at_cpu(attempts, "registration", costs, open5gs.low_load_cpu("reg")[replicate])
    mean, median, p95, _ = open5gs.summary(outcome.latency(open5gs.ACCEPT))
    expected = open5gs.summary(attempts["latency_ms"])
    assert mean == pytest.approx(expected[0], rel=0.15)
    assert median == pytest.approx(expected[1], rel=0.10)
    assert p95 == pytest.approx(expected[2], rel=0.20)


def test_registrations_are_accepted_faster_when_many_are_in_hand(costs):
    """Rates by the number in hand: what processor sharing with a cost of waking gives, within the noise of a run."""
    for name, attempts in open5gs.rate_runs().items():
        _, outcome = open5gs.at_cpu(attempts, "registration", costs, open5gs.run_cpu()[name])
        ordered = attempts.sort_values("arrival_s")
        seen = open5gs.service_rates(1e3 * ordered["arrival_s"], ordered["latency_ms"])
        ours = open5gs.service_rates(1e3 * ordered["arrival_s"], outcome.latency(open5gs.ACCEPT))
        assert ours[:4] == pytest.approx(seen[:4], rel=0.15)
        assert ours[3] > 1.1 * ours[0] and seen[3] > 1.1 * seen[0]
        assert ours[-1] == pytest.approx(seen[-1], abs=4)


class TestModel:
    """The study's own simulation, where the answer is known."""

    def test_one_function_alone_is_a_queue(self, costs):
        """Periodic updates load only the AMF: Pollaczek and Khinchine, waking apart."""
        plain = core_model.Costs(costs.sent, costs.served, costs.ngap, costs.pfcp, costs.db, 0.0)
        demand = 2 * plain.ngap
        means = []
        for seed in range(10):
            arrivals = [(t, "periodic_update") for t, _ in open5gs.poisson(0.7 / demand * 1e3, 20.0, seed)]
            means.append(np.mean(core_model.run(arrivals, plain, hop=0.0).latency("DownlinkNASTransport")))
        expected = demand * (1 + 0.7 / (2 * 0.3))
        assert np.mean(means) == pytest.approx(expected, rel=0.03)

    @pytest.mark.parametrize("scp", [False, True])
    def test_it_charges_what_the_product_charges(self, costs, scp):
        table = YAML(typ="safe").load((core_model.LIBRARY / "core_profiles.yaml").read_text())["open5gs"]
        profile = CoreProfile.model_validate(table)
        for name, procedure in library_flows("5gc").items():
            if name == "platform_connect":
                continue
            ends = [(part.step, arrives) for part in relayed(procedure, scp) for arrives in (True, False)]
            product = sum(end_cost_us(profile, step, arrives) for step, arrives in ends
                          if (step.receiver if arrives else step.sender) not in core_model.OUTSIDE)  # fmt: skip
            study = sum(costs.of(s.receiver, s, True) + costs.of(s.sender, s, False) for s in core_model.flow(name, scp))
            assert study * 1e3 == pytest.approx(product)

    def test_work_is_conserved(self, costs):
        outcome = core_model.run([(0.0, "registration")] * 50, costs, hop=0.0, outside=0.0)
        assert max(outcome.ended) <= sum(outcome.cpu.values()) + 1e-6
        assert outcome.served()[0] == 50

    def test_a_batch_too_large_gives_up(self, costs):
        outcome = core_model.run([(0.0, "registration")] * 50, costs, patience=100.0)
        assert outcome.served()[0] < 50 and "timeout" in outcome.state
