"""docs/scenario.md: every example loads, every key is there, every shipped scenario is named."""

import re
import shutil
from pathlib import Path

import pytest

from twin.scenario import load
from twin.scenario.json_schema import schema_text
from twin.world.build import build_world

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "scenario.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", TEXT, flags=re.M | re.S)
#: Every `--set key=value` at the head of a shipped scenario, alone, and all of a line (of a command) together.
HEADS = [(path.name, line) for path in sorted((ROOT / "scenarios").glob("*.yaml"))
         for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#") and "--set " in line]
HEADER = "schema: 1\nname: example\nquestion: Does the example load?\n"


def written(folder: Path, example: str) -> Path:
    """The example as a file among the shipped scenarios, with a header if it is a part, and the files it names."""
    for path in (ROOT / "scenarios").glob("*.yaml"):
        shutil.copy(path, folder)
    for name in re.findall(r": (\S+\.(?:csv|xlsx))\b", example):
        (folder / name).touch()
    whole = re.search(r"^(schema|extends):", example, flags=re.M)
    target = folder / "example.yaml"
    target.write_text(example if whole else HEADER + example, encoding="utf-8")
    return target


def test_there_are_examples():
    assert len(EXAMPLES) >= 6


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split(":", 1)[0].splitlines()[-1])
def test_example_loads_without_warnings(tmp_path, example):
    scenario = load(written(tmp_path, example))
    assert scenario.warnings == ()
    if scenario.tables.sites is None:
        tested = scenario.random_access_test or scenario.core_test
        assert len(build_world(scenario.with_(devices={"density": 1})).devices) or tested


@pytest.mark.parametrize(("name", "line"), HEADS)
def test_what_the_head_of_a_scenario_sets_can_be_set(name, line):
    settings = [value.rstrip(".,;:)") for value in re.findall(r"--set (\S+)", line)]
    command = re.search(r"twin run (\S+)", line)
    assert settings and (command is None or command[1] == f"scenarios/{name}")
    for overrides in ([one] for one in settings) if command is None else (settings,):
        load(ROOT / "scenarios" / name, overrides)


def test_the_heads_set_something():
    assert len(HEADS) >= 8


def test_every_key_is_documented():
    keys = set(re.findall(r'^\s*"([a-z][a-z0-9_]*)": \{', schema_text(), flags=re.M))
    keys -= {"properties", "items", "additionalProperties", "propertyNames"}
    missing = {key for key in keys if not re.search(rf"(?<![\w-]){key}(?![\w-])", TEXT)}
    assert not missing


def test_every_shipped_scenario_is_named():
    assert all(f"`{path.name}`" in TEXT for path in (ROOT / "scenarios").glob("*.yaml"))
