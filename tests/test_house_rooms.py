"""What the import contracts cannot say: a kernel imports arrays, the compiler, base and kernels of its room."""

import ast
from pathlib import Path

import pytest

TWIN = Path(__file__).parent.parent / "twin"
ALLOWED = {"__future__", "typing", "math", "numpy", "numba"}
KERNELS = sorted(TWIN.rglob("*kernels.py"))


def imported(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {name for node in nodes for name in (
        [node.module or ""] if isinstance(node, ast.ImportFrom) else
        [alias.name for alias in node.names] if isinstance(node, ast.Import) else [])}


@pytest.mark.parametrize("path", KERNELS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_kernels_import_arrays_only(path):
    own = f"twin.{path.parent.name}."
    others = {name for name in imported(path) if name.split(".")[0] not in ALLOWED and not name.startswith("twin.base")
              and not (name.startswith(own) and name.endswith("kernels"))}
    assert not others, f"{path.relative_to(TWIN.parent)} imports {', '.join(sorted(others))}"


def test_every_room_has_an_import_contract():
    contracts = (TWIN.parent / "pyproject.toml").read_text(encoding="utf-8").split("[tool.importlinter]")[1]
    rooms = [p.parent.name for p in TWIN.glob("*/__init__.py")]
    missing = [room for room in rooms if f'source_modules = ["twin.{room}' not in contracts and f'"twin.{room}"' not in contracts]
    assert not missing
