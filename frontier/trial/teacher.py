"""The teacher: the all-ReLU network, trained once per recipe and shared by all trials of all studies.

HOME/teachers/HASH/weights.safetensors   written last: with it the teacher is finished
                  /recipe.json           what the hash was made of
                  /log.txt, checkpoints/ as in a trial
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import filelock
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from frontier.data._dataset import Dataset
from frontier.files import write_atomic
from frontier.frozen import canonical_json
from frontier.nn.network import Classifier, build
from frontier.results.spec import TrialSpec
from frontier.training.batches import Images
from frontier.training.context import Context
from frontier.training.fit import fit
from frontier.training.forward import forward_of, wants_compile
from frontier.training.losses import cross_entropy
from frontier.training.whiten import whiten
from frontier.trial.workspace import Workspace

WEIGHTS = "weights.safetensors"
POLL_S = 0.2


def fresh(spec: TrialSpec, data: Dataset, seed: int) -> Classifier:
    """An untrained network with plain ReLUs; its initial weights depend on the seed alone."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = spec.network
        body = build(network.name, data.image, data.classes, sites=network.sites, options=network.options)
    return Classifier(body, data.mean, data.std)


def is_trained(spec: TrialSpec, home: Path) -> bool:
    """Whether the teacher of this spec lies finished under `home`."""
    return (home / "teachers" / spec.teacher_hash / WEIGHTS).is_file()


def obtain(spec: TrialSpec, data: Dataset, train: Images, home: Path, context: Context) -> Classifier:
    """The finished teacher in eval mode on the device. If several ask at once, one trains and the others wait."""
    folder = home / "teachers" / spec.teacher_hash
    folder.mkdir(parents=True, exist_ok=True)
    teacher = fresh(spec, data, spec.teacher.seed).to(context.device)
    lock = filelock.FileLock(folder / "lock", timeout=0)
    waiting = False
    while (state := _finished(folder, context)) is None:
        try:
            with lock:
                if _finished(folder, context) is None:
                    _train(spec, teacher, train, folder, context)
        except filelock.Timeout:
            if not waiting:
                context.log(f"teacher {folder.name}: another trial trains it; waiting")
                waiting = True
            context.check()
            time.sleep(POLL_S)
    teacher.load_state_dict(state)
    return teacher.eval()


def _finished(folder: Path, context: Context) -> dict[str, Tensor] | None:
    """The finished teacher's tensors; None where there are none, or none that can be read: those are set aside."""
    path = folder / WEIGHTS
    try:
        return load_file(path, device=str(context.device))
    except FileNotFoundError:
        return None
    except SafetensorError as error:
        context.log(f"teacher {folder.name}: {path} cannot be read ({error}) and is trained again")
        with contextlib.suppress(FileNotFoundError):
            path.replace(path.with_suffix(".torn"))
        return None


def _train(spec: TrialSpec, teacher: Classifier, train: Images, folder: Path, context: Context) -> None:
    context.log(f"teacher {folder.name}: training")
    recipe, device = spec.teacher.recipe, context.device
    workspace = Workspace(folder)
    own = Context(device=device, checkpoints=folder / "checkpoints", log=workspace.log, check=context.check)
    write_atomic(
        folder / "recipe.json",
        canonical_json({p: getattr(spec, p).model_dump(mode="json") for p in ("data", "network", "teacher")}) + "\n",
    )
    whiten(teacher, train)
    forward = forward_of(teacher, recipe, device, compiled=wants_compile(recipe, device, own.log))

    def loss(pixels: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(forward(pixels), labels, recipe.label_smoothing)

    fit(own, "teacher", teacher, train, recipe, loss, seed=spec.teacher.seed)
    state = {name: value.cpu().contiguous() for name, value in teacher.state_dict().items()}
    write_atomic(folder / WEIGHTS, save(state))
    workspace.finish()
