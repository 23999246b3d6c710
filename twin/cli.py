"""The command line: each verb parses, calls one public function and prints. Results go to stdout, all else to stderr."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.exits import INTERNAL, INTERRUPTED, NOTHING, OK, USAGE, complain, interrupted, say, silence_stdout

if TYPE_CHECKING:
    from twin.scenario.schema import Scenario
    from twin.study.runset import RunSet

_CTRL_C = 130  # what the parser makes of KeyboardInterrupt

__all__ = ["INTERNAL", "INTERRUPTED", "NOTHING", "OK", "USAGE", "app", "main"]

app = typer.Typer(name="twin", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
                  help="Digital twin of the 5G networks of industrial parks: simulate, look, compare.",
                  epilog="Exit codes: 0 fine, 1 reserved, 2 interrupted, 3 internal error or failed replications, "
                         "4 bad usage or invalid scenario, 5 nothing found.")

ScenarioFile = Annotated[Path, typer.Argument(metavar="SCENARIO", help="Scenario file (YAML).")]
Overrides = Annotated[list[str], typer.Option("--set", metavar="KEY=VALUE", help="Override: devices.density=high; repeat.")]
Replications = Annotated[int | None, typer.Option(min=1, help="Replications; default: the scenario's.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Root seed; default: the scenario's.")]
Jobs = Annotated[int, typer.Option(min=1, help="Processes; the figures do not depend on it.")]
EngineName = Annotated[str, typer.Option(metavar="fast|reference", help="reference: the readable SimPy model, slow.")]
Results = Annotated[Path, typer.Option(help="Folder of the results.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON only on stdout.")]
Lang = Annotated[str, typer.Option(metavar="vi|en", help="Language of the report.")]
Audience = Annotated[str, typer.Option(metavar="operator|department", help="department: totals per park only.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Simulate again even if the results are there.")]


def _version(wanted: bool) -> None:
    if wanted:
        from twin import __version__

        print(f"parktwin {__version__}")
        raise typer.Exit(OK)


@app.callback()
def options(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")]
            = False) -> None:
    """Digital twin of the 5G networks of industrial parks: simulate, look, compare."""


@app.command()
def validate(file: ScenarioFile, set_: Overrides = []) -> None:
    """Check a scenario file and the tables it names; all problems are reported at once."""
    scenario = _load(file, set_)
    warnings = list(scenario.warnings)
    if any(scenario.table_path(table) for table in type(scenario.tables).model_fields):
        from twin.world.build import build_world

        warnings += [w for w in build_world(scenario).warnings if w not in warnings]
    for warning in warnings:
        say(f"warning: {warning}")
    print(f"{file}: valid, scenario {scenario.name}")


@app.command()
def show(file: ScenarioFile, set_: Overrides = [],
         assumptions: Annotated[bool, typer.Option("--assumptions", help="List every figure with its source.")] = False) -> None:
    """Build the world of a scenario and print it: parks, stations, devices, routes, assumptions."""
    from twin.printing import print_world
    from twin.world.build import build_world

    print_world(build_world(_load(file, set_)), assumptions)


@app.command()
def run(file: ScenarioFile, set_: Overrides = [], replications: Replications = None, seed: Seed = None,
        jobs: Jobs = 1, engine: EngineName = "fast", results: Results = Path("results"), fresh: Fresh = False,
        json_: Json = False, lang: Lang = "vi", audience: Audience = "operator") -> None:
    """Simulate a scenario, write its results and report, and print the verdict per park and application."""
    from twin.printing import print_verdicts, progress_bar
    from twin.study.execute import run as run_scenario

    _check_report_options(lang, audience)
    scenario = _load(file, set_)
    if engine == "fast" and not _compiled():
        say("compiling the engine, once; this takes less than a minute")
    with progress_bar(scenario.name) as progress:
        runset = run_scenario(scenario, replications, jobs, seed=seed, engine=engine, results=results, fresh=fresh,
                              progress=progress)
    say(f"{'already there' if runset.from_cache else 'results'}: {runset.folder}")
    report = _report(runset.folder, lang, audience)
    if json_:
        _print_json(runset)
    else:
        print_verdicts(runset)
        print(f"report: {report}")


@app.command()
def report(run_: Annotated[str, typer.Argument(metavar="RUN", help="Run folder, run id or scenario name.")], lang: Lang = "vi",
           audience: Audience = "operator", results: Results = Path("results")) -> None:
    """Write the report of a finished run."""
    from twin.study.store import find_run, require_tables

    _check_report_options(lang, audience)
    print(f"report: {_report(require_tables(find_run(run_, results)), lang, audience)}")


@app.command()
def pm(run_: Annotated[str, typer.Argument(metavar="RUN|FILE", help="Run folder, run id or scenario name; or a file to read.")],
       out: Annotated[Path | None, typer.Option(help="Folder to write to; default: pm in the run folder.")] = None,
       granularity_s: Annotated[float, typer.Option(help="Granularity period, s.")] = 900.0,
       replication: Annotated[int, typer.Option(min=0, help="Replication, counted from 0.")] = 0,
       results: Results = Path("results"), json_: Json = False) -> None:
    """Write the counters of a run as 3GPP TS 32.435 files (names of TS 28.552); of such a FILE print the counters."""
    if Path(run_).is_file():
        from twin.printing import print_counters
        from twin.study.pm_read import read_pm

        print_counters(read_pm(run_), json_)
        return
    from twin.study.pm_export import export_pm
    from twin.study.store import find_run, require_tables

    for path in export_pm(require_tables(find_run(run_, results)), out, granularity_s, replication):
        print(f"written: {path}")


@app.command()
def compare(a: Annotated[str, typer.Argument(metavar="A", help="Run folder, run id, scenario name or scenario file.")],
            b: Annotated[str, typer.Argument(metavar="B", help="What is compared with it.")],
            kpi: Annotated[list[str], typer.Option(help="KPIs to show; repeat. Default: deadline shares, p99, loads.")] = [],
            scope: Annotated[str, typer.Option(help="Kind of scope to show; all: every kind.")] = "park",
            replications: Replications = None, seed: Seed = None, jobs: Jobs = 1, results: Results = Path("results"),
            json_: Json = False) -> None:
    """Difference of two runs (B - A), paired by replication, with its 95 % interval."""
    from twin.printing import json_text, print_compared, print_comparison
    from twin.study.compare import compare as compare_runs

    left, right = (_run_or_scenario(text, results) for text in (a, b))
    table = compare_runs(left, right, replications=replications, seed=seed, jobs=jobs, results=results)
    warnings = table.attrs["warnings"]
    for warning in warnings:
        say(f"warning: {warning}")
    runs, different = table.attrs["runs"], table.attrs["settings"]
    if json_:
        settings = [dict(zip(("key", "a", "b"), row)) for row in different]
        print(json_text({"runs": runs, "settings": settings, "differences": table.to_dict("records"), "warnings": warnings}))
        return
    print_compared(runs, different)
    if not print_comparison(table, kpi, scope):
        say(f"no KPI {', '.join(kpi)} at scope {scope}; see the columns kpi and scope_kind of kpis.parquet")
        raise typer.Exit(NOTHING)


@app.command()
def schema(write: Annotated[Path | None, typer.Option(help="Write to a file instead of stdout.")] = None) -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from twin.scenario.json_schema import schema_text

    if write is None:
        print(schema_text(), end="")
    else:
        write.write_text(schema_text(), encoding="utf-8")
        say(f"written: {write}")


@app.command()
def init(file: Annotated[Path, typer.Argument(metavar="FILE", help="Scenario file to write.")] = Path("my-park.yaml")) -> None:
    """Write a small scenario to start from; an existing file is left alone."""
    from twin.starter import starter_text

    text = starter_text(file.stem)
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        say(f"{file}: exists already; give another name")
        raise typer.Exit(USAGE) from None
    print(f"written: {file}; next: twin run {file}")


# ---- helpers --------------------------------------------------------------------------------------------------------


def _load(file: Path, overrides: list[str]) -> Scenario:
    from twin.scenario import load

    return load(file, overrides)


def _compiled() -> bool:
    """Whether compiled kernels of this state of the sources are there."""
    import numba

    from twin.base import jit  # sets the folder of the compiled code

    folder = Path(str(numba.config.CACHE_DIR or jit.cache_folder()))  # type: ignore[attr-defined]  # made at run time by numba
    return any(folder.glob("engine*/*.nbc")) or any(folder.glob("*/*kernels*.nbc"))


def _run_or_scenario(text: str, results: Path) -> RunSet | Scenario:
    """A scenario if the text names a file, else a stored run."""
    from twin.study.runset import RunSet
    from twin.study.store import find_run

    return _load(Path(text), []) if Path(text).is_file() else RunSet.load(find_run(text, results))


def _check_report_options(lang: str, audience: str) -> None:
    from twin.base.errors import UsageError

    for name, value, allowed in (("--lang", lang, ("vi", "en")), ("--audience", audience, ("operator", "department"))):
        if value not in allowed:
            raise UsageError(f"{name} is {value!r}; use one of {', '.join(allowed)}")


def _report(folder: Path, lang: str, audience: str) -> Path:
    from twin.report.html import write_report

    return write_report(folder, lang=lang, audience=audience)  # type: ignore[arg-type]  # checked by _check_report_options


def _print_json(runset: RunSet) -> None:
    from twin.printing import json_text

    print(json_text({"run_id": runset.run_id, "summary": runset.summary.to_dict("records"), "warnings": list(runset.warnings)}))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code (the console script passes it to the shell)."""
    try:
        code: Any = app(args=arguments, standalone_mode=False)
        sys.stdout.flush()
        return interrupted() if code == _CTRL_C else code if isinstance(code, int) else OK
    except (KeyboardInterrupt, typer.Abort):
        return interrupted()
    except typer.Exit as done:
        return interrupted() if done.exit_code == _CTRL_C else done.exit_code
    except BrokenPipeError:
        silence_stdout()
        return OK
    except Exception as error:
        return complain(error)


if __name__ == "__main__":
    sys.exit(main())
