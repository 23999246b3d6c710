"""What the reference's control plane keeps in every world, and what it gives where the answer is known."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
import simpy
from hypothesis import HealthCheck, given, settings

from tests.signalling_worlds import SignallingBuilder, attach, certain, lone_world, rich_signalling_world, signalling_worlds
from tests.test_reference_laws import check_laws
from tests.worlds import MS, US, Builder
from twin.base.accounting import CAUSES
from twin.reference.cell import Scheduler
from twin.reference.control_ledger import ACCESS_COUNTS
from twin.reference.hosts import Host, Job, OwnWorkers
from twin.reference.run import Result, simulate
from twin.world.signalling_tables import ACCESS_OUTCOMES, OUTCOMES, TRIGGERS
from twin.world.tables import Clock, World

FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
SENT, RECEIVED, LOST = range(3)


def check_control_laws(world: World, clock: Clock) -> Result:
    """docs/signalling.md, section 9, and that nothing ends before it begins."""
    result = check_laws(world, clock)
    signalling = world.signalling
    assert signalling is not None
    for table, begin in ((result.procedures, "t_start"), (result.accesses, "t_begin")):
        assert ((table.outcome < 0) == (table.t_end < 0)).all()
        ended = table[table.outcome >= 0]
        assert (ended.t_end >= ended[begin]).all() and (ended.t_end < clock.horizon_ns).all()
        assert (table.serial == table.groupby("device").cumcount()).all()
    counts = pd.DataFrame(result.access_counts, columns=list(ACCESS_COUNTS))
    by_outcome = result.accesses.groupby("outcome").size()
    assert counts.begun.sum() == len(result.accesses)
    assert counts.succeeded.sum() == by_outcome.get(ACCESS_OUTCOMES.index("succeeded"), 0)
    assert counts.failed.sum() == by_outcome.get(ACCESS_OUTCOMES.index("random_access"), 0)
    assert counts.preambles.sum() == result.accesses.transmissions.sum()
    assert (counts.preambles == counts.single + counts.preambles_collided).all()
    assert (counts.answered <= counts.detected).all() and (counts.detected <= counts.single + counts.collided).all()
    assert (counts.opportunities <= counts.occasions * signalling.rach.n_preambles.to_numpy()[signalling.cells.rach]).all()
    under_way = result.message_counts[:, :, SENT] - result.message_counts[:, :, RECEIVED] - result.message_counts[:, :, LOST]
    assert (under_way >= 0).all()
    assert (result.function_busy_ns >= result.function_messages).all()
    check_one_task_at_a_time(result)
    check_gauges(world, result)
    return result


def check_one_task_at_a_time(result: Result) -> None:
    """An access begins when the one before has ended."""
    table = result.accesses
    later = table[table.serial > 0].reset_index(drop=True)
    before = table.set_index(["device", "serial"]).t_end.reindex(list(zip(later.device, later.serial - 1)))
    assert (before.to_numpy() >= 0).all() and (later.t_begin.to_numpy() >= before.to_numpy()).all()


def check_gauges(world: World, result: Result) -> None:
    """No more connected than registered than there are, no more sessions than those have."""
    signalling = world.signalling
    assert signalling is not None
    registered, connected, sessions = result.gauges.T
    members = signalling.devices[signalling.devices.core >= 0].groupby("core").size()
    assert (result.gauges >= 0).all() and (connected <= registered).all()
    assert all(registered[core] <= members.get(core, 0) for core in range(len(signalling.cores)))
    assert (sessions <= registered * signalling.behaviours.sessions.max()).all()


@FEW
@given(signalling_worlds())
def test_laws_hold_in_random_worlds(case):
    check_control_laws(*case)


@FEW
@given(signalling_worlds())
def test_the_past_does_not_depend_on_the_horizon(case):
    world, clock = case
    shorter = dataclasses.replace(clock, horizon_ns=clock.horizon_ns // 3)
    whole, part = simulate(world, clock), simulate(world, shorter)
    for name in ("procedures", "accesses"):
        table, begin = getattr(whole, name), "t_start" if name == "procedures" else "t_begin"
        table = table[table[begin] < shorter.horizon_ns].copy()
        later = table.t_end >= shorter.horizon_ns
        table.loc[later, ["t_end", "outcome"]] = -1
        columns = [column for column in table.columns if column != "transmissions"]
        pd.testing.assert_frame_equal(table[columns].reset_index(drop=True), getattr(part, name)[columns])
    bursts = whole.bursts[whole.bursts.t_end < shorter.horizon_ns]
    pd.testing.assert_frame_equal(part.bursts, bursts.reset_index(drop=True))


@FEW
@given(signalling_worlds())
def test_devices_without_a_core_pass_as_without_a_control_plane(case):
    world, clock = case
    signalling = world.signalling
    free = dataclasses.replace(signalling, devices=signalling.devices.assign(core=-1))
    pd.testing.assert_frame_equal(simulate(attach(world, free), clock).bursts,
                                  simulate(dataclasses.replace(world, signalling=None), clock).bursts)


def test_rich_world_visits_every_branch():
    world, clock = rich_signalling_world()
    result = check_control_laws(world, clock)
    triggers = {TRIGGERS[i] for i in world.signalling.procedures.trigger[result.procedures.procedure]}
    assert triggers == set(TRIGGERS)
    assert {OUTCOMES[i] for i in result.procedures.outcome if i >= 0} == set(OUTCOMES)
    assert {ACCESS_OUTCOMES[i] for i in result.accesses.outcome if i >= 0} == set(ACCESS_OUTCOMES)
    assert {CAUSES[i] for i in result.bursts.cause} >= {"delivered", "no_power", "access_failed", "access_overflow"}


# Random access ------------------------------------------------------------------------------------------------------


def access_world(times: list[int], **rach: int) -> World:
    """A cell that devices access at given times, and nothing else."""
    s = SignallingBuilder()
    s.rach(**rach)
    s.cell()
    s.script("access", [(s.device(cell=0, behaviour=-1), t) for t in times])
    return attach(Builder().build(), s.build())


def test_a_lone_device_has_access_at_an_exact_time():
    world = access_world([3 * MS], harq_fail_q32=0)
    world = attach(world, certain(world.signalling))
    access = simulate(world, Clock(100 * MS)).accesses.iloc[0]
    # The occasion at 5 ms; preamble 1, until the answers 2, one slot 1, Msg3 5, Msg4 2.
    assert (access.t_begin, access.t_end, access.transmissions, access.outcome) == (3 * MS, 16 * MS, 1, 0)


def test_two_devices_with_one_preamble_collide():
    world = access_world([0, 0], harq_fail_q32=0, n_preambles=1, max_tx=1)
    result = simulate(attach(world, certain(world.signalling)), Clock(100 * MS))
    # No answer in the five slots of the window that opens 3 ms after the occasion.
    assert result.accesses.t_end.tolist() == [8 * MS, 8 * MS]
    assert set(result.accesses.outcome) == {ACCESS_OUTCOMES.index("random_access")}


def test_an_answered_collision_fails_after_msg3():
    world = access_world([0, 0], n_preambles=1, max_tx=1, collided_answered=True, max_harq=3)
    result = simulate(attach(world, certain(world.signalling)), Clock(200 * MS))
    assert result.accesses.t_end.tolist() == [4 * MS + 5 * MS + 2 * 5 * MS + 48 * MS] * 2


def test_more_preambles_than_grants_wait_for_another_try():
    world = access_world([0, 0, 0], harq_fail_q32=0, grants_per_slot=1, rar_slots=2, max_tx=1, n_preambles=1 << 20)
    result = simulate(attach(world, certain(world.signalling)), Clock(100 * MS))
    assert sorted(result.accesses.t_end) == [5 * MS, 4 * MS + 7 * MS, 5 * MS + 7 * MS]


def test_a_barred_cell_delays_accesses():
    open_cell, barred = access_world([0] * 50, n_preambles=1 << 20), access_world([0] * 50, n_preambles=1 << 20,
                                                                                 barring_q32=1 << 31, barring_ns=100 * MS)
    ends = [simulate(attach(world, certain(world.signalling)), Clock(5_000 * MS)).accesses.t_end for world in (open_cell, barred)]
    # Every second try waits for 70 to 130 ms: on average one wait of 100 ms.
    assert 60 * MS < ends[1].mean() - ends[0].mean() < 140 * MS


def test_low_load_takes_as_many_preambles_as_tr_37868_says():
    world = access_world([20 * MS * i for i in range(3_000)], harq_fail_q32=0)
    result = simulate(world, Clock(61_000 * MS))
    missed = [math.exp(-n) for n in range(1, 11)]
    expected = sum(n * (1 - missed[n - 1]) * math.prod(missed[:n - 1]) for n in range(1, 11))
    assert expected == pytest.approx(1.42, abs=0.01)
    assert result.accesses.transmissions.mean() == pytest.approx(expected, abs=0.04)


# Functions ----------------------------------------------------------------------------------------------------------


def ends_of(make, jobs: list[tuple[int, int, int]]) -> list[int]:
    """Ends of jobs (time, function, demand) that are handed to what `make(env)` gives."""
    env, ends = simpy.Environment(), [0] * len(jobs)
    serving = make(env)

    def arrive(i: int, t: int, function: int, demand: int):
        yield env.timeout(t)
        serving.take(function, Job(i, 0, demand, lambda: ends.__setitem__(i, env.now)))

    for i, job in enumerate(jobs):
        env.process(arrive(i, *job))
    env.run()
    return ends


def host(cpus: int):
    row = pd.DataFrame({"name": ["host"], "cpus": [cpus]}).itertuples().__next__()
    return lambda env: Host(env, row)


def test_two_jobs_share_a_processor():
    assert ends_of(host(1), [(0, 0, 100), (40, 1, 100)]) == [160, 200]
    assert ends_of(host(2), [(0, 0, 100), (40, 1, 100)]) == [100, 140]


def test_a_function_of_a_host_serves_in_order():
    assert ends_of(host(1), [(0, 0, 100), (10, 0, 50), (20, 1, 30)]) == [130, 180, 80]


def test_workers_serve_in_order():
    assert ends_of(lambda env: OwnWorkers(env, 2), [(0, 0, 100), (10, 0, 50), (20, 0, 30)]) == [100, 60, 90]


def test_a_single_function_waits_as_m_d_1():
    b, s = lone_world(n_devices=20, starts_connected=True, period_ns=1_000_000 * MS,
                      behaviour={"inactivity_ns": 1 << 50})
    s.chain(0, "other", "GNB", "AMF", receive_ns=100 * US, send_ns=0, bytes=0)
    s.add("rates", behaviour=0, procedure_name="other", mean_ns=20 * 100 * US * 10 // 7)  # load 0.7
    result = simulate(attach(b.build(), s.build()), Clock(1_500 * MS))
    done = result.procedures[result.procedures.outcome == 0]
    waits = done.t_end - done.t_start - 300 * US - 100 * US
    assert waits.min() == 0
    assert waits.mean() == pytest.approx(0.7 * 100 * US / (2 * 0.3), rel=0.15)


# Devices ------------------------------------------------------------------------------------------------------------


def run_lone(horizon_ns: int = 200 * MS, script=None, **kinds) -> tuple[World, Result]:
    b, s = lone_world(**kinds)
    if script:
        script(s)
    world = attach(b.build(), certain(s.build()))
    return world, check_control_laws(world, Clock(horizon_ns))


def names_of(world: World, result: Result) -> list[str]:
    """Procedures in the order of their start."""
    table = result.procedures.sort_values(["t_start", "serial"])
    return [TRIGGERS[i] for i in world.signalling.procedures.trigger[table.procedure]]


def test_the_first_burst_of_an_idle_device_waits_for_its_service_request():
    world, result = run_lone()
    burst, access, service = result.bursts.iloc[0], result.accesses.iloc[0], result.procedures.iloc[0]
    assert names_of(world, result)[:2] == ["service_request", "an_release"]
    assert access.t_begin == burst.t_gen and service.t_start == access.t_end
    assert burst.access == service.t_end - burst.t_gen


def test_a_connected_device_stays_so_while_it_sends():
    world, result = run_lone(period_ns=5 * MS, behaviour={"inactivity_ns": 6 * MS, "hold_limit": 100})
    assert names_of(world, result) == ["service_request"]
    assert result.gauges.tolist() == [[1, 1, 1]]
    assert (result.bursts.access.to_numpy()[-10:] == 0).all()


def test_the_network_pages_for_a_downlink_burst():
    world, result = run_lone(direction=1)
    assert names_of(world, result)[:2] == ["paging", "service_request"]
    assert result.procedures.t_start[0] == result.bursts.t_gen[0]


def test_an_inactive_device_is_paged_by_its_cell_and_resumes():
    world, result = run_lone(direction=1, behaviour={"rrc_inactive_ns": 100 * MS})
    assert names_of(world, result)[:4] == ["paging", "service_request", "ran_paging", "resume"]


def test_a_sleeping_device_is_not_paged():
    world, result = run_lone(direction=1, behaviour={"active_ns": 0}, horizon_ns=400 * MS)
    assert names_of(world, result) == [] and result.bursts.empty


def test_what_waits_for_a_sleeping_device_goes_with_its_periodic_update():
    world, result = run_lone(direction=1, behaviour={"active_ns": 0, "periodic_ns": 90 * MS}, horizon_ns=400 * MS)
    assert names_of(world, result)[:2] == ["periodic_update", "service_request"]
    assert (result.accesses["outcome"] == 0).sum() == (pd.Series(names_of(world, result)) == "periodic_update").sum()
    assert (result.bursts.cause == 0).any()


def test_a_full_device_refuses_bursts():
    _, result = run_lone(period_ns=2 * MS, behaviour={"hold_limit": 2})
    assert {CAUSES[i] for i in result.bursts.cause} == {"delivered", "access_overflow"}


def test_a_device_without_power_loses_its_bursts_and_registers_when_it_is_back():
    def cut(s: SignallingBuilder) -> None:
        s.script("power_off", [(0, 50 * MS)])
        s.script("boot", [(0, 90 * MS)])

    world, result = run_lone(script=cut, period_ns=10 * MS, horizon_ns=300 * MS, behaviour={"sessions": 2})
    names = names_of(world, result)
    at = names.index("registration")
    assert names[at:at + 3] == ["registration", "session_establishment", "session_establishment"]
    lost = result.bursts[result.bursts.cause == CAUSES.index("no_power")]
    assert lost.t_end.between(50 * MS, 90 * MS).all() and len(lost) >= 4
    assert result.gauges[0, 2] == 2


def test_a_core_that_forgot_a_device_makes_it_register_anew():
    def fail(s: SignallingBuilder) -> None:
        s.script("function_down", target=0, t_ns=20 * MS, down_ns=MS, context_lost=True)

    world, result = run_lone(script=fail, period_ns=45 * MS, behaviour={"inactivity_ns": 3 * MS}, horizon_ns=400 * MS)
    names = names_of(world, result)
    table = result.procedures.sort_values(["t_start", "serial"])
    at = table.outcome.tolist().index(OUTCOMES.index("context_lost"))
    assert names[at] == "service_request"
    tasks = [name for name in names[at:] if name != "an_release"]
    assert tasks[:3] == ["service_request", "registration", "session_establishment"]


def test_with_all_instances_down_a_procedure_fails_by_its_patience():
    def fail(s: SignallingBuilder) -> None:
        s.script("function_down", target=0, t_ns=0, down_ns=1_000 * MS)

    _, result = run_lone(script=fail, period_ns=150 * MS, horizon_ns=400 * MS)
    failed = result.procedures[result.procedures.outcome == OUTCOMES.index("nf_down")]
    assert (failed.t_end - failed.t_start == 100 * MS).all() and len(failed) > 0
    assert CAUSES.index("access_failed") in set(result.bursts.cause)


def test_a_request_that_is_not_answered_in_time_fails_the_procedure():
    _, result = run_lone(core={"sbi_timer_ns": 300 * US})  # there and back take 400 us
    assert set(result.procedures.outcome) == {OUTCOMES.index("sbi_timeout")}


def test_a_congested_core_turns_registrations_away():
    def storm(s: SignallingBuilder) -> None:
        s.script("power_off", [(device, 0) for device in range(10)])
        s.script("boot", [(device, MS) for device in range(10)])

    _, result = run_lone(n_devices=10, script=storm, horizon_ns=600 * MS, period_ns=10_000 * MS,
                         rach={"n_preambles": 1 << 20, "grants_per_slot": 64},
                         amf={"congestion_backlog": 2, "overload_backlog": 4, "reject_ns": 10 * US})
    outcomes = {OUTCOMES[i] for i in result.procedures.outcome if i >= 0}
    assert outcomes >= {"congestion", "succeeded"}
    assert result.gauges[0, 0] == 10


# Coupling -----------------------------------------------------------------------------------------------------------


def test_what_signalling_took_is_kept_for_it_in_the_next_epoch(monkeypatch):
    kept, real = [], Scheduler.reserve_signalling

    def noting(self, prbs, grants, start, end):
        real(self, prbs, grants, start, end)
        kept.append((prbs, self.calendar.usable_between(start, end), self._signalling_prbs, self.direction))

    monkeypatch.setattr(Scheduler, "reserve_signalling", noting)
    b, s = lone_world(n_devices=40, period_ns=20 * MS, behaviour={"inactivity_ns": MS})
    result = simulate(attach(b.build(), certain(s.build())), Clock(201 * MS, epoch_ns=50 * MS))
    assert all(reserved == min(50, (prbs + usable // 2) // usable) for prbs, usable, reserved, _ in kept)
    assert max(reserved for *_, reserved, _ in kept) > 0
    counted = [sum(prbs for prbs, *_, direction in kept if direction == d) for d in (0, 1)]
    assert (np.array(counted) <= result.prb_signalling[0]).all()
