"""From a run folder to one self-contained HTML file."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from twin.base.errors import UsageError
from twin.report import budgets, charts, core, delays, loads, maps, sections
from twin.report.audience import for_department
from twin.report.folder import RunData, read_run
from twin.report.texts import LANGUAGES, Texts
from twin.report.verdicts import DEFAULT_TARGET, service_verdicts

AUDIENCES = ("operator", "department")


def write_report(run_folder: Path, lang: Literal["vi", "en"] = "vi",
                 audience: Literal["operator", "department"] = "operator") -> Path:
    """Write ``report.html`` (``report-department.html``; ``-en`` for English) into a run folder and return its path.

    The file holds everything it shows: no network, no other file. It reads the folder's tables only and runs nothing.
    """
    if lang not in LANGUAGES or audience not in AUDIENCES:
        raise UsageError(f"report in {lang!r} for {audience!r}: languages are {LANGUAGES}, audiences {AUDIENCES}")
    run = read_run(Path(run_folder))
    name = "report" + ("-department" if audience == "department" else "") + ("" if lang == "vi" else f"-{lang}") + ".html"
    path = Path(run_folder) / name
    temporary = path.with_name(f".{name}.{os.getpid()}")
    temporary.write_text(render(run, lang, audience), encoding="utf-8")
    temporary.replace(path)
    return path


def render(run: RunData, lang: str, audience: str) -> str:
    """The page as text."""
    if audience == "department":
        run = for_department(run)
    # Names in a scenario are the user's own text: everything is escaped, and the policy allows this one script only.
    environment = Environment(loader=PackageLoader("twin.report"), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    script = _part("script.js.html")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("report.html").render(
        **context(run, Texts(lang), audience), script=Markup(script), script_hash=digest, style=Markup(_part("style.css.html")))


def context(run: RunData, texts: Texts, audience: str) -> dict[str, Any]:
    """All that the template prints."""
    names = sections.Names(run, texts)
    verdicts = service_verdicts(run)
    return {
        "t": texts, "lang": texts.lang, "audience": audience, "run": run,
        "head": _head(run, texts, audience),
        "headline": sections.headline(verdicts, texts), "headline_state": sections.headline_state(verdicts),
        "sentences": sections.sentences(verdicts, names, texts), "more_sentences": sections.more_sentences(verdicts, texts),
        "core": core.core_section(run, texts), "headroom": loads.headroom_pct(run),
        "matrix": sections.matrix(verdicts, names, texts),
        "detail": sections.detail(verdicts, names, texts), "default_target": texts.share(DEFAULT_TARGET),
        "any_default_target": any(not v.target_given for v in verdicts),
        "capacity": _capacity(run, texts), "bottlenecks": sections.bottleneck_rows(run, names, texts),
        "park_radio": sections.park_radio(run, names, texts),
        "budget": _budget(run, names, texts), "colours": budgets.COLOURS,
        "latency": delays.latency_rows(run, "group" if audience == "operator" else "park_application", names, texts),
        "upfs": sections.upf_rows(run, texts), "charts": charts.line_charts(run, texts),
        "province": maps.province_map(run, verdicts, texts), "park_maps": maps.park_maps(run, texts),
        "owners": maps.owner_shapes(run), "load_classes": _load_classes(texts), "state_colours": maps.STATE_COLOURS,
        "losses": sections.losses(run, names, texts), "coverage": sections.coverage(run, names, texts),
        "assumptions": sections.table_rows(run), "manifest": sections.manifest_rows(run),
        "scenario_json": json.dumps(run.scenario, ensure_ascii=False, indent=2, default=str),
        "park_name": names.park, "application_name": names.application,
    }


def _head(run: RunData, texts: Texts, audience: str) -> dict[str, Any]:
    simulation = run.setting("simulation", default={})
    start, end = (run.manifest.get(key, simulation.get(key)) for key in ("warmup_s", "horizon_s"))
    counted = run.kpis.loc[run.kpis["scope_kind"] == "network", "replication"].nunique() or run.kpis["replication"].nunique()
    status = str(run.manifest.get("status", ""))
    name = run.manifest.get("name") or run.setting("name") or texts("page.hidden_name")
    day = simulation.get("start_time_of_day") or "00:00"
    window = "–"
    if start is not None and end is not None:
        window = texts("page.window_text", start=texts.given(float(start)), end=texts.given(float(end)), day=day)
    return {"name": name, "question": run.manifest.get("question") or run.setting("question", default=""), "window": window,
            "title": texts("page.title_department" if audience == "department" else "page.title"), "status": status,
            "complete": status in ("", "complete", "completed", "done", "finished", "ok"), "replications": int(counted),
            "run_id": run.manifest.get("run_id", "–"), "seed": run.manifest.get("seed", "–")}


def _capacity(run: RunData, texts: Texts) -> dict[str, Any] | None:
    found = loads.loads(run)
    if not found:
        return None
    headroom = loads.headroom_pct(run)
    states = [load.state(headroom) for load in found]
    judged = [{"load": load, "state": load.state(headroom), "text": loads.sentence(load, headroom, texts),
               "fields": loads.fields(load, texts)} for load in loads.judged(found)]
    first = found[0]
    summary = texts("capacity.summary", over=states.count(loads.OVER), failed=states.count(loads.FAILED), n=len(found))
    return {"headroom": headroom, "judged": judged, "charts": loads.charts(found, texts), "total": len(found), "summary": summary,
            "first": {"state": first.state(headroom), "text": loads.sentence(first, headroom, texts), "load": first,
                      "fields": loads.fields(first, texts),
                      "label": texts("capacity.first" if states[0] == loads.OVER else "capacity.nearest")},
            "script_texts": {key: texts(f"capacity.{key}") for key in ("over", "failed", "ok", "summary", "first", "nearest")}}


def _budget(run: RunData, names: sections.Names, texts: Texts) -> dict[str, Any]:
    parks = [park for park in run.parks["park_id"] if (run.budget["park"] == park).any()]
    used = [part for part in budgets.COLOURS if (run.budget.loc[run.budget["mean_ms"] > 0, "component"] == part).any()]
    by_park = [{"name": names.park(park), "stacks": budgets.stacks(run, park)} for park in parks] if len(parks) > 1 else []
    return {"whole": budgets.stacks(run), "parts": used, "parks": by_park}


def _load_classes(texts: Texts) -> list[dict[str, str]]:
    found, low = [], 0.0
    for high, colour in maps.LOAD_CLASSES:
        label = f"{texts.number(low)}–{texts.number(high)} %" if high < 1e9 else f"> {texts.number(low)} %"
        found.append({"colour": colour, "label": label})
        low = high
    return found


def _part(name: str) -> str:
    return resources.files("twin.report").joinpath("templates", name).read_text(encoding="utf-8")
