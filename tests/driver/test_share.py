"""A worker takes the threads and the share of a GPU that its trial was given, whatever its environment says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import search_fakes as fakes
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from frontier.driver.backends import _share
from frontier.driver.drive import drive
from frontier.driver.study import Search
from frontier.driver.work import Work
from frontier.errors import BlockedError
from frontier.results.record import TrialRecord
from frontier.results.spec import TrialSpec


def work(home: Path, threads: int = 1, **options: object) -> Work:
    return Work(fakes.FakeRuntime(home, threads=threads), **options)  # type: ignore[arg-type]


def looking(spec: TrialSpec, folder: Path, runtime: fakes.FakeRuntime, *, trial: int | None = None) -> TrialRecord:
    """A trial that writes down what its worker may use: the variables, and the threads of the pools that are loaded."""
    pools = [str(pool["num_threads"]) for pool in threadpool_info()]
    (runtime.home / "seen.txt").write_text(" ".join([*(os.environ.get(name, "-") for name in _share.THREADS), *pools]))
    return fakes.fast(spec, folder, runtime, trial=trial)


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _share.THREADS:
        monkeypatch.setenv(name, "7")


@pytest.mark.usefixtures("restored")
def test_loaded_pools_and_the_variables_of_later_ones_are_limited(tmp_path: Path) -> None:
    with threadpool_limits():  # puts back what it finds
        _share.take_share(work(tmp_path, threads=1))
        assert {pool["num_threads"] for pool in threadpool_info()} <= {1}
    assert {os.environ[name] for name in _share.THREADS} == {"1"}


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize(("gpu", "limits"), [(0.0, []), (0.25, [0.25]), (1.0, []), (2.0, [])])
def test_a_divided_gpu_is_divided_in_memory_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpu: float, limits: list[float]
) -> None:
    asked: list[float] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", asked.append)
    with threadpool_limits():
        _share.take_share(work(tmp_path, gpu=gpu))
    assert asked == limits


@pytest.mark.parametrize(
    ("gpu_gib", "gpus_gib", "gpu"),
    [(None, [], 0.0), (20.0, [80.0], 0.25), (20.0, [80.0, 47.5], 0.5), (47.5, [47.5], 1.0), (11.0, [80.0], 0.1428)],
)
def test_trials_are_packed_by_the_memory_of_the_smallest_gpu(
    tmp_path: Path, gpu_gib: float | None, gpus_gib: list[float], gpu: float
) -> None:
    assert _share.packed(work(tmp_path, gpu_gib=gpu_gib), gpus_gib).gpu == gpu


@pytest.mark.parametrize(("gpus_gib", "says"), [([], "there is no GPU"), ([80.0, 16.0], "the smallest GPU has 16")])
def test_memory_that_a_gpu_lacks_is_said(tmp_path: Path, gpus_gib: list[float], says: str) -> None:
    with pytest.raises(BlockedError, match=rf"20 GiB of a GPU's memory, and {says}"):
        _share.packed(work(tmp_path, gpu_gib=20.0), gpus_gib)


@pytest.mark.slow
def test_a_ray_worker_has_the_threads_of_its_trial(tmp_path: Path) -> None:
    study = fakes.study(tmp_path)
    with Search(study, fakes.space(), trials=1) as running:
        drive(running, "ray", work(tmp_path, threads=1, cpu=1.0, evaluate=looking))
    assert set((tmp_path / "seen.txt").read_text().split()) == {"1"}
