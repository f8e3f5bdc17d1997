"""What several trials share is trained once: tensors in a folder named by the hash of what they depend on.

HOME/teachers/HASH/weights.safetensors   written last: with it the work is finished
                  /recipe.json           what the hash was made of
                  /log.txt, checkpoints/ as in a trial
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from frontier.errors import BlockedError
from frontier.files import sweep, write_atomic
from frontier.frozen import canonical_json
from frontier.mirror import fetch, once_anywhere
from frontier.training.context import Context
from frontier.training.tensors import Torn, packed, unpacked
from frontier.trial.workspace import Workspace

WEIGHTS = "weights.safetensors"
RECIPE = "recipe.json"
LEASE = "weights"
PASSES = "passes"  # in its metadata: network passes per training image that the training took
Train = Callable[[Context], Mapping[str, Tensor]]


def obtain(folder: Path, name: str, recipe: Any, train: Train, context: Context) -> dict[str, Tensor]:
    """The tensors in `folder`, on the device; what they cost is noted in the context, under `name`, and that they were
    there, or made by another, where it is so.

    If several ask at once, on one host or many, one trains and the others wait (`frontier.leases`, and
    `frontier.mirror` for a home at a URL).
    """
    folder.mkdir(parents=True, exist_ok=True)
    context.reused[name] = folder.name

    def tell(line: str) -> None:
        context.log(f"teacher {folder.name}: {line}")

    def make(check: Callable[[], None]) -> None:
        context.reused.pop(name, None)
        _train(folder, recipe, train, context, check)

    def find() -> dict[str, Tensor] | None:
        return _finished(folder, name, context)

    return once_anywhere(folder, LEASE, (RECIPE, WEIGHTS), find, make, tell=tell, check=context.check)


def is_there(folder: Path) -> bool:
    """Whether that was made already."""
    return fetch(folder / WEIGHTS)


def _finished(folder: Path, name: str, context: Context) -> dict[str, Tensor] | None:
    """The finished tensors; None where there are none, or none that are whole: those are set aside."""
    path = folder / WEIGHTS
    try:
        found, metadata = unpacked(path, context.device)
    except FileNotFoundError:
        return None
    except Torn as torn:
        context.log(f"teacher {folder.name}: {path} cannot be read ({torn}) and is trained again")
        with contextlib.suppress(FileNotFoundError):
            path.replace(path.with_suffix(".torn"))
        return None
    context.shared[name] = float(metadata.get(PASSES, 0))
    return found


def _train(folder: Path, recipe: Any, train: Train, context: Context, check: Callable[[], None]) -> None:
    context.log(f"teacher {folder.name}: training")
    sweep(folder)
    workspace = Workspace(folder)
    own = Context(device=context.device, checkpoints=folder / "checkpoints", log=workspace.log, check=check)
    write_atomic(folder / RECIPE, canonical_json(recipe) + "\n")
    found = train(own)
    check()
    content = packed(found, {PASSES: f"{sum(own.passes.values()):.4f}"})
    try:
        write_atomic(folder / WEIGHTS, content)
    except OSError as error:
        raise BlockedError(
            f"{folder / WEIGHTS}: cannot be written ({error.strerror or error})\n"
            f"  needed: {len(content) / 1e9:.2f} GB\n"
            "  to do: see to the disk, or give a folder on another one with --home; its training goes on from there"
        ) from None
    workspace.finish()
