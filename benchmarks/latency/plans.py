"""The plans: ResNet18 at 3x32x32 with so many ReLUs, spread over its layers or packed into the last ones.

Nothing is trained, for seconds, bytes and rounds depend on the mask and not on what a network has learnt. Weights are
PyTorch's fresh ones under a seed, the norms' statistics those of 100 training images (parts/method/planned.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from frontier import registry
from frontier.errors import InputError, TrialFailed
from frontier.nn.network import build
from frontier.nn.profile import profile
from frontier.results.migrate import read_record
from frontier.results.profile import Profile
from frontier.results.spec import DataSpec, MeasureSpec, NetworkSpec, Recipe, TeacherSpec, TrialSpec
from frontier.trial.bundle import export
from frontier.trial.run import run
from frontier.trial.runtime import Runtime
from frontier.trial.source import Source

STUDY, METHOD = "latency_resnet18", "planned"
BACKBONE, IMAGE, CLASSES = "resnet18", (3, 32, 32), 10
WHOLE = 557_056
BUDGETS = (WHOLE, 180_000, 50_000, 12_900, 0)
HELD_OUT = (180_000, 50_000)  # fixed before anything was measured: no constant is fitted to these
SEED = 0


@dataclass(frozen=True)
class Planned:
    """So many ReLUs; `last_layers` is None where they are spread over all sites."""

    relus: int
    last_layers: int | None = None

    @property
    def name(self) -> str:
        return f"{BACKBONE}-{self.relus}-{'spread' if self.last_layers is None else f'last{self.last_layers}'}"

    @property
    def layout(self) -> str:
        """In words."""
        if self.relus in (0, WHOLE):
            return "none" if self.relus == 0 else "all"
        return "spread" if self.last_layers is None else f"last {self.last_layers} layers"


def listed() -> tuple[Planned, ...]:
    """Every budget spread, and those between none and all also packed into as few last layers as hold them."""
    plain = profile(build(BACKBONE, IMAGE, CLASSES), IMAGE)
    found = []
    for relus in BUDGETS:
        found.append(Planned(relus))
        if relus not in (0, WHOLE):
            found.append(Planned(relus, _fewest(plain, relus)))
    return tuple(found)


def spec(one: Planned) -> TrialSpec:
    """The trial that makes the network: nothing is trained, and accuracies, which say nothing, are of few images."""
    untrained = Recipe(epochs=0, lr=1e-3)
    return TrialSpec(
        data=DataSpec(name="cifar10"),
        network=NetworkSpec(name=BACKBONE),
        teacher=TeacherSpec(recipe=untrained, seed=SEED),
        method=METHOD,
        knobs={"last_layers": one.last_layers or 0},
        relu_budget=one.relus,
        finetune=untrained,
        measure=MeasureSpec(
            validation_images=20,
            test_images=20,
            corruptions=("contrast",),
            severities=(3,),
            corrupted_images=20,
            attack="fgsm",
            attack_steps=1,
            attack_eps_255=(1,),
            attack_images=20,
        ),
        seed=SEED,
    )


def bundle(one: Planned, home: Path, folder: Path, data: Path | None) -> Path:
    """The plan's network as a bundle in `folder`, made where it is not there yet."""
    out = folder / one.name
    if out.exists():
        return out
    registry.plug_in(Path(__file__).parent / "parts")
    made, wanted = home / "single" / one.name, spec(one)
    runtime = Runtime(home=home.resolve(), data=data, device="cpu")
    path = made / "record.json"
    record = read_record(path.read_bytes(), where=str(path)) if path.exists() else run(wanted, made, runtime)
    if record.spec != wanted:
        raise InputError("is another plan than is listed now", where=str(made), fix="move the folder away")
    if record.state != "complete":
        raise TrialFailed(f"{one.name}: {record.reason}")
    folder.mkdir(parents=True, exist_ok=True)
    dataset = Source.of(wanted.data, runtime.data_folder()).dataset()
    export(record, made, out, study=STUDY, point=0, data=dataset)
    return out


def _fewest(plain: Profile, relus: int) -> int:
    """How many last layers hold them."""
    return next(n for n in range(1, len(plain.sites) + 1) if sum(site.relus for site in plain.sites[-n:]) >= relus)
