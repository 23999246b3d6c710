"""What a result was made with: code, versions, platform; and the name of a run that follows from it."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_CODE = {".py", ".yaml", ".csv", ".json"}
#: Rooms that only present results: a new wording of the report must not throw simulations away.
_PRESENTATION = ("report", "cli.py", "exits.py", "printing.py", "starter.py")
_LIBRARIES = ("numpy", "numba", "pandas", "pyarrow", "networkx", "simpy", "scipy", "pydantic")


@cache
def code_version() -> str:
    """SHA-256 (12 hex digits) of the package's source and data files, by path and content.

    The git commit is recorded beside it but is no part of it: a commit that changes a text elsewhere changes no result.
    """
    digest = hashlib.sha256()
    for path in sorted(p for p in _PACKAGE.rglob("*") if p.suffix in _CODE and "__pycache__" not in p.parts):
        place = path.relative_to(_PACKAGE)
        if place.parts[0] not in _PRESENTATION:
            digest.update(place.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def run_id(scenario_sha256: str, seed: int, engine: str) -> str:
    """Name of a run (12 hex digits): the resolved scenario (replications included), the code, the seed, the engine."""
    text = f"{scenario_sha256} {code_version()} {seed} {engine}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@cache
def git_commit() -> str | None:
    """Commit of the source tree, with ``+changes`` when files differ from it; None outside a repository."""
    try:
        head = _git("rev-parse", "HEAD")
        return head + ("+changes" if _git("status", "--porcelain", "--", str(_PACKAGE)) else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(_PACKAGE), *words], capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()


def versions() -> dict[str, str]:
    """Versions of the product, of Python and of the libraries that figures depend on."""
    found = {"twin_code": code_version(), "python": platform.python_version()}
    for name in ("parktwin", *_LIBRARIES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str | int | None]:
    """The kind of machine, without its name or paths."""
    return {"system": platform.system(), "release": platform.release(), "machine": platform.machine(), "cpus": os.cpu_count()}
