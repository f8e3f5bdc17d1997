"""Makes `method_task`, the task that the methods' tests share, importable, and hands it out."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from method_task import small_task

from frontier.training.task import Task


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return small_task(tmp_path)
