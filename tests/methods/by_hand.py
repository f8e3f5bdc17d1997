"""What the stages of a method hand to the training loop, and the parts of the papers' losses in torch alone."""

import copy
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from frontier.nn.network import Classifier
from frontier.results.spec import Recipe
from frontier.training.fit import fit
from frontier.training.task import Task


@dataclass(frozen=True)
class Step:
    """One call of a stage's loss: the networks as they were before it, the student first, and what it returned."""

    networks: tuple[Classifier, ...]
    pixels: Tensor
    labels: Tensor
    value: Tensor

    @property
    def student(self) -> Classifier:
        return self.networks[0]


@dataclass(frozen=True)
class Stage:
    """One call of `fit`. `trained`: names of the student's parameters in the optimizer, as often as they are there."""

    name: str
    recipe: Recipe
    options: dict[str, Any]
    parameters: list[str]
    trained: list[str]
    steps: list[Step] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, model: nn.Module, recipe: Recipe, options: dict[str, Any]) -> "Stage":
        student = networks_of(model)[0]
        names = {id(parameter): name for name, parameter in student.named_parameters()}
        groups = options.get("groups") or [{"params": [p for p in student.parameters() if p.requires_grad]}]
        return cls(name, recipe, options, list(names.values()), [names[id(p)] for g in groups for p in g["params"]])


def networks_of(model: nn.Module) -> tuple[Classifier, ...]:
    return tuple(module for module in model.modules() if isinstance(module, Classifier))


@dataclass(frozen=True)
class Watch:
    """The stages that were run while it watched, in order."""

    stages: list[Stage] = field(default_factory=list)

    def __getitem__(self, name: str) -> Stage:
        (found,) = (stage for stage in self.stages if stage.name == name)
        return found

    @classmethod
    def idle(cls, monkeypatch: pytest.MonkeyPatch) -> "Watch":
        """Stages are noted and not trained: for the recipes whose training would take long."""
        watch = cls()

        def noting(_: Any, name: str, model: nn.Module, __: Any, recipe: Recipe, ___: Any, **options: Any) -> int:
            watch.stages.append(Stage.of(name, model, recipe, options))
            return 0

        _instead_of_fit(monkeypatch, noting)
        return watch

    @classmethod
    def steps(cls, monkeypatch: pytest.MonkeyPatch) -> "Watch":
        """Every step of the stages is noted."""
        watch = cls()

        def noting(
            context: Any, name: str, model: nn.Module, images: Any, recipe: Recipe, loss: Any, **options: Any
        ) -> int:
            stage = Stage.of(name, model, recipe, options)
            watch.stages.append(stage)

            def noted(pixels: Tensor, labels: Tensor) -> Tensor:
                before = networks_of(copy.deepcopy(model))
                value: Tensor = loss(pixels, labels)
                stage.steps.append(Step(before, pixels, labels, value.detach().clone()))
                return value

            return fit(context, name, model, images, recipe, noted, **options)

        _instead_of_fit(monkeypatch, noting)
        return watch


def _instead_of_fit(monkeypatch: pytest.MonkeyPatch, replacement: Callable[..., int]) -> None:
    """Wherever it was imported to."""
    for name, module in list(sys.modules.items()):
        if name.startswith("frontier.") and name != "frontier.training.fit" and vars(module).get("fit") is fit:
            monkeypatch.setattr(module, "fit", replacement)


def sharpened(task: Task) -> Task:
    """The same task with a teacher whose logits are far apart: its temperature, and whose logits they are, can be seen
    in a loss."""
    teacher = copy.deepcopy(task.teacher)
    with torch.no_grad():
        teacher.get_parameter("body.head.weight").mul_(10)
    return replace(task, teacher=teacher)


def seen(model: Classifier, paths: Sequence[str], pixels: Tensor) -> tuple[Tensor, list[Tensor]]:
    """(logits, outputs of the modules at `paths` in the body), without a gradient and in the mode the model is in."""
    found: dict[str, Tensor] = {}
    handles = [
        model.body.get_submodule(path).register_forward_hook(lambda m, args, out, path=path: found.update({path: out}))
        for path in paths
    ]
    with torch.no_grad():
        logits = model(pixels)
    for handle in handles:
        handle.remove()
    return logits, [found[path] for path in paths]


def ce(logits: Tensor, labels: Tensor) -> Tensor:
    return -logits.log_softmax(1)[torch.arange(len(labels)), labels].mean()


def kd(student: Tensor, teacher: Tensor, temperature: float = 4.0) -> Tensor:
    """T^2 KL(teacher || student) at temperature T, mean over the batch."""
    p, q = (teacher / temperature).softmax(1), (student / temperature).softmax(1)
    return temperature**2 * (p * (p.log() - q.log())).sum(1).mean()


def at(student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
    """Over the stages, the sum of mean (q_s / |q_s| - q_t / |q_t|)^2, q the flattened mean over channels of squares."""
    unit = [[functional.normalize((a * a).mean(1).flatten(1)) for a in maps] for maps in (student, teacher)]
    return torch.stack([((s - t) ** 2).mean() for s, t in zip(*unit, strict=True)]).sum()
