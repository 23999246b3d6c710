"""Load a scenario: read the file and what it extends, apply overrides and libraries, validate, cross-check.

Everything wrong is reported in one `ScenarioError`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from twin.base.errors import Problem, ScenarioError
from twin.scenario.checks import problems_of, warnings_of
from twin.scenario.document import Document, Place, from_overrides, merged
from twin.scenario.libraries import library, with_libraries
from twin.scenario.problems import from_validation, written_path
from twin.scenario.schema import LIBRARIES, Scenario
from twin.scenario.yamlfile import parse_value, read_document

MAX_EXTENDS = 16


def load(path: str | Path, overrides: Sequence[str] = ()) -> Scenario:
    """Load a scenario file.

    Args:
        path: YAML file.
        overrides: `a.b=value` each, applied in order; the value is read as YAML. A name that the scenario declares in
            `parameters` stands for its key.

    Raises:
        ScenarioFileError: the file, or one it extends, cannot be read.
        ScenarioError: something in it is wrong; `problems` holds everything that was found.
    """
    document = read_chain(Path(path))
    for text in overrides:
        document = merged(document, parse_override(text, Path(path).parent, _short_names(document)))
    return build(document)


def changed(scenario: Scenario, overrides: Mapping[str, object]) -> Scenario:
    """What `Scenario.with_` does: the scenario's own document with overrides on top, validated again. Raises ScenarioError."""
    document = scenario._document or _document_of(scenario)
    place = Place("with_", 0, document.folder_of(()))
    return build(merged(document, from_overrides(overrides, place)))


def _document_of(scenario: Scenario) -> Document:
    return Document(scenario.model_dump(mode="json", by_alias=True), {})


def read_chain(path: Path) -> Document:
    """The file over everything it extends, nearest last. Raises ScenarioError, also on a cycle."""
    chain: list[Document] = []
    seen: list[Path] = []
    place: Place | None = None
    following: Path | None = path
    while following is not None:
        document = _read_extended(following, place)
        _check_chain(following, seen, place)
        seen.append(following.resolve())
        chain.append(Document({k: v for k, v in document.data.items() if k != "extends"}, document.places))
        place = document.place_of(("extends",))
        following = _extended_path(document, following)
    result = chain.pop()
    while chain:
        result = merged(result, chain.pop())
    return result


def _check_chain(path: Path, seen: list[Path], place: Place | None) -> None:
    if path.resolve() in seen:
        names = " -> ".join(p.name for p in [*seen, path])
        raise ScenarioError([Problem(str(place), "extends", f"extends itself: {names}", "remove one of the `extends`")])
    if len(seen) >= MAX_EXTENDS:
        raise ScenarioError([Problem(str(place), "extends", f"more than {MAX_EXTENDS} files extend one another", "merge some")])


def _read_extended(path: Path, place: Place | None) -> Document:
    try:
        return read_document(path)
    except ScenarioError as error:
        if place is None or any(":" in problem.place for problem in error.problems):
            raise
        problems = [Problem(str(place), "extends", f"{p.place} {p.message}", p.remedy) for p in error.problems]
        raise type(error)(problems) from error


def _extended_path(document: Document, path: Path) -> Path | None:
    target = document.data.get("extends")
    if target is None:
        return None
    if not isinstance(target, str) or not target:
        message = "should be the path of one scenario file"
        raise ScenarioError([Problem(str(document.place_of(("extends",))), "extends", message, "write `extends: other.yaml`")])
    return path.parent / target


def _short_names(document: Document) -> dict[str, str]:
    """The scenario's `parameters`, as far as they can be used; validation reports the others."""
    declared = document.data.get("parameters")
    return {k: v for k, v in declared.items() if isinstance(v, str)} if isinstance(declared, dict) else {}


def parse_override(text: str, folder: Path, short_names: Mapping[str, str] | None = None) -> Document:
    """`a.b=value` as a document; a short name stands for its key. Raises ScenarioError."""
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not all(key.split(".")):
        raise ScenarioError([Problem(f"--set {text}", "", "is not an override", "write --set section.key=value")])
    place = Place(f"--set {key}", 0, folder)
    return from_overrides({(short_names or {}).get(key, key): parse_value(value, place)}, place)


def build(user: Document) -> Scenario:
    """Validate the user's document over the libraries and cross-check it. Raises ScenarioError with all problems."""
    document = with_libraries(user)
    problems: list[Problem] = []
    try:
        scenario: Scenario | None = Scenario.model_validate(document.data)
    except ValidationError as error:
        problems = from_validation(error, document)
        scenario = _salvaged(document, error)
    if scenario is not None:
        scenario._document = user
        scenario._warnings = warnings_of(scenario)
        found = problems_of(scenario)
        problems += [Problem(str(document.place_of(f.path)), ".".join(map(str, f.path)), f.message, f.remedy) for f in found]
    if problems or scenario is None:
        raise ScenarioError(problems)
    return scenario


def _salvaged(document: Document, error: ValidationError) -> Scenario | None:
    """The scenario with its faulty values put back to library or default, so that the cross-checks can look at the rest."""
    data = copy.deepcopy(document.data)
    for _ in range(4):
        for detail in error.errors(include_url=False):
            _put_back(data, detail)
        try:
            return Scenario.model_validate(data)
        except ValidationError as again:
            error = again
    return None


def _put_back(data: dict[str, Any], detail: Any) -> None:
    path = written_path(detail["loc"], data, keep_last=False)
    parent: Any = data
    for step in path[:-1]:
        parent = parent[step]
    if not path or isinstance(parent, list) or detail["type"] == "missing":
        return
    parent.pop(path[-1], None)
    original = _in_library(path)
    if original is not None:
        parent[path[-1]] = original


def _in_library(path: tuple[str | int, ...]) -> Any:
    if path[0] not in LIBRARIES:
        return None
    value: Any = library(str(path[0])).data
    for step in path[1:]:
        value = value.get(step) if isinstance(value, dict) else None
    return copy.deepcopy(value)
