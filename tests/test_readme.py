"""The README cannot lie: its Python runs, its commands exist, and its picture is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from frontier import registry

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert "trials=40" in code
    script = tmp_path / "readme.py"
    script.write_text(code.replace("trials=40", "trials=2"))
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_the_commands_of_the_readme_are_the_verbs() -> None:
    named = set(re.findall(r"(?:^    |; )frontier (\w+)", README, flags=re.MULTILINE))
    assert named == set(registry.names("verb"))
