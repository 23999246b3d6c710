"""How kernels are compiled: one place for the flags and for where compiled code is kept.

Kernels are handed arrays that outlive the call, so reference counting inside them (`_nrt`) is switched off: counting every
view of a row doubled the time of a run. A kernel may therefore not allocate arrays. Division by zero follows numpy
(`error_model`), which spares a branch a division; divisors are checked when a world is built. No fastmath: two engines
must agree to the last bit.

Numba's cache looks at the file of a function only, not at the constants and functions it takes from other files. Compiled
code is therefore kept in a folder named by a hash of all sources that kernels are made of: a change never meets stale code.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import numba
from numba import njit

_PACKAGE = Path(__file__).resolve().parent.parent


def _sources() -> list[Path]:
    return sorted([*_PACKAGE.glob("base/*.py"), *_PACKAGE.glob("*/kernels.py"), *_PACKAGE.glob("*/*_kernels.py"),
                   *_PACKAGE.glob("world/*.py"), *_PACKAGE.glob("engine/offsets.py")])  # fmt: skip


def cache_folder() -> Path:
    """Where compiled code of this state of the sources is kept: beside the package, or in the user's cache."""
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(path.read_bytes())
    home = _PACKAGE / "__pycache__"
    if not os.access(_PACKAGE, os.W_OK):
        home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "parktwin"
    return home / f"kernels-{digest.hexdigest()[:16]}"


def drop_old_caches(current: Path, kept: int = 3) -> None:
    """Keep the folders of the latest states of the sources only."""
    if current.exists():
        return
    older = sorted(current.parent.glob("kernels-*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in older[kept:]:
        shutil.rmtree(folder, ignore_errors=True)


if "NUMBA_CACHE_DIR" not in os.environ:
    drop_old_caches(cache_folder())
    numba.config.CACHE_DIR = str(cache_folder())  # type: ignore[attr-defined]  # made at run time by numba

_FLAGS: dict[str, Any] = {"cache": True, "error_model": "numpy", "_nrt": False}
# Kernels' parts take a hundred arrays: the code that would unpack them from Python objects takes longer to compile than
# the parts themselves, and nobody calls them from Python.
_INSIDE: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

#: Decorator of a kernel: called from Python.
kernel = njit(**_FLAGS)
#: Decorator of a small function that is compiled into its callers and can be called from Python too.
inlined = njit(**_FLAGS, forceinline=True)
#: Decorator of a part of kernels, called by them only.
routine = njit(**_FLAGS, **_INSIDE)
#: Decorator of a small part of kernels, compiled into them.
part = njit(**_FLAGS, **_INSIDE, forceinline=True)
#: Decorator of compiled code outside the kernels that may allocate arrays.
compiled = njit(cache=True)
