"""Our PGD beside foolbox's (and torchattacks', where it can be imported): same networks, images, eps, step and steps.

python benchmarks/attacks.py [--data DIR] [--home DIR] [--images 500] [--steps 20] [--eps-255 8] [--repeats 5]

Digits on tinynet, or, with --data, CIFAR-10 on the laboratory network, whose teacher is taken from HOME/teachers or
trained. The robust network is the standard one after some steps of adversarial training. torchattacks pins an old
`requests`: pip install --no-deps torchattacks==3.5.1.
"""

import argparse
import importlib
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from copy import deepcopy
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import foolbox
import torch
from torch import Tensor, nn

from frontier.api.check import largest
from frontier.api.lookups import load_space
from frontier.attacks import pgd
from frontier.training.adversary import perturb
from frontier.training.batches import Images, generator, to_unit
from frontier.training.context import Context
from frontier.trial.source import SUBSET_SEED, Source
from frontier.trial.teacher import School

BATCH = 250
Attack = Callable[[Tensor, Tensor], Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--eps-255", type=float, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--robust-steps", type=int, default=100, help="of adversarial training")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device, eps = torch.device(arguments.device), arguments.eps_255 / 255
    with tempfile.TemporaryDirectory() as temporary:
        school = schooled(arguments.data, arguments.home or Path(temporary), device)
        standard = school.teacher()
    test = Images.of(school.data.subset("test", arguments.images, SUBSET_SEED), device)
    pixels, labels = to_unit(test.pixels), test.labels
    print(
        f"{hardware(device)}, {arguments.threads} thread(s), torch {torch.__version__}, foolbox {version('foolbox')}, "
        f"torchattacks {version('torchattacks') if find_spec('torchattacks') else 'not installed'}\n"
        f"{school.data.name}, {school.spec.network.name}, {len(test)} test images (seed {SUBSET_SEED}), "
        f"PGD-{arguments.steps} at eps {arguments.eps_255:g}/255, step 2.5 eps / steps, batch {BATCH}, seed 0, "
        f"median of {arguments.repeats}"
    )
    for name, model in (
        ("standard", standard),
        ("robust", robust(standard, school.train, eps, arguments.robust_steps)),
    ):
        model.requires_grad_(False)  # spares the libraries the gradient of the weights; ours sees to it itself
        compare(name, model, pixels, labels, attacks(model, eps, arguments.steps), arguments.repeats)


def hardware(device: torch.device) -> str:
    """The accelerator's name, or the processor's."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return models[0].split(":")[1].strip() if models else platform.machine()


def schooled(folder: Path | None, home: Path, device: torch.device) -> School:
    """The data set, and the teacher of its committed space."""
    space = load_space("cifar10_lab" if folder else "digits")
    spec = space.spec(largest(space, space.method_names[0]), seed=0)
    data = Source.of(spec.data, folder).dataset()
    return School(spec, data, Images.of(data.train, device), home, Context(device=device, checkpoints=home / "attacks"))


def robust(standard: nn.Module, train: Images, eps: float, steps: int) -> nn.Module:
    """A copy that was trained on the images of a three-step attack for a while: less fragile, no record."""
    model, dice = deepcopy(standard).train(), generator(0)
    optimizer = torch.optim.Adam([part for part in model.parameters() if part.requires_grad], lr=2e-3)
    for _ in range(steps):
        chosen = torch.randint(len(train), (BATCH,), generator=dice).to(train.labels.device)
        labels = train.labels[chosen]

        def loss(pixels: Tensor, labels: Tensor = labels) -> Tensor:
            return nn.functional.cross_entropy(model(pixels), labels, reduction="sum")

        moved = perturb(model, to_unit(train.pixels[chosen]), loss, eps=eps, step_size=eps / 2, steps=3, dice=dice)
        optimizer.zero_grad()
        (loss(moved) / BATCH).backward()
        optimizer.step()
    return model.eval()


def attacks(model: nn.Module, eps: float, steps: int) -> dict[str, Attack]:
    """Ours twice, then the libraries', each over all images: (N, C, H, W) in [0, 1] and labels to images."""
    step = 2.5 * eps / steps

    def ours(early_stop: bool) -> Attack:
        return lambda pixels, labels: pgd.run(
            model, pixels, labels, eps=eps, steps=steps, seed=0, early_stop=early_stop, batch=BATCH
        )

    network = foolbox.PyTorchModel(model, bounds=(0, 1), device=next(model.parameters()).device)
    linf = foolbox.attacks.LinfPGD(abs_stepsize=step, steps=steps, random_start=True)
    found = {
        "ours": ours(True),
        "ours, no early stop": ours(False),
        "foolbox": batched(lambda pixels, labels: linf(network, pixels, labels, epsilons=eps)[1]),
    }
    if find_spec("torchattacks"):
        other = importlib.import_module("torchattacks")
        found["torchattacks"] = batched(other.PGD(model, eps=eps, alpha=step, steps=steps, random_start=True))
    return found


def batched(attack: Attack) -> Attack:
    """The attack on one batch after the other, as ours does by itself."""
    return lambda pixels, labels: torch.cat(
        [attack(*part) for part in zip(pixels.split(BATCH), labels.split(BATCH), strict=True)]
    )


def compare(
    name: str, model: nn.Module, pixels: Tensor, labels: Tensor, found: dict[str, Attack], repeats: int
) -> None:
    """Accuracy under each attack, and images a second, the attacks taking turns. The first turn is not timed."""
    seconds: dict[str, list[float]] = {attack: [] for attack in found}
    right = {}
    for repeat in range(repeats + 1):
        for attack, run in found.items():
            torch.manual_seed(0)
            started = time.perf_counter()
            moved = run(pixels, labels)
            if pixels.is_cuda:
                torch.cuda.synchronize()
            if repeat:
                seconds[attack].append(time.perf_counter() - started)
            right[attack] = int((correct(model, pixels, labels) & correct(model, moved, labels)).sum())
    print(f"{name} network: {int(correct(model, pixels, labels).sum())} of {len(labels)} right")
    rival = statistics.median(seconds["foolbox"])
    for attack, runs in seconds.items():
        median, ratios = statistics.median(runs), [b / a for a, b in zip(runs, seconds["foolbox"], strict=True)]
        print(
            f"  {attack:20} {right[attack]:5} right under attack  {len(labels) / median:8.1f} images/s"
            f"  {rival / median:5.2f} of foolbox's ({min(ratios):.2f} to {max(ratios):.2f})",
            flush=True,
        )


@torch.no_grad()
def correct(model: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
    return torch.cat([model(part) for part in pixels.split(BATCH)]).argmax(dim=1) == labels


if __name__ == "__main__":
    main()
