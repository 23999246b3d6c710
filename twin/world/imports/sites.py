"""The operator's own table of sites, one row a cell (or one a station, whose sectors are then generated)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twin.base.errors import Problem, WorldError
from twin.world.imports.columns import DATE, INTEGER, NUMBER, TEXT, Column, did_you_mean, parse
from twin.world.imports.files import read_table
from twin.world.imports.geo import Locator

STATUSES = ("planned", "permitted", "built", "on_air", "off")
POSITION = (
    Column("lat", NUMBER, low=-90, high=90, description="Latitude, degrees, WGS84."),
    Column("lon", NUMBER, low=-180, high=180, description="Longitude, degrees, WGS84."),
    Column("easting_m", NUMBER, low=-1e7, high=1e8, description="East coordinate of the projection in `epsg`, m."),
    Column("northing_m", NUMBER, low=-1e7, high=1e8, description="North coordinate of the projection in `epsg`, m."),
    Column("epsg", INTEGER, low=1024, high=32767,
           description="Projection of easting and northing: 9209 VN-2000 / TM-3 105-30 (Hưng Yên), 3405 VN-2000 / UTM 48N."),
)
COLUMNS = (
    Column("site", TEXT, required=True, description="Name of the site; rows of one site and operator are its cells."),
    Column("operator", TEXT, required=True, description="Operator identifier, as in the scenario."),
    Column("park", TEXT, required=True, description="Park the site serves."),
    *POSITION,
    Column("owner", TEXT, description="Operator that owns the mast; empty: the first operator named at the site."),
    Column("kind", TEXT, choices=("macro", "rooftop", "lamp_post", "small_cell"), description="Kind of site; empty: macro."),
    Column("height_m", NUMBER, low=1, high=300, description="Antenna height above ground, m; empty: of the radio profile."),
    Column("cell", INTEGER, low=1, high=99, description="Number of the cell; empty: in the order of the rows."),
    Column("azimuth_deg", NUMBER, low=0, high=360,
           description="Boresight from north, clockwise, degrees; empty in all rows of a station: sectors are spread evenly."),
    Column("tilt_deg", NUMBER, low=-10, high=45, description="Downtilt, degrees; empty: 6."),
    Column("power_dbm", NUMBER, low=-10, high=70, description="Power of the cell over the carrier, dBm; empty: of the profile."),
    Column("radio_profile", TEXT, description="Entry of radio_profiles; empty: the operator's."),
    Column("band", TEXT, description="Band, for example n41; picks the profile of that band when no radio_profile is given."),
    Column("tdd_pattern", TEXT, description="Slots of a TDD period, of D, S, U; empty: of the profile."),
    Column("status", TEXT, choices=STATUSES, description="Only on_air cells carry traffic; empty: on_air."),
    Column("on_air_date", DATE, description="A cell with a date after the scenario's plan.date is not on air yet."),
)


@dataclass(frozen=True)
class CellRow:
    """One cell of the table; None where the file leaves a value to the radio profile. azimuth None: spread evenly."""

    site: str
    operator: str
    park: str
    owner: str
    kind: str
    x_m: float
    y_m: float
    height_m: float | None
    number: int | None
    azimuth_deg: float | None
    tilt_deg: float | None
    power_dbm: float | None
    radio_profile: str | None
    band: str | None
    tdd_pattern: str | None
    status: str
    place: str


def _known(row: dict, key: str, known: Sequence[str], problems: list[Problem]) -> None:
    value = row[key]
    if value is not None and value not in known:
        problems.append(Problem(row["place"], key, f"{value!r} is not in the scenario{did_you_mean(value, list(known))}",
                                f"one of {', '.join(known)}"))


def read_sites(path: Path, operators: Sequence[str], parks: Sequence[str], profiles: Sequence[str],
               day: dt.date) -> tuple[CellRow, ...]:
    """Cells of the table, with status `planned` for those on air only after `day`.

    Raises:
        WorldError: the file is broken; every problem is listed with file, row, column and remedy.
    """
    table, problems = read_table(path), []  # type: ignore[var-annotated]
    locator = Locator(table.epsg)
    out = []
    for row in parse(table, COLUMNS, problems):
        _known(row, "operator", operators, problems)
        _known(row, "owner", operators, problems)
        _known(row, "park", parks, problems)
        _known(row, "radio_profile", profiles, problems)
        if row["tdd_pattern"] is not None and (set(row["tdd_pattern"]) - set("DSU") or not {"D", "U"} <= set(row["tdd_pattern"])):
            problems.append(Problem(row["place"], "tdd_pattern", f"{row['tdd_pattern']!r} is not a TDD pattern",
                                    "letters D, S, U with at least one D and one U, for example DDDSU"))
        position = locator.locate(row, problems)
        if position is None:
            continue
        late = row["on_air_date"] is not None and row["on_air_date"] > day
        out.append(CellRow(
            site=row["site"], operator=row["operator"], park=row["park"], owner=row["owner"] or "", kind=row["kind"] or "macro",
            x_m=position[0], y_m=position[1], height_m=row["height_m"], number=row["cell"], azimuth_deg=row["azimuth_deg"],
            tilt_deg=row["tilt_deg"], power_dbm=row["power_dbm"], radio_profile=row["radio_profile"], band=row["band"],
            tdd_pattern=row["tdd_pattern"], status="planned" if late else row["status"] or "on_air", place=row["place"]))
    _check_cells(out, problems)
    if problems:
        raise WorldError(problems)
    return tuple(out)


def _check_cells(rows: list[CellRow], problems: list[Problem]) -> None:
    seen: dict[tuple[str, str, int], str] = {}
    for row in rows:
        if row.number is None:
            continue
        key = (row.site, row.operator, row.number)
        if key in seen:
            problems.append(Problem(row.place, "cell", f"cell {row.number} of {row.operator} at {row.site} stands twice "
                                    f"(first in {seen[key]})", "number the cells of a station 1, 2, 3 …"))
        seen[key] = row.place
