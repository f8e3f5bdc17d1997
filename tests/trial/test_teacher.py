"""The teacher: trained once, however many ask at once, and gone on with after a crash."""

import multiprocessing
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from frontier.errors import Cancelled
from frontier.results.spec import TrialSpec
from frontier.training.batches import Images
from frontier.training.context import Context
from frontier.trial.source import Source
from frontier.trial.teacher import School


def ask(spec_json: str, home: Path, name: str) -> list[float]:
    torch.set_num_threads(1)
    spec = TrialSpec.model_validate_json(spec_json)
    source, device = Source("digits", None), torch.device("cpu")
    train = Images.of(source.images("train", spec.data.train_images), device)
    school = School(spec, source.dataset(), train, home, Context(device=device, checkpoints=home / name))
    teacher = school.teacher()
    return [float(value) for value in next(teacher.body.parameters()).detach().flatten()]


def test_four_workers_that_ask_at_once_get_one_teacher(spec: TrialSpec, tmp_path: Path) -> None:
    text = spec.model_dump_json()
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        answers = pool.starmap(ask, [(text, tmp_path, f"worker{i}") for i in range(4)])
    assert all(answer == answers[0] for answer in answers)
    (folder,) = (tmp_path / "teachers").iterdir()
    epochs = [line for line in (folder / "log.txt").read_text().splitlines() if "teacher: epoch" in line]
    assert len(epochs) == spec.teacher.recipe.epochs
    assert {path.name for path in folder.iterdir()} >= {"weights.safetensors", "recipe.json", "log.txt"}
    assert not (folder / "checkpoints").exists()


def test_a_teacher_that_was_cut_off_goes_on_from_its_checkpoint(spec: TrialSpec, tmp_path: Path) -> None:
    source, device = Source("digits", None), torch.device("cpu")
    train = Images.of(source.images("train", spec.data.train_images), device)

    def stop() -> None:
        raise Cancelled("stop")

    context = Context(device=device, checkpoints=tmp_path / "own", check=stop)
    with pytest.raises(Cancelled):
        School(spec, source.dataset(), train, tmp_path / "cut", context).teacher()
    assert not list(tmp_path.glob("cut/teachers/*/weights.safetensors"))
    go_on = replace(context, check=lambda: None)
    cut = School(spec, source.dataset(), train, tmp_path / "cut", go_on).teacher()
    whole = School(spec, source.dataset(), train, tmp_path / "whole", go_on).teacher()
    for left, right in zip(cut.parameters(), whole.parameters(), strict=True):
        assert torch.equal(left, right)


def test_a_teacher_that_cannot_be_read_is_set_aside_and_trained_again(spec: TrialSpec, tmp_path: Path) -> None:
    source, device = Source("digits", None), torch.device("cpu")
    train = Images.of(source.images("train", spec.data.train_images), device)
    lines: list[str] = []
    context = Context(device=device, checkpoints=tmp_path / "own", log=lines.append)
    first = School(spec, source.dataset(), train, tmp_path, context).teacher()
    (weights,) = tmp_path.glob("teachers/*/weights.safetensors")
    weights.write_bytes(weights.read_bytes()[:100])
    second = School(spec, source.dataset(), train, tmp_path, context).teacher()
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert any("cannot be read" in line for line in lines)
    assert weights.with_suffix(".torn").is_file()


def test_a_teacher_with_a_damaged_bit_is_trained_again(spec: TrialSpec, tmp_path: Path) -> None:
    source, device = Source("digits", None), torch.device("cpu")
    train = Images.of(source.images("train", spec.data.train_images), device)
    context = Context(device=device, checkpoints=tmp_path / "own")
    first = School(spec, source.dataset(), train, tmp_path, context).teacher()
    (weights,) = tmp_path.glob("teachers/*/weights.safetensors")
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    second = School(spec, source.dataset(), train, tmp_path, context).teacher()
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert weights.read_bytes() == content


# argv: spec, home. Trains the teacher and is killed when its first epoch is done.
KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from frontier.results.spec import TrialSpec
from frontier.training.batches import Images
from frontier.training.context import Context
from frontier.trial.source import Source
from frontier.trial.teacher import School
torch.set_num_threads(1)
spec, home = TrialSpec.model_validate_json(sys.argv[1]), Path(sys.argv[2])
source, device = Source("digits", None), torch.device("cpu")
train = Images.of(source.images("train", spec.data.train_images), device)
calls = 0
def check():
    global calls
    calls += 1
    if calls == 1:
        os.kill(os.getpid(), signal.SIGKILL)
School(spec, source.dataset(), train, home, Context(device=device, checkpoints=home / "own", check=check)).teacher()
"""


def test_a_worker_that_dies_while_it_trains_is_followed_at_once(spec: TrialSpec, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, spec.model_dump_json(), str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    (lease,) = tmp_path.glob("teachers/*/.weights.lease-*")
    source, device = Source("digits", None), torch.device("cpu")
    train = Images.of(source.images("train", spec.data.train_images), device)
    lines: list[str] = []
    context = Context(device=device, checkpoints=tmp_path / "second", log=lines.append)
    School(spec, source.dataset(), train, tmp_path, context).teacher()
    assert any(line.endswith("is gone; taking over") for line in lines)
    assert not lease.exists()
    assert not list(tmp_path.glob("teachers/*/.*"))
