"""The laboratory network's teacher on CIFAR-10, compiled in bfloat16 and eager in float32: minutes and accuracy.

python benchmarks/laboratory.py --data DIR [--seeds 1]
"""

import argparse
import platform
import tempfile
import time
from pathlib import Path

import torch

from frontier.api.check import largest
from frontier.api.lookups import load_space
from frontier.results.spec import TrialSpec
from frontier.training.batches import Images
from frontier.training.context import Context
from frontier.trial.measure import clean
from frontier.trial.source import Source
from frontier.trial.teacher import School


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.processor() or platform.machine()}, 1 thread, torch {torch.__version__}, {arguments.seeds} seeds")
    space = load_space("cifar10_lab")
    source = Source("cifar10", arguments.data)
    spec = space.spec(largest(space, "snl"), seed=0)
    for compiled in (True, False):
        for seed in range(arguments.seeds):
            report(spec, source, compiled=compiled, seed=seed)


def report(spec: TrialSpec, source: Source, *, compiled: bool, seed: int) -> None:
    precision = "bfloat16" if compiled else "float32"
    recipe = spec.teacher.recipe.model_copy(update={"compile": compiled, "precision": precision})
    teacher = spec.teacher.model_copy(update={"recipe": recipe, "seed": seed})
    device, data = torch.device("cpu"), source.dataset()
    with tempfile.TemporaryDirectory() as home:
        context = Context(device=device, checkpoints=Path(home))
        started = time.perf_counter()
        asked = spec.model_copy(update={"teacher": teacher})
        model = School(asked, data, Images.of(data.train, device), Path(home), context).teacher()
        minutes = (time.perf_counter() - started) / 60
    validation, test = (clean(model, Images.of(split, device)) for split in (data.validation, data.test))
    print(
        f"{'compiled' if compiled else 'eager':8} {recipe.precision} seed {seed}: {minutes:.1f} min, "
        f"validation {validation.value:.2%}, test {test.value:.2%} [{test.low:.2%}, {test.high:.2%}]",
        flush=True,
    )


if __name__ == "__main__":
    main()
