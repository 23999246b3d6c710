"""The Python interface used from a script file, where worker processes import the script again."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SHORT = """
import twin
scenario = twin.load("one-park.yaml").with_(simulation={"horizon_s": 0.4, "warmup_s": 0.1})
"""


def run_script(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "scenarios" / "one-park.yaml", folder)
    (folder / "script.py").write_text(text, encoding="utf-8")
    return subprocess.run([sys.executable, "script.py"], cwd=folder, capture_output=True, text=True, timeout=240)


def test_a_script_without_the_guard_is_told_so_and_does_not_hang(tmp_path):
    done = run_script(tmp_path, SHORT + "twin.run(scenario, replications=2, jobs=2)\n")
    assert done.returncode != 0 and "__main__" in done.stderr


def test_the_readme_example_runs_as_a_script(tmp_path):
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.S)
    quick = example.replace("scenarios/one-park.yaml", "one-park.yaml").replace(
        "# frozen", '\n    scenario = scenario.with_(simulation={"horizon_s": 0.4, "warmup_s": 0.1})')
    done = run_script(tmp_path, quick)
    assert done.returncode == 0, done.stderr
