"""What measuring a network takes, from a part of the images, and how large the files are that a trial leaves."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from frontier.corruptions import _sets
from frontier.corruptions._apply import SEVERITIES, apply
from frontier.masks.file import save as save_mask
from frontier.nn.network import Classifier, backbone
from frontier.nn.profile import profile
from frontier.nn.surgery import mask_of
from frontier.results.measure import Measure
from frontier.results.record import MaskFile, Origin, Point, ReluCount, Scores, Splits, TrialRecord
from frontier.results.spec import MeasureSpec, TrialSpec
from frontier.training.batches import Images
from frontier.training.context import Context
from frontier.training.rehearsal import Span
from frontier.training.task import Candidate, Linearized
from frontier.trial.bundle import save_weights
from frontier.trial.measure import BATCH, adversarial, clean
from frontier.trial.source import SUBSET_SEED, Source

FEW = 4  # images of the first try; each further one has GROWTH times as many, for a larger batch costs less an image
GROWTH = 4
ENOUGH_S = 0.5  # of a try: then there is no further one, and one try is enough
REPEATS = 3
CORRUPTED = 50  # images that each corruption is timed on
SPLITS = ("validation", "test")


@dataclass(frozen=True)
class Sizes:
    """Bytes of one trial's files: record and spec, masks, and weights, of all its points."""

    record: int
    masks: int
    weights: int


def clean_s(model: Classifier, source: Source, spec: MeasureSpec, context: Context) -> Span:
    """Of clean accuracy on validation and test."""
    counts = [len(source.images(split, count)) for split, count in _clean_counts(spec).items()]
    return _plainly(model, source, context, max(counts)).times(sum(counts))


def measure_s(model: Classifier, source: Source, spec: MeasureSpec, context: Context) -> Span:
    """Of all three accuracies on both splits; corrupted images that are there already."""
    model.eval()
    shown, attacked = 0, 0
    for split, count in _clean_counts(spec).items():
        sets = 2 if spec.official and split == "test" else 1
        corrupted = len(source.images(split, spec.corrupted_images))
        shown += len(source.images(split, count)) + corrupted * len(spec.corruptions) * len(spec.severities) * sets
        attacked += len(source.images(split, spec.attack_images))

    def attack(images: int) -> None:
        adversarial(model, source, "validation", spec.model_copy(update={"attack_images": images}), context)

    each = _each(attack, len(source.images("validation", spec.attack_images)))
    return _plainly(model, source, context, BATCH).times(shown).plus(each.times(attacked))


def corrupting_s(source: Source, spec: MeasureSpec) -> tuple[float, int]:
    """Seconds to make the sets of corrupted images that are missing under the source's home, and their bytes."""
    seconds, size_bytes = 0.0, 0
    for split in SPLITS:
        kept = source.corrupted_split(split)
        few = kept.clean.images[:CORRUPTED]
        for corruption in _sets.missing(kept, spec.corruptions):
            started = time.perf_counter()
            for severity in SEVERITIES:
                apply(corruption, few, severity, SUBSET_SEED)
            seconds += (time.perf_counter() - started) * len(kept.clean) / len(few)
            size_bytes += kept.bytes_each
    return seconds, size_bytes


def sizes_of(spec: TrialSpec, linearized: Linearized, source: Source, folder: Path) -> Sizes:
    """By writing the files of the rehearsed networks to `folder`, with figures of no meaning in the record."""
    weights = folder / "weights.safetensors"
    points, masks, weights_bytes = [], 0, 0
    for candidate in linearized.candidates:
        mask, mask_file = mask_of(candidate.model.body), folder / "mask.safetensors"
        save_mask(mask, mask_file, network=spec.network.name, dataset=spec.data.name)
        save_weights(candidate.model, weights)
        masks, weights_bytes = masks + mask_file.stat().st_size, weights_bytes + weights.stat().st_size
        scores = _scores(spec.measure)
        points.append(
            Point(
                role=candidate.role,
                branches={name: Splits(validation=scores, test=scores) for name in _branches(candidate)},
                relu_budget=candidate.relu_budget,
                relu_count=mask.count,
                counts=ReluCount(full=mask.count, inner=mask.count),
                validation=scores,
                test=scores,
                profile=profile(candidate.model.body, source.dataset().image, outer=backbone(spec.network.name).outer),
                mask=MaskFile(file=mask_file.name, hash=mask.hash),
                weights=weights.name,
            )
        )
    origin = Origin(code_version="", device="", threads=1)
    record = TrialRecord(state="complete", spec=spec, points=tuple(points), origin=origin)
    text = record.model_dump_json(indent=1) + spec.model_dump_json(indent=1)
    return Sizes(len(text), masks, weights_bytes)


def _branches(candidate: Candidate) -> tuple[str, ...]:
    return (candidate.branch, *candidate.others) if candidate.branch is not None else ()


def _scores(spec: MeasureSpec) -> Scores:
    one = Measure.of(1 / 3, 1000)
    parts = {f"{name}/{severity}": one for name in spec.corruptions for severity in spec.severities}
    parts |= {f"{spec.attack}/{eps:g}": one for eps in spec.attack_eps_255}
    return Scores(clean=one, corrupted=one, adversarial=one, parts=parts)


def _clean_counts(spec: MeasureSpec) -> dict[str, int | None]:
    return {"validation": spec.validation_images, "test": spec.test_images}


def _plainly(model: Classifier, source: Source, context: Context, most: int) -> Span:
    """Seconds an image to classify it, in batches of up to `most` images."""
    model.eval()

    def classify(images: int) -> None:
        clean(model, Images.of(source.images("validation", images), context.device))

    return _each(classify, min(most, BATCH, len(source.images("validation", None))))


def _each(run: Callable[[int], None], most: int) -> Span:
    """Seconds an image: in one go with `most` others, or with as many as there is time for."""
    images = min(FEW, most)
    run(images)  # the first call allocates
    seconds = _timed(run, images)
    while images < most and seconds < ENOUGH_S:
        images = min(most, GROWTH * images)
        seconds = _timed(run, images)
    timings = [seconds, *(_timed(run, images) for _ in range(REPEATS - 1 if seconds < ENOUGH_S else 0))]
    return Span(min(timings) / images, max(timings) / images)


def _timed(run: Callable[[int], None], images: int) -> float:
    started = time.perf_counter()
    run(images)
    return time.perf_counter() - started
