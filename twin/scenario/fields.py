"""Annotated field types of the scenario language: ranges that hold wherever a quantity appears.

Limits here are the *absurd* (a negative rate, a share above one). What is only outside a model's validity is a warning.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

DESCRIPTIVE = "(descriptive: no effect on the simulation)"
IDLE = "(no effect on the simulation yet)"


def descriptive(meaning: str) -> str:
    """Description of a field that tells people something and changes no result, by design."""
    return f"{meaning} {DESCRIPTIVE}"


def idle(meaning: str) -> str:
    """Description of a field that one may expect to change results; changing it gives a warning."""
    return f"{meaning} {IDLE}"


class Part(BaseModel):
    """Base of every model: frozen, unknown keys are errors, no silent conversion between types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, protected_namespaces=())


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
DottedKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_\-]+(\.[A-Za-z0-9_\-]+){1,7}$")]

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, le=1e12)]
NotNegative = Annotated[float, Field(ge=0, le=1e12)]
Count = Annotated[int, Field(ge=0, le=100_000_000)]
CountAboveZero = Annotated[int, Field(ge=1, le=100_000_000)]
Bytes = Annotated[int, Field(ge=0, le=1_000_000_000)]
BytesAboveZero = Annotated[int, Field(ge=1, le=1_000_000_000)]
Milliseconds = Annotated[float, Field(ge=0, le=1e10)]
Microseconds = Annotated[float, Field(ge=0, le=1e9)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _as_date(value: object) -> object:
    """YAML gives a date; JSON and quoted YAML give its ISO text."""
    if isinstance(value, str):
        return dt.date.fromisoformat(value)
    return value


Date = Annotated[dt.date, BeforeValidator(_as_date)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_as_tuple)]
HoursOfDay = Annotated[tuple[Share, ...], BeforeValidator(_as_tuple), Field(min_length=24, max_length=24)]

#: H official or repeated, M one source, L old or weak, A assumption, FM from memory, unverified.
Confidence = Literal["H", "M", "L", "A", "FM"]


class Sourced(Part):
    """Base of every library entry: where its figures come from and how far to trust them."""

    source: Text = Field(description="Where the figures come from; an assumption says so.")
    confidence: Confidence = Field(
        description="H official or repeated, M one source, L old or weak, A assumption, FM from memory, unverified."
    )
    assumed: Names = Field(default=(), description="Keys of this entry that are assumptions whatever its confidence says.")
