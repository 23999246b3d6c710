"""Compiling the control plane's kernel in a second process, beside the other kernels: numba compiles one at a time, and the first
run after an installation waits for it.

Run as a module it reads types from standard input, compiles, and leaves the code in the cache, where the first process finds it.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np

from twin.base.jit import cache_folder
from twin.signalling.kernels import run_control


def described(value: Any) -> list[Any]:
    """What a kernel's type of a value depends on, in JSON types: tables by type and dimensions, tuples by their members."""
    if isinstance(value, np.ndarray):
        return ["table", value.dtype.str, value.ndim]
    if isinstance(value, tuple):
        return ["tuple", type(value).__module__, type(value).__name__, [described(item) for item in value]]
    return ["number", np.asarray(value).dtype.str]


def example(what: list[Any]) -> Any:
    """Some value of the described type."""
    if what[0] == "table":
        return np.zeros((1,) * what[2], np.dtype(what[1]))
    if what[0] == "tuple":
        return getattr(importlib.import_module(what[1]), what[2])(*(example(item) for item in what[3]))
    return np.dtype(what[1]).type(0)


def is_compiled() -> bool:
    """Whether the cache holds the kernel (or there is nothing to compile)."""
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]  # made at run time by numba
        return True
    folder = Path(str(numba.config.CACHE_DIR or cache_folder()))  # type: ignore[attr-defined]
    return any(folder.glob("signalling_*/kernels.run_control-*.nbc"))


def begin(arguments: Sequence[Any]) -> subprocess.Popen[str]:
    """Start the process that compiles `run_control` for such arguments."""
    process = subprocess.Popen([sys.executable, "-m", "twin.engine.compile_apart"], stdin=subprocess.PIPE, text=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(json.dumps([described(argument) for argument in arguments]))
    process.stdin.close()
    return process


def compile_here(kernel: Any, arguments: Sequence[Any]) -> None:
    """Compile a kernel for such arguments, without running it."""
    kernel.compile(tuple(numba.typeof(argument) for argument in arguments))


if __name__ == "__main__":
    compile_here(run_control, [example(what) for what in json.load(sys.stdin)])
