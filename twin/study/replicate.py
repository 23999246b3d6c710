"""One replication, in this process or in a worker. Everything a worker needs is in its Task."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, MutableSequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.base.units import s_to_ns
from twin.study.store import replication_path, save_measures
from twin.world.tables import Clock, World

if TYPE_CHECKING:
    from twin.scenario.schema import Scenario

Failure = dict[str, Any]


@dataclass(frozen=True)
class Backend:
    """What builds and what simulates, as ``module:function`` names: a worker process imports them itself."""

    build: str = "twin.world.build:build_world"
    simulate: str = "twin.engine.run:simulate"
    warnings: tuple[str, ...] = ()


BACKENDS = {
    "fast": Backend(),
    "reference": Backend(simulate="twin.study.by_reference:simulate", warnings=(
        "reference engine: throughput is from mean message sizes, loads are of the whole horizon; blocks, waits, time series "
        "and bursts that are late but still in flight are not counted; of the control plane neither are backlogs, the core's "
        "part of delays and how storms are recovered from",)),
}


@dataclass(frozen=True)
class Task:
    """One replication to simulate and where its measures go."""

    scenario: Scenario
    folder: Path
    replication: int
    backend: Backend


def resolve(name: str) -> Callable[..., Any]:
    """The function that a ``module:function`` name stands for."""
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


def clock_of(scenario: Scenario, replication: int) -> Clock:
    """Horizon, warm-up, epoch and draws of one replication."""
    times = scenario.simulation
    return Clock(s_to_ns(times.horizon_s), s_to_ns(times.warmup_s), s_to_ns(times.epoch_s), times.seed, replication)


def replicate(task: Task, world: World, progress: Callable[[int], None] | None) -> Failure | None:
    """Simulate and store one replication. What goes wrong is returned, so that the others go on."""
    try:
        measures = resolve(task.backend.simulate)(world, clock_of(task.scenario, task.replication), progress=progress)
        save_measures(replication_path(task.folder, task.replication), measures)
    except Exception as error:  # any failure of a replication becomes a stored record, whatever its kind
        return failure(task.replication, error)
    return None


def failure(replication: int, error: BaseException) -> Failure:
    """Record of a failed replication."""
    text = "".join(traceback.format_exception(error))
    return {"replication": replication, "error": type(error).__name__, "message": str(error), "traceback": text}


# ---- in a worker ----------------------------------------------------------------------------------------------------

_simulated_ns: MutableSequence[int] | None = None
_world: tuple[str, World] | None = None


def start_worker(simulated_ns: MutableSequence[int]) -> None:
    """Set up a worker process: where to note progress, who handles Ctrl-C, when to end."""
    global _simulated_ns
    _simulated_ns = simulated_ns
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides; it ends the workers
    parent = multiprocessing.parent_process()
    if parent is not None:  # a killed parent cannot end its workers
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def replicate_in_worker(task: Task, slot: int) -> Failure | None:
    """`replicate` with a world of the worker's own, built once and kept."""
    global _world
    key = task.scenario.sha256
    if _world is None or _world[0] != key:
        _world = (key, resolve(task.backend.build)(task.scenario))

    def progress(simulated_ns: int) -> None:
        if _simulated_ns is not None:
            _simulated_ns[slot] = int(simulated_ns)

    return replicate(task, _world[1], progress)
