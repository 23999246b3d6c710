"""The libraries shipped with the product (`library/*.yaml`): one file a section of the scenario."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from twin.scenario.document import Document, merged
from twin.scenario.schema import LIBRARIES
from twin.scenario.yamlfile import read_document

FOLDER = Path(__file__).parent / "library"


@cache
def library(section: str) -> Document:
    """Entries of one section, by name. Do not change what it returns."""
    return read_document(FOLDER / f"{section}.yaml", f"library/{section}.yaml")


def entry_names(section: str) -> tuple[str, ...]:
    """Names of the entries a section's library holds; none for a section without a library."""
    return tuple(library(section).data) if section in LIBRARIES else ()


def with_libraries(user: Document) -> Document:
    """The user's document over the libraries.

    null removes a library entry, and a section that was inherited. Of the parks only those named are kept; a park with nothing
    below its name is taken as the library has it.
    """
    user = _without_null_sections(user)
    named = _names_in(user, "parks")
    document = user
    for section in LIBRARIES:
        document = _under_library(document, section)
    return _only_parks(document, named) if named else document


def _without_null_sections(document: Document) -> Document:
    for section in [key for key, value in document.data.items() if value is None]:
        document = document.without((section,))
    for park in [key for key, value in _entries(document, "parks").items() if value is None]:
        data = {**document.data, "parks": {**document.data["parks"], park: {}}}
        document = Document(data, document.places)
    return document


def _entries(document: Document, section: str) -> dict[str, Any]:
    value = document.data.get(section)
    return value if isinstance(value, dict) else {}


def _names_in(document: Document, section: str) -> tuple[str, ...]:
    return tuple(_entries(document, section))


def _under_library(document: Document, section: str) -> Document:
    if not isinstance(document.data.get(section, {}), dict):
        return document  # a problem that validation reports
    result = merged(library(section).under(section), document)
    for name in [name for name, value in result.data[section].items() if value is None]:
        result = result.without((section, name))
    return result


def _only_parks(document: Document, named: tuple[str, ...]) -> Document:
    for park in [name for name in _entries(document, "parks") if name not in named]:
        document = document.without(("parks", park))
    return document
