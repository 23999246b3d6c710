"""The results folder: ``results/<scenario>/<run_id>/``. Written to a temporary name and renamed; never pickled."""

from __future__ import annotations

import json
import os
import uuid
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from twin.base.errors import MissingResultError
from twin.measure.control import ControlMeasures
from twin.measure.measures import Measures

MANIFEST, FAILURES = "manifest.json", "failures.json"
#: Tables of a complete run.
TABLES = ("kpis", "budget", "histograms", "timeseries", "resources", "bottlenecks", "parks", "assumptions", "sites", "cells",
          "elements")
REPLICATIONS = "replications"
_CONTROL = "control."


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Call `write` with a temporary path beside `path`, then rename: a reader sees the old file or the new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove temporary files (``.<name>.<process>.<random>``) that processes left which are no more."""
    for path in [*folder.glob(".*.*"), *(folder / REPLICATIONS).glob(".*.*")]:
        owner = next((part for part in reversed(path.name.split(".")) if part.isdecimal()), "")
        if owner and path.is_file() and not _runs(int(owner)):
            path.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    """Whether a process of that number is there."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def write_json(path: Path, value: Any) -> None:
    """Write plain JSON; not-a-number becomes null."""
    text = json.dumps(plain(value), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    write_whole(path, lambda p: _write_text(p, text))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def plain(value: Any) -> Any:
    """Nested value as JSON types."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def write_table(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Write ``<name>.parquet``."""
    write_whole(folder / f"{name}.parquet", lambda p: frame.to_parquet(p, index=False))


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """Read ``<name>.parquet``.

    Raises:
        MissingResultError: the run has no such table (it failed or was interrupted before its tables were written), or the
            file is damaged.
    """
    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise MissingResultError(f"{path}: not there; the run is not finished, start it again to complete it")
    return read_parquet(path)


def read_parquet(path: Path) -> pd.DataFrame:
    """A table from its file.

    Raises:
        MissingResultError: the file is damaged.
    """
    try:
        return pd.read_parquet(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise MissingResultError(f"{path}: damaged ({str(error).splitlines()[0]}); run its scenario again to make the tables "
                                 "anew, with --fresh to simulate anew") from error


def damaged_tables(folder: Path) -> list[str]:
    """Names of the tables of a run that are missing or cannot be read from end to end."""
    found = []
    for name in TABLES:
        try:
            read_table(folder, name)
        except MissingResultError:
            found.append(name)
    return found


def require_tables(folder: Path) -> Path:
    """The folder, if its run has tables to read.

    Raises:
        MissingResultError: it holds no run, or one that ended before its tables were written.
    """
    status = read_manifest(folder).get("status")
    if not (folder / "kpis.parquet").is_file():
        raise MissingResultError(f"{folder}: the run is {status} and has no tables; run its scenario again to complete it")
    return folder


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a run.

    Raises:
        MissingResultError: the folder holds no run, or its manifest cannot be read.
    """
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MissingResultError(f"{folder}: holds no run; give a folder results/<scenario>/<run_id>") from error
    except ValueError as error:
        raise MissingResultError(f"{path}: not valid JSON ({error}); run the scenario again with --fresh") from error
    if not isinstance(found, dict):
        raise MissingResultError(f"{path}: not a manifest; run the scenario again with --fresh")
    return found


def replication_path(folder: Path, replication: int) -> Path:
    """Where a replication's measures are kept."""
    return folder / REPLICATIONS / f"{replication:04d}.npz"


def save_measures(path: Path, measures: Measures) -> None:
    """Store measures as arrays, those of the control plane under ``control.<name>``; the scalars travel as one JSON text."""
    arrays: dict[str, np.ndarray] = {}
    scalars: dict[str, Any] = {}
    for item in fields(measures):
        value = getattr(measures, item.name)
        if isinstance(value, ControlMeasures):
            arrays |= {f"{_CONTROL}{part.name}": getattr(value, part.name) for part in fields(value)}
        else:
            (arrays if isinstance(value, np.ndarray) else scalars)[item.name] = value
    text = np.frombuffer(json.dumps(plain(scalars)).encode(), dtype=np.uint8)

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez_compressed(file, **{"__scalars__": text, **arrays})  # type: ignore[arg-type]  # numpy's stub takes them for its flag

    write_whole(path, write)


def load_measures(path: Path) -> Measures | None:
    """Measures of a replication; None when there are none that can be read, so that it is simulated again."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            scalars = json.loads(stored["__scalars__"].tobytes().decode())
            arrays = {name: stored[name] for name in stored.files if name != "__scalars__"}
        control = {name.removeprefix(_CONTROL): arrays.pop(name) for name in [*arrays] if name.startswith(_CONTROL)}
        scalars["control"] = ControlMeasures(**control) if control else None
        return Measures(**scalars, **arrays)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def find_run(text: str, results: Path) -> Path:
    """Folder of a run named by its folder, by its run id, or by its scenario (the newest complete run of it).

    Raises:
        MissingResultError: nothing matches.
    """
    if (Path(text) / MANIFEST).is_file():
        return Path(text)
    by_id = sorted(results.glob(f"*/{text}/{MANIFEST}")) if text and not set(text) & set("/*?[") else []
    if len(by_id) == 1:
        return by_id[0].parent
    of_scenario = [p.parent for p in (results / text).glob(f"*/{MANIFEST}")]
    done = [folder for folder in of_scenario if read_manifest(folder).get("status") == "complete"]
    if done:
        return max(done, key=lambda folder: str(read_manifest(folder).get("finished_at", "")))
    raise MissingResultError(f"{text}: no run of that folder, id or scenario under {results}/; start one with `twin run`")
