"""A standard and an adversarially trained laboratory network on CIFAR-10: clean, corrupted, and under rising attacks.

python benchmarks/robustness.py --data DIR [--seeds 3] [--n 1000] [--out FILE]

The standard network is the teacher of `search_spaces/cifar10_lab.yaml`; the other one has the same architecture with
every ReLU, and is trained by Madry et al. (ICLR 2018): the cross-entropy of images that last-iterate PGD has moved. It
prints accuracies on test with 95 % Wilson intervals, the spread over seeds, and whether each attack is at least as
strong as the one before; `docs/checks.md` says what the named checks are.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from frontier.api.check import largest
from frontier.api.lookups import load_space
from frontier.corruptions._apply import group
from frontier.nn.network import Classifier
from frontier.results.corruption_metrics import mean_accuracy
from frontier.results.evaluation import Check
from frontier.results.measure import Measure
from frontier.results.spec import MeasureSpec, Recipe, TrialSpec
from frontier.training.adversary import perturb
from frontier.training.batches import Images, to_unit
from frontier.training.context import Context
from frontier.training.fit import fit
from frontier.training.forward import forward_of, wants_compile
from frontier.trial import battery
from frontier.trial.battery import AUTOATTACK, Battery, Step
from frontier.trial.evaluate import accuracies
from frontier.trial.examine import State, deterministic, gradients, untouched
from frontier.trial.health import verdicts
from frontier.trial.measure import corrupted
from frontier.trial.origin import libraries
from frontier.trial.source import Source
from frontier.trial.teacher import School

EPS_255 = 8.0
TRAIN_STEPS, TRAIN_STEP_255 = 3, 4.0  # of the attack in training
LABEL = "CIFAR-10-C-style (regenerated), 15 corruptions, severities 1 to 5"
Found = Mapping[str, Measure]


@dataclass(frozen=True)
class Trained:
    """A finished network and what it took."""

    name: str
    seed: int
    model: Classifier
    minutes: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=12, help="of adversarial training")
    parser.add_argument("--n", type=int, default=1000, help="test images that are attacked, and corrupted")
    parser.add_argument("--home", type=Path, help="where corrupted images are kept (default: a folder that goes)")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    versions = ", ".join(f"{name} {version}" for name, version in libraries().items())
    print(f"{platform.processor() or platform.machine()}, 1 thread, {versions}")
    print(
        f"n {arguments.n} of 10,000 test images; eps {EPS_255:g}/255; seeds {arguments.first_seed} and on", flush=True
    )
    with tempfile.TemporaryDirectory() as aside:
        home = arguments.home or Path(aside)
        results = list(measured(arguments, home))
    for name in ("standard", "robust"):
        spread(name, [found for trained, found, _ in results if trained == name])
    if arguments.out:
        arguments.out.write_text(json.dumps([_plain(*one) for one in results], indent=1) + "\n")
    sys.exit(0 if all(holds(name, found) for name, found, _ in results) else 1)


def measured(arguments: argparse.Namespace, home: Path) -> Iterable[tuple[str, Found, tuple[Check, ...]]]:
    """Every network, trained and measured, printed as it comes."""
    space = load_space("cifar10_lab")
    plain = space.spec(largest(space, "snl"), seed=0)
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        teacher = plain.teacher.model_copy(update={"seed": seed})
        spec = plain.model_copy(update={"teacher": teacher})
        source = Source.of(spec.data, arguments.data, home=home)
        for trained in (standard(spec, source, home), robust(spec, source, home, arguments.epochs)):
            found, checks = accuracies_of(trained, source, arguments.n)
            report(trained, found, checks)
            yield trained.name, found, checks


def standard(spec: TrialSpec, source: Source, home: Path) -> Trained:
    """The laboratory's teacher."""
    context = Context(device=torch.device("cpu"), checkpoints=home / "checkpoints")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        model = _school(spec, source, Path(folder), context).teacher()
    return Trained("standard", spec.teacher.seed, model, (time.perf_counter() - began) / 60)


def robust(spec: TrialSpec, source: Source, home: Path, epochs: int) -> Trained:
    """The same network, trained on attacked images alone."""
    seed = spec.teacher.seed
    recipe = spec.teacher.recipe.model_copy(update={"epochs": epochs, "label_smoothing": 0.0})
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        context = Context(
            device=torch.device("cpu"), checkpoints=Path(folder), log=lambda line: print(f"  {line}", flush=True)
        )
        school = _school(spec, source, Path(folder), context)
        model = school.fresh(seed)
        train_robust(model, school.train, recipe, context, seed)
    return Trained("robust", seed, model.eval(), (time.perf_counter() - began) / 60)


def train_robust(model: Classifier, images: Images, recipe: Recipe, context: Context, seed: int) -> None:
    """In place: every step on images that PGD has moved within eps."""
    forward = forward_of(model, recipe, context.device, compiled=wants_compile(recipe, context.device, context.log))
    dice = torch.Generator().manual_seed(seed)

    def loss(pixels: Tensor, labels: Tensor) -> Tensor:
        moved = perturb(
            model,
            pixels,
            lambda point: cross_entropy(forward(point).float(), labels, reduction="sum"),
            eps=EPS_255 / 255,
            step_size=TRAIN_STEP_255 / 255,
            steps=TRAIN_STEPS,
            dice=dice,
        )
        return cross_entropy(forward(moved).float(), labels)

    fit(context, "robust", model, images, recipe, loss, seed=seed, passes=3.0 + 3.0 * TRAIN_STEPS)


def accuracies_of(trained: Trained, source: Source, n: int) -> tuple[Found, tuple[Check, ...]]:
    """Clean, corrupted and attacked on test, and the health checks that need no record."""
    model = trained.model
    before = State.of(model)
    images = Images.of(source.images("test", n), torch.device("cpu"))
    pixels, labels = to_unit(images.pixels), images.labels
    asked = Battery(AUTOATTACK, (EPS_255,))
    outcome = battery.run(model, pixels, labels, asked, _told)
    spec = MeasureSpec(corruptions=group("common"), severities=(1, 2, 3, 4, 5), corrupted_images=n)
    context = Context(device=torch.device("cpu"), checkpoints=Path())
    found = dict(accuracies(outcome))
    found["corrupted"] = mean_accuracy(corrupted(model, source, "test", spec, context))
    checks = (
        *verdicts(outcome),
        gradients(model, pixels, labels, outcome.correct, outcome.nonfinite),
        deterministic(model, pixels),
        untouched(before, model),
    )
    return found, checks


def report(trained: Trained, found: Found, checks: Iterable[Check]) -> None:
    """One network."""
    print(f"{trained.name} network, seed {trained.seed}: trained in {trained.minutes:.1f} minutes")
    for name, measure in found.items():
        label = f"  ({LABEL})" if name == "corrupted" else ""
        print(f"  {name:14} {_percent(measure)}{label}")
    for check in checks:
        verdict = {True: "ok", False: "FAILED", None: "did not apply"}[check.passed]
        print(f"  check {check.name:16} {verdict}: {check.found}")
    print(flush=True)


def spread(name: str, each: list[Found]) -> None:
    """Mean and standard deviation over seeds."""
    if len(each) < 2:
        return
    print(f"{name}: mean +- standard deviation over {len(each)} seeds, %")
    for key in each[0]:
        values = [100 * found[key].value for found in each]
        print(f"  {key:14} {fmean(values):5.1f} +- {stdev(values):.1f}")


def holds(name: str, found: Found) -> bool:
    """Whether the network is what it should be: the standard one falls to about 0, the robust one does not, and no
    attack leaves more than 3 images more than the weaker one before it."""
    n = found["clean"].n
    names = [key for key in found if key.endswith(f"/{EPS_255:g}") and not key.startswith("worst")]
    left = [round(found[key].value * n) for key in ("clean", *names)]
    ordered = all(stronger <= weaker + 3 for weaker, stronger in pairwise(left))
    last = found[names[-1]].value
    return ordered and (last <= 0.02 if name == "standard" else last >= 0.1)


def _school(spec: TrialSpec, source: Source, home: Path, context: Context) -> School:
    data = source.dataset()
    return School(spec, data, Images.of(data.train, context.device), home, context)


def _told(step: Step) -> None:
    print(f"  {step.stage}, {step.left} images left", flush=True)


def _percent(measure: Measure) -> str:
    return f"{100 * measure.value:5.1f} % [{100 * measure.low:.1f}, {100 * measure.high:.1f}]"


def _plain(name: str, found: Found, checks: Iterable[Check]) -> dict[str, object]:
    return {
        "network": name,
        "accuracies": {key: measure.model_dump() for key, measure in found.items()},
        "checks": [check.model_dump() for check in checks],
    }


if __name__ == "__main__":
    main()
