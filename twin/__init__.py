"""parktwin: a digital twin of the 5G networks of industrial parks.

    import twin
    scenario = twin.load("scenarios/plan-2026.yaml")
    run = twin.run(scenario, replications=5, jobs=2)
    print(run.summary)

Names are resolved on first use: importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.scenario import load
    from twin.study.compare import compare
    from twin.study.execute import run
    from twin.study.runset import RunSet

__version__ = "0.1.0"
__all__ = ["RunSet", "compare", "load", "run"]

_HOME = {
    "load": "twin.scenario",
    "run": "twin.study.execute",
    "compare": "twin.study.compare",
    "RunSet": "twin.study.runset",
}


def __getattr__(name: str) -> Any:
    """Import the home of a public name when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module 'twin' has no attribute {name!r}; public names: {', '.join(__all__)}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
