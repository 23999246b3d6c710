"""Run a scenario: replications over processes, each stored as soon as it is done, only the missing ones simulated."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.base.errors import MissingResultError, ReplicationError, UsageError
from twin.base.units import s_to_ns
from twin.study import provenance
from twin.study.doubts import crowded_by_signalling, driven_past_capacity, refused_grants, unjudged
from twin.study.lock import exclusive
from twin.study.replicate import (
    BACKENDS,
    Failure,
    Task,
    failure,
    replicate,
    replicate_in_worker,
    resolve,
    start_worker,
)
from twin.study.runset import RunSet
from twin.study.store import (
    FAILURES,
    MANIFEST,
    damaged_tables,
    load_measures,
    read_manifest,
    read_table,
    replication_path,
    sweep,
    write_json,
)
from twin.study.tables import write_results
from twin.world.tables import World

if TYPE_CHECKING:
    from twin.scenario.schema import Scenario

#: Called about every 0.2 s with simulated seconds done and to do, over all replications that are not stored yet.
Progress = Callable[[float, float], None]


def run(scenario: Scenario, replications: int | None = None, jobs: int = 1, *, seed: int | None = None, engine: str = "fast",
        results: str | Path = "results", fresh: bool = False, progress: Progress | None = None) -> RunSet:
    """Simulate a scenario and write its results folder; figures do not depend on `jobs`.

    An identical run (same resolved scenario, code, seed, engine) is returned from its folder; an interrupted one goes on
    with the replications that are missing; damaged tables are made anew from the stored replications. `fresh` throws what is
    stored away, once the new world is built. An identical run of another process is waited for.

    Raises:
        UsageError: jobs, engine or replications make no sense.
        WorldError: the network cannot be built; nothing is written.
        ReplicationError: replications failed; they are in failures.json, the others are stored.
        KeyboardInterrupt: interrupted; what is finished is stored.
    """
    scenario = _with_settings(scenario, replications, seed, jobs, engine)
    folder = folder_of(scenario, engine, Path(results))
    if not fresh and is_complete(folder):
        return RunSet.load(folder, from_cache=True)
    world = resolve(BACKENDS[engine].build)(scenario)
    with exclusive(folder):
        if fresh and folder.exists():
            shutil.rmtree(folder)
        elif is_complete(folder):  # another process made it while this one waited
            return RunSet.load(folder, from_cache=True)
        return _run_in(folder, scenario, engine, world, jobs, progress)


def _run_in(folder: Path, scenario: Scenario, engine: str, world: World, jobs: int, progress: Progress | None) -> RunSet:
    """Simulate what is missing in a folder and write its tables."""
    sweep(folder)
    manifest = _manifest(scenario, engine, folder.name, world)
    write_json(folder / MANIFEST, manifest)
    started = time.perf_counter()
    try:
        failures = _simulate_missing(scenario, folder, engine, world, jobs, progress)
    except KeyboardInterrupt:
        write_json(folder / MANIFEST, {**manifest, "status": "interrupted", "finished_at": _now()})
        raise
    _finish(scenario, folder, manifest, world, failures, time.perf_counter() - started)
    if failures:
        first = failures[0]
        raise ReplicationError(f"{len(failures)} of {scenario.simulation.replications} replications failed, the first "
                               f"(number {first['replication']}) with {first['error']}: {first['message']}; "
                               f"details in {folder / FAILURES}")
    return RunSet.load(folder)


def folder_of(scenario: Scenario, engine: str, results: Path) -> Path:
    """Where the results of a scenario go."""
    return results / scenario.name / provenance.run_id(scenario.sha256, scenario.simulation.seed, engine)


def is_complete(folder: Path) -> bool:
    """The folder holds a run with all its replications and tables, none of them damaged."""
    try:
        return read_manifest(folder).get("status") == "complete" and not damaged_tables(folder)
    except MissingResultError:
        return False


def _with_settings(scenario: Scenario, replications: int | None, seed: int | None, jobs: int, engine: str) -> Scenario:
    """The scenario with the overrides of a call in it, so that the run's name covers them."""
    # A worker of `jobs` imports the script that started it: without the guard that script would run itself again.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise UsageError("a worker process ran twin.run while it imported your script; put what starts runs under "
                         'if __name__ == "__main__": (or use jobs=1)')
    if jobs < 1:
        raise UsageError(f"jobs is {jobs}; give 1 or more processes")
    if engine not in BACKENDS:
        raise UsageError(f"engine {engine!r} is unknown; use one of {', '.join(BACKENDS)}")
    changes = {"simulation.replications": replications, "simulation.seed": seed}
    changes = {key: value for key, value in changes.items() if value is not None}
    return scenario.with_(**changes) if changes else scenario


def _simulate_missing(scenario: Scenario, folder: Path, engine: str, world: World, jobs: int,
                      progress: Progress | None) -> list[Failure]:
    """Simulate the replications that are not stored."""
    numbers = range(scenario.simulation.replications)
    tasks = [Task(scenario, folder, r, BACKENDS[engine]) for r in numbers if load_measures(replication_path(folder, r)) is None]
    total_s = scenario.simulation.horizon_s * len(tasks)

    def report(simulated_ns: float) -> None:
        if progress is not None:
            progress(simulated_ns * 1e-9, total_s)

    if min(jobs, len(tasks)) <= 1:
        failures = _in_turn(tasks, world, scenario.simulation.horizon_s * 1e9, report)
    else:
        failures = _in_processes(tasks, min(jobs, len(tasks)), report)
    return sorted(failures, key=lambda f: int(f["replication"]))


def _in_turn(tasks: list[Task], world: World, horizon_ns: float, report: Callable[[float], None]) -> list[Failure]:
    """One after the other in this process."""
    found = []
    for i, task in enumerate(tasks):
        found.append(replicate(task, world, lambda ns, done=i * horizon_ns: report(done + ns)))  # type: ignore[misc]
        report((i + 1) * horizon_ns)
    return [f for f in found if f]


def _in_processes(tasks: list[Task], jobs: int, report: Callable[[float], None]) -> list[Failure]:
    """Spread over worker processes, started fresh on every system so that nothing is inherited."""
    context = multiprocessing.get_context("spawn")
    simulated_ns = context.RawArray("q", len(tasks))
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(jobs, context, start_worker, (simulated_ns,))
    try:
        futures = {pool.submit(replicate_in_worker, task, slot): task for slot, task in enumerate(tasks)}
        pending: set[Future[Failure | None]] = set(futures)
        while pending:
            pending = wait(pending, timeout=0.2).not_done
            report(float(sum(simulated_ns)))
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    pool.shutdown()
    return [f for f in (_outcome(future, task) for future, task in futures.items()) if f]


def _outcome(future: Future[Failure | None], task: Task) -> Failure | None:
    """What became of a replication, also when its worker died."""
    error = future.exception()
    if isinstance(error, BrokenProcessPool):
        error = ReplicationError("the worker process ended without an answer: killed, out of memory (use fewer jobs), or "
                                 'started from a script without if __name__ == "__main__":')
    return failure(task.replication, error) if error else future.result()


def _finish(scenario: Scenario, folder: Path, manifest: dict[str, Any], world: World, failures: list[Failure],
            wall_s: float) -> None:
    """Write tables, failures and the final manifest."""
    times = scenario.simulation
    totals = write_results(folder, times.replications, world, scenario.report.headroom_pct, s_to_ns(times.warmup_s))
    warnings = [*manifest["warnings"], *refused_grants(totals)]
    if totals:
        found = read_table(folder, "kpis")
        warnings += [*driven_past_capacity(found, read_table(folder, "timeseries")), *crowded_by_signalling(found)]
    if len(totals) == 1 and not any("one replication" in warning for warning in warnings):
        warnings.append("one replication only: figures come without an interval")
    if failures:
        warnings.append(f"{len(failures)} of {scenario.simulation.replications} replications failed and are not in the figures")
    write_json(folder / FAILURES, failures)
    write_json(folder / MANIFEST, {
        **manifest, "status": "failed" if failures else "complete", "finished_at": _now(), "wall_s": wall_s, "warnings": warnings,
        "replications_done": sorted(totals), "totals": totals})


def _manifest(scenario: Scenario, engine: str, run_id: str, world: World) -> dict[str, Any]:
    """What was run, with what, on what."""
    times = scenario.simulation
    warnings = dict.fromkeys([*map(str, scenario.warnings), *map(str, world.warnings), *BACKENDS[engine].warnings,
                              *unjudged(world, times.horizon_s - times.warmup_s)])
    return {
        "run_id": run_id, "name": scenario.name, "status": "running", "engine": engine, "seed": times.seed,
        "replications": times.replications, "horizon_s": times.horizon_s, "warmup_s": times.warmup_s,
        "started_at": _now(), "code_version": provenance.code_version(), "git_commit": provenance.git_commit(),
        "versions": provenance.versions(), "platform": provenance.machine(), "world": dict(world.counts),
        "warnings": list(warnings), "scenario_sha256": scenario.sha256, "scenario": scenario.resolved(),
    }


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
