"""Turn validation errors into problems that name the place, the key and the remedy."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from twin.base.errors import Problem
from twin.scenario.document import Document, KeyPath
from twin.scenario.libraries import entry_names
from twin.scenario.schema import LIBRARIES, Scenario

_NUMBER_TYPES = {"float_type", "int_type"}


def did_you_mean(word: object, choices: Iterable[object]) -> str:
    """Remedy that names the nearest choice, or all of them when none is near."""
    known = [str(choice) for choice in choices]
    near = difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known: {', '.join(sorted(known)[:24])}" if known else ""


def from_validation(error: ValidationError, document: Document) -> list[Problem]:
    """One problem a place in the file: the alternatives of a union are joined, the gaps of an unknown entry summed up."""
    grouped: dict[KeyPath, list[Any]] = {}
    unknown: dict[KeyPath, list[str]] = {}
    for detail in error.errors(include_url=False):
        path = written_path(detail["loc"], document.data, keep_last=detail["type"] in ("missing", "extra_forbidden"))
        if detail["type"] == "missing" and _is_unknown_entry(path):
            unknown.setdefault(path[:2], []).append(".".join(map(str, path[2:])))
        else:
            grouped.setdefault(path, []).append(detail)
    return [_unknown_entry(path, gaps, document) for path, gaps in unknown.items()] + [
        _problem(path, details, document) for path, details in grouped.items()
    ]


def written_path(loc: tuple[str | int, ...], data: Any, keep_last: bool) -> KeyPath:
    """The part of an error's location that is in the data; the rest names branches of a union."""
    path: list[str | int] = []
    for step in loc:
        if not _has(data, step):
            return (*path, step) if keep_last and step == loc[-1] else tuple(path)
        data = data[step]
        path.append(step)
    return tuple(path)


def _has(data: Any, step: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(step, int) and step < len(data)
    return isinstance(data, dict) and step in data


def _is_unknown_entry(path: KeyPath) -> bool:
    return len(path) >= 2 and path[0] in LIBRARIES and path[1] not in entry_names(str(path[0]))


def _unknown_entry(path: KeyPath, gaps: list[str], document: Document) -> Problem:
    section, name = str(path[0]), path[1]
    near = difflib.get_close_matches(str(name), entry_names(section), n=1)
    message = f"'{name}' is not in the library {section}, and as a new entry it lacks {', '.join(gaps)}"
    return Problem(str(document.place_of(path)), _dotted(path), message, f"did you mean '{near[0]}'?" if near else "add them")


def _problem(path: KeyPath, details: list[Any], document: Document) -> Problem:
    kind = details[0]["type"]
    place = str(document.place_of(path))
    if kind == "missing":
        return Problem(place, _dotted(path), "is required and missing", "add it")
    if kind == "extra_forbidden":
        return Problem(place, _dotted(path), "unknown key", _key_remedy(path))
    messages = list(dict.fromkeys(_sentence(detail) for detail in details))
    value = _shown(details[0]["input"])
    return Problem(place, _dotted(path), f"is {value}: {' or '.join(messages)}", _value_remedy(path, details))


def _sentence(detail: Any) -> str:
    message: str = detail["msg"]
    if detail["type"] in ("model_type", "dict_type"):
        return "should be a mapping of keys to values"
    for start, ours in (("Input should ", "should "), ("String should ", "should "), ("Value error, ", "")):
        if message.startswith(start):
            return ours + message[len(start) :]
    return message[:1].lower() + message[1:]


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return repr(value)[:60]


def _key_remedy(path: KeyPath) -> str:
    fields = fields_at(path[:-1])
    remedy = did_you_mean(path[-1], fields)
    stem = str(path[-1]).rpartition("_")[0]
    same_quantity = [field for field in fields if stem and field.rpartition("_")[0] == stem]
    return f"did you mean '{same_quantity[0]}'? Units are part of the key" if same_quantity else remedy


def _value_remedy(path: KeyPath, details: list[Any]) -> str:
    value = details[0]["input"]
    for detail in details:
        expected = detail.get("ctx", {}).get("expected", "")
        if detail["type"] == "literal_error" and isinstance(value, str):
            near = difflib.get_close_matches(value, [word.strip(" '") for word in expected.replace(" or ", ",").split(",")], n=1)
            if near:
                return f"did you mean '{near[0]}'?"
    if any(detail["type"] in _NUMBER_TYPES for detail in details) and isinstance(value, str):
        return "write a plain number; the unit is in the key" if path and "_" in str(path[-1]) else "write a plain number"
    return _meaning(path)


def _meaning(path: KeyPath) -> str:
    """What the key stands for, from its description in the schema."""
    field = field_at(path)
    return f"it means: {field.description}" if field is not None and field.description else ""


def field_at(path: KeyPath) -> FieldInfo | None:
    """Field of the schema that stands at a path; None for an entry's name and for what is unknown."""
    model = _model_in(kind_at(path[:-1])) if path else None
    fields = model.model_fields.items() if model is not None else ()
    return next((field for name, field in fields if (field.alias or name) == str(path[-1])), None)


def _dotted(path: KeyPath) -> str:
    return ".".join(map(str, path))


def fields_at(path: KeyPath) -> list[str]:
    """Keys that a mapping at this path may have; empty where any name goes."""
    model = _model_in(kind_at(path))
    if model is None:
        return []
    names = [field.alias or name for name, field in model.model_fields.items()]
    return [*names, "extends"] if model is Scenario else names


def kind_at(path: KeyPath) -> Any:
    """Type of the value at a path of a scenario; None where no key goes."""
    kind: Any = Scenario
    for step in path:
        kind = _step(kind, step)
    return kind


def _step(kind: Any, step: str | int) -> Any:
    model = _model_in(kind)
    if model is not None:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        return fields[str(step)].annotation if str(step) in fields else None
    kind = _without_none(kind)
    arguments = typing.get_args(kind)
    return arguments[1] if typing.get_origin(kind) is dict else arguments[0] if arguments else None


def _without_none(kind: Any) -> Any:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return next((arm for arm in typing.get_args(kind) if arm is not type(None)), None)
    if typing.get_origin(kind) is typing.Annotated:
        return _without_none(typing.get_args(kind)[0])
    return kind


def _model_in(kind: Any) -> type[BaseModel] | None:
    kind = _without_none(kind)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
