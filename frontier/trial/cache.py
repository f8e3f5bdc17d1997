"""What several trials share is trained once: tensors in a folder named by the hash of what they depend on.

HOME/teachers/HASH/weights.safetensors   written last: with it the work is finished
                  /recipe.json           what the hash was made of
                  /log.txt, checkpoints/ as in a trial
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import filelock
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from frontier.files import write_atomic
from frontier.frozen import canonical_json
from frontier.training.context import Context
from frontier.trial.workspace import Workspace

WEIGHTS = "weights.safetensors"
PASSES = "passes"  # in its metadata: network passes per training image that the training took
POLL_S = 0.2
Train = Callable[[Context], Mapping[str, Tensor]]


def obtain(folder: Path, name: str, recipe: Any, train: Train, context: Context) -> dict[str, Tensor]:
    """The tensors in `folder`, on the device; what they cost is noted in the context, under `name`.

    If several ask at once, one trains and the others wait.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / "lock", timeout=0)
    waiting = False
    while (found := _finished(folder, name, context)) is None:
        try:
            with lock:
                if _finished(folder, name, context) is None:
                    _train(folder, recipe, train, context)
        except filelock.Timeout:
            if not waiting:
                context.log(f"teacher {folder.name}: another trial trains it; waiting")
                waiting = True
            context.check()
            time.sleep(POLL_S)
    return found


def _finished(folder: Path, name: str, context: Context) -> dict[str, Tensor] | None:
    """The finished tensors; None where there are none, or none that can be read: those are set aside."""
    path = folder / WEIGHTS
    try:
        with safe_open(path, framework="pt", device=str(context.device)) as file:
            context.shared[name] = float((file.metadata() or {}).get(PASSES, 0))
            return {tensor: file.get_tensor(tensor) for tensor in file.keys()}  # noqa: SIM118 it is no mapping
    except FileNotFoundError:
        return None
    except SafetensorError as error:
        context.log(f"teacher {folder.name}: {path} cannot be read ({error}) and is trained again")
        with contextlib.suppress(FileNotFoundError):
            path.replace(path.with_suffix(".torn"))
        return None


def _train(folder: Path, recipe: Any, train: Train, context: Context) -> None:
    context.log(f"teacher {folder.name}: training")
    workspace = Workspace(folder)
    own = Context(device=context.device, checkpoints=folder / "checkpoints", log=workspace.log, check=context.check)
    write_atomic(folder / "recipe.json", canonical_json(recipe) + "\n")
    found = train(own)
    tensors = {tensor: value.cpu().contiguous() for tensor, value in found.items()}
    write_atomic(folder / WEIGHTS, save(tensors, {PASSES: f"{sum(own.passes.values()):.4f}"}))
    workspace.finish()
