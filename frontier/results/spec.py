"""TrialSpec: everything that a trial's outcome depends on, as one frozen JSON value."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from frontier.frozen import Frozen, Grown, digest

Scalar = bool | int | float | str
Options = dict[str, Scalar]
Knobs = dict[str, Scalar | tuple[Scalar, ...]]


class DataSpec(Grown):
    """A data set by its registry name. `train_images` takes a seeded subset of the training split (None: all)."""

    NEWER = frozenset({"options"})

    name: str
    train_images: int | None = Field(default=None, gt=0)
    options: Options = {}


class NetworkSpec(Frozen):
    """A backbone by its registry name. `sites`: which ReLU convention the network is built in."""

    name: str
    sites: Literal["full", "inner"] = "full"
    options: Options = {}


class Recipe(Frozen):
    """One training stage. `lr` is the peak; `schedule` shapes it over all steps, after a linear warm-up."""

    epochs: int = Field(ge=0)
    optimizer: Literal["sgd", "adam", "muon"] = "sgd"
    lr: float = Field(gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    schedule: Literal["constant", "cosine", "linear", "step"] = "cosine"
    milestones: tuple[float, ...] = (0.5, 0.75)  # fractions of the stage where `step` multiplies lr by 0.1
    warmup_steps: int = Field(default=0, ge=0)
    batch: int = Field(default=128, gt=0)
    augment: Literal["none", "flip_crop"] = "none"
    crop_padding: int = Field(default=4, ge=0)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    precision: Literal["float32", "bfloat16"] = "float32"
    compile: bool = False  # torch.compile where a C++ compiler is found


class TeacherSpec(Frozen):
    """The all-ReLU network that every trial starts from; trained once per `TrialSpec.teacher_hash`."""

    recipe: Recipe
    seed: int = 0


class MeasureSpec(Grown):
    """How the three accuracies are measured, the same for all trials of a study. `None` images: the whole split.

    With `official` the test split is measured on the official CIFAR-C files besides, as a measure of its own.
    """

    NEWER = frozenset({"official"})

    validation_images: int | None = Field(default=None, gt=0)
    test_images: int | None = Field(default=None, gt=0)
    corruptions: tuple[str, ...] = Field(min_length=1)
    severities: tuple[int, ...] = Field(default=(1, 3, 5), min_length=1)
    corrupted_images: int | None = Field(default=None, gt=0)
    official: bool = False
    attack: str = "pgd"
    attack_steps: int = Field(default=10, gt=0)
    attack_eps_255: tuple[float, ...] = Field(default=(1, 2, 4, 8), min_length=1)
    attack_images: int | None = Field(default=None, gt=0)


class TrialSpec(Grown):
    """One trial, whole. The same spec gives the same record (timings and host aside)."""

    NEWER = frozenset({"passes", "replicates"})

    version: Literal[1] = 1
    data: DataSpec
    network: NetworkSpec
    teacher: TeacherSpec
    method: str
    knobs: Knobs = {}
    relu_budget: int = Field(ge=0)  # ReLUs that may be kept, in the convention of `network.sites`
    finetune: Recipe
    # network passes per training image for linearizing and finetuning together: a forward is 1, forward and backward 3.
    # The finetuning then takes what the search leaves, and not its recipe's epochs. Teachers do not count.
    passes: float | None = Field(default=None, gt=0)
    measure: MeasureSpec
    seed: int = 0
    space_hash: str | None = None  # provenance: the question this trial belongs to
    replicates: int | None = Field(default=None, ge=0)  # the trial of its study that this one is with another seed

    @property
    def teacher_hash(self) -> str:
        """Equal for all specs that share a teacher: data, network, recipe and the teacher's seed."""
        return digest({part: getattr(self, part).model_dump(mode="json") for part in ("data", "network", "teacher")})
