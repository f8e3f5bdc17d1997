"""What travels to a cluster with a job: code, spaces and published figures; no results, data and environments."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ray._private.runtime_env.packaging import create_package

from frontier.driver.jobs import STAYS

TRAVELS = [
    "frontier/data/digits.py",
    "frontier/results/store.py",
    "mine/space.yaml",
    "results/published/cifar10.json",
    "search_spaces/digits.yaml",
]
STAYS_HERE = [
    ".env",
    ".git/config",
    ".mypy_cache/x.json",
    ".venv-spu/bin/python",
    ".venv/bin/python",
    "data/cifar-10-batches-py/data_batch_1",
    "docker/secrets/ray_token",
    "frontier/__pycache__/errors.pyc",
    "reports/rendered/digits.html",
    "results/studies/digits/trials/0/record.json",
    "results/teachers/1/weights.safetensors",
]


def test_code_travels_and_results_data_environments_and_secrets_stay(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in TRAVELS + STAYS_HERE:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("x")
    packed = tmp_path / "packed.zip"
    create_package(str(tree), packed, include_gitignore=True, excludes=list(STAYS))
    with zipfile.ZipFile(packed) as archive:
        assert sorted(name for name in archive.namelist() if not name.endswith("/")) == TRAVELS
