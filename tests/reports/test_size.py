"""A report of two hundred points stays a file that can be sent."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from frontier.api.report import write_page
from frontier.api.study import StudyView

ROOT = Path(__file__).parents[2]


def test_all_figures_of_two_hundred_points_with_masks_stay_below_the_limit(tmp_path: Path) -> None:
    sys.path.insert(0, str(ROOT / "benchmarks" / "browse"))
    try:
        synthetic = importlib.import_module("synthetic")
    finally:
        sys.path.pop(0)
    synthetic.write_study(tmp_path, "long", 200, masked=True)
    page = write_page(StudyView(tmp_path, "long"), tmp_path / "long.html").read_text(encoding="utf-8")
    assert page.count("<figure>") >= 12
    assert len(page.encode()) < 2.5e6
