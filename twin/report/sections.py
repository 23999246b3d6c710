"""The sections of the page as plain, formatted values: what the template prints, in the order it prints it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from twin.measure.measures import CAUSES
from twin.measure.resources import limit_words
from twin.report.folder import RunData, records
from twin.report.loads import step_text
from twin.report.maps import park_names
from twin.report.texts import Texts
from twin.report.verdicts import FAIL, PASS, UNSURE, ServiceVerdict, tally

#: Pairs of park and application that get a sentence of their own at the top.
_MAX_SENTENCES = 8


class Names:
    """Display names of parks and applications in one language."""

    def __init__(self, run: RunData, texts: Texts) -> None:
        self._parks = park_names(run, texts.lang)
        self._applications = run.setting("applications", default={})
        self._texts = texts

    def park(self, park: str) -> str:
        """The park's name, its id where there is none."""
        return self._parks.get(park, park)

    def application(self, application: str) -> str:
        """The application's name: of the scenario, else of the library, else its id."""
        item = self._applications.get(application)
        name = item.get(f"name_{self._texts.lang}") if isinstance(item, dict) else None
        return str(name) if name else self._texts.named("application", application)


def headline(verdicts: Sequence[ServiceVerdict], texts: Texts) -> str:
    """The verdict on all services in one sentence."""
    count = tally(verdicts)
    values = {"n": texts.number(len(verdicts)), **{state: texts.number(n) for state, n in count.items()}}
    if not verdicts:
        return texts("page.no_data")
    key = "some_missed" if count[FAIL] else "none_missed" if count[UNSURE] else "all_met"
    return texts(f"verdict.{key}", **values)


def sentences(verdicts: Sequence[ServiceVerdict], names: Names, texts: Texts) -> list[dict[str, str]]:
    """The worst verdicts in words, those that miss their target by most first."""
    worst = _worst(verdicts)
    worst.sort(key=lambda v: (v.state != FAIL, v.share.mean - v.target))
    return [{"state": v.state, "text": _sentence(v, names, texts)} for v in worst[:_MAX_SENTENCES]]


def more_sentences(verdicts: Sequence[ServiceVerdict], texts: Texts) -> str:
    """How many such verdicts have no sentence; nothing where all have one."""
    left = len(_worst(verdicts)) - _MAX_SENTENCES
    return texts("verdict.more", n=texts.number(left)) if left > 0 else ""


def _worst(verdicts: Sequence[ServiceVerdict]) -> list[ServiceVerdict]:
    return [v for v in verdicts if v.state in (FAIL, UNSURE)]


def _sentence(v: ServiceVerdict, names: Names, texts: Texts) -> str:
    has_interval = v.share.low is not None
    part = ""
    if v.largest_part is not None and not math.isnan(v.largest_part_ms):
        part = texts("verdict.part", part=_lower(texts.named("part", v.largest_part)), ms=texts.measure(v.largest_part_ms))
    if v.unserved:
        part += texts("verdict.unserved", n=texts.number(v.unserved))
    return texts(
        "verdict.sentence", park=names.park(v.park), application=names.application(v.application),
        share=texts.share(v.share.mean), n=texts.number(v.offered),
        deadline=texts("verdict.deadline", ms=texts.given(v.deadline_ms)) if v.deadline_ms else "",
        interval=texts("verdict.interval", low=texts.share(v.share.low), high=texts.share(v.share.high)) if has_interval else "",
        target=_target(v, texts), state=texts(f"state.{v.state}"), part=part)


def _target(v: ServiceVerdict, texts: Texts) -> str:
    return f"{texts.given(round(100 * v.target, 9))} %" + ("" if v.target_given else " *")


def _lower(text: str) -> str:
    """First letter small, unless the word is an abbreviation."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def matrix(verdicts: Sequence[ServiceVerdict], names: Names, texts: Texts) -> dict[str, Any]:
    """Parks down, applications across, one share a cell."""
    applications = sorted({v.application for v in verdicts})
    parks = list(dict.fromkeys(v.park for v in verdicts))
    by_pair = {(v.park, v.application): v for v in verdicts}

    def cell(park: str, application: str) -> dict[str, str] | None:
        v = by_pair.get((park, application))
        return None if v is None else {"state": v.state, "share": texts.share(v.share.mean), "title": _sentence(v, names, texts)}

    return {"columns": [names.application(a) for a in applications],
            "rows": [{"name": names.park(p), "cells": [cell(p, a) for a in applications]} for p in parks]}


def detail(verdicts: Sequence[ServiceVerdict], names: Names, texts: Texts) -> list[dict[str, str]]:
    """One row a verdict, every figure it rests on."""
    return [{"park": names.park(v.park), "application": names.application(v.application),
             "deadline": texts.given(v.deadline_ms) if v.deadline_ms else "–",
             "target": _target(v, texts), "share": texts.share(v.share.mean),
             "interval": f"{texts.share(v.share.low)} – {texts.share(v.share.high)}" if v.share.low is not None else "–",
             "messages": texts.number(v.offered), "state": v.state} for v in verdicts]


def losses(run: RunData, names: Names, texts: Texts) -> dict[str, Any]:
    """Messages lost per application (over all parks) by cause, mean of a replication."""
    offered = run.kpi_means("offered", "application")
    by_cause = {cause: run.kpi_means(f"lost_{cause}", "application") for cause in CAUSES[1:]}
    causes = [cause for cause, found in by_cause.items() if sum(found.values()) > 0]
    rows = []
    for application in sorted(offered):
        lost = [by_cause[cause].get(application, 0.0) for cause in causes]
        if sum(lost) > 0:
            share = texts.percent(100 * sum(lost) / max(offered[application], 1), 2)
            rows.append({"name": names.application(application), "total": texts.number(sum(lost)), "share": share,
                         "lost": [texts.number(n) if n else "·" for n in lost]})
    return {"causes": [texts(f"cause.{cause}") for cause in causes], "rows": rows, "known": bool(offered)}


def coverage(run: RunData, names: Names, texts: Texts) -> dict[str, Any] | None:
    """Devices per park and how many have no coverage; None where the run does not count devices."""
    devices, lonely = run.kpi_means("devices", "park"), run.kpi_means("devices_without_coverage", "park")
    if not devices:
        return None
    total, without = sum(devices.values()), sum(lonely.values())
    key = "coverage.sentence" if without else "coverage.none"
    sentence = texts(key, n=texts.number(without), total=texts.number(total), pct=texts.percent(100 * without / max(total, 1), 2))
    order = [park for park in run.parks["park_id"] if park in devices]
    rows = [{"name": names.park(park), "devices": texts.number(devices[park]), "without": texts.number(lonely.get(park, 0.0)),
             "label": texts.percent(100 * lonely.get(park, 0.0) / max(devices[park], 1))} for park in order]
    return {"sentence": sentence, "rows": rows, "all_covered": not without}


def park_radio(run: RunData, names: Names, texts: Texts) -> list[dict[str, str]]:
    """Stations and mean PRB load of each park, all operators together."""
    stations = run.kpi_means("stations_5g", "park")
    loads = {d: run.kpi_means(f"cell_prb_{d}_pct", "park") for d in ("ul", "dl")}
    order = [park for park in run.parks["park_id"] if park in stations or park in loads["ul"]]
    return [{"name": names.park(park), "stations": texts.number(stations.get(park)),
             **{d: texts.percent(loads[d].get(park, math.nan)) for d in ("ul", "dl")}} for park in order]


def bottleneck_rows(run: RunData, names: Names, texts: Texts) -> list[dict[str, str]]:
    """What gives way first on the way of each park and application."""
    return [{"park": names.park(row["park"]), "application": names.application(row["application"]),
             "resource": " ".join(filter(None, (texts.named("kind", row["kind"]), row["bottleneck"],
                                                _text(row["direction"]).upper()))), "load": texts.percent(row["load_pct"]),
             "failed": texts.percent(row["load_with_one_unit_failed_pct"]),
             "growth": growth(row["growth_to_headroom"], row["growth_is_upper_bound"], texts),
             "next": step_text(row["next_step"] if isinstance(row["next_step"], str) else "", texts)}
            for row in records(run.bottlenecks)]


def growth(factor: float, upper_bound: Any, texts: Texts) -> str:
    """By what factor traffic may grow, in words where there is no room; with ≤ where more traffic was wanted than seen."""
    words = limit_words(factor)
    bound = "≤ " if upper_bound is not None and pd.notna(upper_bound) and upper_bound else ""
    return texts(f"capacity.{words}") if words else f"{bound}× {texts.measure(factor)}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def upf_rows(run: RunData, texts: Texts) -> list[dict[str, str]]:
    """Throughput of each UPF, mean over the replications."""
    found = run.kpi_means("upf_throughput_gbps", "pool") or run.kpi_means("upf_throughput_gbps", "upf")
    return [{"name": name, "gbps": texts.measure(value)} for name, value in sorted(found.items(), key=lambda item: -item[1])]


def table_rows(run: RunData) -> list[list[str]]:
    """The assumptions as texts."""
    columns = ("item", "value", "unit", "source", "confidence")
    return [["" if pd.isna(row[c]) else str(row[c]) for c in columns] for row in records(run.assumptions)]


def manifest_rows(run: RunData) -> list[tuple[str, str, bool]]:
    """Key, value and whether it is folded away, of the manifest but for the scenario and the warnings, which have places of
    their own."""
    skipped = ("scenario", "warnings", "question")
    return [(key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str),
             isinstance(value, dict | list) and len(value) > 0) for key, value in run.manifest.items() if key not in skipped]


def headline_state(verdicts: Sequence[ServiceVerdict]) -> str:
    """The worst state among the verdicts."""
    count = tally(verdicts)
    return FAIL if count[FAIL] else UNSURE if count[UNSURE] else PASS
