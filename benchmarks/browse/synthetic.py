"""Synthetic studies: a trade-off over all ReLU counts of a ResNet18, written as records without any training."""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np

from frontier.masks.file import save
from frontier.masks.mask import Mask
from frontier.results.measure import Measure
from frontier.results.profile import LinearProfile, Profile, SiteProfile
from frontier.results.record import MaskFile, Origin, Point, ReluCount, Scores, TrialRecord
from frontier.results.spec import DataSpec, MeasureSpec, NetworkSpec, Recipe, TeacherSpec, TrialSpec
from frontier.results.store import Study, StudyManifest, write_record

# (C, H, W) of the 17 sites of a ResNet18 on images of 32 x 32
SHAPES = ((64, 32, 32),) * 5 + ((128, 16, 16),) * 4 + ((256, 8, 8),) * 4 + ((512, 4, 4),) * 4
RELUS = sum(math.prod(shape) for shape in SHAPES)
MACS = 555_422_720
CORRUPTIONS = ("gaussian_noise", "motion_blur", "fog", "contrast", "pixelate")
SEVERITIES, EPS = (1, 3, 5), (1, 2, 4, 8)
IMAGES = 1000
MASK = "mask.safetensors"
METHODS = ("snl", "snl", "snl", "senet", "random")


def manifest(name: str, seed: int = 0) -> StudyManifest:
    """Of a study that nobody ran; all of them ask the same of one space."""
    return StudyManifest(
        name=name,
        space={"question": "Which ReLUs can a synthetic network do without?"},
        space_hash="0123456789abcdef",
        seed=seed,
        sampler="random",
        relus=RELUS,
        created_at="2026-01-01T00:00:00Z",
        code_version="0.1.0+synthetic",
    )


def record(trial: int, *, masked: bool = False) -> TrialRecord:
    """One complete trial; the same arguments give the same record. `masked`: with the hash of its mask."""
    rng = random.Random(trial)
    count = round(RELUS ** (0.4 + 0.6 * rng.random()))
    share = math.log10(count) / math.log10(RELUS)
    clean = 0.45 + 0.5 * share - 0.1 * rng.random()
    corrupted, adversarial = clean - 0.05 - 0.1 * rng.random(), 0.1 + 0.3 * rng.random()
    recipe = Recipe(epochs=2, lr=0.1)
    profile = _profile(count, rng)
    found = {"clean": clean, "corrupted": corrupted, "adversarial": adversarial}
    return TrialRecord(
        trial=trial,
        state="complete",
        spec=TrialSpec(
            data=DataSpec(name="cifar10"),
            network=NetworkSpec(name="resnet18"),
            teacher=TeacherSpec(recipe=recipe),
            method=rng.choice(METHODS),
            knobs={"penalty": round(10 ** rng.uniform(-5, -2), 8), "growth": 1.1},
            relu_budget=profile.kept,
            finetune=recipe,
            measure=MeasureSpec(corruptions=CORRUPTIONS, severities=SEVERITIES),
            seed=trial % 3,
        ),
        points=(
            Point(
                relu_budget=profile.kept,
                relu_count=profile.kept,
                counts=ReluCount(full=profile.kept, inner=profile.kept_inner),
                validation=_scores(found, rng),
                test=_scores({name: value - 0.01 for name, value in found.items()}, rng),
                profile=profile,
                mask=MaskFile(file=MASK, hash=mask_of(profile).hash if masked else "ab" * 8),
            ),
        ),
        origin=Origin(code_version="0.1.0+synthetic", fidelity="paper", device="cpu", threads=1),
    )


def mask_of(profile: Profile) -> Mask:
    """The first positions of each site are kept."""
    sites = {}
    for site in profile.sites:
        bits = np.zeros(site.relus, dtype=bool)
        bits[: site.kept] = True
        sites[site.path] = bits.reshape(site.shape)
    return Mask.of(sites)


def _profile(count: int, rng: random.Random) -> Profile:
    weights = [rng.random() ** 3 for _ in SHAPES]
    sites = [
        SiteProfile(
            path=f"relu{i}",
            shape=shape,
            relus=math.prod(shape),
            kept=min(math.prod(shape), round(count * weight / sum(weights))),
            inner=i > 0,
        )
        for i, (shape, weight) in enumerate(zip(SHAPES, weights, strict=True))
    ]
    stem = LinearProfile(path="conv", kind="conv2d", macs=MACS, input_elements=3072, output_elements=65_536)
    return Profile(sites=tuple(sites), linear=(stem,))


def _scores(found: dict[str, float], rng: random.Random) -> Scores:
    cells = [f"{name}/{severity}" for name in CORRUPTIONS for severity in SEVERITIES]
    near = {cell: Measure.of(_clipped(found["corrupted"] + rng.uniform(-0.05, 0.05)), IMAGES) for cell in cells}
    near |= {f"pgd/{eps}": Measure.of(_clipped(found["adversarial"] - 0.02 * eps), IMAGES) for eps in EPS}
    return Scores(parts=near, **{name: Measure.of(_clipped(value), IMAGES) for name, value in found.items()})


def _clipped(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def write_study(home: Path, name: str, trials: int, *, masked: bool = False, seed: int = 0) -> Study:
    """A study of so many complete trials."""
    study = Study.create(home, manifest(name, seed), "question: synthetic\n")
    for trial in range(trials):
        write_trial(study, trial, masked=masked)
    return study


def write_trial(study: Study, trial: int, *, masked: bool = False) -> None:
    """One more finished trial."""
    study.take(trial)
    found = record(trial, masked=masked)
    if masked:
        save(mask_of(found.points[0].profile), study.trial_folder(trial) / MASK)
    write_record(study.trial_folder(trial), found)
