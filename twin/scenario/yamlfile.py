"""Read YAML 1.2 into a `Document`, defensively: size, depth, aliases and duplicate keys are checked before any value is built."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from twin.base.errors import Problem, ScenarioError, ScenarioFileError
from twin.scenario.document import Document, KeyPath, Place

MAX_FILE_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 24
MAX_ALIASES = 1_000
MAX_NODES = 200_000  # after aliases are expanded

_TAG = "tag:yaml.org,2002:"
_SCALARS = {_TAG + kind for kind in ("null", "bool", "int", "float", "str", "timestamp")}

_COLLECTIONS = {_TAG + "map", _TAG + "seq"}


def read_document(path: Path, shown_as: str | None = None) -> Document:
    """Read one file.

    Args:
        path: the file.
        shown_as: how messages name it; the path itself if absent.

    Raises:
        ScenarioFileError: missing, not a plain file, too large, or not UTF-8 text.
        ScenarioError: not valid YAML, or beyond the limits; all problems at once where the syntax allows.
    """
    name = shown_as or str(path)
    return parse_document(_read_text(path, name), Place(name, 1, path.parent))


def _read_text(path: Path, name: str) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ScenarioFileError([Problem(name, "", "is not a file", "give the path of a YAML file")])
        if status.st_size > MAX_FILE_BYTES:
            message = f"is {status.st_size / 2**20:.1f} MiB; a scenario has at most {MAX_FILE_BYTES // 2**20} MiB"
            raise ScenarioFileError([Problem(name, "", message, "keep large tables in files of their own (see `tables`)")])
        return path.read_bytes().decode("utf-8-sig")
    except ScenarioFileError:
        raise
    except UnicodeDecodeError as error:
        raise ScenarioFileError([Problem(name, "", f"is not UTF-8 text ({error.reason})", "save it as UTF-8")]) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ScenarioFileError([Problem(name, "", f"cannot be read: {reason}", "check the path and its permissions")]) from error


def parse_document(text: str, place: Place) -> Document:
    """Parse YAML text whose top is a mapping. Raises ScenarioError."""
    builder = _Builder(place)
    data = builder.parse(text)
    if not builder.problems and not isinstance(data, dict):
        builder.problems.append(Problem(str(place), "", "holds no mapping of keys to values", "begin with `schema: 1`"))
    if builder.problems:
        raise ScenarioError(builder.problems)
    return Document(data, builder.places)


def parse_value(text: str, place: Place) -> Any:
    """Parse one YAML value, for example of an override. Raises ScenarioError."""
    builder = _Builder(place)
    value = builder.parse(text)
    if builder.problems:
        raise ScenarioError(builder.problems)
    return value


class _LimitedComposer(Composer):
    """A composer that stops at too deep nesting or too many aliases, before the graph of nodes is complete."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader=loader)
        self._depth = self._aliases = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        self._depth += 1
        self._aliases += isinstance(event, AliasEvent)
        if self._depth > MAX_DEPTH:
            raise ComposerError(None, None, f"nested deeper than {MAX_DEPTH} levels", event.start_mark)
        if self._aliases > MAX_ALIASES:
            raise ComposerError(None, None, f"more than {MAX_ALIASES} aliases", event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Builder:
    """Builds plain data from the node graph of one YAML text, noting where each value stands."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.places: dict[KeyPath, Place] = {}
        self.problems: list[Problem] = []
        self.nodes = 0
        self.yaml = YAML(typ="safe", pure=True)

    def parse(self, text: str) -> Any:
        composer = YAML(typ="safe", pure=True)
        composer.Composer = _LimitedComposer
        try:
            node = composer.compose(text)
        except MarkedYAMLError as error:
            self._syntax_problem(error)
            return None
        except (YAMLError, ValueError, RecursionError) as error:
            self.problems.append(Problem(self.place.file, "", f"is not valid YAML: {_first_line(error)}", "check the syntax"))
            return None
        return None if node is None else self._value(node, ())

    def _syntax_problem(self, error: MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        message = "is not valid YAML: " + (error.problem or error.context or "unknown error")
        self._problem(mark.line if mark else 0, (), message, "check indentation, quotes and colons near this line")

    def _problem(self, line: int, path: KeyPath, message: str, remedy: str = "") -> None:
        where = Place(self.place.file, line + 1 if self.place.line else 0)
        self.problems.append(Problem(str(where), ".".join(map(str, path)), message, remedy))

    def _value(self, node: Node, path: KeyPath) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES or len(path) > MAX_DEPTH:
            self._too_much(node)
            return None
        line = node.start_mark.line + 1 if self.place.line else 0
        self.places.setdefault(path, Place(self.place.file, line, self.place.folder))
        if not isinstance(node, ScalarNode) and str(node.tag) not in _COLLECTIONS:
            self._problem(node.start_mark.line, path, f"tag {node.tag} is not allowed", "write a plain mapping or list")
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path) if isinstance(node, ScalarNode) else None

    def _too_much(self, node: Node) -> None:
        if not any("expands" in problem.message for problem in self.problems):
            message = "expands to too many values (aliases of aliases, or an alias of itself)"
            self._problem(node.start_mark.line, (), message, "write the values out")

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if self.nodes > MAX_NODES:
                break
            key = self._key(key_node, path)
            if key is None:
                continue
            here = (*path, key)
            if key in result:
                first = self.places[here].line
                self._problem(key_node.start_mark.line, here, f"is given twice (first in line {first})", "keep one of them")
                continue
            self.places[here] = Place(self.place.file, key_node.start_mark.line + 1 if self.place.line else 0, self.place.folder)
            result[key] = self._value(value_node, here)
        return result

    def _key(self, node: Node, path: KeyPath) -> str | None:
        tag = str(node.tag)
        shown = repr(node.value)[:40] if isinstance(node, ScalarNode) else "that is a list or a mapping"
        if tag == _TAG + "merge":
            self._problem(node.start_mark.line, path, "merge keys (<<) are not YAML 1.2", "use `extends`, or write the keys out")
        elif not isinstance(node, ScalarNode) or tag != _TAG + "str":
            self._problem(node.start_mark.line, path, f"key {shown} is not text", "quote it")
        else:
            return str(node.value)
        return None

    def _scalar(self, node: ScalarNode, path: KeyPath) -> Any:
        if str(node.tag) not in _SCALARS:
            self._problem(node.start_mark.line, path, f"tag {node.tag} is not allowed", "write a plain value")
            return None
        try:
            return self.yaml.constructor.construct_object(node, deep=True)
        except (YAMLError, ValueError, OverflowError) as error:
            self._problem(node.start_mark.line, path, f"{str(node.value)[:40]!r} is not a valid value: {_first_line(error)}")
            return None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
