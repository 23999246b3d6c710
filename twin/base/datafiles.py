"""Reader of the tables in `twin/base/data`: plain CSV with a unit and a source on every row."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

REQUIRED_COLUMNS = ("unit", "source")


@cache
def read_table(name: str) -> tuple[dict[str, str], ...]:
    """Rows of `twin/base/data/<name>.csv` as text, in file order. Read once; treat the rows as read-only.

    Raises:
        FileNotFoundError: there is no such table.
        ValueError: a row has too few or too many cells, or its unit or source is missing.
    """
    if not name.isidentifier():
        raise ValueError(f"table name {name!r}: give the file's bare name, without folder or extension")
    file = resources.files(__package__).joinpath("data", f"{name}.csv")
    if not file.is_file():
        raise FileNotFoundError(f"no table {name!r} in twin/base/data")
    with file.open("r", encoding="utf-8") as stream:
        reader = csv.DictReader(stream, strict=True)
        rows = tuple(reader)
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise ValueError(f"{name}.csv:{number}: expected {len(reader.fieldnames or ())} cells")
        for column in REQUIRED_COLUMNS:
            if not row.get(column, "").strip():
                raise ValueError(f"{name}.csv:{number}: the {column} is missing; each row states its own")
    return rows
