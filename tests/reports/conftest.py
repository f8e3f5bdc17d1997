"""Synthetic records, made without training: a plausible trade-off over the whole range of ReLU counts."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from frontier.masks.mask import Mask
from frontier.reports.points import StudyPoint, points_of
from frontier.reports.published import PublishedPoint
from frontier.reports.studied import Studied
from frontier.results.evaluation import Check, Evaluation
from frontier.results.measure import Measure
from frontier.results.profile import LinearProfile, Profile, SiteProfile
from frontier.results.record import (
    CorruptionSet,
    MaskFile,
    Origin,
    Point,
    ReluCount,
    Scores,
    Splits,
    State,
    TrialRecord,
)
from frontier.results.spec import DataSpec, MeasureSpec, NetworkSpec, Recipe, TeacherSpec, TrialSpec
from frontier.results.store import StudyManifest

SITES = (("stem.relu", 512), ("block1.relu1", 256), ("block1.relu2", 256), ("block2.relu1", 128), ("block2.relu2", 128))
RELUS = sum(relus for _, relus in SITES)


def make_manifest(name: str = "digits", question: str = "Which ReLUs can a small network do without?") -> StudyManifest:
    return StudyManifest(
        name=name,
        space={"question": question},
        space_hash="0123456789abcdef",
        seed=0,
        sampler="hybrid",
        relus=RELUS,
        created_at="2026-01-01T00:00:00Z",
        code_version="0.1.0+abc",
    )


@pytest.fixture(scope="session")
def manifest() -> StudyManifest:
    """A study called `digits` with a plain question."""
    return make_manifest()


def make_point(
    count: int,
    clean: float,
    corrupted: float,
    adversarial: float,
    *,
    drop: float = 0.01,
    role: str = "asked",
    label: str = "",
    narrower: int = 1,
    squares: int = 0,
    branches: dict[str, tuple[float, float, float]] | None = None,
    official: float | None = None,
) -> Point:
    """`official`: test accuracy on the official files. Accuracy falls by 0.05 from severity 1 to 3 and from 3 to 5, and
    `contrast` stands 0.02 below `gaussian_noise`. `narrower`: by which factor the network has fewer channels.
    `branches`: of those not served ("clean" is)."""

    def scores(less: float) -> Scores:
        clipped = (max(value - less, 0.0) for value in (clean, corrupted, adversarial))
        first, second, third = (Measure.of(value, n) for value, n in zip(clipped, (360, 360, 100), strict=True))
        parts = {
            f"{name}/{severity}": Measure.of(min(max(second.value + above + 0.05 - 0.025 * (severity - 1), 0), 1), 360)
            for name, above in (("gaussian_noise", 0.01), ("contrast", -0.01))
            for severity in (1, 3, 5)
        }
        files = Measure.of(official, 1000) if official is not None and less else None
        return Scores(clean=first, corrupted=second, adversarial=third, parts=parts, corrupted_official=files)

    left, sites = count, []
    for path, relus in reversed(SITES):
        relus //= narrower
        kept = min(relus, left)
        left -= kept
        squared = squares if not sites else 0
        inner = path != "stem.relu"
        sites.append(SiteProfile(path=path, shape=(relus, 1, 1), relus=relus, kept=kept, squares=squared, inner=inner))
    profile = Profile(
        sites=tuple(reversed(sites)),
        linear=(LinearProfile(path="head", kind="linear", macs=640, input_elements=64, output_elements=10),),
    )
    others = {branch: make_point(count, *values, drop=drop) for branch, values in (branches or {}).items()}
    served = {"clean": Splits(validation=scores(0.0), test=scores(drop))} if others else {}
    return Point(
        label=label,
        network=NetworkSpec(name="tinynet", options={"width": 1 / narrower}) if narrower > 1 else None,
        branch="clean" if others else None,
        branches=served | {name: Splits(validation=p.validation, test=p.test) for name, p in others.items()},
        role="asked" if role == "asked" else "extra",
        relu_budget=count + 3 if count else 0,
        relu_count=count,
        counts=ReluCount(full=profile.kept, inner=profile.kept_inner),
        validation=scores(0.0),
        test=scores(drop),
        profile=profile,
        mask=MaskFile(file="mask.safetensors", hash="ab" * 8),
    )


@pytest.fixture(scope="session", name="make_point")
def _make_point() -> Callable[..., Point]:
    return make_point


def make_record(
    *points: Point,
    method: str = "snl",
    state: State = "complete",
    reason: str | None = None,
    seed: int = 0,
    fidelity: str = "authors_code",
    evaluations: tuple[Evaluation, ...] = (),
    labels: dict[str, str] | None = None,
) -> TrialRecord:
    """`labels`: of the corruption sets, by split."""
    recipe = Recipe(epochs=2, lr=0.1)
    return TrialRecord(
        state=state,
        reason=reason,
        spec=TrialSpec(
            data=DataSpec(name="digits"),
            network=NetworkSpec(name="tinynet"),
            teacher=TeacherSpec(recipe=recipe),
            method=method,
            knobs={"penalty": 1e-4, "growth": 1.1},
            relu_budget=points[0].relu_budget if points else 10,
            finetune=recipe,
            measure=MeasureSpec(corruptions=("gaussian_noise", "contrast")),
            seed=seed,
        ),
        points=points,
        evaluations=evaluations,
        corruption_sets={split: CorruptionSet(label=label, hash="cd" * 8) for split, label in (labels or {}).items()},
        origin=Origin.model_validate(
            {"code_version": "0.1.0+abc", "fidelity": fidelity, "device": "cpu", "threads": 1}
        ),
    )


@pytest.fixture(scope="session", name="make_record")
def _make_record() -> Callable[..., TrialRecord]:
    return make_record


def make_attack(point: int = 0, failed: tuple[str, ...] = (), *, name: str = "autoattack") -> Evaluation:
    """Two eps, three attacks and their worst case on 100 test images; every check passes but `failed`, and `square`
    does not apply unless it failed."""
    values = {"clean": 0.9, "fgsm/4": 0.5, "pgd-20/4": 0.45, "autoattack/4": 0.41, "worst/4": 0.4}
    values |= {"fgsm/8": 0.3, "pgd-20/8": 0.22, "autoattack/8": 0.2, "worst/8": 0.19}
    passed = {"order": True, "converged": True, "square": None} | dict.fromkeys(failed, False)
    seen = {True: "as it should be", False: "4 of 100 images", None: "AutoAttack was not run"}
    return Evaluation(
        point=point,
        kind="attack",
        name=name,
        n=100,
        settings={"eps_255": (4.0, 8.0), "seed": 0},
        accuracies={key: Measure.of(value, 100) for key, value in values.items()},
        checks=tuple(Check(name=check, passed=verdict, found=seen[verdict]) for check, verdict in passed.items()),
        code_version="0.2.0+def",
        device="cpu",
        started_at="2026-02-03T04:05:06+00:00",
    )


@pytest.fixture(scope="session", name="make_attack")
def _make_attack() -> Callable[..., Evaluation]:
    return make_attack


def make_corruptions(point: int = 0, label: str = "CIFAR-10-C-style (regenerated)") -> Evaluation:
    """Two corruptions at two severities, on 200 test images."""
    values = {"fog/1": 0.9, "fog/2": 0.8, "frost/1": 0.7, "frost/2": 0.6, "mean": 0.75}
    return Evaluation(
        point=point,
        kind="corruptions",
        name=label,
        n=200,
        accuracies={key: Measure.of(value, 200) for key, value in values.items()},
        metrics={"teacher 0123": 87.25},
        code_version="0.2.0+def",
        device="cpu",
        started_at="2026-02-03T05:00:00+00:00",
    )


@pytest.fixture(scope="session", name="make_corruptions")
def _make_corruptions() -> Callable[..., Evaluation]:
    return make_corruptions


def make_study(trials: int = 40) -> list[tuple[int, TrialRecord]]:
    """Counts from 0 to all ReLUs; accuracy rises with log count, and robust points are a little less accurate."""
    records = []
    for i in range(trials):
        count = 0 if i == 0 else round(RELUS ** ((i % 20) / 19 if trials > 1 else 1))
        wave = math.sin(12.9898 * i) * 0.5 + 0.5
        clean = min(0.55 + 0.43 * math.log10(1 + count) / math.log10(1 + RELUS) - 0.06 * wave, 0.99)
        adversarial = max(0.1 + 0.3 * wave + 0.1 * math.cos(i), 0.0)
        records.append((i, make_record(make_point(count, clean, 0.8 * clean + 0.05 * wave, adversarial), seed=i)))
    return records


@pytest.fixture(scope="session")
def study() -> list[tuple[int, TrialRecord]]:
    """Forty complete trials, one of them without any ReLU."""
    return make_study()


def make_mask(found: StudyPoint) -> Mask:
    """A mask with the counts of the point's profile, its ReLUs at the first positions of each site."""
    bits = {}
    for site in found.point.profile.sites:
        channels = max(site.relus // 16, 1)
        kept = np.arange(site.relus) < site.kept
        bits[site.path] = kept.reshape(channels, 4, 4) if site.relus % 16 == 0 else kept.reshape(-1, 1, 1)
    return Mask.of(bits)


@pytest.fixture(scope="session", name="make_mask")
def _make_mask() -> Callable[[StudyPoint], Mask]:
    return make_mask


def make_published(**fields: object) -> PublishedPoint:
    """SNL on ResNet18, as its paper reports it."""
    usual: dict[str, object] = {
        "method": "snl", "kind": "identity", "network": "resnet18", "relu_count": 12_900, "accuracy_percent": 66.5,
        "online_s": 0.3, "online_mb": None, "under": "delphi, unknown", "source": "Cho et al., ICML 2022: figure 3",
        "secondary": False,
    }  # fmt: skip
    return PublishedPoint(**{**usual, **fields})  # type: ignore[arg-type]


@pytest.fixture(scope="session", name="make_published")
def _make_published() -> Callable[..., PublishedPoint]:
    return make_published


def make_whole(records: list[tuple[int, TrialRecord]]) -> Studied:
    """All that a figure may look at: a trial a minute, masks, another seed, three published networks."""
    points = points_of(records)
    return Studied(
        points,
        name="digits",
        ended_s={trial: 60.0 * (i + 1) for i, (trial, _) in enumerate(records)},
        clock="events" if records else "",
        mask=make_mask,
        seeds=(Studied(points[: len(points) // 2 + 1]),),
        published=(
            make_published(),
            make_published(kind="quadratic", relu_count=25_000, secondary=True),
            make_published(kind="new_architecture", relu_count=None),
        ),
    )


@pytest.fixture(scope="session", name="make_whole")
def _make_whole() -> Callable[[list[tuple[int, TrialRecord]]], Studied]:
    return make_whole
