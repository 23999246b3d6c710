"""Plain data together with the place each value was written at, and how documents override one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """Where a value was written. line 0: not a file (an override)."""

    file: str
    line: int = 0
    folder: Path = field(default_factory=Path)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Document:
    """A tree of dicts, lists and scalars; `places` maps the path of every node to where it was written."""

    data: dict[str, Any]
    places: dict[KeyPath, Place]

    def place_of(self, path: KeyPath) -> Place:
        """Place of a path, or of its nearest ancestor that was written."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return Place("scenario")

    def folder_of(self, path: KeyPath) -> Path:
        """Folder that relative file names at this path refer to."""
        return self.place_of(path).folder

    def under(self, key: str) -> Document:
        """The same document one level deeper, below `key`."""
        return Document({key: self.data}, {(key, *path): place for path, place in self.places.items()})

    def without(self, path: tuple[str, str] | tuple[str]) -> Document:
        """A copy without a section, or without an entry of a section."""
        data = dict(self.data)
        if len(path) == 1:
            del data[path[0]]
        else:
            data[path[0]] = {key: value for key, value in data[path[0]].items() if key != path[1]}
        return Document(data, {p: place for p, place in self.places.items() if p[: len(path)] != path})


def merged(base: Document, over: Document) -> Document:
    """`over` on top of `base`: mappings merge key by key, lists and scalars replace."""
    replaced: set[KeyPath] = set()
    data = _merge(base.data, over.data, (), replaced)
    kept = {path: place for path, place in base.places.items() if not _below(path, replaced)}
    return Document(data, {**kept, **over.places})


def _merge(base: dict[str, Any], over: Mapping[str, Any], path: KeyPath, replaced: set[KeyPath]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        here = (*path, key)
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = _merge(result[key], value, here, replaced)
        else:
            result[key] = value
            replaced.add(here)
    return result


def _below(path: KeyPath, replaced: set[KeyPath]) -> bool:
    return any(path[:end] in replaced for end in range(1, len(path) + 1))


def from_overrides(overrides: Mapping[str, object], place: Place) -> Document:
    """A document of nested or dotted keys: `{"devices.density": "high"}` and `{"devices": {"density": "high"}}` are the same."""
    document = Document({}, {})
    for key, value in overrides.items():
        plain = _plain(value)
        for part in reversed(key.split(".")):
            plain = {part: plain}
        assert isinstance(plain, dict)
        document = merged(document, Document(plain, _places(plain, (), place)))
    return document


def _plain(value: object) -> object:
    """Dicts and lists only, keys as text; dotted keys stay as they are below the first level."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _places(value: object, path: KeyPath, place: Place) -> dict[KeyPath, Place]:
    """A place for every node but the inner mappings, which may have been written elsewhere."""
    if not isinstance(value, dict) or not value:
        return {path: place}
    result: dict[KeyPath, Place] = {}
    for key, item in value.items():
        result.update(_places(item, (*path, key), place))
    return result
