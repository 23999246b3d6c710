"""The control plane: against the reference, a large storm, and what it adds to the plan."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.cases.engines import ALL_CELLULAR
from benchmarks.row import Goal, Row, Settings, best_row
from benchmarks.storms import storm
from benchmarks.timing import SECOND, Runner, cpu_seconds
from benchmarks.worlds import scenario_world
from twin.base import signal_columns as sc
from twin.engine.run import Engine
from twin.reference.run import Simulation
from twin.world.tables import Clock, World

SPREAD_S = 60
AFTER_S = 30  # from the last boot to the end of a storm: inactivity has let every device go by then
SHARED = ("cpus=64",)
ON = "signalling.enabled=true"


@dataclass(frozen=True)
class Storm:
    """A storm that has run: messages sent, events (arrivals, ends of service, preambles), seconds of CPU, devices back."""

    messages: int
    events: int
    cpu_s: float
    registered: int


def _run(world: World, clock: Clock) -> Storm:
    """The compiled engine, from an empty network to the end; building it is not counted."""
    engine = Engine(world, clock)
    cpu_s = cpu_seconds(lambda: engine.advance(clock.horizon_ns))
    engine.measures()  # checks the conservation laws
    state = engine.state
    messages = int(state.tally_messages[:, :, sc.MC_SENT].sum())
    events = messages + int(state.control_functions[:, sc.FU_MESSAGES].sum()) + int(state.tally_ra[:, sc.RA_PREAMBLES].sum())
    return Storm(messages, events, cpu_s, int(state.tally_gauges[0, sc.G_REGISTERED]))


def _pair(world: World, clock: Clock) -> tuple[Storm, float]:
    """A storm in both engines, and the reference's seconds.

    Raises:
        RuntimeError: they did not send the same messages.
    """
    found, reference = _run(world, clock), Simulation(world, clock)
    counts: list[np.ndarray] = []
    cpu_s = cpu_seconds(lambda: counts.append(reference.run().message_counts))
    if counts[0][:, :, sc.MC_SENT].sum() != found.messages:
        raise RuntimeError(f"the engine sent {found.messages} messages, the reference {counts[0][:, :, sc.MC_SENT].sum()}")
    return found, cpu_s


def against_reference(settings: Settings) -> list[Row]:
    """A storm that the reference can finish."""
    n, spread_s, repetitions = (200, 2, 1) if settings.quick else (600, 6, 2)
    world, clock = storm(n, spread_s, "carrier"), Clock((spread_s + 4) * SECOND)
    _run(world, Clock(SECOND))
    pairs = [_pair(world, clock) for _ in range(repetitions)]
    fast, slow = min(found.cpu_s for found, _ in pairs), min(cpu_s for _, cpu_s in pairs)
    found = pairs[0][0]
    what = f"storm of {n} devices, {found.events:,} events"
    return [Row(f"engine, {what}", found.events / fast, "events/s", None, f"best of {repetitions}"),
            Row("the same", found.messages / fast, "messages/s", None, f"best of {repetitions}"),
            Row(f"SimPy reference, {what}", found.events / slow, "events/s", None, f"best of {repetitions}"),
            Row("engine over reference", slow / fast, "ratio", Goal(50, None, higher=True), "best over best",
                tuple(cpu_s / found.cpu_s for found, cpu_s in pairs))]


def large(settings: Settings) -> list[Row]:
    """100,000 devices (10,000 when quick) register within a minute: an operator's core, and functions that share CPUs."""
    n = 10_000 if settings.quick else 100_000
    clock = Clock((SPREAD_S + AFTER_S) * SECOND)
    rows = []
    for profile, what, overrides in (("carrier", "carrier's core", ()), ("open5gs", "functions that share 64 CPUs", SHARED)):
        _run(storm(100, 1, profile, *overrides), Clock(2 * SECOND))
        found = [_run(storm(n, SPREAD_S, profile, *overrides), clock) for _ in range(1 if settings.quick else 2)]
        goal = Goal(30) if n == 100_000 else None
        best = min(found, key=lambda run: run.cpu_s)
        label = f"{n:,} devices in {SPREAD_S} s, {what}: {best.messages:,} messages, {best.registered:,} back"
        rows += [best_row(label, [run.cpu_s for run in found], "s", goal),
                 Row("the same", 1e6 * best.cpu_s / best.messages, "us/message", None, f"best of {len(found)}")]
    return rows


def added(settings: Settings) -> list[Row]:
    """The plan with its control plane over the same without: stretches of both in turn, time of the process."""
    rows = []
    for what, overrides, stretch_s in (("plan-2026", (), 5), ("plan-2026 all cellular", (ALL_CELLULAR,), 1)):
        world = scenario_world("plan-2026", ON, *overrides)
        repetitions = 3 if settings.quick else 8
        runners = [Runner(each, repetitions * stretch_s, timer=cpu_seconds) for each in (world, replace(world, signalling=None))]
        pairs = [tuple(runner.stretch(stretch_s).wall_s for runner in runners) for _ in range(repetitions)]
        for runner in runners:
            runner.finish()
        least = [min(times) for times in zip(*pairs, strict=True)]
        rows.append(Row(f"{what}, {ON} over without", least[0] / least[1], "ratio", Goal(1.2), "best over best",
                        tuple(a / b for a, b in pairs)))
    return rows


def signalling(settings: Settings) -> list[Row]:
    """All three."""
    return [*against_reference(settings), *large(settings), *added(settings)]
