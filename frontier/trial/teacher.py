"""The teacher: the all-ReLU network, trained once per recipe and shared by all trials of all studies.

What else several trials share (SENet's sparse proxy, RLNet's robust teacher) is cached in the same way, under the hash
of the teacher's recipe and of what it depends on beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from frontier.data._dataset import Dataset
from frontier.frozen import digest
from frontier.nn.network import Classifier, backbone, build
from frontier.nn.widths import widths_of
from frontier.results.spec import Options, TrialSpec
from frontier.results.store import TRAJECTORIES
from frontier.training.batches import Images
from frontier.training.context import Context
from frontier.training.fit import fit
from frontier.training.forward import forward_of, wants_compile
from frontier.training.losses import cross_entropy
from frontier.training.task import Task, Tensors, Trajectories
from frontier.training.tensors import sha256_of
from frontier.training.whiten import whiten
from frontier.trial import cache
from frontier.trial.parts import plugins


def is_trained(spec: TrialSpec, home: Path) -> bool:
    """Whether the teacher of this spec lies finished under `home`."""
    return cache.is_there(home / "teachers" / key_of(spec))


def key_of(spec: TrialSpec) -> str:
    """The teacher's hash; where network or data are parts of one's own, with that of their files, so that an edit of
    them is another teacher."""
    own = {part: text for part, text in plugins(spec).items() if part.startswith(("backbone/", "data/"))}
    return f"{spec.teacher_hash}-{digest(own, 8)}" if own else spec.teacher_hash


@dataclass(frozen=True)
class School:
    """Makes the networks that the trials of `spec` start from, and what they share."""

    spec: TrialSpec
    data: Dataset
    train: Images
    home: Path
    context: Context

    def fresh(self, seed: int, options: Mapping[str, Any] | None = None) -> Classifier:
        """An untrained network with plain ReLUs on the device; its initial weights depend on the seed alone.

        `options` replace the spec's, one by one. A whitening layer is set from the training images.
        """
        network = self.spec.network
        changed: Options = network.options | dict(options or {})
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            body = build(network.name, self.data.image, self.data.classes, sites=network.sites, options=changed)
        model = Classifier(body, self.data.mean, self.data.std).to(self.context.device)
        whiten(model, self.train)
        return model

    def teacher(self) -> Classifier:
        """The finished teacher in eval mode on the device."""
        spec, seed = self.spec, self.spec.teacher.seed
        recipe = {part: getattr(spec, part).model_dump(mode="json") for part in ("data", "network", "teacher")}
        folder = self.home / "teachers" / key_of(spec)
        model = self.fresh(seed)
        model.load_state_dict(cache.obtain(folder, "teacher", recipe, self.train_teacher, self.context))
        return model.eval()

    def trajectories(self, teacher: Classifier, limit_bytes: int) -> Trajectories | None:
        """Where searches that begin at this teacher are kept: at its very weights, for those of another machine may
        differ in a bit. None where nothing may be kept."""
        if not limit_bytes:
            return None
        of = {"teacher": key_of(self.spec), "weights": sha256_of(teacher.state_dict())}
        return Trajectories(self.home / TRAJECTORIES, of, limit_bytes)

    def cached(self, name: str, key: Mapping[str, Any], train: cache.Train) -> Tensors:
        """See `frontier.training.task.Cached`."""
        recipe = {"teacher": key_of(self.spec), "name": name, "key": dict(key)}
        return cache.obtain(self._folder(name, key), name, recipe, train, self.context)

    def is_cached(self, name: str, key: Mapping[str, Any]) -> bool:
        """Whether that lies finished under `home`."""
        return cache.is_there(self._folder(name, key))

    def _folder(self, name: str, key: Mapping[str, Any]) -> Path:
        recipe = {"teacher": key_of(self.spec), "name": name, "key": dict(key)}
        return self.home / "teachers" / f"{name}-{digest(recipe)}"

    def train_teacher(self, context: Context) -> Mapping[str, Tensor]:
        """Its state, trained from the start."""
        recipe = self.spec.teacher.recipe
        model = self.fresh(self.spec.teacher.seed)
        forward = forward_of(model, recipe, context.device, compiled=wants_compile(recipe, context.device, context.log))

        def loss(pixels: Tensor, labels: Tensor) -> Tensor:
            return cross_entropy(forward(pixels), labels, recipe.label_smoothing)

        fit(context, "teacher", model, self.train, recipe, loss, seed=self.spec.teacher.seed)
        return model.state_dict()


def task_of(school: School, teacher: Classifier, validation: Images, trajectories: Trajectories | None = None) -> Task:
    """What a method is given: to linearize the teacher as the school's spec asks, on the school's images."""
    spec = school.spec
    return Task(
        teacher=teacher,
        image=school.data.image,
        outer=backbone(spec.network.name).outer,
        train=school.train,
        validation=validation,
        relu_budget=spec.relu_budget,
        finetune=spec.finetune,
        seed=spec.seed,
        context=school.context,
        teacher_recipe=spec.teacher.recipe,
        fresh=school.fresh,
        cached=school.cached,
        options=spec.network.options,
        widths=widths_of(spec.network.name, spec.network.options),
        passes=spec.passes,
        trajectories=trajectories,
    )
