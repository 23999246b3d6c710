"""The compiled engine on scenarios, and against the reference."""

from __future__ import annotations

from benchmarks.row import Goal, Row, Settings, best_row
from benchmarks.timing import SECOND, Pace, paces, seconds
from benchmarks.worlds import scenario_world, single_cell
from twin.engine.run import Engine
from twin.reference.run import Simulation
from twin.world.tables import Clock, World

ONE_PARK = "parks={YM2: {}}"
ALL_CELLULAR = "devices.access=all_cellular"


def _real_time(what: str, found: list[Pace], goal: Goal | None = None) -> Row:
    values = tuple(pace.real_time_factor for pace in found)
    return Row(what, max(values), "x real time", goal, f"best of {len(values)}", values)


def _cost(what: str, found: list[Pace], goal: Goal | None = None) -> Row:
    return best_row(what, [pace.us_per_burst for pace in found], "us/burst", goal)


def _both(world: World, clock: Clock) -> tuple[Pace, Pace]:
    """One run of each engine from the same start, one after the other; building the processes is not counted.

    Raises:
        RuntimeError: the engines generated different numbers of messages.
    """
    engine, reference = Engine(world, clock), Simulation(world, clock)
    engine_s = seconds(lambda: engine.advance(clock.horizon_ns))
    offered: dict[tuple[int, int], int] = {}
    reference_s = seconds(lambda: offered.update(reference.run().offered))
    engine.measures()  # checks the conservation laws
    bursts, same = int(engine.totals["bursts"]), sum(n for (_, direction), n in offered.items() if direction < 2)
    if bursts != same:
        raise RuntimeError(f"the engine generated {bursts} messages, the reference {same}")
    simulated_s = clock.horizon_ns / SECOND
    return Pace(simulated_s, bursts, engine_s), Pace(simulated_s, bursts, reference_s)


def ratio(settings: Settings) -> list[Row]:
    """Both engines on one park of the plan, all devices cellular, a few seconds: interleaved runs of the same messages."""
    world = scenario_world("plan-2026", ONE_PARK, ALL_CELLULAR)
    Engine(world, Clock(SECOND)).advance(SECOND)
    horizon_s, repetitions = (1, 2) if settings.quick else (3, 3)
    pairs = [_both(world, Clock(horizon_s * SECOND)) for _ in range(repetitions)]
    fast, slow = [a for a, _ in pairs], [b for _, b in pairs]
    quotients = tuple(b.wall_s / a.wall_s for a, b in pairs)
    quotient = min(p.us_per_burst for p in slow) / min(p.us_per_burst for p in fast)
    slice_ = f"one park of plan-2026, {horizon_s} s, {fast[0].bursts:,} bursts"
    return [_cost(f"engine, {slice_}", fast), _cost(f"SimPy reference, {slice_}", slow),
            Row("reference over engine", quotient, "ratio", Goal(60, 200, higher=True), "best over best", quotients)]


def _scenario(name: str, simulated_s: int, settings: Settings, *overrides: str) -> list[Pace]:
    """Short stretches, many of them: the best meets a quiet moment of the machine."""
    return paces(scenario_world(name, *overrides), simulated_s, 3 if settings.quick else 10)


def plan(settings: Settings) -> list[Row]:
    """The plan, every device cellular: the heaviest reading of the base density."""
    found = _scenario("plan-2026", 1, settings, ALL_CELLULAR)
    rate = f"{found[0].bursts / found[0].simulated_s:,.0f} bursts/s"
    return [_cost(f"plan-2026 all cellular, {rate}", found, Goal(1.5, 0.5)),
            _real_time("plan-2026 all cellular", found, Goal(5, 20, higher=True))]


def mixed(settings: Settings) -> list[Row]:
    """The plan as it stands: each class by its access shares."""
    found = _scenario("plan-2026", 5, settings)
    rate = f"{found[0].bursts / found[0].simulated_s:,.0f} bursts/s"
    return [_cost(f"plan-2026 mixed access, {rate}", found), _real_time("plan-2026 mixed access", found)]


def dense(settings: Settings) -> list[Row]:
    """150 devices a leased hectare, every one cellular."""
    found = _scenario("iot-high-density", 1, settings, ALL_CELLULAR)
    rate = f"{found[0].bursts / found[0].simulated_s:,.0f} bursts/s"
    return [_cost(f"iot-high-density all cellular, {rate}", found),
            _real_time("iot-high-density all cellular", found, Goal(0.5, 2, higher=True))]


def cell(settings: Settings) -> list[Row]:
    """A single cell, 100 devices, 150 B each 100 ms: the example that packet-level simulators are timed on."""
    found = paces(single_cell(), 20 if settings.quick else 60, 5)
    return [_real_time("single cell, 100 devices, 150 B each 100 ms", found), _cost("the same, 1,000 bursts/s", found)]
