"""The rendered example in reports/gallery is what the code makes of the committed reference study."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "reports" / "gallery" / "cifar10_lab.html"


def test_the_example_is_rendered_by_this_very_code(tmp_path: Path) -> None:
    """In a process of its own, which knows no plug-ins."""
    home, made = str(ROOT / "results" / "reference"), tmp_path / "again.html"
    words = [sys.executable, "-m", "frontier", "report", "cifar10_lab", "--home", home, "--out", str(made)]
    without = {name: value for name, value in os.environ.items() if name != "FRONTIER_PLUGINS"}
    subprocess.run(words, cwd=tmp_path, env=without, check=True, capture_output=True)
    same = made.read_bytes() == EXAMPLE.read_bytes()
    assert same, "stale: frontier report cifar10_lab --home results/reference --out reports/gallery/cifar10_lab.html"
