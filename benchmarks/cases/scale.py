"""Time a burst as the number of devices grows, at equal traffic a device."""

from __future__ import annotations

from benchmarks.row import Goal, Row, Settings, best_row
from benchmarks.timing import Pace, Runner
from benchmarks.worlds import DEVICES_PER_CELL, many_devices

#: Devices -> simulated seconds of a stretch: each device sends one message a second.
STRETCH_S = {1_000: 100, 10_000: 20, 100_000: 4, 1_000_000: 1}
SMALL = 10_000


def _rounds(sizes: list[int], repetitions: int) -> dict[int, list[Pace]]:
    """Stretches of all sizes in turn, so that a busy spell of the machine meets all of them."""
    runners = {n: Runner(many_devices(n), STRETCH_S[n] * repetitions) for n in sizes}
    found: dict[int, list[Pace]] = {n: [] for n in sizes}
    for _ in range(repetitions):
        for n, runner in runners.items():
            found[n].append(runner.stretch(STRETCH_S[n]))
    for runner in runners.values():
        runner.finish()
    return found


def scale(settings: Settings) -> list[Row]:
    """1,000 to 1,000,000 devices (100,000 when quick) and the quotient of the most over 10,000."""
    sizes = [n for n in STRETCH_S if n <= (100_000 if settings.quick else 1_000_000)]
    found = _rounds(sizes, 2 if settings.quick else 4)
    best = {n: min(pace.us_per_burst for pace in found[n]) for n in sizes}
    rows = [best_row(f"{n:,} devices on {n // DEVICES_PER_CELL:,} cells, 1 burst/s each", [p.us_per_burst for p in found[n]],
                     "us/burst") for n in sizes]
    most = sizes[-1]
    goal = Goal(2, 1.2) if most == max(STRETCH_S) else None
    quotients = tuple(a.us_per_burst / b.us_per_burst for a, b in zip(found[most], found[SMALL]))
    return [*rows, Row(f"a burst at {most:,} over {SMALL:,} devices", best[most] / best[SMALL], "ratio", goal, "best over best",
                       quotients)]
